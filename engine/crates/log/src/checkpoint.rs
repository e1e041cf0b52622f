//! The checkpoint: frees the oldest journal file by writing behind what it still holds.
//!
//! ```text
//! closed file -> write behind and sync every log with a batch in it -> every log's State in a newer file -> free
//! ```
//! Some closed files are left lying, so that a sync is for much ([`Journal::to_free`]). A log is written behind earlier, and
//! not synced, when its oldest batch that is not would leave memory soon, whatever file it stands in: from the journal it
//! would have to be read batch by batch. How hard the disk is used for all this goes by that age ([`Pace`]).
//!
//! A file is freed only when everything in it is flushed (and the journal says so durably), nothing that it allowed to be
//! unlinked is still there, and every live group has its newest State in a newer file.

use std::collections::VecDeque;

use io::AlignedBuf;
use journal::Journal;
use journal::rules::{Rule, off};
use model::GroupId;

use crate::job::{Delete, LogJob};
use crate::log::Log;
use crate::logs::Logs;
use crate::segment;

/// How write-behind shares the disk with commits, which wait for what is written before theirs.
#[derive(Clone, Copy)]
struct Pace {
    /// Holds from this age of the oldest batch in memory that is not written,
    age_percent: u64,
    /// or when so much of the journal is in use.
    pressure_percent: u32,
    /// Jobs at a time.
    jobs_max: usize,
    /// Bytes in one write.
    piece_bytes: usize,
}

/// There is time: a commit finds at most one small write before it.
const CALM: Pace = Pace { age_percent: 0, pressure_percent: 0, jobs_max: 1, piece_bytes: 64 << 10 };
/// What is closed should be gone before the next file is full.
const BRISK: Pace = Pace { age_percent: 60, pressure_percent: 50, jobs_max: 2, piece_bytes: 512 << 10 };
/// Producers will have to wait: what costs least.
const FULL: Pace =
    Pace { age_percent: 80, pressure_percent: 75, jobs_max: 4, piece_bytes: segment::PIECE_BYTES_MAX };
/// From this age on a batch is written behind, so that it need not be read again from the journal.
const OLD_AGE_PERCENT: u64 = 40;
/// Writing behind does not keep up: producers wait for it.
const BEHIND_AGE_PERCENT: u64 = 87;
/// Large buffers kept from one job to the next: for as many as there may be jobs.
const BUFFERS_KEPT: usize = FULL.jobs_max;
/// States written in one turn, so that a checkpoint of many idle groups does not make one long commit.
const STATES_PER_TURN_MAX: usize = 256;
/// What the checkpoint is doing.
#[derive(Default)]
pub(crate) struct Checkpoint {
    /// Logs to look at, and to write behind if they are due.
    queue: VecDeque<GroupId>,
    jobs: usize,
    /// Everything was looked at, and nothing has happened since.
    pub settled: bool,
    /// Which file of the journal was to be freed then.
    target: Option<u32>,
    /// Buffers of write-behind jobs that are over, for the next ones.
    buffers: Vec<AlignedBuf>,
}

impl Checkpoint {
    /// A log has files to unlink, or may have more to write.
    pub fn look_at(&mut self, group: GroupId) {
        if self.queue.back() != Some(&group) {
            self.queue.push_back(group);
        }
    }

    /// A write-behind is over.
    pub fn wrote_behind(&mut self, buffer: Option<AlignedBuf>) {
        self.jobs -= 1;
        if self.buffers.len() < BUFFERS_KEPT {
            self.buffers.extend(buffer);
        }
    }
}

fn is_old(journal: &Journal, commit: u64) -> bool {
    journal.age_percent(commit) >= OLD_AGE_PERCENT
}

