//! Compaction's swap: write the new segment, sync it, journal `Replaced`, and only then rename it over the old ones.
//!
//! Whole, flushed segments only, never the active one. What stays is decided by a [`Compactor`] that the partition gives.
//! Between `Replaced` and the rename readers use the new file under its own name, so a reader never sees half of each.

use std::io::{ErrorKind, Result as IoResult};
use std::path::{Path, PathBuf};

use io::{Job, OpenMode, Storage};
use journal::{Journal, Record, Segment};
use model::{GroupId, LogIndex, Offset};

use crate::aborted::Asked;
use crate::log::Log;
use crate::read::Stretch;
use crate::segment::{self, Aborted};

/// Decides what stays: takes the segments' batches, oldest first, and the aborted transactions among them, and returns the
/// batches of the one new segment.
pub type Compactor = Box<dyn FnOnce(Vec<u8>, &[Aborted]) -> Vec<u8> + Send>;

/// A compaction between its first write and its last unlink.
pub(crate) struct Swap {
    pub first: Offset,
    pub end: Offset,
    pub file_id: u64,
    bytes: u64,
    /// The commit of `Replaced`; `None` until it is recorded.
    commit: Option<u64>,
    pub file_use: u32,
    /// The old segments after the first, to be unlinked.
    old: Vec<Offset>,
    running: bool,
}

impl Swap {
    /// `Replaced` is recorded: the new file counts.
    pub fn decided(&self) -> bool {
        self.commit.is_some()
    }

    pub fn of_replay(
        first: Offset,
        end: Offset,
        bytes: u64,
        file_id: u64,
        file_use: u32,
        old: Vec<Offset>,
    ) -> Swap {
        Swap { first, end, file_id, bytes, commit: Some(0), file_use, old, running: false }
    }
}

pub(crate) fn swap_path(dir: &Path, first: Offset, file_id: u64) -> PathBuf {
    dir.join(format!("{:020}.log.{file_id}.swap", first.0))
}

/// Unlinks new files of compactions that came to nothing: the process ended before the journal told of them. A log with one
/// segment has none.
pub(crate) fn drop_leftovers(storage: &dyn Storage, log: &Log) -> IoResult<()> {
    if log.segments.len() < 2 {
        return Ok(());
    }
    let dir = log.dir();
    let live = log.swap.as_ref().map(|swap| swap_path(&dir, swap.first, swap.file_id));
    for path in storage.list(&dir)? {
        if path.extension().is_some_and(|suffix| suffix == "swap") && Some(&path) != live.as_ref() {
            storage.unlink(&path)?;
        }
    }
    Ok(())
}

/// Reads segments, compacts them and writes the new file under its own name.
pub struct CompactJob {
    group: GroupId,
    generation: u32,
    dir: PathBuf,
    stretches: Vec<Stretch>,
    aborted: Asked,
    first: Offset,
    end: Offset,
    file_id: u64,
    compactor: Compactor,
}

/// The new file is written and synced.
pub struct CompactDone {
    /// Whose.
    pub group: GroupId,
    generation: u32,
    result: IoResult<u64>,
}

/// What a compaction did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// Bytes of the segments before.
    pub before: u64,
    /// Bytes of the one that took their place.
    pub after: u64,
}

impl Job for CompactJob {
    type Done = CompactDone;

    fn run(self, storage: &dyn Storage) -> CompactDone {
        let (group, generation) = (self.group, self.generation);
        CompactDone { group, generation, result: self.compact(storage) }
    }
}

impl CompactJob {
    fn compact(self, storage: &dyn Storage) -> IoResult<u64> {
        let mut batches = Vec::new();
        for stretch in &self.stretches {
            batches.extend(stretch.read(storage, &self.dir, stretch.base, self.end, usize::MAX, true)?);
        }
        let aborted = self.aborted.find(storage, true, self.end)?;
        let kept = (self.compactor)(batches, &aborted.list);
        let path = swap_path(&self.dir, self.first, self.file_id);
        let file = storage.open(&path, OpenMode::Create)?;
        file.set_len(0)?;
        file.write_at(&kept, 0)?;
        file.sync_data()?;
        storage.sync_dir(&self.dir)?;
        Ok(kept.len() as u64)
    }
}

