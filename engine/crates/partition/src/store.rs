//! Everything of one shard that is durable: the journal, the logs, and the partitions over them.
//!
//! A turn of the shard calls what it likes, then [`Store::end_turn`], which seals what was recorded into at most one commit
//! and hands out work for the pool. What comes of the work returns through [`Store::job_done`]. Recovered partitions are
//! parked until [`Store::configure`] names them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use journal::{GroupMark, Journal};
use log::{Logs, SegmentLimits};
use model::{Epoch, ErrorCode, GroupId, Offset, PartitionIndex, TopicId};

use crate::compaction::INTERNAL_SEGMENT_BYTES_MAX;
use crate::config::TopicConfig;
use crate::error::{AppendError, fetch_error_code};
use crate::partition::{Hands, Partition};
use crate::producers::Producers;
use crate::spec::{
    Appended, DeletedRecords, EpochEnd, Isolation, LogInfo, Now, Origin, ProducerInfo, Refused, TopicSpec,
    WaiterToken, Wake,
};

mod cleaner;
mod job;
mod loss;
mod lost;
mod open;
mod producers;
mod reads;
mod turn;
mod upkeep;

pub use cleaner::{CleanerOptions, CleanerStats};
pub use job::{StoreDone, StoreJob};
pub use lost::{Known, move_orphans};
pub use open::StoreOptions;

/// Journal bytes that making or removing a group takes at most.
const GROUP_RECORD_BYTES: usize = 256;
/// From this much of the journal on nothing is appended while segments cannot be written: the rest is for log starts and
/// states, which free space. In percent.
const PRESSURE_PERCENT_MAX: u32 = 75;

/// What could not be recorded for want of room, in order.
enum Deferred {
    Create { group: GroupId, topic: TopicId, partition: PartitionIndex },
    Remove { group: GroupId },
}

/// A topic that the controller has named.
struct Topic {
    internal: bool,
    config: Arc<TopicConfig>,
    partitions: Vec<(GroupId, PartitionIndex)>,
}

/// How far a clean stop is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stop {
    Running,
    Closing,
    /// The closing commit is in flight.
    Sealed,
    Closed,
}

/// The durable side of a shard.
pub struct Store {
    options: StoreOptions,
    journal: Journal,
    logs: Logs,
    partitions: BTreeMap<GroupId, Partition>,
    topics: BTreeMap<TopicId, Topic>,
    deferred: VecDeque<Deferred>,
    /// Partitions with a committed log start that their log has not been told of.
    starts: Vec<GroupId>,
    /// Made between turns, handed out at the end of the next.
    wakes: Vec<Wake>,
    jobs: Vec<StoreJob>,
    jobs_running: usize,
    upkeep: upkeep::Upkeep,
    cleaner: cleaner::Cleaner,
    /// Batches come faster than they are written behind, as of the end of the last turn.
    behind: bool,
    stop: Stop,
    /// The journal was made at this start.
    is_new: bool,
    /// Partitions whose producers are to be written to a file.
    producers_due: BTreeSet<GroupId>,
}

fn segment_limits(internal: bool, config: &TopicConfig) -> SegmentLimits {
    let small = internal && config.cleanup.compact;
    let bytes =
        if small { config.segment_bytes.min(INTERNAL_SEGMENT_BYTES_MAX) } else { config.segment_bytes };
    // As in Kafka: a segment is closed in time for `max.compaction.lag.ms`.
    let ms = if config.cleanup.compact {
        config.segment_ms.min(config.compaction_lag_ms_max)
    } else {
        config.segment_ms
    };
    SegmentLimits { bytes, ms }
}

impl Store {
    /// Names a topic: opens or makes its partitions here, and replaces its configuration.
    pub fn configure(&mut self, topic: TopicSpec) {
        let config = Arc::new(topic.config);
        for (group, partition) in &topic.partitions {
            if self.partitions.contains_key(group) {
                self.name(*group, topic.internal, &config);
            } else if !self.topics.get(&topic.topic_id).is_some_and(|known| known.holds(*group)) {
                let (group, partition) = (*group, *partition);
                self.deferred.push_back(Deferred::Create { group, topic: topic.topic_id, partition });
            }
        }
        let named = Topic { internal: topic.internal, config, partitions: topic.partitions };
        self.topics.insert(topic.topic_id, named);
        self.record_deferred();
    }

    fn name(&mut self, group: GroupId, internal: bool, config: &Arc<TopicConfig>) {
        let log = self.logs.get_mut(group).expect("a partition has a log");
        log.configure(segment_limits(internal, config));
        log.set_compacts(config.cleanup.compact);
        let partition = self.partitions.get_mut(&group).expect("looked up by the caller");
        partition.named = true;
        partition.internal = internal;
        partition.config = Arc::clone(config);
        partition.waiters.changed(&mut self.wakes);
    }

