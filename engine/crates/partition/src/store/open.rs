//! Opening a shard's data: the journal is replayed into logs and producers; what was recovered is parked.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use batch::Header;
use io::{Rng, Storage};
use journal::{Journal, OpenError as JournalError, Options};
use log::{Logs, Watch};
use model::{GroupId, LogIndex, ShardId};

use super::cleaner::Cleaner;
use super::loss::{begin_afresh, commit};
use super::upkeep::Upkeep;
use super::{Stop, Store, producers};
use crate::config::TopicConfig;
use crate::error::OpenError;
use crate::partition::{Hands, Partition, SMALL_RECORD_BYTES};
use crate::producers::{Added, Producers};

/// Where a shard's data is, and how much of what it may use.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// The node's data directory.
    pub data_dir: PathBuf,
    /// The shard.
    pub shard: ShardId,
    /// Size of the first journal file.
    pub journal_file_bytes_first: u64,
    /// Size that journal files grow to.
    pub journal_file_bytes: u64,
    /// How many journal files there may be.
    pub journal_files_max: usize,
    /// Memory for recent batches.
    pub tail_bytes_max: usize,
    /// How often retention is looked at, `log.retention.check.interval.ms`.
    pub retention_check_ms: u64,
    /// How long an idle producer is remembered, `producer.id.expiration.ms`.
    pub producer_expiration_ms: i64,
    /// Go on where data is lost, and say so.
    pub accept_loss: bool,
    /// Producers of a partition that the journal may hold instead of a file.
    pub producers_in_state_max: usize,
}

/// The producers of each group, as the replay goes.
#[derive(Default)]
struct Recovering {
    producers: BTreeMap<GroupId, Producers>,
    unreadable: Option<GroupId>,
    /// Groups whose newest State says that their producers stand in a file.
    in_files: BTreeSet<GroupId>,
}

impl Recovering {
    /// Producers that no State holds, and those of logs that lost their end, which may have had others before.
    fn read_files(
        &mut self,
        storage: &dyn Storage,
        journal: &Journal,
        logs: &mut Logs,
    ) -> Result<(), OpenError> {
        let lost = logs.losses().iter().map(|loss| loss.group).filter(|group| logs.get(*group).is_some());
        let lost: BTreeSet<GroupId> = lost.collect();
        for group in self.in_files.union(&lost).copied().collect::<Vec<_>>() {
            let Some(log) = logs.get(group) else { continue };
            match producers::recover(storage, log, journal, !lost.contains(&group)) {
                Ok(mut producers) => {
                    if let Some(replayed) = self.producers.get(&group).filter(|_| !lost.contains(&group)) {
                        producers.adopt(replayed);
                    }
                    self.producers.insert(group, producers);
                }
                // Its readers meet the same; what is known of producers is what its end tells.
                Err(error) if error.kind() == ErrorKind::InvalidData => logs.found_damage(group, &error),
                Err(error) => return Err(explain(&JournalError::Io(log.dir(), error))),
            }
        }
        Ok(())
    }
}

impl Watch for Recovering {
    fn state(&mut self, group: GroupId, producers: &[u8]) {
        if Producers::in_file(producers) {
            self.in_files.insert(group);
            return;
        }
        self.in_files.remove(&group);
        // It is as of the same place as what was replayed, but without the producers that had expired by then.
        match Producers::from_snapshot(producers) {
            Ok(producers) => drop(self.producers.insert(group, producers)),
            Err(_) => self.unreadable = Some(group),
        }
    }

    fn batch(&mut self, group: GroupId, header: &Header, bytes: &[u8], end: LogIndex) {
        if header.producer_id < 0 {
            return;
        }
        let marker = batch::end_marker(header, bytes);
        let producers = self.producers.entry(group).or_default();
        // What it aborted the log knows from the journal: these producers may be too new to tell.
        producers.appended(Added { header, marker, end, now_ms: None });
    }

    fn truncate(&mut self, group: GroupId, end: LogIndex) {
        if let Some(producers) = self.producers.get_mut(&group) {
            producers.truncated(end);
        }
    }

    fn remove(&mut self, group: GroupId) {
        self.producers.remove(&group);
    }
}