/// Renames the new file over the first old one and unlinks the rest. Running it again changes nothing.
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
        let renamed = storage.rename(
            &swap_path(&self.dir, self.first, self.file_id),
            &segment::log_path(&self.dir, self.first),
        );
        match renamed {
            Ok(()) => segment::drop_indexes(storage, &self.dir, self.first)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {} // done before a restart
            Err(error) => return Err(error),
        }
        storage.sync_dir(&self.dir)?;
        segment::txn_index::merge(storage, &self.dir, self.first, &self.old)?;
        for base in &self.old {
            segment::unlink(storage, &self.dir, *base)?;
        }
        storage.sync_dir(&self.dir)
    }
}

impl Log {
    /// Segments before the active one and before `upto` that are flushed: what may be compacted now.
    #[must_use]
    pub fn compactable(&self, upto: Offset) -> &[Segment] {
        if self.uncompactable || self.swap.is_some() || self.busy || !self.doomed.is_empty() {
            return &[];
        }
        let flushed = self.flushed.segment.min(self.offset_or_start(self.flushed_durable));
        let whole =
            self.segments.windows(2).take_while(|pair| pair[1].base <= flushed && pair[1].base <= upto);
        &self.segments[..whole.count()]
    }

    fn offset_or_start(&self, index: LogIndex) -> Offset {
        if index < self.markers.base.index { self.start } else { self.markers.offset_of(index) }
    }

    /// Starts compacting the first `segments` segments (of [`compactable`](Self::compactable)); `file_id` must be new.
    pub fn compact(&mut self, segments: usize, file_id: u64, compactor: Compactor) -> CompactJob {
        let first = self.segments[0].base;
        let end = self.segments[segments].base;
        let stretches: Vec<Stretch> = self.stretches(first).into_iter().filter(|s| s.base < end).collect();
        let old = self.segments[1..segments].iter().map(|segment| segment.base).collect();
        self.busy = true;
        let (bytes, file_use) = (0, u32::MAX);
        self.swap =
            Some(Box::new(Swap { first, end, file_id, bytes, commit: None, file_use, old, running: false }));
        let (group, generation, dir) = (self.group, self.generation, self.dir());
        let aborted = self.asked(first, end);
        CompactJob { group, generation, dir, stretches, aborted, first, end, file_id, compactor }
    }

    /// The new file is there: journals `Replaced`. `None`: nothing came of it (an error, a truncation, no room).
    pub fn compacted(
        &mut self,
        journal: &mut Journal,
        done: CompactDone,
        producers: &dyn Fn() -> Vec<u8>,
    ) -> Option<Compacted> {
        self.busy = false;
        let mut swap = self.swap.take().expect("a compaction is under way");
        self.uncompactable |= done.result.as_ref().is_err_and(|error| error.kind() == ErrorKind::InvalidData);
        let bytes = done.result.ok().filter(|_| done.generation == self.generation);
        let bytes = bytes.filter(|_| self.segments.first().is_some_and(|first| first.base == swap.first));
        let Some(bytes) = bytes.filter(|_| journal.takes_reserved(&self.mark, 64)) else {
            self.tidy = true;
            return None;
        };
        let (first, end, file_id) = (swap.first, swap.end, swap.file_id);
        let place = self.record(journal, &Record::Replaced { first, end, bytes, file_id }, producers);
        swap.bytes = bytes;
        swap.commit = Some(place.commit);
        swap.file_use = place.file_use;
        let before = self.replace(first, end, bytes);
        self.files_gone += 1;
        self.swap = Some(swap);
        Some(Compacted { before, after: bytes })
    }

    /// The segments from `first` to `end` become one. Returns the bytes that they had.
    pub(crate) fn replace(&mut self, first: Offset, end: Offset, bytes: u64) -> u64 {
        let count = self.segments.iter().take_while(|segment| segment.base < end).count();
        let max_timestamp = self.segments[..count].iter().map(|s| s.max_timestamp).max().unwrap_or(-1);
        let old: Vec<Segment> = self.segments.drain(1..count).collect();
        let new = &mut self.segments[0];
        assert_eq!(new.base, first, "compaction begins with the first segment");
        let before = new.bytes + old.iter().map(|segment| segment.bytes).sum::<u64>();
        (new.bytes, new.max_timestamp) = (bytes, max_timestamp);
        before
    }

    /// The swap to run, once `Replaced` is durable.
    pub(crate) fn next_swap(&mut self, durable_commit: u64) -> Option<SwapJob> {
        let busy = self.busy;
        let swap = self.swap.as_mut().filter(|swap| !busy && !swap.running)?;
        if swap.commit? > durable_commit {
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