impl Logs {
    /// The next job on files, in the order of what frees most; `None` when there is nothing to do now. Call it until then
    /// at the end of each turn, and run what it returns. `bytes_max` bounds the memory of one write-behind.
    pub fn next_job(&mut self, journal: &Journal, bytes_max: usize) -> Option<LogJob> {
        if let Some(delete) = self.next_delete() {
            return Some(delete);
        }
        // A journal that cannot grow any more frees more of what it has.
        let settled = self.checkpoint.settled && self.checkpoint.target == journal.to_free();
        if self.checkpoint.queue.is_empty() && !settled {
            (self.checkpoint.settled, self.checkpoint.target) = (true, journal.to_free());
            self.survey(journal);
        }
        for _ in 0..self.checkpoint.queue.len() {
            let group = self.checkpoint.queue.pop_front()?;
            let durable = self.durable;
            let Some(log) = self.logs.get_mut(&group) else { continue };
            // A swap comes first: after an unlink its rename would bring the segment back.
            if !log.busy && log.swap.is_none() && log.doomed.iter().any(|(commit, _)| *commit <= durable) {
                log.busy = true;
                let dead = log.doomed.iter().filter(|(commit, _)| *commit <= durable);
                let bases = Some(dead.map(|(_, base)| *base).collect());
                return Some(LogJob::Delete(Delete { group, dir: log.dir(), bases }));
            }
            if let Some(swap) = log.next_swap(durable) {
                return Some(LogJob::Swap(swap));
            }
            if !log.is_due(journal) {
                continue;
            }
            let sync = log.is_in_closed(journal);
            if self.checkpoint.jobs >= self.pace(journal).jobs_max {
                self.checkpoint.queue.push_front(group);
                return None;
            }
            if let Some(job) = self.write_behind(journal, group, bytes_max, sync) {
                return Some(job);
            }
        }
        None
    }

    /// Which logs there is something to do for.
    fn survey(&mut self, journal: &Journal) {
        let Logs { order, logs, checkpoint, .. } = self;
        // What stands in the order may be older than the truth: such a log tells nothing about those behind it.
        let first = order.unwritten.iter().map(|(commit, group)| (*commit, &logs[group]));
        let old = first.take_while(|(commit, log)| {
            log.oldest_unwritten().is_none_or(|place| place.commit != *commit || is_old(journal, *commit))
        });
        checkpoint.queue.extend(old.filter(|(_, log)| log.is_due(journal)).map(|(_, log)| log.group));
        let Some(target) = journal.to_free() else { return };
        checkpoint.queue.extend(&order.files);
        let first = order.unflushed.iter().map(|(commit, group)| (*commit, &logs[group]));
        let closed = first.take_while(|(commit, log)| {
            log.oldest_unflushed().is_none_or(|at| at.commit != *commit || at.file_use <= target)
        });
        checkpoint
            .queue
            .extend(closed.filter(|(_, log)| log.is_in_closed(journal)).map(|(_, log)| log.group));
    }

    /// Whether batches come faster than they are written behind: soon they would have to be read again from the journal.
    /// Callers wait for the jobs that run.
    #[must_use]
    pub fn is_behind(&self, journal: &Journal) -> bool {
        self.checkpoint.jobs > 0 && self.oldest_age_percent(journal) >= BEHIND_AGE_PERCENT
    }

    fn pace(&self, journal: &Journal) -> Pace {
        let (age, pressure) = (self.oldest_age_percent(journal), journal.pressure());
        let holds = |pace: &Pace| age >= pace.age_percent || pressure >= pace.pressure_percent;
        [FULL, BRISK].into_iter().find(holds).unwrap_or(CALM)
    }

    fn oldest_age_percent(&self, journal: &Journal) -> u64 {
        self.order.unwritten.first().map_or(0, |(commit, _)| journal.age_percent(*commit))
    }

    /// Whether write-behind jobs are out: each will note in the journal how far the files hold everything.
    #[must_use]
    pub fn is_writing_behind(&self) -> bool {
        self.checkpoint.jobs > 0
    }

