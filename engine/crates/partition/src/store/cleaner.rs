//! Which log is compacted when: one at a time, the dirtiest first, in slices whose pace is kept.

use model::limits::{COMPACTION_KEYS_BYTES_MAX, COMPACTION_SLICE_BYTES};
use model::{GroupId, Offset};

use super::Store;
use super::job::{StoreJob, Work};
use super::turn::WRITE_BEHIND_BYTES_MAX;
use crate::compaction::{Dirt, KeyCompactor, Terms, look};
use crate::spec::Now;

const NS_PER_MS: u64 = 1_000_000;
const NS_PER_S: u64 = 1_000_000_000;
/// What slept must not be made up for all at once: a pause counts for at most so many seconds of what may be read and written.
const BURST_S: u64 = 1;

/// How a shard compacts, by Kafka's names; each may change at any time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CleanerOptions {
    /// `log.cleaner.enable`.
    pub is_enabled: bool,
    /// `log.cleaner.backoff.ms`: how long to wait when there is nothing to do.
    pub backoff_ms: u64,
    /// This shard's part of `log.cleaner.dedupe.buffer.size`.
    pub keys_bytes_max: usize,
    /// This shard's part of `log.cleaner.io.max.bytes.per.second`.
    pub io_bytes_per_s: u64,
    /// Bytes that one slice reads.
    pub slice_bytes: usize,
}

impl Default for CleanerOptions {
    fn default() -> Self {
        CleanerOptions {
            is_enabled: true,
            backoff_ms: 15_000,
            keys_bytes_max: COMPACTION_KEYS_BYTES_MAX,
            io_bytes_per_s: u64::MAX,
            slice_bytes: COMPACTION_SLICE_BYTES,
        }
    }
}

/// What compaction has come to.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct CleanerStats {
    /// Compactions that ended.
    pub cleanings: u64,
    /// Bytes of the segments that they looked at.
    pub bytes_before: u64,
    /// Bytes of those that took their place.
    pub bytes_after: u64,
    /// The dirtiest log's share of new bytes at the last look, in percent.
    pub dirty_percent_max: u64,
}

/// The log whose turn it is.
#[derive(Clone, Copy)]
struct Chosen {
    group: GroupId,
    /// How far it is to be compacted: so far it has to be in files first.
    upto: Offset,
    begun: bool,
}

/// See the module.
pub(super) struct Cleaner {
    options: CleanerOptions,
    looked_ns: Option<u64>,
    chosen: Option<Chosen>,
    /// The next slice must not begin before.
    due_ns: u64,
    /// Names new files; random at first, so that no name meets a file of an earlier run.
    file_id: u64,
    stats: CleanerStats,
}

impl Cleaner {
    pub fn new(file_id: u64) -> Cleaner {
        Cleaner {
            options: CleanerOptions::default(),
            looked_ns: None,
            chosen: None,
            due_ns: 0,
            file_id,
            stats: CleanerStats::default(),
        }
    }

    /// A slice has read and written so much.
    pub fn took(&mut self, now: Now, io_bytes: u64) {
        let ns = u128::from(io_bytes) * u128::from(NS_PER_S) / u128::from(self.options.io_bytes_per_s.max(1));
        let ns = u64::try_from(ns).unwrap_or(u64::MAX);
        let from = self.due_ns.max(now.monotonic_ns.saturating_sub(BURST_S * NS_PER_S));
        self.due_ns = from.saturating_add(ns);
    }

    fn looks(&mut self, now: Now) -> bool {
        let backoff_ns = self.options.backoff_ms.saturating_mul(NS_PER_MS);
        let waits = |looked: u64| now.monotonic_ns.saturating_sub(looked) < backoff_ns;
        let due = !self.looked_ns.is_some_and(waits);
        if due {
            self.looked_ns = Some(now.monotonic_ns);
        }
        due
    }
}

impl Store {
    /// Changes how logs are compacted; what is under way goes on at the new pace.
    pub fn set_cleaner(&mut self, options: CleanerOptions) {
        self.cleaner.options = options;
    }

    /// What compaction has come to.
    #[must_use]
    pub fn cleaner_stats(&self) -> CleanerStats {
        self.cleaner.stats
    }

    /// When the next slice of a compaction may begin, if one waits for that alone.
    #[must_use]
    pub fn cleaning_due_ns(&self) -> Option<u64> {
        self.cleaner.chosen.map(|_| self.cleaner.due_ns)
    }

