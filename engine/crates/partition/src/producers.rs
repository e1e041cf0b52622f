//! What a partition remembers of idempotent producers, so that a batch sent twice is stored once.
//!
//! Kept as of the commit index plus what each batch behind it would add: every entry carries the log index where its batch
//! ends. A truncation drops the entries behind the cut, so a retry of a batch that was cut is never answered "duplicate" for
//! a record that is not in the log. The snapshot keeps the indexes, so a replay can truncate too.

use std::collections::{BTreeMap, VecDeque};

use batch::Header;
use model::limits::{PRODUCER_BATCHES_KEPT, PRODUCERS_IN_STATE_MAX, PRODUCERS_PER_PARTITION_MAX};
use model::{LogIndex, Offset};

use crate::error::AppendError;
use crate::spec::ProducerInfo;

pub mod file;
mod snapshot;

/// Producers forgotten at once when there are too many: forgetting one at a time would look at all of them each time.
const FORGOTTEN_AT_ONCE: usize = PRODUCERS_PER_PARTITION_MAX / 16;

/// A batch as it is remembered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Remembered {
    /// The producer's epoch.
    pub epoch: i16,
    /// Sequence number of the first record.
    pub first_sequence: i32,
    /// Sequence number of the last record.
    pub last_sequence: i32,
    /// Offset of the first record.
    pub base_offset: Offset,
    /// Offset of the last record.
    pub last_offset: Offset,
    /// Largest timestamp; what the append was answered if the topic keeps the broker's time.
    pub timestamp_ms: i64,
    /// Log index where the batch ends.
    pub end: LogIndex,
}

/// A producer.
///
/// Invariant: `batches` is never empty; their `end`s and epochs do not fall.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Producer {
    /// The last five committed ones of the newest committed epoch, and all behind the commit index.
    batches: VecDeque<Remembered>,
    /// When it last appended; `None` after a replay, until the next look at the clock.
    seen_ms: Option<i64>,
    /// Rises with every append of the partition: the smallest is forgotten first.
    used: u64,
}

/// All producers of a partition.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Producers {
    by_id: BTreeMap<i64, Producer>,
    /// Ids with batches behind the commit index, in the order of the log.
    uncommitted: VecDeque<(LogIndex, i64)>,
    uses: u64,
    /// A file beside the log holds them as of here.
    filed: Option<LogIndex>,
    /// Such a file is being written.
    pub writing: Option<LogIndex>,
}

/// What a batch's sequence numbers say about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sequence {
    /// It is the producer's next one (or nobody's).
    Next,
    /// It is stored already.
    Duplicate(Remembered),
}

/// Whether `next` follows `last`: sequence numbers wrap from the largest int32 to 0.
const fn follows(last: i32, next: i32) -> bool {
    if last == i32::MAX { next == 0 } else { next == last + 1 }
}

impl Producers {
    /// Judges a batch before it is appended.
    pub fn check(&self, header: &Header) -> Result<Sequence, AppendError> {
        if header.producer_id < 0 {
            return Ok(Sequence::Next);
        }
        if header.producer_epoch < 0 || header.base_sequence < 0 {
            return Err(AppendError::InvalidRecord);
        }
        // State is lost to expiry and to the limit; then any sequence number may be the next.
        let Some(producer) = self.by_id.get(&header.producer_id) else { return Ok(Sequence::Next) };
        let last = producer.last();
        if header.producer_epoch < last.epoch {
            return Err(AppendError::FencedProducer);
        }
        if header.producer_epoch > last.epoch {
            let begins = header.base_sequence == 0;
            return if begins { Ok(Sequence::Next) } else { Err(AppendError::OutOfOrderSequence) };
        }
        let (first_sequence, last_sequence) = (header.base_sequence, header.last_sequence());
        let same = |batch: &&Remembered| {
            batch.epoch == header.producer_epoch
                && batch.first_sequence == first_sequence
                && batch.last_sequence == last_sequence
        };
        if let Some(duplicate) = producer.batches.iter().rev().find(same) {
            return Ok(Sequence::Duplicate(*duplicate));
        }
        // A repeated batch that is no longer remembered is out of order too, as in Kafka: to call it a duplicate would be a
        // guess, and the client would take its records for stored.
        if follows(last.last_sequence, first_sequence) {
            Ok(Sequence::Next)
        } else {
            Err(AppendError::OutOfOrderSequence)
        }
    }

    /// Remembers a batch that was appended (its header is stamped) and ends at `end`. `now_ms` is `None` in a replay.
    pub fn appended(&mut self, header: &Header, end: LogIndex, now_ms: Option<i64>) {
        if header.producer_id < 0 {
            return;
        }
        let batch = Remembered {
            epoch: header.producer_epoch,
            first_sequence: header.base_sequence,
            last_sequence: header.last_sequence(),
            base_offset: header.base_offset,
            last_offset: header.last_offset(),
            timestamp_ms: header.max_timestamp,
            end,
        };
        self.uses += 1;
        let used = self.uses;
        let producer = self.by_id.entry(header.producer_id).or_insert_with(|| Producer {
            batches: VecDeque::with_capacity(1),
            seen_ms: None,
            used,
        });
        producer.batches.push_back(batch);
        producer.seen_ms = now_ms;
        producer.used = used;
        self.uncommitted.push_back((end, header.producer_id));
        if self.by_id.len() > PRODUCERS_PER_PARTITION_MAX {
            self.forget_least_used();
        }
    }