    /// A write-behind of one log, whether or not it is due.
    pub fn write_behind(
        &mut self,
        journal: &Journal,
        group: GroupId,
        bytes_max: usize,
        sync: bool,
    ) -> Option<LogJob> {
        let pace = self.pace(journal);
        let mut job = self.logs.get_mut(&group)?.write_behind(journal, bytes_max, sync)?;
        job.piece_bytes = pace.piece_bytes;
        job.buffer = self.checkpoint.buffers.pop();
        self.checkpoint.jobs += 1;
        Some(LogJob::WriteBehind(job))
    }

    /// The journal's part of the checkpoint: marks that wait for room, States of idle groups, and at last the file's
    /// freedom. Call it once a turn, before the turn is sealed. Uses the room that is kept for it.
    pub fn checkpoint(&mut self, journal: &mut Journal, producers: &dyn Fn(GroupId) -> Vec<u8>) {
        let target = journal.to_free();
        let waiting: Vec<GroupId> = self.order.files.iter().copied().collect();
        let mut blocked = false;
        for group in waiting {
            let log = self.logs.get_mut(&group).expect("a log that is removed is forgotten");
            log.record_flushed(journal, &|| producers(group));
            self.order.refresh(log);
            blocked |= target.is_some_and(|target| log.holds(target));
        }
        let Some(target) = target else { return };
        blocked |= self.removing.iter().any(|removing| removing.file_use <= target);
        blocked |= self.holds_unflushed(target);
        if !blocked && self.carry_states(journal, target, producers) && journal.turn_file_use() > target {
            journal.free_through(target);
        }
    }

    /// Whether a batch that is not flushed stands in `target` or an older file.
    fn holds_unflushed(&mut self, target: u32) -> bool {
        while let Some((commit, group)) = self.order.unflushed.first().copied() {
            let log = self.logs.get_mut(&group).expect("a log that is removed is forgotten");
            match log.oldest_unflushed() {
                Some(place) if place.commit == commit => return place.file_use <= target,
                // Truncated since: what stands there is older than the truth.
                Some(_) | None => self.order.refresh(log),
            }
        }
        false
    }

    /// Writes States of logs whose newest one stands in `target` or an older file. True: there are no more such logs.
    fn carry_states(
        &mut self,
        journal: &mut Journal,
        target: u32,
        producers: &dyn Fn(GroupId) -> Vec<u8>,
    ) -> bool {
        if off(Rule::FreeAfterStates) {
            return true;
        }
        let mut states = 0;
        while let Some((file_use, group)) = self.order.states.first().copied()
            && file_use <= target
        {
            let log = self.logs.get_mut(&group).expect("a log that is removed is forgotten");
            if log.mark.file_use <= target {
                let state = log.state(producers(group));
                let mut mark = log.mark;
                mark.state_bytes =
                    mark.state_bytes.max(u32::try_from(state.producers.len()).unwrap_or(u32::MAX));
                if states == STATES_PER_TURN_MAX || !journal.takes_reserved(&mark, 0) {
                    return false;
                }
                journal.carry_state(group, &mut mark, state);
                log.mark = mark;
                log.trim(journal);
                states += 1;
            }
            self.order.refresh(log);
        }
        true
    }
}

impl Log {
    /// Whether batches are to be written behind: the file that is to be freed holds one, or one will leave memory.
    fn is_due(&self, journal: &Journal) -> bool {
        let old = self.oldest_unwritten().is_some_and(|place| is_old(journal, place.commit));
        old || self.is_in_closed(journal)
    }

    /// Whether a batch that is not synced to the files stands in the file that is to be freed.
    fn is_in_closed(&self, journal: &Journal) -> bool {
        let target = journal.to_free();
        self.oldest_unsynced().zip(target).is_some_and(|(place, target)| place.file_use <= target)
    }

    /// Whether files of this log may still have to change by what stands in `target` or an older file of the journal.
    fn holds(&self, target: u32) -> bool {
        let swap = self.swap.as_ref();
        !self.doomed.is_empty() && self.mark.file_use <= target
            || swap.is_some_and(|swap| swap.file_use <= target)
    }
}
