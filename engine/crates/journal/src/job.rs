//! What the journal wants done with files: plain data that a worker runs.

use std::io::Result as IoResult;
use std::path::PathBuf;
use std::sync::Arc;

use io::{AlignedBuf, File, Job, OpenMode, Storage};
use model::limits::JOURNAL_BLOCK_BYTES as BLOCK;

use crate::bytes::Bytes;
use crate::commit::padded;
use crate::journal::Place;

/// Bytes zeroed by one write while a file is made: little, for commits wait behind each.
const ZERO_BYTES: usize = 64 * 1024;

/// One write and one sync: everything that a turn made durable.
pub struct Commit {
    pub(crate) number: u64,
    pub(crate) file: Arc<dyn File>,
    pub(crate) position: u64,
    pub(crate) blocks: Arc<AlignedBuf>,
    pub(crate) len: usize,
}

/// A commit is durable, or the process must end.
pub struct CommitDone {
    pub(crate) number: u64,
    pub(crate) result: IoResult<()>,
}

impl CommitDone {
    /// What the system said.
    pub fn into_result(self) -> IoResult<()> {
        self.result
    }
}

impl Commit {
    /// Bytes that go to disk.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.len
    }

    /// The commit's number.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Only the write, without the sync: for tests that end a run between the two.
    pub fn write(&self) -> IoResult<()> {
        self.file.write_at(&self.blocks[..self.len], self.position)
    }
}

impl Job for Commit {
    type Done = CommitDone;

    fn run(self, _storage: &dyn Storage) -> CommitDone {
        let result = self.write().and_then(|()| self.file.sync_data());
        CommitDone { number: self.number, result }
    }
}

/// Makes a journal file (or makes a free one larger): written once, so that later writes touch no metadata.
pub struct MakeFile {
    pub(crate) number: u32,
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    pub(crate) is_new: bool,
}

/// A journal file was made, or could not be.
pub struct FileMade {
    pub(crate) number: u32,
    pub(crate) result: IoResult<(Arc<dyn File>, u64)>,
}

impl FileMade {
    /// Why there is no such file, if there is none: the disk may be full.
    #[must_use]
    pub fn error(&self) -> Option<&std::io::Error> {
        self.result.as_ref().err()
    }
}

impl MakeFile {
    pub(crate) fn make(&self, storage: &dyn Storage) -> IoResult<Arc<dyn File>> {
        let file = storage.open(&self.path, OpenMode::CreateDirect)?;
        let zeros = AlignedBuf::zeroed(usize::try_from(self.bytes).unwrap_or(ZERO_BYTES).min(ZERO_BYTES));
        let mut position = 0;
        while position < self.bytes {
            let n = (self.bytes - position).min(ZERO_BYTES as u64);
            file.write_at(&zeros[..usize::try_from(n).expect("at most ZERO_BYTES")], position)?;
            position += n;
        }
        file.sync_data()?;
        storage.sync_dir(self.path.parent().expect("a journal file stands in a directory"))?;
        Ok(file)
    }
}

impl Job for MakeFile {
    type Done = FileMade;

    fn run(self, storage: &dyn Storage) -> FileMade {
        let result = self.make(storage).map(|file| (file, self.bytes));
        if result.is_err() && self.is_new {
            // Half a file would keep the rest of a full disk; that it cannot be removed changes nothing.
            let _ = storage.unlink(&self.path);
        }
        FileMade { number: self.number, result }
    }
}

/// Reads bytes that are no longer in memory from a journal file.
#[derive(Clone)]
pub struct ColdRead {
    pub(crate) file: Arc<dyn File>,
    pub(crate) place: Place,
}

/// What a cold read brought. Only [`crate::Journal::cold_done`] knows whether the file still is what it was.
pub struct Cold {
    /// Where it was read.
    pub place: Place,
    /// What was read.
    pub result: IoResult<Bytes>,
}

impl ColdRead {
    /// What it reads.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// Reads; may block. The bytes count only while the journal still holds the place.
    pub fn read(&self) -> IoResult<Bytes> {
        let (start, len) = (self.place.position as usize, self.place.len as usize);
        let first = start / BLOCK * BLOCK;
        let mut blocks = AlignedBuf::zeroed(padded(start - first + len));
        io::storage::read_exact_at(&*self.file, &mut blocks, first as u64)?;
        Ok(Bytes::of_blocks(Arc::new(blocks), start - first, len))
    }
}

impl Job for ColdRead {
    type Done = Cold;

    fn run(self, _storage: &dyn Storage) -> Cold {
        Cold { place: self.place, result: self.read() }
    }
}