    /// Takes over what the journal's replay saw and the log cannot tell any more: batches before the log start that are newer
    /// than the file.
    pub fn adopt(&mut self, replayed: &Producers) {
        let filed = self.filed.unwrap_or(LogIndex(0));
        let mut newer: Vec<(i64, Remembered)> = Vec::new();
        for (id, producer) in &replayed.by_id {
            let known = self.by_id.get(id).map_or(filed, |known| known.last().end.max(filed));
            newer
                .extend(producer.batches.iter().filter(|batch| batch.end > known).map(|batch| (*id, *batch)));
        }
        newer.sort_by_key(|(_, batch)| batch.end);
        for (id, batch) in newer {
            self.uses += 1;
            let used = self.uses;
            let producer = self.by_id.entry(id).or_insert_with(|| Producer {
                batches: VecDeque::with_capacity(1),
                seen_ms: None,
                used,
            });
            producer.batches.push_back(batch);
            producer.used = used;
            self.uncommitted.push_back((batch.end, id));
        }
    }

    /// Everything below `commit` is on a quorum: of it, only each producer's newest batches are kept.
    pub fn committed(&mut self, commit: LogIndex) {
        while let Some((end, id)) = self.uncommitted.front().copied()
            && end <= commit
        {
            self.uncommitted.pop_front();
            if let Some(producer) = self.by_id.get_mut(&id) {
                producer.keep_newest(commit);
            }
        }
    }

    /// Everything at or behind `end` is gone from the log.
    pub fn truncated(&mut self, end: LogIndex) {
        // A file of what is gone now is of another past.
        self.filed = self.filed.filter(|filed| *filed <= end);
        self.writing = self.writing.filter(|writing| *writing <= end);
        while self.uncommitted.back().is_some_and(|(at, _)| *at > end) {
            self.uncommitted.pop_back();
        }
        self.by_id.retain(|_, producer| {
            while producer.batches.back().is_some_and(|batch| batch.end > end) {
                producer.batches.pop_back();
            }
            !producer.batches.is_empty()
        });
    }

    /// Forgets producers that have been idle for `expiration_ms`. That a producer's records are gone is no reason to: it may
    /// still send its last batch again (KIP-360).
    pub fn expire(&mut self, now_ms: i64, expiration_ms: i64) {
        self.by_id.retain(|_, producer| {
            let seen_ms = *producer.seen_ms.get_or_insert(now_ms);
            now_ms.saturating_sub(seen_ms) < expiration_ms
        });
    }

    /// Whether there are too many of them for a State.
    #[must_use]
    pub fn are_many(&self) -> bool {
        self.by_id.len() > PRODUCERS_IN_STATE_MAX
    }

    /// Whether they should stand in a file and do not.
    #[must_use]
    pub fn need_file(&self) -> bool {
        self.are_many() && self.filed.is_none() && self.writing.is_none()
    }

    /// What the file beside the log is as of.
    #[must_use]
    pub fn filed(&self) -> Option<LogIndex> {
        self.filed
    }

    /// A file holds them as of here, durably.
    pub fn set_filed(&mut self, index: Option<LogIndex>) {
        self.filed = index;
    }

    /// Them without what is not below `end`.
    #[must_use]
    pub fn as_of(&self, end: LogIndex) -> Producers {
        let mut copy = self.clone();
        copy.truncated(end);
        copy
    }

    fn forget_least_used(&mut self) {
        let mut uses: Vec<u64> = self.by_id.values().map(|producer| producer.used).collect();
        let (_, limit, _) = uses.select_nth_unstable(FORGOTTEN_AT_ONCE);
        let limit = *limit;
        self.by_id.retain(|_, producer| producer.used >= limit);
    }

    /// The last record's offset of each, by id.
    pub fn last_offsets(&self) -> impl Iterator<Item = (i64, Offset)> {
        self.by_id.iter().map(|(id, producer)| (*id, producer.last().last_offset))
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// All of them, by id.
    pub fn infos(&self) -> impl Iterator<Item = ProducerInfo> {
        self.by_id.iter().map(|(id, producer)| {
            let last = producer.last();
            ProducerInfo {
                producer_id: *id,
                producer_epoch: last.epoch,
                last_sequence: last.last_sequence,
                last_timestamp_ms: last.timestamp_ms,
            }
        })
    }
}

impl Producer {
    fn last(&self) -> &Remembered {
        self.batches.back().expect("a producer is remembered by at least one batch")
    }

    fn keep_newest(&mut self, commit: LogIndex) {
        let committed = self.batches.iter().take_while(|batch| batch.end <= commit).count();
        let epoch = self.batches[committed.max(1) - 1].epoch;
        let old = self.batches.iter().take(committed).take_while(|batch| batch.epoch < epoch).count();
        self.batches.drain(..old.max(committed.saturating_sub(PRODUCER_BATCHES_KEPT)));
    }
}

#[cfg(test)]
mod tests;
