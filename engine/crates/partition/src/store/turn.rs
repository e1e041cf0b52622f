//! The end of a turn, and what comes back from threads.

use std::io::ErrorKind;

use journal::GroupMark;

use super::job::{Outcome, StoreDone, StoreJob, Work};
use super::{Stop, Store};
use crate::error::Fatal;
use crate::partition::Hands;
use crate::spec::{Now, Wake};

/// Memory that one write-behind may take.
pub(super) const WRITE_BEHIND_BYTES_MAX: usize = 4 * 1024 * 1024;
/// And that one takes after a failure.
const FAILING_BYTES_MAX: usize = 64 * 1024;

impl Store {
    /// Ends a turn: seals what it recorded into a commit (if none is in flight) and adds work for the pool to `jobs`.
    pub fn end_turn(&mut self, now: Now, jobs: &mut Vec<StoreJob>, wakes: &mut Vec<Wake>) {
        if self.stop == Stop::Running {
            self.record_deferred();
            self.apply_starts();
            self.upkeep(now);
            let partitions = &self.partitions;
            let snapshot = |group| partitions.get(&group).map_or_else(Vec::new, |p| p.producers.state());
            self.logs.checkpoint(&mut self.journal, &snapshot);
            if !self.journal.is_awaited() {
                self.files(now, jobs); // the next job's mark may go with these
            }
        }
        self.seal(jobs);
        if self.stop == Stop::Running {
            self.record_deferred(); // a new turn has room again
            self.files(now, jobs);
        }
        self.behind = self.logs.is_behind(&self.journal);
        jobs.append(&mut self.jobs);
        wakes.append(&mut self.wakes);
    }

    fn seal(&mut self, jobs: &mut Vec<StoreJob>) {
        let last = self.stop == Stop::Closing && !self.journal.is_committing();
        if last {
            // Without room for it the next start takes this stop for a crash, which costs nothing but its certainty.
            if self.journal.takes_reserved(&GroupMark::default(), 0) {
                self.journal.close();
            }
            self.stop = Stop::Sealed;
        }
        // A commit of marks alone would hold up the batches that come during it; the next job brings another mark anyway.
        if self.stop == Stop::Running && !self.journal.is_awaited() && self.logs.is_writing_behind() {
            return;
        }
        if let Some(commit) = self.journal.seal() {
            self.jobs_running += 1;
            jobs.push(StoreJob(Work::Commit(commit)));
        } else if last {
            self.stop = Stop::Closed;
        }
    }

    /// Work on files: write-behind, deletions, compaction's swaps, new journal files.
    fn files(&mut self, now: Now, jobs: &mut Vec<StoreJob>) {
        if !self.upkeep.may_write(now) {
            return;
        }
        if let Some(file) = self.journal.next_file() {
            self.jobs_running += 1;
            jobs.push(StoreJob(Work::MakeFile(file)));
        }
        self.write_producers(jobs);
        // A file of the journal is free when the little that it holds is written: on a full disk that may still find space.
        let most = if self.upkeep.is_failing() { FAILING_BYTES_MAX } else { WRITE_BEHIND_BYTES_MAX };
        while let Some(job) = self.logs.next_job(&self.journal, most) {
            self.jobs_running += 1;
            jobs.push(StoreJob(Work::Log(job)));
        }
        self.clean(now, jobs);
    }

    /// Takes in what came of a job. An error is the end of the process: the journal can no longer be trusted.
    pub fn job_done(&mut self, now: Now, done: StoreDone, wakes: &mut Vec<Wake>) -> Result<(), Fatal> {
        self.jobs_running -= 1;
        match done.0 {
            Outcome::Commit(done) => {
                let committed = self.journal.committed(done).map_err(|error| Fatal(error.to_string()))?;
                self.logs.committed(&self.journal, &committed);
                for group in &committed.groups {
                    let Some(partition) = self.partitions.get_mut(group) else { continue };
                    let log = self.logs.get_mut(*group).expect("a partition has a log");
                    partition.durable(&mut Hands { log, journal: &mut self.journal, wakes });
                    if partition.has_start() {
                        self.starts.push(*group);
                    }
                }
                self.journal.recycle(committed.groups);
                if self.stop == Stop::Sealed {
                    self.stop = Stop::Closed;
                }
            }
            Outcome::FileMade(made) => {
                if let Some(error) = made.error() {
                    self.upkeep.failed(now, error);
                }
                self.journal.file_made(made);
            }
            Outcome::Log(done) => self.log_done(now, done),
            Outcome::Read(asked, done) => self.read_done(asked, done, wakes),
            Outcome::Time(asked, found) => self.time_found(asked, found, wakes),
            Outcome::Aside(moved) => match moved.result {
                Ok(()) => moved.group.into_iter().for_each(|group| self.remove_group(group)),
                Err(error) => self.upkeep.failed(now, &error), // it stays where it is until the next start
            },
        }
        Ok(())
    }

    fn log_done(&mut self, now: Now, done: log::LogDone) {
        if let log::LogDone::WroteBehind(done) = &done
            && done.is_synced()
            && self.partitions.get(&done.group).is_some_and(|partition| partition.producers.are_many())
        {
            self.producers_due.insert(done.group);
        }
        let cleaned = match &done {
            log::LogDone::Cleaned(slice) => {
                self.cleaner.took(now, slice.io_bytes());
                Some(slice.group)
            }
            _ => None,
        };
        let partitions = &self.partitions;
        let snapshot = |group| partitions.get(&group).map_or_else(Vec::new, |p| p.producers.state());
        match self.logs.job_done(&mut self.journal, done, &snapshot) {
            // It is given up and tried again; nothing waits for it.
            Err(error) if cleaned.is_some() => {
                if let Some(group) = cleaned.filter(|_| error.kind() == ErrorKind::InvalidData) {
                    self.logs.found_damage(group, &error);
                }
            }
            Ok(Some(log::LogDone::WroteBeside(done))) => {
                if let Err(error) = &done.result {
                    self.upkeep.failed(now, error);
                }
                self.wrote_producers(done.group, &done.result);
            }
            Ok(_) => self.upkeep.wrote(),
            // One partition's files, not the disk; trying again would change nothing.
            Err(error) if error.kind() == ErrorKind::InvalidData => {}
            Err(error) => self.upkeep.failed(now, &error),
        }
    }

    /// Tells logs of committed log starts, as far as the journal has room.
    fn apply_starts(&mut self) {
        for group in std::mem::take(&mut self.starts) {
            let Some(partition) = self.partitions.get_mut(&group) else { continue };
            let log = self.logs.get_mut(group).expect("a partition has a log");
            let mut hands = Hands { log, journal: &mut self.journal, wakes: &mut self.wakes };
            if !partition.apply_start(&mut hands) {
                self.starts.push(group);
            }
        }
    }

    /// Begins (or goes on with) a clean stop: the work that is out comes back, then a closing commit says that the journal
    /// ends here. Tails stay in the journal, which the next start reads.
    pub fn close(&mut self, _jobs: &mut Vec<StoreJob>) {
        if self.stop == Stop::Running {
            self.stop = Stop::Closing;
        }
    }

    /// Whether a clean stop is over.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.stop == Stop::Closed && self.jobs_running == 0
    }
}
