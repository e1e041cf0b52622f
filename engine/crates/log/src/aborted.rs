//! Aborted transactions of a log: those in memory, and which segments have more of them in their files.

use std::collections::{BTreeSet, VecDeque};
use std::io::{ErrorKind, Result as IoResult};
use std::path::{Path, PathBuf};

use io::Storage;
use journal::{Journal, Record};
use model::Offset;

use crate::cleaning::SwapPaths;
use crate::log::Log;
use crate::read::{ReadDone, ReadJob};
use crate::segment::txn_index::{collect, cut_unsynced, list};
use crate::segment::{Aborted, log_path, txn_index_path};

/// How often files are looked for again that went away meanwhile.
const TRIES_MAX: u8 = 4;

/// See the module. Bounded by the tail: an entry goes with its marker.
#[derive(Default)]
pub(crate) struct InMemory {
    /// Every one whose marker stands in the tail, in the order of the markers.
    recent: VecDeque<Aborted>,
    /// Segments with a transaction index; `None` until somebody looked.
    bases: Option<BTreeSet<Offset>>,
    /// Rises when an index gets entries while nobody has looked: whoever looks just now may have missed it.
    written: u32,
}

impl InMemory {
    /// The one whose marker stands there.
    pub fn ended_at(&self, marker: Offset) -> Option<Aborted> {
        let at = self.recent.partition_point(|aborted| aborted.last < marker);
        self.recent.get(at).copied().filter(|aborted| aborted.last == marker)
    }

    /// Indexes of these segments have entries.
    pub fn wrote(&mut self, bases: &[Offset]) {
        if bases.is_empty() {
            return;
        }
        self.written += 1;
        if let Some(known) = &mut self.bases {
            known.extend(bases);
        }
    }

    /// Takes over those of the same log before a State, as far as it was the same up to `end`.
    pub fn take_over(&mut self, old: InMemory, end: Offset) {
        self.recent = old.recent;
        self.truncate(end);
    }

    /// The tail begins here now.
    pub fn trim(&mut self, tail: Offset) {
        while self.recent.front().is_some_and(|aborted| aborted.last < tail) {
            self.recent.pop_front();
        }
    }

    /// The log ends here now, and its files are not what they were.
    pub fn truncate(&mut self, end: Offset) {
        while self.recent.back().is_some_and(|aborted| aborted.last >= end) {
            self.recent.pop_back();
        }
        self.forget_files();
    }

    /// Indexes were taken away or put together.
    pub fn forget_files(&mut self) {
        self.written += 1;
        self.bases = None;
    }
}

/// What a read from segments is to find out beside its records.
pub(crate) struct Asked {
    /// From memory.
    recent: Vec<Aborted>,
    dir: PathBuf,
    /// The first segment that may tell, and the last.
    bases: (Offset, Offset),
    known: Option<Vec<Offset>>,
    swap: Option<NewIndex>,
    /// Where the reader begins, how far it may see, and how far the files count.
    from: Offset,
    upto: Offset,
    upto_written: Offset,
    written: u32,
}

/// A compaction's new segment whose files may not have their names yet: its index tells for those that it took the place of.
struct NewIndex {
    first: Offset,
    old: Vec<Offset>,
    /// `None`: it has the first one's name by now, or there is none.
    path: Option<PathBuf>,
}

/// What was found.
#[derive(Default)]
pub(crate) struct Found {
    /// In the order of their markers.
    pub list: Vec<Aborted>,
    /// The directory was looked through: which segments have an index, as of `written`.
    listed: Option<(Vec<Offset>, u32)>,
}

impl Asked {
    /// `upto` is the end of what was read.
    pub fn find(mut self, storage: &dyn Storage, in_files: bool, upto: Offset) -> IoResult<Found> {
        let mut found = Found::default();
        if in_files {
            self.find_in_files(storage, upto, &mut found)?;
        }
        let newest = found.list.last().map_or(Offset(-1), |aborted| aborted.last);
        let recent = self.recent.into_iter().filter(|a| a.last > newest && a.overlaps(self.from, upto));
        found.list.extend(recent);
        Ok(found)
    }

    fn find_in_files(&mut self, storage: &dyn Storage, upto: Offset, found: &mut Found) -> IoResult<()> {
        let (first, last) = self.bases;
        let bounds = (self.from, upto, self.upto_written);
        let mut tries = 0;
        loop {
            let bases = match self.known.take() {
                Some(bases) => bases,
                None => {
                    let bases = list(storage, &self.dir)?;
                    found.listed = Some((bases.clone(), self.written));
                    bases
                }
            };
            let asked = bases.into_iter().filter(|base| (first..=last).contains(base));
            let files = self.files(asked);
            found.list.clear();
            tries += 1;
            match collect(storage, &files, bounds, &mut found.list) {
                Err(error) if error.kind() == ErrorKind::NotFound && tries < TRIES_MAX => {
                    self.swap.iter_mut().for_each(|swap| swap.path = None);
                }
                result => return result,
            }
        }
    }

