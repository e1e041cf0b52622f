//! [`Logs`]: all logs of a shard over one journal.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::Result as IoResult;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use batch::Header;
use io::{Rng, Storage};
use journal::rules::{Rule, off};
use journal::{Committed, GroupMark, Journal, OpenError, Options, Record};
use model::{GroupId, LogIndex, PartitionIndex, TopicId};

use crate::checkpoint::Checkpoint;
use crate::job::{Delete, Deleted, LogDone, LogJob};
use crate::log::{Log, dir_of};
use crate::order::Order;
use crate::replay::{Recovered, Replaying};
use crate::salvage::Loss;

/// Who follows the replay: the partition's own state beside its log.
pub trait Watch {
    /// The partition's snapshot, as it gave it when the group's first record in a file was made.
    fn state(&mut self, group: GroupId, producers: &[u8]);
    /// A batch of the log; `end` is one past its last element.
    fn batch(&mut self, group: GroupId, header: &Header, bytes: &[u8], end: LogIndex);
    /// Elements from here on are gone.
    fn truncate(&mut self, group: GroupId, end: LogIndex);
    /// The group is gone.
    fn remove(&mut self, group: GroupId);
}

/// Nobody follows.
impl Watch for () {
    fn state(&mut self, _: GroupId, _: &[u8]) {}
    fn batch(&mut self, _: GroupId, _: &Header, _: &[u8], _: LogIndex) {}
    fn truncate(&mut self, _: GroupId, _: LogIndex) {}
    fn remove(&mut self, _: GroupId) {}
}

/// A removed group whose directory is not gone yet.
pub(crate) struct Removing {
    pub group: GroupId,
    pub dir: PathBuf,
    /// The commit that allows the unlink.
    pub commit: u64,
    pub file_use: u32,
    /// A job of the removed log still works on its files.
    pub busy: bool,
    pub running: bool,
}

/// All logs of a shard: replay's target, and the checkpoint that frees journal files.
pub struct Logs {
    pub(crate) topics: Arc<Path>,
    pub(crate) logs: BTreeMap<GroupId, Log>,
    pub(crate) removing: Vec<Removing>,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) order: Order,
    /// The newest durable commit.
    pub(crate) durable: u64,
    losses: Vec<Loss>,
    damage: Option<String>,
    afresh: bool,
    /// Damage that was found since somebody asked, a sentence for each log.
    found: Vec<String>,
}

impl Logs {
    /// Opens the journal and recovers every log from it. Segments are not opened: their marks are in the journal.
    pub fn open(
        storage: &Arc<dyn Storage>,
        options: &Options,
        topics: &Path,
        rng: &mut dyn Rng,
        watch: &mut dyn Watch,
    ) -> Result<(Journal, Logs), OpenError> {
        let topics: Arc<Path> = Arc::from(topics);
        let mut replaying = Replaying::new(&topics, watch, options.accept_loss);
        let journal = Journal::open(storage, options, rng, &mut replaying)?;
        let Recovered { mut logs, removing, losses, damage, afresh } = replaying.finish()?;
        let durable = journal.turn_commit() - 1;
        let mut order = Order::default();
        logs.values_mut().for_each(|log| order.refresh(log));
        let mut checkpoint = Checkpoint::default();
        // A compaction whose swap may not be over: to do it again changes nothing.
        logs.values().filter(|log| log.swap.is_some()).for_each(|log| checkpoint.look_at(log.group));
        Ok((
            journal,
            Logs {
                topics,
                logs,
                removing,
                checkpoint,
                order,
                durable,
                losses,
                damage,
                afresh,
                found: Vec::new(),
            },
        ))
    }

    /// Directories that are theirs, also of removed ones that are not gone yet; they need not be there.
    #[must_use]
    pub fn directories(&self) -> Vec<PathBuf> {
        let removing = self.removing.iter().map(|removing| removing.dir.clone());
        self.logs.values().map(Log::dir).chain(removing).collect()
    }

    /// What was given up to open them, where that is accepted.
    #[must_use]
    pub fn losses(&self) -> &[Loss] {
        &self.losses
    }

    /// A log's files are not what they were. Told once for each log.
    pub fn found_damage(&mut self, group: GroupId, error: &std::io::Error) {
        let Some(log) = self.logs.get_mut(&group) else { return };
        if !std::mem::replace(&mut log.told, true) {
            self.found.push(format!(
                "partition {} of topic {} (group {}): {}: {error}; what is missing is refused with KAFKA_STORAGE_ERROR, restore it from a copy and start again, or start with --accept-loss",
                log.partition.0,
                log.topic,
                group.0,
                log.dir().display()
            ));
        }
    }

    /// Damage found since the last call, for a person.
    pub fn take_found(&mut self) -> Vec<String> {
        std::mem::take(&mut self.found)
    }

    /// What is wrong with the journal that was opened in spite of it.
    #[must_use]
    pub fn damage(&self) -> Option<&str> {
        self.damage.as_deref()
    }

    /// Something was given up: until the [`checkpoint`](Self::checkpoint) has freed every older file of the journal, the next
    /// start would find the damage again.
    #[must_use]
    pub fn begins_afresh(&self) -> bool {
        self.afresh
    }

    /// One log.
    #[must_use]
    pub fn get(&self, group: GroupId) -> Option<&Log> {
        self.logs.get(&group)
    }

    /// One log, to change it.
    pub fn get_mut(&mut self, group: GroupId) -> Option<&mut Log> {
        self.logs.get_mut(&group)
    }

