//! Which logs the checkpoint has to do with, in order, so that a turn looks at those and not at all of them.
//!
//! What is known of a log may be older than the truth, never newer: its oldest batch only gets newer, and so does its State.
//! Whoever looks at a log because of what stands here looks at the log itself, and [refreshes](Order::refresh) it.

use std::collections::BTreeSet;

use model::GroupId;

use crate::log::Log;

/// What stands about a log in [`Order`].
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Standing {
    oldest: Option<u64>,
    unwritten: Option<u64>,
    file_use: Option<u32>,
    files: bool,
}

impl Standing {
    /// Whether new batches change nothing that stands here.
    pub fn is_settled(&self, log: &Log) -> bool {
        self.oldest.is_some() && self.unwritten.is_some() && self.files == log.has_files_waiting()
    }
}

/// See the module.
#[derive(Default)]
pub(crate) struct Order {
    /// Logs with a batch that is not flushed durably, by the commit of the oldest.
    pub unflushed: BTreeSet<(u64, GroupId)>,
    /// Logs with a batch that is not in the files, by the commit of the oldest: where only the mark is not durable yet, that
    /// is a later one, or none.
    pub unwritten: BTreeSet<(u64, GroupId)>,
    /// Every log, by the use of the file that its newest State stands in.
    pub states: BTreeSet<(u32, GroupId)>,
    /// Logs with files to unlink or to swap, or with a mark that found no room in the journal.
    pub files: BTreeSet<GroupId>,
}

impl Order {
    /// Puts a log where it belongs now.
    pub fn refresh(&mut self, log: &mut Log) {
        let now = Standing {
            oldest: log.oldest_unflushed().map(|place| place.commit),
            unwritten: log.oldest_unwritten().map(|place| place.commit),
            file_use: Some(log.mark.file_use),
            files: log.has_files_waiting(),
        };
        let before = std::mem::replace(&mut log.standing, now);
        if before != now {
            self.take_out(log.group, before);
            self.put_in(log.group, now);
        }
    }

    /// Forgets a log.
    pub fn forget(&mut self, log: &Log) {
        self.take_out(log.group, log.standing);
    }

    fn take_out(&mut self, group: GroupId, standing: Standing) {
        if let Some(commit) = standing.oldest {
            self.unflushed.remove(&(commit, group));
        }
        if let Some(commit) = standing.unwritten {
            self.unwritten.remove(&(commit, group));
        }
        if let Some(file_use) = standing.file_use {
            self.states.remove(&(file_use, group));
        }
        self.files.remove(&group);
    }

    fn put_in(&mut self, group: GroupId, standing: Standing) {
        if let Some(commit) = standing.oldest {
            self.unflushed.insert((commit, group));
        }
        if let Some(commit) = standing.unwritten {
            self.unwritten.insert((commit, group));
        }
        if let Some(file_use) = standing.file_use {
            self.states.insert((file_use, group));
        }
        if standing.files {
            self.files.insert(group);
        }
    }
}