    /// Deletes a topic's partitions for ever.
    pub fn remove(&mut self, topic: TopicId) {
        let Some(topic) = self.topics.remove(&topic) else { return };
        for (group, _) in topic.partitions {
            self.remove_group(group);
        }
        self.record_deferred();
    }

    fn remove_group(&mut self, group: GroupId) {
        if let Some(mut partition) = self.partitions.remove(&group) {
            partition.waiters.removed(&mut self.wakes);
        }
        self.deferred.push_back(Deferred::Remove { group });
    }

    /// Removes for ever the recovered partitions that are not `named`: the controller no longer knows them.
    pub fn retain(&mut self, named: &dyn Fn(GroupId) -> bool) {
        let unknown: Vec<GroupId> = self
            .partitions
            .iter()
            .filter(|(group, partition)| !partition.named && !named(**group))
            .map(|(group, _)| *group)
            .collect();
        for group in unknown {
            // After a loss the controller may have forgotten what it knew: what it does not name is kept, out of the way.
            match self.logs.get(group).filter(|_| self.logs.begins_afresh()) {
                Some(log) => {
                    let aside = lost::Aside::of(group, &self.options.data_dir, log.dir());
                    self.jobs_running += 1;
                    self.jobs.push(StoreJob(job::Work::Aside(aside)));
                }
                None => self.remove_group(group),
            }
        }
        self.record_deferred();
    }

    /// Records what waits for room, in order, as far as there is room.
    fn record_deferred(&mut self) {
        while let Some(next) = self.deferred.front() {
            if !self.journal.takes_relief(&GroupMark::default(), GROUP_RECORD_BYTES) {
                return;
            }
            match *next {
                Deferred::Remove { group } => {
                    self.logs.remove(&mut self.journal, group);
                }
                Deferred::Create { group, topic, partition } => self.create(group, topic, partition),
            }
            self.deferred.pop_front();
        }
    }

    fn create(&mut self, group: GroupId, topic: TopicId, partition: PartitionIndex) {
        let Some(named) = self.topics.get(&topic) else { return }; // removed before there was room to make it
        let (internal, config) = (named.internal, Arc::clone(&named.config));
        let log = self.logs.create(&mut self.journal, group, topic, partition);
        let mut hands = Hands { log, journal: &mut self.journal, wakes: &mut self.wakes };
        let mut producers = Producers::default();
        producers.set_in_state_max(self.options.producers_in_state_max);
        let partition = Partition::open(&mut hands, producers, Arc::clone(&config), false);
        self.partitions.insert(group, partition);
        self.name(group, internal, &config);
    }

    /// The group of a topic's partition, if it lives here.
    #[must_use]
    pub fn find(&self, topic: TopicId, partition: PartitionIndex) -> Option<GroupId> {
        let found = self.topics.get(&topic)?.partitions.iter().find(|(_, index)| *index == partition);
        found.map(|(group, _)| *group)
    }

    /// A named partition with what its changes need.
    fn hands(&mut self, group: GroupId) -> Option<(&mut Partition, Hands<'_>)> {
        let partition = self.partitions.get_mut(&group).filter(|partition| partition.named)?;
        let log = self.logs.get_mut(group).expect("a partition has a log");
        Some((partition, Hands { log, journal: &mut self.journal, wakes: &mut self.wakes }))
    }

    /// Fixes the order of one batch. Unless the outcome is `acknowledged`, [`Wake::Acked`] tells `waiter` when it is.
    pub fn append(
        &mut self,
        now: Now,
        group: GroupId,
        batch: &[u8],
        origin: Origin,
        waiter: Option<WaiterToken>,
    ) -> Result<Appended, AppendError> {
        let is_full = self.upkeep.is_failing() && self.journal.pressure() >= PRESSURE_PERCENT_MAX;
        if is_full && !origin.makes_room() {
            return Err(AppendError::StorageFull);
        }
        let (partition, mut hands) = self.hands(group).ok_or(AppendError::UnknownPartition)?;
        if hands.log.is_damaged() {
            return Err(AppendError::Damaged);
        }
        let result = partition.append(&mut hands, now, batch, origin, waiter);
        if partition.producers.need_file() {
            self.producers_due.insert(group);
        }
        match result {
            Err(AppendError::NoRoom) if self.upkeep.is_failing() => Err(AppendError::StorageFull),
            result => result,
        }
    }

    /// What is answered to an append that was refused.
    #[must_use]
    pub fn refused(&mut self, group: GroupId, error: AppendError) -> Refused {
        let known = self.hands(group).filter(|_| error.tells_log_start());
        let log_start = known.map(|(partition, hands)| partition.watermarks(hands.log).log_start);
        Refused { error, log_start: log_start.unwrap_or(Offset(-1)) }
    }

