//! Compaction's swap: write the new segment, sync it, journal `Replaced`, and only then rename it over the old ones.
//!
//! Whole, flushed segments only, never the active one. Between `Replaced` and the rename readers use the new file under its
//! own name, so a reader never sees half of each. The files are written by [`cleaning`](crate::cleaning); here is what the
//! log does between two slices.

use std::io::{Error, ErrorKind, Result as IoResult};
use std::path::{Path, PathBuf};

use io::{Job, Storage};
use journal::{Journal, Record, Segment};
use model::{GroupId, LogIndex, Offset};

use crate::cleaning::{
    CleanDone, CleanJob, CleanPlan, Cleaning, Compactor, Group, Source, Step, SwapPaths, What,
};
use crate::log::Log;
use crate::segment;

/// Index files count offsets from the base in 32 bits.
const GROUP_OFFSETS_MAX: i64 = i32::MAX as i64;
/// Journal bytes that `Replaced` and `Cleaned` take at most.
const RECORD_BYTES: usize = 64;

/// A new segment between `Replaced` and the last unlink.
pub(crate) struct Swap {
    pub first: Offset,
    pub file_id: u64,
    /// The commit of `Replaced`.
    commit: u64,
    pub file_use: u32,
    /// The old segments after the first, to be unlinked.
    pub old: Vec<Offset>,
    running: bool,
}

impl Swap {
    pub fn of_replay(first: Offset, file_id: u64, file_use: u32, old: Vec<Offset>) -> Swap {
        Swap { first, file_id, commit: 0, file_use, old, running: false }
    }
}

pub(crate) fn swap_path(dir: &Path, first: Offset, file_id: u64) -> PathBuf {
    SwapPaths::new(dir, first, file_id).log
}

/// Unlinks new files of compactions that came to nothing: the process ended before the journal told of them. A log that has
/// no segment but the active one has none.
pub(crate) fn drop_leftovers(storage: &dyn Storage, log: &Log) -> IoResult<()> {
    if log.segments.len() < 2 {
        return Ok(());
    }
    let dir = log.dir();
    let live = log.swap.as_ref().map(|swap| SwapPaths::new(&dir, swap.first, swap.file_id));
    for path in storage.list(&dir)? {
        let is_live = live.as_ref().is_some_and(|live| live.all().contains(&&path));
        if path.extension().is_some_and(|suffix| suffix == "swap") && !is_live {
            storage.unlink(&path)?;
        }
    }
    Ok(())
}

/// What a compaction did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// Bytes of the segments before.
    pub before: u64,
    /// Bytes of those that took their place.
    pub after: u64,
    /// Everything before was looked at.
    pub upto: Offset,
}

/// What comes next of a compaction.
pub enum Clean {
    /// This is to be run, and its outcome to be given to [`Log::clean_done`].
    Run(CleanJob),
    /// Another job works on the files, or the journal has no room.
    Wait,
    /// It is over.
    Over(Compacted),
    /// It came to nothing (an error, a truncation, segments that retention took).
    GivenUp,
}

/// Renames the new files over the first old ones and unlinks the rest. Running it again changes nothing.
pub struct SwapJob {
    group: GroupId,
    dir: PathBuf,
    first: Offset,
    file_id: u64,
    old: Vec<Offset>,
}

/// The swap is over, durably.
pub struct Swapped {
    /// Whose.
    pub group: GroupId,
    result: IoResult<()>,
}

impl Job for SwapJob {
    type Done = Swapped;

    fn run(self, storage: &dyn Storage) -> Swapped {
        Swapped { group: self.group, result: self.swap(storage) }
    }
}

impl SwapJob {
    fn swap(&self, storage: &dyn Storage) -> IoResult<()> {
        let new = SwapPaths::new(&self.dir, self.first, self.file_id);
        if rename_if_there(storage, &new.log, &segment::log_path(&self.dir, self.first))? {
            segment::drop_indexes(storage, &self.dir, self.first)?;
        }
        rename_if_there(storage, &new.times, &segment::time_index_path(&self.dir, self.first))?;
        rename_if_there(storage, &new.offsets, &segment::index_path(&self.dir, self.first))?;
        rename_if_there(storage, &new.aborted, &segment::txn_index_path(&self.dir, self.first))?;
        storage.sync_dir(&self.dir)?;
        segment::txn_index::drop_empty(storage, &self.dir, self.first)?;
        for base in &self.old {
            segment::unlink(storage, &self.dir, *base)?;
        }
        storage.sync_dir(&self.dir)
    }
}

