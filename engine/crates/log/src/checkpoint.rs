//! The checkpoint: frees the oldest journal file by writing behind what it still holds.
//!
//! ```text
//! closed file -> write behind every log with a batch in it -> every log's State in a newer file -> free
//! ```
//! A file is freed only when everything in it is flushed (and the journal says so durably), nothing that it allowed to be
//! unlinked is still there, and every live group has its newest State in a newer file.

use std::collections::VecDeque;

use journal::Journal;
use journal::rules::{Rule, off};
use model::GroupId;

use crate::job::{Delete, LogJob};
use crate::logs::Logs;

/// Write-behind jobs at a time: enough to keep a disk busy, few enough to leave it to the journal.
const JOBS_MAX: usize = 4;
/// States written in one turn, so that a checkpoint of many idle groups does not make one long commit.
const STATES_PER_TURN_MAX: usize = 256;

/// What the checkpoint is doing.
#[derive(Default)]
pub(crate) struct Checkpoint {
    /// Logs to write behind for the file that is to be freed.
    queue: VecDeque<GroupId>,
    jobs: usize,
    /// Everything was looked at, and nothing has happened since.
    pub settled: bool,
}

impl Checkpoint {
    /// A log has files to unlink.
    pub fn look_at(&mut self, group: GroupId) {
        if self.queue.back() != Some(&group) {
            self.queue.push_back(group);
        }
    }

    pub fn wrote_behind(&mut self) {
        self.jobs -= 1;
    }
}

impl Logs {
    /// The next job on files, in the order of what frees most; `None` when there is nothing to do now. Call it until then
    /// at the end of each turn, and run what it returns. `bytes_max` bounds the memory of one write-behind.
    pub fn next_job(&mut self, journal: &Journal, bytes_max: usize) -> Option<LogJob> {
        if let Some(delete) = self.next_delete() {
            return Some(delete);
        }
        let target = journal.to_free();
        if let Some(target) = target
            && self.checkpoint.queue.is_empty()
            && !self.checkpoint.settled
        {
            self.checkpoint.settled = true;
            self.survey(target);
        }
        for _ in 0..self.checkpoint.queue.len() {
            let group = self.checkpoint.queue.pop_front()?;
            let durable = self.durable;
            let Some(log) = self.logs.get_mut(&group) else { continue };
            if !log.busy && log.doomed.iter().any(|(commit, _)| *commit <= durable) {
                log.busy = true;
                let dead = log.doomed.iter().filter(|(commit, _)| *commit <= durable);
                let bases = Some(dead.map(|(_, base)| *base).collect());
                return Some(LogJob::Delete(Delete { group, dir: log.dir(), bases }));
            }
            if let Some(swap) = log.next_swap(durable) {
                return Some(LogJob::Swap(swap));
            }
            let wanted =
                target.is_some_and(|target| log.oldest_unflushed().is_some_and(|oldest| oldest <= target));
            if !wanted {
                continue;
            }
            if self.checkpoint.jobs == JOBS_MAX {
                self.checkpoint.queue.push_front(group);
                return None;
            }
            if let Some(job) = log.write_behind(journal, bytes_max) {
                self.checkpoint.jobs += 1;
                return Some(LogJob::WriteBehind(job));
            }
        }
        None
    }

    /// Which logs hold the file that is to be freed.
    fn survey(&mut self, target: u32) {
        for (group, log) in &self.logs {
            let unflushed = log.oldest_unflushed().is_some_and(|oldest| oldest <= target);
            if unflushed || !log.doomed.is_empty() || log.swap.is_some() {
                self.checkpoint.queue.push_back(*group);
            }
        }
    }

    /// A write-behind of one log that nothing asks for yet: for a stop in order, and for tests.
    pub fn write_behind(&mut self, journal: &Journal, group: GroupId, bytes_max: usize) -> Option<LogJob> {
        let job = self.logs.get_mut(&group)?.write_behind(journal, bytes_max)?;
        self.checkpoint.jobs += 1;
        Some(LogJob::WriteBehind(job))
    }

    /// The journal's part of the checkpoint: marks that wait for room, States of idle groups, and at last the file's
    /// freedom. Call it once a turn, before the turn is sealed. Uses the room that is kept for it.
    pub fn checkpoint(&mut self, journal: &mut Journal, producers: &dyn Fn(GroupId) -> Vec<u8>) {
        let Some(target) = journal.to_free() else { return };
        let mut blocked = self.removing.iter().any(|removing| removing.file_use <= target);
        for (group, log) in &mut self.logs {
            log.record_flushed(journal, &|| producers(*group));
            log.trim(journal);
            blocked |= log.oldest_unflushed().is_some_and(|oldest| oldest <= target)
                || !log.doomed.is_empty() && log.mark.file_use <= target
                || log.swap.as_ref().is_some_and(|swap| swap.decided() && swap.file_use <= target);
        }
        if blocked {
            return;
        }
        let mut states = 0;
        if !off(Rule::FreeAfterStates) {
            for (group, log) in self.logs.iter_mut().filter(|(_, log)| log.mark.file_use <= target) {
                let state = log.state(producers(*group));
                let mut mark = log.mark;
                mark.state_bytes =
                    mark.state_bytes.max(u32::try_from(state.producers.len()).unwrap_or(u32::MAX));
                if states == STATES_PER_TURN_MAX || !journal.takes_reserved(&mark, 0) {
                    return;
                }
                journal.carry_state(*group, &mut mark, state);
                log.mark = mark;
                states += 1;
            }
        }
        if journal.turn_file_use() > target {
            journal.free_through(target);
        }
    }
}