    /// Tells `waiter` by [`Wake::Acked`] when everything appended so far is on a quorum. False: it is already.
    pub fn await_committed(&mut self, group: GroupId, waiter: WaiterToken) -> Result<bool, AppendError> {
        let (partition, hands) = self.hands(group).ok_or(AppendError::UnknownPartition)?;
        Ok(partition.await_committed(hands.log, waiter))
    }

    /// Tells `token` once, by [`Wake::Data`], when the end of what may be seen is beyond `from` or the partition changes in
    /// another way that its readers must learn of. `from` is the end that the reader has seen.
    pub fn watch(&mut self, group: GroupId, token: WaiterToken, isolation: Isolation, from: Offset) {
        match self.hands(group) {
            Some((partition, hands)) if isolation.end(&partition.watermarks(hands.log)) <= from => {
                partition.waiters.watch(token, isolation, from);
            }
            Some(_) | None => self.wakes.push(Wake::Data { token }),
        }
    }

    /// Ends a watch, if it is not over.
    pub fn unwatch(&mut self, group: GroupId, token: WaiterToken) {
        if let Some(partition) = self.partitions.get_mut(&group) {
            partition.waiters.unwatch(token);
        }
    }

    /// Where a leader epoch ends.
    pub fn epoch_end(&self, group: GroupId, current: Epoch, epoch: Epoch) -> Result<EpochEnd, ErrorCode> {
        let (partition, log) = self.look(group).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        partition.check_epoch(current).map_err(fetch_error_code)?;
        Ok(partition.end_of_epoch(log, epoch))
    }

    /// A named partition and its log.
    fn look(&self, group: GroupId) -> Option<(&Partition, &log::Log)> {
        let partition = self.partitions.get(&group).filter(|partition| partition.named)?;
        Some((partition, self.logs.get(group).expect("a partition has a log")))
    }

    /// Moves the log start to `before`, or to the high watermark if it is -1. Nothing moves back. `None`: the journal has no
    /// room yet.
    pub fn delete_records(
        &mut self,
        group: GroupId,
        before: Offset,
        waiter: WaiterToken,
    ) -> Result<Option<DeletedRecords>, ErrorCode> {
        let failing = self.upkeep.is_failing();
        let (partition, mut hands) = self.hands(group).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        if !partition.config.cleanup.delete {
            return Err(ErrorCode::POLICY_VIOLATION);
        }
        let watermarks = partition.watermarks(hands.log);
        let before = if before == Offset(-1) { watermarks.high_watermark } else { before };
        if before < Offset::ZERO || before > watermarks.high_watermark {
            return Err(ErrorCode::OFFSET_OUT_OF_RANGE);
        }
        match partition.delete_records(&mut hands, before, waiter) {
            None if failing => Err(ErrorCode::NOT_ENOUGH_REPLICAS),
            None => Ok(None),
            Some(waits) => {
                let log_start = before.max(watermarks.log_start);
                Ok(Some(DeletedRecords { log_start, acknowledged: !waits }))
            }
        }
    }

    /// The producers remembered; none for a partition that is not here.
    #[must_use]
    pub fn producers(&self, group: GroupId) -> Vec<ProducerInfo> {
        self.look(group).map_or_else(Vec::new, |(partition, _)| partition.producers.infos().collect())
    }

    /// The log in numbers, if the partition is here.
    #[must_use]
    pub fn log_info(&self, group: GroupId) -> Option<LogInfo> {
        let (partition, log) = self.look(group)?;
        let (epoch, watermarks) = (partition.epoch(), partition.watermarks(log));
        Some(LogInfo { group, epoch, watermarks, size_bytes: log.size_bytes() })
    }

    /// Partitions held, named or not.
    #[must_use]
    pub fn partition_count(&self) -> usize {
        self.partitions.len()
    }

    /// Bytes that this turn may still take; 0: callers wait for the next one.
    #[must_use]
    pub fn room(&self) -> usize {
        if self.stop == Stop::Running && !self.behind { self.journal.room() } else { 0 }
    }

    /// Whether files cannot be written, so that nobody knows when there is room again: who waits for it is refused instead.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.upkeep.is_failing()
    }

    /// The most room that is worth waiting for: see [`Journal::room_of_a_turn`].
    #[must_use]
    pub fn room_of_a_turn(&self) -> usize {
        self.journal.room_of_a_turn()
    }

    /// How full the journal is, in percent.
    #[must_use]
    pub fn pressure(&self) -> u32 {
        self.journal.pressure()
    }
}

impl Topic {
    fn holds(&self, group: GroupId) -> bool {
        self.partitions.iter().any(|(held, _)| *held == group)
    }
}
