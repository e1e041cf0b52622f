//! What a shard does from time to time: retention, expiry of producers; and how it behaves while files cannot be
//! written.

use std::io::Error;

use model::{GroupId, Offset};

use super::Store;
use crate::partition::{Hands, Partition};
use crate::retention::{self, Candidate};
use crate::spec::Now;

const NS_PER_MS: u64 = 1_000_000;
/// After a failure files are tried again this much later.
const RETRY_MS: u64 = 1_000;
/// While files cannot be written retention is looked at this often: it may be what makes room.
const FAILING_CHECK_MS: u64 = 10_000;

/// That files cannot be written is told once in this time.
const TELL_MS: u64 = 60_000;

/// When what is due.
#[derive(Default)]
pub(super) struct Upkeep {
    checked_ns: Option<u64>,
    /// Since files cannot be written: when the next try is due.
    failing: Option<u64>,
    told_ns: Option<u64>,
    /// A sentence for the log.
    notice: Option<String>,
}

impl Upkeep {
    /// Whether the last work on files failed.
    pub fn is_failing(&self) -> bool {
        self.failing.is_some()
    }

    /// Whether files may be tried now.
    pub fn may_write(&self, now: Now) -> bool {
        self.failing.is_none_or(|due| now.monotonic_ns >= due)
    }

    pub fn wrote(&mut self) {
        self.failing = None;
    }

    pub fn failed(&mut self, now: Now, error: &Error) {
        self.failing = Some(now.monotonic_ns + RETRY_MS * NS_PER_MS);
        if self.told_ns.is_none_or(|told| now.monotonic_ns.saturating_sub(told) >= TELL_MS * NS_PER_MS) {
            self.told_ns = Some(now.monotonic_ns);
            self.notice = Some(format!(
                "files cannot be written: {error}; they are tried again every second, and records are refused once the \
                 journal is full"
            ));
        }
    }

    pub fn take_notice(&mut self) -> Option<String> {
        self.notice.take()
    }

    fn is_due(&mut self, now: Now, check_ms: u64) -> bool {
        let interval = if self.is_failing() { check_ms.min(FAILING_CHECK_MS) } else { check_ms };
        let due = match self.checked_ns {
            None => true,
            Some(checked) => now.monotonic_ns.saturating_sub(checked) >= interval.saturating_mul(NS_PER_MS),
        };
        if due {
            self.checked_ns = Some(now.monotonic_ns);
        }
        due
    }
}

impl Store {
    /// Looks at every partition, if it is time to.
    pub(super) fn upkeep(&mut self, now: Now) {
        if !self.upkeep.is_due(now, self.options.retention_check_ms) {
            return;
        }
        let groups: Vec<GroupId> = self.partitions.keys().copied().collect();
        for group in groups {
            let partition = self.partitions.get_mut(&group).expect("just listed");
            let log = self.logs.get_mut(group).expect("a partition has a log");
            let mut hands = Hands { log, journal: &mut self.journal, wakes: &mut self.wakes };
            // What is parked has a configuration of nobody's choice.
            if partition.named {
                expire(partition, &mut hands, now);
            }
            if partition.has_start() {
                self.starts.push(group);
            }
            partition.producers.expire(now.wall_ms, self.options.producer_expiration_ms);
        }
    }
}

/// Lets retention take what it takes.
fn expire(partition: &mut Partition, hands: &mut Hands<'_>, now: Now) {
    let segment = |segment: &journal::Segment| Candidate {
        base: segment.base,
        bytes: segment.bytes,
        max_timestamp: segment.max_timestamp,
    };
    let segments: Vec<Candidate> = hands.log.segments().map(segment).collect();
    let high_watermark: Offset = partition.watermarks(hands.log).high_watermark;
    let end = hands.log.end();
    let expired = retention::decide(&segments, &partition.config, now.wall_ms, high_watermark, end);
    if let Some(expired) = expired.filter(|expired| expired.log_start > hands.log.start()) {
        partition.expire(hands, expired.log_start, expired.rolls);
    }
}
