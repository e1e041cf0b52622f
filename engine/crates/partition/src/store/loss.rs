//! A start that gave something up: the journal is left behind for fresh files before anyone may use what is left.
//!
//! As long as the damaged files count, every start would find the damage again and would have to be told to accept it. So
//! everything that they still hold is written behind and every log's State written anew, here, at once.

use std::collections::BTreeMap;

use io::{Job, Storage};
use journal::Journal;
use log::Logs;
use model::GroupId;

use super::Store;
use super::turn::WRITE_BEHIND_BYTES_MAX;
use crate::error::OpenError;
use crate::producers::Producers;

impl Store {
    /// What is to be told since the last call: damage in files, a sentence for each partition, and that files cannot be
    /// written.
    pub fn take_notices(&mut self) -> Vec<String> {
        let mut notices = self.logs.take_found();
        notices.extend(self.upkeep.take_notice());
        notices
    }

    /// What was given up to open this shard: a sentence about its journal, and one for each partition.
    #[must_use]
    pub fn losses(&self) -> Vec<String> {
        let journal = self.logs.damage().map(|what| {
            format!(
                "the journal is damaged: {what}; a partition that nothing else speaks of begins anew, empty"
            )
        });
        journal.into_iter().chain(self.logs.losses().iter().map(ToString::to_string)).collect()
    }
}

/// Writes behind and states anew until no older file of the journal counts.
pub(super) fn begin_afresh(
    storage: &dyn Storage,
    journal: &mut Journal,
    logs: &mut Logs,
    producers: &BTreeMap<GroupId, Producers>,
) -> Result<(), OpenError> {
    let snapshot = |group| producers.get(&group).map_or_else(Vec::new, Producers::state);
    let failed = |error: &dyn std::fmt::Display| {
        OpenError(format!("cannot leave the damaged journal behind: {error}"))
    };
    journal.leave_none(true);
    loop {
        let mut worked = false;
        while let Some(job) = logs.next_job(journal, WRITE_BEHIND_BYTES_MAX) {
            let done = job.run(storage);
            logs.job_done(journal, done, &snapshot).map_err(|error| failed(&error))?;
            worked = true;
        }
        logs.checkpoint(journal, &snapshot);
        worked |= commit(storage, journal, logs)?;
        if let Some(file) = journal.next_file().filter(|_| !worked) {
            let made = file.run(storage);
            worked = made.error().is_none();
            journal.file_made(made);
        }
        match journal.to_free() {
            None => break,
            Some(_) if worked => {}
            Some(_) => {
                let logs: Vec<String> = logs.iter().map(log::Log::describe).collect();
                return Err(failed(&format!(
                    "no file can be freed: {}; {}",
                    journal.describe(),
                    logs.join("; ")
                )));
            }
        }
    }
    journal.leave_none(false);
    Ok(())
}

/// Makes the turn durable, if there is one. Whether there was.
pub(super) fn commit(
    storage: &dyn Storage,
    journal: &mut Journal,
    logs: &mut Logs,
) -> Result<bool, OpenError> {
    let Some(commit) = journal.seal() else { return Ok(false) };
    let committed = journal.committed(commit.run(storage)).map_err(|error| OpenError(error.to_string()))?;
    logs.committed(journal, &committed);
    journal.recycle(committed.groups);
    Ok(true)
}