    /// Goes on with compaction, as far as it may now.
    pub(super) fn clean(&mut self, now: Now, jobs: &mut Vec<StoreJob>) {
        if self.cleaner.chosen.is_none() && self.cleaner.options.is_enabled && self.cleaner.looks(now) {
            self.cleaner.chosen = self.choose(now);
        }
        let Some(chosen) = self.cleaner.chosen else { return };
        if self.behind || now.monotonic_ns < self.cleaner.due_ns {
            return;
        }
        match self.dirt(now, chosen.group) {
            // It was deleted, or shall not be compacted any more.
            None if !chosen.begun => self.cleaner.chosen = None,
            _ if !chosen.begun => self.begin(now, chosen, jobs),
            _ => {}
        }
        self.go_on(jobs);
    }

    /// The dirtiest of the logs that are due.
    fn choose(&mut self, now: Now) -> Option<Chosen> {
        let dirty = self.partitions.keys().filter_map(|group| Some((*group, self.dirt(now, *group)?)));
        let dirty: Vec<(GroupId, Dirt)> = dirty.collect();
        let worst = dirty.iter().map(|(_, dirt)| dirt.ratio).fold(0.0, f64::max);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 100
        let percent = (worst * 100.0) as u64;
        self.cleaner.stats.dirty_percent_max = percent;
        let due = dirty.into_iter().filter(|(_, dirt)| dirt.is_due);
        let (group, dirt) = due.max_by(|(_, one), (_, other)| one.ratio.total_cmp(&other.ratio))?;
        Some(Chosen { group, upto: dirt.upto, begun: false })
    }

    fn dirt(&self, now: Now, group: GroupId) -> Option<Dirt> {
        let (partition, log) = self.look(group)?;
        if !partition.config.cleanup.compact || log.is_damaged() || log.is_uncompactable() {
            return None;
        }
        let segments: Vec<_> = log.segments().copied().collect();
        let stable = partition.watermarks(log).last_stable;
        look(&segments, log.first_dirty(), stable, &partition.config, partition.internal, now.wall_ms)
    }

    /// Begins a compaction, once what it is to look at stands in files.
    fn begin(&mut self, now: Now, chosen: Chosen, jobs: &mut Vec<StoreJob>) {
        let partition = &self.partitions[&chosen.group];
        let log = self.logs.get_mut(chosen.group).expect("a partition has a log");
        let (from, closed) = (log.first_dirty(), log.compactable(chosen.upto));
        let upto = log.segments().nth(closed.len()).map_or(Offset::ZERO, |segment| segment.base);
        if log.segments().next().is_none_or(|first| first.base >= chosen.upto) || from >= chosen.upto {
            self.cleaner.chosen = None; // retention has taken all of it
            return;
        }
        if upto < chosen.upto {
            // Small logs would stay in the journal for hours.
            if let Some(job) =
                self.logs.write_behind(&self.journal, chosen.group, WRITE_BEHIND_BYTES_MAX, true)
            {
                self.jobs_running += 1;
                jobs.push(StoreJob(Work::Log(job)));
            }
            return;
        }
        let terms = Terms {
            now_ms: now.wall_ms,
            delete_retention_ms: partition.config.delete_retention_ms,
            from,
            upto,
            last_of: partition.producers.last_of().collect(),
        };
        self.cleaner.file_id = self.cleaner.file_id.wrapping_add(1);
        let file_id = self.cleaner.file_id;
        let compactor = KeyCompactor::new(terms, self.cleaner.options.keys_bytes_max, file_id);
        let limits = super::segment_limits(partition.internal, &partition.config);
        let slice_bytes = self.cleaner.options.slice_bytes;
        let plan = log::CleanPlan { from, upto, group_bytes_max: limits.bytes, file_id, slice_bytes };
        log.begin_cleaning(plan, Box::new(compactor));
        self.cleaner.chosen = Some(Chosen { begun: true, ..chosen });
    }

    fn go_on(&mut self, jobs: &mut Vec<StoreJob>) {
        let Some(Chosen { group, begun: true, .. }) = self.cleaner.chosen else { return };
        let partition = self.partitions.get(&group);
        let Some(log) = self.logs.get_mut(group) else {
            self.cleaner.chosen = None;
            return;
        };
        let wanted = partition.is_some_and(|partition| partition.config.cleanup.compact);
        if !wanted || !self.cleaner.options.is_enabled {
            log.stop_cleaning();
        }
        let snapshot = || partition.map_or_else(Vec::new, |partition| partition.producers.state());
        match log.clean(&mut self.journal, &snapshot) {
            log::Clean::Run(job) => {
                self.jobs_running += 1;
                jobs.push(StoreJob(Work::Log(log::LogJob::Clean(job))));
            }
            log::Clean::Wait => {}
            log::Clean::Over(done) => {
                let stats = &mut self.cleaner.stats;
                stats.cleanings += 1;
                stats.bytes_before += done.before;
                stats.bytes_after += done.after;
                (self.cleaner.chosen, self.cleaner.looked_ns) = (None, None);
            }
            log::Clean::GivenUp => self.cleaner.chosen = None,
        }
    }
}