impl Store {
    /// Opens a shard's data, making it if there is none. Reads the journal; segments are opened when they are first read.
    pub fn open(
        storage: Arc<dyn Storage>,
        options: StoreOptions,
        rng: &mut dyn Rng,
    ) -> Result<Store, OpenError> {
        let journal_options = Options {
            dir: options.data_dir.join("journal").join(options.shard.0.to_string()),
            file_bytes_first: options.journal_file_bytes_first,
            file_bytes: options.journal_file_bytes,
            files_max: options.journal_files_max,
            tail_bytes_max: options.tail_bytes_max,
            accept_loss: options.accept_loss,
        };
        let mut recovering = Recovering::default();
        let topics = options.data_dir.join("topics");
        let opened = Logs::open(&storage, &journal_options, &topics, rng, &mut recovering);
        let (mut journal, mut logs) = opened.map_err(|error| explain(&error))?;
        if let Some(group) = recovering.unreadable {
            return Err(explain(&JournalError::rot(format!(
                "the producers of group {} cannot be read",
                group.0
            ))));
        }
        let groups: Vec<GroupId> = logs.iter().map(log::Log::group).collect();
        for group in groups {
            let log = logs.get_mut(group).expect("just listed");
            let recovered = log.recover_aborted(&*storage);
            recovered.map_err(|error| explain(&JournalError::Io(log.dir(), error)))?;
        }
        recovering.read_files(&*storage, &journal, &mut logs)?;
        if logs.begins_afresh() {
            begin_afresh(&*storage, &mut journal, &mut logs, &recovering.producers)?;
        }
        let is_new = journal.turn_commit() == 1;
        let mut store = Store {
            options,
            journal,
            logs,
            partitions: BTreeMap::new(),
            topics: BTreeMap::new(),
            deferred: VecDeque::new(),
            starts: Vec::new(),
            wakes: Vec::new(),
            jobs: Vec::new(),
            jobs_running: 0,
            upkeep: Upkeep::default(),
            cleaner: Cleaner::new(rng.next_u64()),
            behind: false,
            stop: Stop::Running,
            is_new,
            producers_due: BTreeSet::new(),
        };
        store.park(&*storage, recovering)?;
        Ok(store)
    }

    /// The journal and the logs in lines, for a person who looks for what is stuck.
    #[must_use]
    pub fn describe(&self) -> String {
        let logs = self.logs.iter().map(log::Log::describe);
        let lines: Vec<String> = std::iter::once(self.journal.describe()).chain(logs).collect();
        lines.join("\n")
    }

    /// Opens every recovered log; nobody may use it until it is named.
    fn park(&mut self, storage: &dyn Storage, mut recovering: Recovering) -> Result<(), OpenError> {
        let gave_up: BTreeSet<GroupId> = self.logs.losses().iter().map(|loss| loss.group).collect();
        let config = Arc::new(TopicConfig::default());
        let groups: Vec<GroupId> = self.logs.iter().map(log::Log::group).collect();
        for group in groups {
            let gave_up = gave_up.contains(&group);
            if gave_up
                && !self.logs.get(group).expect("just listed").takes(&mut self.journal, SMALL_RECORD_BYTES)
            {
                commit(storage, &mut self.journal, &mut self.logs)?;
            }
            let log = self.logs.get_mut(group).expect("just listed");
            let mut hands = Hands { log, journal: &mut self.journal, wakes: &mut self.wakes };
            let mut producers = recovering.producers.remove(&group).unwrap_or_default();
            producers.set_in_state_max(self.options.producers_in_state_max);
            let partition = Partition::open(&mut hands, producers, Arc::clone(&config), gave_up);
            if partition.has_start() {
                self.starts.push(group);
            }
            if partition.producers.need_file() {
                self.producers_due.insert(group);
            }
            self.partitions.insert(group, partition);
        }
        Ok(())
    }
}

fn explain(error: &JournalError) -> OpenError {
    OpenError(match error {
        JournalError::Io(path, error) => {
            format!(
                "cannot open {}: {error}; check the disk and the permissions of the data directory",
                path.display()
            )
        }
        JournalError::NewerFormat { path, format } => format!(
            "{} has format {format}, which a newer version wrote; start that version or use another data directory",
            path.display()
        ),
        JournalError::NewerRecord { .. } => {
            format!("{error}; start that version or use another data directory")
        }
        JournalError::Rot(what) => format!(
            "the journal is damaged: {what}; restore the data directory from a replica or a copy, records may be lost otherwise"
        ),
    })
}