    /// All logs, by group.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Log> {
        self.logs.values()
    }

    /// Makes a log. Group numbers are never reused.
    ///
    /// # Panics
    /// If the group exists.
    pub fn create(
        &mut self,
        journal: &mut Journal,
        group: GroupId,
        topic: TopicId,
        partition: PartitionIndex,
    ) -> &mut Log {
        let Entry::Vacant(vacant) = self.logs.entry(group) else { panic!("group numbers are never reused") };
        vacant.insert(Log::create(journal, &self.topics, group, topic, partition))
    }

    /// Removes a log; its directory is unlinked once that is durable. Returns whether there was one.
    pub fn remove(&mut self, journal: &mut Journal, group: GroupId) -> bool {
        let Some(mut log) = self.logs.remove(&group) else { return false };
        self.order.forget(&log);
        let (topic, partition) = log.topic_partition();
        // Only what says that it is gone is needed: no State before it.
        log.mark = GroupMark { file_use: journal.turn_file_use(), ..log.mark };
        let place = log.record(journal, &Record::Remove { topic, partition }, &Vec::new);
        let commit = if off(Rule::UnlinkAfterCommit) { 0 } else { place.commit };
        self.removing.push(Removing {
            group,
            dir: log.dir(),
            commit,
            file_use: place.file_use,
            busy: log.busy,
            running: false,
        });
        true
    }

    /// A commit is durable: every log that it touched moves on.
    pub fn committed(&mut self, journal: &Journal, committed: &Committed) {
        self.durable = committed.number;
        self.checkpoint.settled = false;
        for group in &committed.groups {
            if let Some(log) = self.logs.get_mut(group) {
                let moved = log.committed(committed.number);
                log.trim(journal);
                if moved || !log.standing.is_settled(log) {
                    self.order.refresh(log);
                }
                if self.order.files.contains(group) {
                    self.checkpoint.look_at(*group);
                }
            }
        }
    }

    /// A deletion that became possible, if there is one.
    pub(crate) fn next_delete(&mut self) -> Option<LogJob> {
        let durable = self.durable;
        let mut ready = self.removing.iter_mut().filter(|r| !r.busy && !r.running && r.commit <= durable);
        if let Some(removing) = ready.next() {
            removing.running = true;
            let reused = off(Rule::DirectoryIdentity)
                && self
                    .logs
                    .values()
                    .any(|l| dir_of(&self.topics, l.topic, l.partition, l.group) == removing.dir);
            let dir = if reused { removing.dir.join("none") } else { removing.dir.clone() };
            return Some(LogJob::Delete(Delete { group: removing.group, dir, bases: None }));
        }
        None
    }

    fn deleted(&mut self, done: Deleted) -> IoResult<()> {
        let Some(bases) = done.bases else {
            match &done.result {
                Ok(()) => self.removing.retain(|removing| removing.group != done.group),
                Err(_) => self.removing.iter_mut().for_each(|removing| removing.running = false),
            }
            return done.result;
        };
        if let Some(log) = self.log_of(done.group) {
            log.busy = false;
            match done.result {
                Ok(()) => log.doomed.retain(|(_, base)| !bases.contains(base)),
                Err(_) => log.distrust_files(),
            }
        }
        done.result
    }

    /// The log that a job's result is for; if it was removed meanwhile, its directory is free to be unlinked.
    fn log_of(&mut self, group: GroupId) -> Option<&mut Log> {
        for removing in self.removing.iter_mut().filter(|removing| removing.group == group) {
            removing.busy = false;
        }
        self.logs.get_mut(&group)
    }

    /// Takes in the result of a job that this returned or that changes files. Reads and lookups are the partition's: they
    /// come back. An error is the disk's (full, broken), to be logged; nothing is lost by it, the work is done again.
    pub fn job_done(
        &mut self,
        journal: &mut Journal,
        done: LogDone,
        producers: &dyn Fn(GroupId) -> Vec<u8>,
    ) -> IoResult<Option<LogDone>> {
        self.checkpoint.settled = false; // a log that was busy may have more to do
        let group = done.group();
        let result = self.take_in(journal, done, producers);
        if let Err(error) = &result
            && self.logs.get(&group).is_some_and(|log| log.damaged)
        {
            self.found_damage(group, error);
        }
        if let Some(log) = self.logs.get_mut(&group) {
            self.order.refresh(log);
            self.checkpoint.look_at(group); // what failed is done again, when files may be tried again
        }
        result
    }

    fn take_in(
        &mut self,
        journal: &mut Journal,
        done: LogDone,
        producers: &dyn Fn(GroupId) -> Vec<u8>,
    ) -> IoResult<Option<LogDone>> {
        match done {
            LogDone::WroteBehind(mut done) => {
                let group = done.group;
                self.checkpoint.wrote_behind(done.buffer.take());
                let Some(log) = self.log_of(group) else { return Ok(None) };
                log.wrote_behind(journal, done, &|| producers(group)).map(|()| None)
            }
            LogDone::Deleted(done) => self.deleted(done).map(|()| None),
            LogDone::Swapped(done) => {
                let Some(log) = self.log_of(done.group) else { return Ok(None) };
                log.swapped(done).map(|()| None)
            }
            LogDone::Cleaned(done) => {
                // If the log is gone, so is the new file, with the directory.
                let Some(log) = self.log_of(done.group) else { return Ok(None) };
                log.clean_done(done).map(|()| None)
            }
            LogDone::WroteBeside(done) => {
                let Some(log) = self.log_of(done.group) else { return Ok(None) };
                log.wrote_beside(&done);
                Ok(Some(LogDone::WroteBeside(done)))
            }
            done @ (LogDone::Read(_) | LogDone::TimeFound(_)) => Ok(Some(done)),
        }
    }
}