/// Whether it was there; if not, it was renamed before a restart.
fn rename_if_there(storage: &dyn Storage, from: &Path, to: &Path) -> IoResult<bool> {
    match storage.rename(from, to) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

impl Log {
    /// Segments before the active one and before `upto` that are flushed: what may be compacted now.
    #[must_use]
    pub fn compactable(&self, upto: Offset) -> &[Segment] {
        if self.uncompactable || self.swap.is_some() || self.cleaning.is_some() || !self.doomed.is_empty() {
            return &[];
        }
        let flushed = self.flushed.segment.min(self.offset_or_start(self.flushed_durable));
        let whole =
            self.segments.windows(2).take_while(|pair| pair[1].base <= flushed && pair[1].base <= upto);
        &self.segments[..whole.count()]
    }

    /// A compaction met damage in this log: there will be no other.
    #[must_use]
    pub fn is_uncompactable(&self) -> bool {
        self.uncompactable
    }

    fn offset_or_start(&self, index: LogIndex) -> Offset {
        if index < self.markers.base.index { self.start } else { self.markers.offset_of(index) }
    }

    /// The first offset that no compaction has looked at.
    #[must_use]
    pub fn first_dirty(&self) -> Offset {
        // As in Kafka: what was noted may be older than the log start; behind the log end it means nothing.
        let noted = self.cleaned.filter(|cleaned| *cleaned <= self.end_offset);
        noted.unwrap_or(self.start).max(self.start)
    }

    /// Begins a compaction of segments that are [`compactable`](Self::compactable).
    ///
    /// # Panics
    /// If `plan.upto` is no segment's base, or there is nothing before it.
    pub fn begin_cleaning(&mut self, plan: CleanPlan, compactor: Box<dyn Compactor>) {
        assert!(self.segments.iter().any(|segment| segment.base == plan.upto), "whole segments");
        let at = self.segments.partition_point(|segment| segment.base <= plan.from).saturating_sub(1);
        let first = self.segments[at].base;
        assert!(first < plan.upto, "there is something to learn");
        self.cleaning = Some(Box::new(Cleaning::new(plan, first, self.generation, compactor)));
    }

    /// Goes on with a compaction, as far as it can now: a job to run, or why there is none.
    pub fn clean(&mut self, journal: &mut Journal, producers: &dyn Fn() -> Vec<u8>) -> Clean {
        if self.busy || self.swap.is_some() {
            return Clean::Wait;
        }
        let Some(mut cleaning) = self.cleaning.take() else { return Clean::GivenUp };
        if cleaning.failed || cleaning.generation != self.generation || !self.still_holds(&cleaning.step) {
            return self.give_up(&cleaning);
        }
        cleaning.step = match cleaning.step {
            Step::Written(group) if !journal.takes_reserved(&self.mark, RECORD_BYTES) => Step::Written(group),
            Step::Written(group) => {
                self.record_replaced(journal, &group, cleaning.plan.file_id, producers);
                Step::Next(group.end)
            }
            Step::Next(at) => match self.next_group(at, &cleaning) {
                Some(group) => Step::Group(Box::new(group)),
                None if !journal.takes_reserved(&self.mark, RECORD_BYTES) => Step::Next(at),
                None => {
                    let upto = cleaning.end;
                    self.record(journal, &Record::Cleaned { upto }, producers);
                    self.apply_cleaned(upto);
                    return Clean::Over(Compacted { before: cleaning.before, after: cleaning.after, upto });
                }
            },
            step @ (Step::Learn { .. } | Step::Group(_)) => step,
        };
        let dirty = match &cleaning.step {
            Step::Learn { segment, .. } => self.sources(*segment, cleaning.plan.upto),
            Step::Group(_) => Vec::new(),
            Step::Next(_) | Step::Written(_) => {
                self.cleaning = Some(cleaning);
                return Clean::Wait;
            }
        };
        let first = self.segments.first().map_or(self.start, |segment| segment.base);
        let asked = cleaning.markers.is_none().then(|| Box::new(self.asked(first, cleaning.plan.upto)));
        self.busy = true;
        let what = What::Slice(cleaning, dirty, asked);
        Clean::Run(CleanJob { group: self.group, dir: self.dir(), what })
    }

    /// Gives up a compaction that was begun; [`clean`](Self::clean) takes its files away.
    pub fn stop_cleaning(&mut self) {
        if let Some(cleaning) = &mut self.cleaning {
            cleaning.failed = true;
        }
    }

    fn give_up(&mut self, cleaning: &Cleaning) -> Clean {
        let first = match &cleaning.step {
            Step::Group(group) | Step::Written(group) => group.written().map(|_| group.first()),
            Step::Learn { .. } | Step::Next(_) => None,
        };
        let Some(first) = first else { return Clean::GivenUp };
        let paths = SwapPaths::new(&self.dir(), first, cleaning.plan.file_id);
        self.busy = true;
        let paths = paths.all().map(Clone::clone).to_vec();
        Clean::Run(CleanJob { group: self.group, dir: self.dir(), what: What::Discard(paths) })
    }

    /// Whether the segments that a step works on are what they were.
    fn still_holds(&self, step: &Step) -> bool {
        match step {
            Step::Learn { segment, .. } => self.segments.iter().any(|known| known.base == *segment),
            Step::Next(_) => true,
            Step::Group(group) | Step::Written(group) => {
                self.sources(group.first(), group.end) == group.sources
            }
        }
    }

    fn sources(&self, from: Offset, end: Offset) -> Vec<Source> {
        let within = self.segments.iter().filter(|segment| segment.base >= from && segment.base < end);
        within.map(|segment| Source { base: segment.base, bytes: segment.bytes }).collect()
    }

    /// Segments from `at` on that become one; as in Kafka they are put together as long as they are not too large in all.
    fn next_group(&self, at: Offset, cleaning: &Cleaning) -> Option<Group> {
        let plan = &cleaning.plan;
        let first = self.segments.iter().position(|segment| segment.base >= at)?;
        let base = self.segments[first].base;
        if base >= cleaning.end || base >= plan.upto {
            return None;
        }
        let (mut bytes, mut next) = (self.segments[first].bytes, first + 1);
        while let Some(pair) = self.segments.get(next..next + 2)
            && pair[0].base < cleaning.end
            && pair[0].base < plan.upto
            && bytes + pair[0].bytes <= plan.group_bytes_max
            && pair[1].base.0 - base.0 <= GROUP_OFFSETS_MAX
        {
            bytes += pair[0].bytes;
            next += 1;
        }
        let end = self.segments.get(next)?.base;
        Some(Group::new(self.sources(base, end), end))
    }

    /// The new file counts from now on.
    fn record_replaced(
        &mut self,
        journal: &mut Journal,
        group: &Group,
        file_id: u64,
        producers: &dyn Fn() -> Vec<u8>,
    ) {
        let (first, end, max_timestamp) = (group.first(), group.end, group.max_timestamp);
        let bytes = group.written().expect("there is a new file");
        let record = Record::Replaced { first, end, bytes, file_id, max_timestamp };
        let place = self.record(journal, &record, producers);
        let old = group.sources.iter().skip(1).map(|source| source.base).collect();
        let (commit, file_use) = (place.commit, place.file_use);
        self.swap = Some(Box::new(Swap { first, file_id, commit, file_use, old, running: false }));
        self.replace(first, end, bytes, max_timestamp);
        self.replacements += 1;
        // Memory would go on giving out what is no longer in the files.
        while self.tail.0.front().is_some_and(|batch| batch.end_offset() <= end) {
            self.tail.0.pop_front();
        }
        self.aborted.trim(self.tail.0.front().map_or(self.end_offset, |first| first.offset));
    }

    /// A slice is over.
    pub fn clean_done(&mut self, done: CleanDone) -> IoResult<()> {
        self.busy = false;
        self.cleaning = done.cleaning;
        let Err(error) = done.result else { return Ok(()) };
        self.uncompactable |= error.kind() == ErrorKind::InvalidData;
        self.stop_cleaning();
        Err(Error::new(error.kind(), format!("compaction: {error}")))
    }

    /// The segments from `first` to `end` are one now.
    ///
    /// # Panics
    /// If there is no segment `first`.
    pub(crate) fn replace(&mut self, first: Offset, end: Offset, bytes: u64, max_timestamp: i64) {
        let at = self.segments.iter().position(|segment| segment.base == first);
        let at = at.expect("the caller has looked");
        let count = self.segments[at..].iter().take_while(|segment| segment.base < end).count();
        let known_max = self.segments[at..at + count].iter().map(|s| s.max_timestamp).max().unwrap_or(-1);
        self.segments.drain(at + 1..at + count);
        let new = &mut self.segments[at];
        (new.bytes, new.max_timestamp) = (bytes, max_timestamp.min(known_max));
        self.cleaned = Some(self.cleaned.unwrap_or(Offset::ZERO));
    }

    pub(crate) fn apply_cleaned(&mut self, upto: Offset) {
        self.cleaned = self.cleaned.max(Some(upto));
    }

    /// The swap to run, once `Replaced` is durable.
    pub(crate) fn next_swap(&mut self, durable_commit: u64) -> Option<SwapJob> {
        let busy = self.busy;
        let swap = self.swap.as_mut().filter(|swap| !busy && !swap.running)?;
        if swap.commit > durable_commit {
            return None;
        }
        swap.running = true;
        let (first, file_id, old) = (swap.first, swap.file_id, swap.old.clone());
        self.busy = true;
        Some(SwapJob { group: self.group, dir: self.dir(), first, file_id, old })
    }

    pub(crate) fn swapped(&mut self, done: Swapped) -> IoResult<()> {
        self.busy = false;
        match done.result {
            Ok(()) => {
                self.swap = None;
                self.files_gone += 1;
                self.aborted.forget_files();
            }
            Err(error) => {
                self.swap.as_mut().expect("a swap is under way").running = false;
                self.distrust_files();
                return Err(error);
            }
        }
        Ok(())
    }
}
