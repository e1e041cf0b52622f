//! Work for threads, and what comes of it.

use io::{Job, Storage};
use journal::{Commit, CommitDone, FileMade, MakeFile};
use log::{LogDone, LogJob, ReadJob, TimeJob};

use super::lost::{Aside, MovedAside};
use crate::spec::{FetchSpec, ListQuery, WaiterToken};

/// Who asked for a cold read, and for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct AskedRead {
    pub spec: FetchSpec,
    pub token: WaiterToken,
    /// How often what was to be read was gone when the job came to it.
    pub tries: u8,
}

/// Who asked for a look-up by time, and for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct AskedTime {
    pub query: ListQuery,
    pub token: WaiterToken,
    /// How often what was to be read was gone when the job came to it.
    pub tries: u8,
}

/// Files go away under a reader by retention and compaction, but not for ever: after so many tries one is missing.
pub(super) const TRIES_MAX: u8 = 8;

/// What a cold read brought.
pub(super) type ReadDone = <ReadJob as Job>::Done;

pub(super) enum Work {
    Commit(Commit),
    MakeFile(MakeFile),
    Log(LogJob),
    Read(AskedRead, ReadJob),
    Time(AskedTime, TimeJob),
    Aside(Aside),
}

/// Something that may block: plain data that says what to do with storage.
pub struct StoreJob(pub(super) Work);

pub(super) enum Outcome {
    Commit(CommitDone),
    FileMade(FileMade),
    Log(LogDone),
    Read(AskedRead, ReadDone),
    Time(AskedTime, log::TimeFound),
    Aside(MovedAside),
}

/// What came of a [`StoreJob`].
pub struct StoreDone(pub(super) Outcome);

impl StoreJob {
    /// Whether it is a commit of the journal: those have a thread of their own.
    #[must_use]
    pub const fn is_commit(&self) -> bool {
        matches!(self.0, Work::Commit(_))
    }

    /// Whether it makes a file for the journal.
    #[must_use]
    pub const fn makes_journal_file(&self) -> bool {
        matches!(self.0, Work::MakeFile(_))
    }

    /// Bytes that a commit writes to the journal; `None` for everything else.
    #[must_use]
    pub fn commit_bytes(&self) -> Option<usize> {
        match &self.0 {
            Work::Commit(commit) => Some(commit.bytes()),
            Work::MakeFile(_) | Work::Log(_) | Work::Read(..) | Work::Time(..) | Work::Aside(_) => None,
        }
    }
}

impl Job for StoreJob {
    type Done = StoreDone;

    fn run(self, storage: &dyn Storage) -> StoreDone {
        StoreDone(match self.0 {
            Work::Commit(job) => Outcome::Commit(job.run(storage)),
            Work::MakeFile(job) => Outcome::FileMade(job.run(storage)),
            Work::Log(job) => Outcome::Log(job.run(storage)),
            Work::Read(asked, job) => Outcome::Read(asked, job.run(storage)),
            Work::Time(asked, job) => Outcome::Time(asked, job.run(storage)),
            Work::Aside(job) => Outcome::Aside(job.run(storage)),
        })
    }
}