    /// The files to look through.
    fn files(&self, bases: impl Iterator<Item = Offset>) -> Vec<(Offset, PathBuf)> {
        let named = |base: Offset| (base, txn_index_path(&self.dir, base));
        let Some(swap) = &self.swap else { return bases.map(named).collect() };
        let stays = |base: &Offset| !swap.old.contains(base) && (*base != swap.first || swap.path.is_none());
        let mut files: Vec<_> = bases.filter(stays).map(named).collect();
        let (first, last) = self.bases;
        if let Some(path) = swap.path.as_ref().filter(|_| (first..=last).contains(&swap.first)) {
            let at = files.partition_point(|(base, _)| *base < swap.first);
            files.insert(at, (swap.first, path.clone()));
        }
        files
    }

    /// How far the reader may see.
    pub fn upto(&self) -> Offset {
        self.upto
    }
}

impl Log {
    /// The marker that was just appended aborted a transaction: recorded beside it.
    pub fn add_aborted(&mut self, journal: &mut Journal, aborted: Aborted, producers: &dyn Fn() -> Vec<u8>) {
        let Aborted { producer_id, first, last, last_stable } = aborted;
        self.record(journal, &Record::Aborted { producer_id, first, last, last_stable }, producers);
        let follows = self.apply_aborted(aborted);
        debug_assert!(follows, "its marker ends the log");
    }

    /// The same without the record, for replay too. False: its marker is not the log's end.
    pub(crate) fn apply_aborted(&mut self, aborted: Aborted) -> bool {
        let follows = aborted.last.plus(1) == self.end_offset;
        if follows {
            self.aborted.recent.push_back(aborted);
        }
        follows
    }

    /// After a replay, before anything is written: what the files have of the transactions that it brought was not synced
    /// and goes.
    pub fn recover_aborted(&mut self, storage: &dyn Storage) -> IoResult<()> {
        let from = self.written_upto();
        self.aborted.trim(from);
        let base = self.flushed.segment;
        match self.aborted.recent.front() {
            Some(first) if has_segment(storage, &self.dir(), base)? => {
                cut_unsynced(storage, &self.dir(), base, from, first)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether memory holds any.
    #[must_use]
    pub fn has_aborted(&self) -> bool {
        !self.aborted.recent.is_empty()
    }

    /// Producer and first offset of those with records from `from` on and before `upto`, for records in memory.
    #[must_use]
    pub fn aborted_in(&self, from: Offset, upto: Offset) -> Vec<(i64, Offset)> {
        let at = self.aborted.recent.partition_point(|aborted| aborted.last < from);
        let recent = self.aborted.recent.range(at..).filter(|aborted| aborted.first < upto);
        recent.map(|aborted| (aborted.producer_id, aborted.first)).collect()
    }

    pub(crate) fn asked(&self, from: Offset, upto: Offset) -> Asked {
        let at = self.aborted.recent.partition_point(|aborted| aborted.last < from);
        let first = self.segments.iter().rev().map(|segment| segment.base).find(|base| *base <= from);
        Asked {
            recent: self.aborted.recent.range(at..).filter(|aborted| aborted.first < upto).copied().collect(),
            dir: self.dir(),
            bases: (first.unwrap_or(Offset::ZERO), self.written().segment),
            known: self.aborted.bases.as_ref().map(|bases| bases.iter().copied().collect()),
            swap: self.swap.as_ref().map(|swap| NewIndex {
                first: swap.first,
                old: swap.old.clone(),
                path: Some(SwapPaths::new(&self.dir(), swap.first, swap.file_id).aborted),
            }),
            from,
            upto,
            upto_written: self.written_upto(),
            written: self.aborted.written,
        }
    }

    /// What a read found out about files is worth keeping, if nothing was written or taken away since.
    pub fn aborted_files_listed(&mut self, done: &mut ReadDone) {
        if let Some((bases, written)) = done.aborted.listed.take()
            && written == self.aborted.written
        {
            self.aborted.bases = Some(bases.into_iter().collect());
        }
    }
}

fn has_segment(storage: &dyn Storage, dir: &Path, base: Offset) -> IoResult<bool> {
    Ok(storage.list(dir)?.contains(&log_path(dir, base)))
}

impl ReadJob {
    /// The same for a reader of committed records from `from` on, who may see as far as `upto`.
    #[must_use]
    pub fn with_aborted(mut self, log: &Log, from: Offset, upto: Offset) -> ReadJob {
        self.aborted = Some(Box::new(log.asked(from, upto)));
        self
    }
}

impl ReadDone {
    /// Producer and first offset of aborted transactions with records in what was read, if that was asked for.
    #[must_use]
    pub fn take_aborted(&mut self) -> Vec<(i64, Offset)> {
        let aborted = std::mem::take(&mut self.aborted.list);
        aborted.into_iter().map(|aborted| (aborted.producer_id, aborted.first)).collect()
    }
}
