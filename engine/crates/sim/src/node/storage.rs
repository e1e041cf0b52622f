//! The disk with faults: a layer over [`SimDisk`] that fails single calls, runs full, and watches what is written where.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use io::{File, OpenMode, Storage};
use journal::commit::{Head, head};

use super::trace;
use crate::disk::SimDisk;

/// With fewer files a journal is still being made.
const JOURNAL_FILES_MIN: usize = 3;

/// What a file is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Journal,
    Segment,
}

/// A call that will fail once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Fault {
    JournalWrite,
    JournalSync,
    SegmentWrite,
    SegmentSync,
    Read,
}

/// What was seen of the disk's use since the run began.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Seen {
    /// Commits that went to the last file that a journal had: all others were needed.
    pub reserved: u64,
    /// Files of the journal that began a new use over an old one.
    pub recycled: u64,
    /// Segments that were cut where bytes stood.
    pub cuts: u64,
    /// Segments that were removed.
    pub unlinks: u64,
    /// Faults that hit.
    pub hits: u64,
    /// Of these, those of the journal that nobody has asked about.
    pub journal_hits: u64,
}

#[derive(Default)]
struct State {
    armed: Vec<Fault>,
    segments_full: bool,
    segment_writes: u64,
    seen: Seen,
    /// Every journal file.
    files: BTreeSet<PathBuf>,
    /// The newest use of each journal file.
    uses: BTreeMap<PathBuf, u32>,
}

impl State {
    fn hit(&mut self, fault: Fault) -> bool {
        let Some(at) = self.armed.iter().position(|armed| *armed == fault) else { return false };
        self.armed.remove(at);
        self.seen.hits += 1;
        self.seen.journal_hits += u64::from(matches!(fault, Fault::JournalWrite | Fault::JournalSync));
        trace::note("disk fault", fault as i64, 0, 0);
        true
    }

    fn watch_commit(&mut self, path: &Path, bytes: &[u8], position: u64) {
        let Head::Header(header) = head(bytes) else { return };
        let dir = path.parent();
        let files = self.files.iter().filter(|file| file.parent() == dir).count();
        let needed = (header.file_use + 1 - header.start) as usize;
        self.seen.reserved += u64::from(files >= JOURNAL_FILES_MIN && needed >= files);
        if position == 0 {
            let before = self.uses.insert(path.to_owned(), header.file_use);
            self.seen.recycled += u64::from(before.is_some_and(|before| before < header.file_use));
        }
    }
}

/// The storage of the node; clones are the same disk.
#[derive(Clone, Default)]
pub(super) struct FaultyDisk {
    pub disk: SimDisk,
    state: Arc<Mutex<State>>,
}

impl FaultyDisk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next such call fails.
    pub fn arm(&self, fault: Fault) {
        self.lock().armed.push(fault);
    }

    /// The disk is well again.
    pub fn disarm(&self) {
        let mut state = self.lock();
        state.armed.clear();
        state.segments_full = false;
    }

    /// Segments find no space, or do again.
    pub fn fill(&self, full: bool) {
        self.lock().segments_full = full;
    }

    pub fn segment_writes(&self) -> u64 {
        self.lock().segment_writes
    }

    /// How often the journal failed since this was last asked.
    pub fn take_journal_hits(&self) -> u64 {
        std::mem::take(&mut self.lock().seen.journal_hits)
    }

    pub fn seen(&self) -> Seen {
        self.lock().seen
    }
}

struct FaultyFile {
    disk: FaultyDisk,
    file: Arc<dyn File>,
    path: PathBuf,
    kind: Kind,
}

fn failed() -> Error {
    Error::other("input/output error")
}

impl File for FaultyFile {
    fn read_at(&self, buf: &mut [u8], position: u64) -> Result<usize> {
        if self.disk.lock().hit(Fault::Read) {
            return Err(failed());
        }
        self.file.read_at(buf, position)
    }

    fn write_at(&self, buf: &[u8], position: u64) -> Result<()> {
        trace::mix(position ^ (buf.len() as u64) << 32);
        let mut state = self.disk.lock();
        match self.kind {
            Kind::Journal => {
                if state.hit(Fault::JournalWrite) {
                    // Some of it may have reached the disk.
                    let half = buf.len() / 2 / 4096 * 4096;
                    drop(state);
                    self.file.write_at(&buf[..half], position)?;
                    return Err(failed());
                }
                state.watch_commit(&self.path, buf, position);
            }
            Kind::Segment => {
                if state.segments_full {
                    return Err(ErrorKind::StorageFull.into());
                }
                if state.hit(Fault::SegmentWrite) {
                    return Err(failed());
                }
                state.segment_writes += 1;
            }
        }
        drop(state);
        self.file.write_at(buf, position)
    }

    fn sync_data(&self) -> Result<()> {
        let fault = if self.kind == Kind::Journal { Fault::JournalSync } else { Fault::SegmentSync };
        let fails = self.disk.lock().hit(fault);
        self.disk.disk.fail_syncs(fails);
        let result = self.file.sync_data();
        self.disk.disk.fail_syncs(false);
        result
    }

    fn set_len(&self, len: u64) -> Result<()> {
        if self.kind == Kind::Segment && self.path.extension().is_some_and(|name| name == "log") {
            let shorter = self.file.len()? > len;
            self.disk.lock().seen.cuts += u64::from(shorter);
        }
        self.file.set_len(len)
    }

    fn len(&self) -> Result<u64> {
        self.file.len()
    }
}

impl Storage for FaultyDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> Result<Arc<dyn File>> {
        let file = self.disk.open(path, mode)?;
        let journal = path.extension().is_some_and(|name| name == "j");
        if journal {
            self.lock().files.insert(path.to_owned());
        }
        let kind = if journal { Kind::Journal } else { Kind::Segment };
        Ok(Arc::new(FaultyFile { disk: self.clone(), file, path: path.to_owned(), kind }))
    }

    fn create_dir_all(&self, path: &Path) -> Result<()> {
        self.disk.create_dir_all(path)
    }

    fn list(&self, path: &Path) -> Result<Vec<PathBuf>> {
        self.disk.list(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.disk.rename(from, to)
    }

    fn unlink(&self, path: &Path) -> Result<()> {
        let segment = path.extension().is_some_and(|name| name == "log");
        self.lock().seen.unlinks += u64::from(segment);
        self.lock().files.remove(path);
        self.disk.unlink(path)
    }

    fn remove_dir_all(&self, path: &Path) -> Result<()> {
        self.disk.remove_dir_all(path)
    }

    fn remove_empty_dir(&self, path: &Path) -> Result<()> {
        self.disk.remove_empty_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> Result<()> {
        self.disk.sync_dir(path)
    }

    fn free_bytes(&self, path: &Path) -> Result<u64> {
        self.disk.free_bytes(path)
    }
}
