//! Everything that logs want done with files, as one kind of job for one pool.

use std::io::Result as IoResult;
use std::path::{Path, PathBuf};

use io::{Job, Storage};
use model::{GroupId, Offset};

use crate::behind::{WriteBehind, WroteBehind};
use crate::beside::{WriteBeside, WroteBeside};
use crate::cleaning::{CleanDone, CleanJob};
use crate::compact::{SwapJob, Swapped};
use crate::read::{ReadDone, ReadJob, TimeFound, TimeJob};
use crate::segment;

/// Unlinks what a durable record allows.
pub struct Delete {
    pub(crate) group: GroupId,
    pub(crate) dir: PathBuf,
    /// Segments; `None`: the whole directory.
    pub(crate) bases: Option<Vec<Offset>>,
}

/// Unlinked, and the directory synced.
pub struct Deleted {
    /// Whose.
    pub group: GroupId,
    pub(crate) bases: Option<Vec<Offset>>,
    pub(crate) result: IoResult<()>,
}

impl Job for Delete {
    type Done = Deleted;

    fn run(self, storage: &dyn Storage) -> Deleted {
        let result = self.delete(storage);
        Deleted { group: self.group, bases: self.bases, result }
    }
}

impl Delete {
    fn delete(&self, storage: &dyn Storage) -> IoResult<()> {
        let Some(bases) = &self.bases else {
            storage.remove_dir_all(&self.dir)?;
            let topic = self.dir.parent().expect("a log's directory has a parent");
            sync_if_there(storage, topic)?;
            // The last partition takes the topic's directory with it. An empty one that a power cut brings back harms nobody.
            return storage.remove_empty_dir(topic);
        };
        for base in bases {
            segment::unlink(storage, &self.dir, *base)?;
        }
        sync_if_there(storage, &self.dir)
    }
}

/// A directory that never came to be has nothing to sync.
fn sync_if_there(storage: &dyn Storage, dir: &Path) -> IoResult<()> {
    match storage.sync_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// One piece of work on a log's files.
pub enum LogJob {
    /// See [`WriteBehind`].
    WriteBehind(WriteBehind),
    /// See [`ReadJob`].
    Read(ReadJob),
    /// See [`TimeJob`].
    TimeLookup(TimeJob),
    /// See [`Delete`].
    Delete(Delete),
    /// See [`CleanJob`].
    Clean(CleanJob),
    /// See [`SwapJob`].
    Swap(SwapJob),
    /// See [`WriteBeside`].
    WriteBeside(WriteBeside),
}

/// What came of a [`LogJob`].
pub enum LogDone {
    /// Of a write-behind.
    WroteBehind(WroteBehind),
    /// Of a read.
    Read(ReadDone),
    /// Of a lookup by time.
    TimeFound(TimeFound),
    /// Of a deletion.
    Deleted(Deleted),
    /// Of a slice of a compaction.
    Cleaned(CleanDone),
    /// Of a compaction's swap.
    Swapped(Swapped),
    /// Of a file beside the segments.
    WroteBeside(WroteBeside),
}

impl LogDone {
    /// Whose.
    pub(crate) fn group(&self) -> GroupId {
        match self {
            LogDone::WroteBehind(done) => done.group,
            LogDone::Read(done) => done.group,
            LogDone::TimeFound(found) => found.group,
            LogDone::Deleted(done) => done.group,
            LogDone::Cleaned(done) => done.group,
            LogDone::Swapped(done) => done.group,
            LogDone::WroteBeside(done) => done.group,
        }
    }
}

impl Job for LogJob {
    type Done = LogDone;

    fn run(self, storage: &dyn Storage) -> LogDone {
        match self {
            LogJob::WriteBehind(job) => LogDone::WroteBehind(job.run(storage)),
            LogJob::Read(job) => LogDone::Read(job.run(storage)),
            LogJob::TimeLookup(job) => LogDone::TimeFound(job.run(storage)),
            LogJob::Delete(job) => LogDone::Deleted(job.run(storage)),
            LogJob::Clean(job) => LogDone::Cleaned(job.run(storage)),
            LogJob::Swap(job) => LogDone::Swapped(job.run(storage)),
            LogJob::WriteBeside(job) => LogDone::WroteBeside(job.run(storage)),
        }
    }
}
