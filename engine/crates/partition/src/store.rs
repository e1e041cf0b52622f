//! Everything of one shard that is durable: the journal and all partitions.

use std::path::PathBuf;
use std::sync::Arc;

use io::{Job, Rng, Storage};
use model::{Epoch, ErrorCode, GroupId, Offset, PartitionIndex, ShardId, TopicId};

use crate::error::{AppendError, Fatal, FetchError, OpenError};
use crate::spec::{
    Appended, DeletedRecords, EpochEnd, Fetch, FetchSpec, ListQuery, Listed, LogInfo, Now, Origin, ProducerInfo,
    TopicSpec, WaiterToken, Wake,
};

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
    /// Memory for recent batches.
    pub tail_bytes_max: usize,
    /// How often retention is looked at, `log.retention.check.interval.ms`.
    pub retention_check_ms: u64,
    /// How long an idle producer is remembered, `producer.id.expiration.ms`.
    pub producer_expiration_ms: i64,
    /// Go on where data is lost, and say so.
    pub accept_loss: bool,
}

/// The durable side of a shard.
pub struct Store {}

#[allow(unused_variables, missing_docs)]
impl Store {
    pub fn open(storage: Arc<dyn Storage>, options: StoreOptions, rng: &mut dyn Rng) -> Result<Store, OpenError> {
        todo!()
    }
    /// Names a topic: opens or makes its partitions here, and replaces its configuration.
    pub fn configure(&mut self, topic: TopicSpec) {
        todo!()
    }
    /// Deletes a topic's partitions for ever.
    pub fn remove(&mut self, topic: TopicId) {
        todo!()
    }
    /// Recovered partitions that none of `named` is are removed for ever (the controller no longer knows them).
    pub fn retain(&mut self, named: &dyn Fn(GroupId) -> bool) {
        todo!()
    }
    pub fn find(&self, topic: TopicId, partition: PartitionIndex) -> Option<GroupId> {
        todo!()
    }
    /// Fixes the order of one batch. Unless `acknowledged`, `waiter` is told by `Wake::Acked`.
    pub fn append(
        &mut self, now: Now, group: GroupId, batch: &[u8], origin: Origin, waiter: Option<WaiterToken>,
    ) -> Result<Appended, AppendError> {
        todo!()
    }
    /// Tells `waiter` by `Wake::Acked` when everything appended before is on a quorum. False: it is already.
    pub fn await_committed(&mut self, group: GroupId, waiter: WaiterToken) -> Result<bool, AppendError> {
        todo!()
    }
    /// Reads. A cold read pushes a job, and `Wake::Read` brings it to `token`.
    pub fn fetch(&mut self, spec: &FetchSpec, token: WaiterToken, jobs: &mut Vec<StoreJob>) -> Result<Fetch, FetchError> {
        todo!()
    }
    /// Tells `token` once, by `Wake::Data`, when anything at or behind `from` can be read or the partition changes.
    pub fn watch(&mut self, group: GroupId, token: WaiterToken, from: Offset) {
        todo!()
    }
    pub fn unwatch(&mut self, group: GroupId, token: WaiterToken) {
        todo!()
    }
    pub fn list_offsets(
        &mut self, query: &ListQuery, token: WaiterToken, jobs: &mut Vec<StoreJob>,
    ) -> Result<Listed, ErrorCode> {
        todo!()
    }
    pub fn epoch_end(&self, group: GroupId, current_epoch: Epoch, epoch: Epoch) -> Result<EpochEnd, ErrorCode> {
        todo!()
    }
    /// Moves the log start; `before` -1: to the high watermark.
    pub fn delete_records(
        &mut self, group: GroupId, before: Offset, waiter: WaiterToken,
    ) -> Result<DeletedRecords, ErrorCode> {
        todo!()
    }
    pub fn producers(&self, group: GroupId) -> Vec<ProducerInfo> {
        todo!()
    }
    pub fn log_info(&self, group: GroupId) -> Option<LogInfo> {
        todo!()
    }
    /// Bytes of batches that this turn may still take; 0: callers must wait for the next.
    pub fn room(&self) -> usize {
        todo!()
    }
    pub fn end_turn(&mut self, now: Now, jobs: &mut Vec<StoreJob>, wakes: &mut Vec<Wake>) {
        todo!()
    }
    pub fn job_done(&mut self, now: Now, done: StoreDone, wakes: &mut Vec<Wake>) -> Result<(), Fatal> {
        todo!()
    }
    /// Begins (or goes on with) a clean stop: everything is written behind, then a closing commit.
    pub fn close(&mut self, jobs: &mut Vec<StoreJob>) {
        todo!()
    }
    pub fn is_closed(&self) -> bool {
        todo!()
    }
}

/// Work for a thread.
pub struct StoreJob {}

/// What came of it.
pub struct StoreDone {}

impl StoreJob {
    /// Whether it is a commit of the journal: those have a thread of their own.
    #[must_use]
    pub fn is_commit(&self) -> bool {
        todo!()
    }
}

impl Job for StoreJob {
    type Done = StoreDone;
    fn run(self, _storage: &dyn Storage) -> StoreDone {
        todo!()
    }
}
