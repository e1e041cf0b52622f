//! A node's life in named operations over one store, and what its clients may rely on: any change of the disk may be its last
//! one, or fail.
#![allow(dead_code)] // each test file uses its own part

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use batch::{Builder, Codec};
use io::{Job, Rng, SplitMix, Storage};
use model::limits::JOURNAL_FILES_MAX;
use model::{Epoch, GroupId, PartitionIndex, ShardId, TopicId};
use partition::{
    Acks, AppendError, CleanerOptions, CleanupPolicy, Fetch, FetchError, FetchSpec, Fetched, Isolation, Now,
    Origin, Store, StoreJob, StoreOptions, TopicConfig, TopicSpec, WaiterToken, Wake,
};
use sim::disk::{End, SimDisk};

mod operations;
mod sends;

pub use operations::OPERATIONS;
use sends::{Sends, Sent, range};

/// The process that opens the data is an operation, too.
pub const OPENING: &str = "open";
/// Work on files that finds the disk full, in a row.
const FULL_JOBS: u32 = 5;
/// Turns that a caller waits for room before it counts as stuck.
const TURNS_MAX: u32 = 2_000;

/// What happens to the disk at the n-th change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// The process ends.
    End(End),
    /// The disk says that it failed, once.
    Failure,
    /// It is full for a while; the journal has its files already and does not notice.
    Full,
}

/// Why an operation was not finished.
#[derive(Debug)]
pub enum Stopped {
    /// The process was ended.
    Ended,
    /// It gave up, as it must when the journal fails.
    Fatal(String),
}

pub type Go = Result<(), Stopped>;

pub struct Life {
    pub disk: SimDisk,
    store: Option<Store>,
    now: Now,
    rng: SplitMix,
    trouble: Option<Trouble>,
    /// Changes of files (not of the journal) until the disk is full, and jobs that then find it full.
    full: Option<(u64, u32)>,
    running: Vec<StoreJob>,
    wakes: Vec<Wake>,
    topics: BTreeMap<TopicId, TopicSpec>,
    deleted: Vec<PathBuf>,
    sends: BTreeMap<GroupId, Sends>,
    waiting: BTreeMap<u64, (GroupId, i64)>,
    tokens: u64,
    /// Each start has a producer of its own: what became of the last one's batches in flight is not known to it.
    producer: i64,
    pub operation: &'static str,
    /// The operation that met the trouble.
    pub met: Option<&'static str>,
}

impl Life {
    /// Before its first start; the `n`-th change brings trouble.
    pub fn new(trouble: Trouble, n: u64) -> Life {
        let disk = SimDisk::default();
        disk.create_dir_all(Path::new("data")).expect("a new directory");
        disk.sync_dir(Path::new("")).expect("a directory");
        let mut life = Life {
            disk,
            store: None,
            now: Now { monotonic_ns: 0, wall_ms: 1_700_000_000_000 },
            rng: SplitMix(5),
            trouble: Some(trouble),
            full: None,
            running: Vec::new(),
            wakes: Vec::new(),
            topics: BTreeMap::new(),
            deleted: Vec::new(),
            sends: BTreeMap::new(),
            waiting: BTreeMap::new(),
            tokens: 0,
            producer: 7,
            operation: OPENING,
            met: None,
        };
        match trouble {
            Trouble::End(_) => life.disk.end_after(Some(n)),
            Trouble::Failure => life.disk.fail_at(n, ErrorKind::Other),
            Trouble::Full => life.full = Some((n, FULL_JOBS)),
        }
        life
    }

    /// Notes the operation that the trouble came in. Whether it has only now.
    fn look(&mut self) -> bool {
        let came = match self.trouble {
            Some(Trouble::End(_)) => self.disk.ended(),
            Some(Trouble::Failure) => !self.disk.fault_is_ahead(),
            Some(Trouble::Full) => self.full.is_some_and(|(changes, _)| changes == 0),
            None => false,
        };
        let first = came && self.met.is_none();
        if first {
            self.met = Some(self.operation);
        }
        first
    }

    pub fn open(&mut self) -> Go {
        self.open_with(false)
    }

    pub fn open_with(&mut self, accept_loss: bool) -> Go {
        let storage: Arc<dyn Storage> = Arc::new(self.disk.clone());
        let options = StoreOptions {
            data_dir: PathBuf::from("data"),
            shard: ShardId(0),
            journal_file_bytes_first: 32 * 1024,
            journal_file_bytes: 32 * 1024,
            journal_files_max: JOURNAL_FILES_MAX,
            tail_bytes_max: 16 * 1024,
            retention_check_ms: 1_000,
            producer_expiration_ms: 86_400_000,
            producers_in_state_max: model::limits::PRODUCERS_IN_STATE_MAX,
            accept_loss,
        };
        let opened = Store::open(storage, options, &mut self.rng);
        self.look();
        match opened {
            Ok(mut store) => {
                store.set_cleaner(CleanerOptions { backoff_ms: 1_000, ..CleanerOptions::default() });
                self.store = Some(store);
            }
            Err(_) if self.disk.ended() => return Err(Stopped::Ended),
            Err(error) => return Err(Stopped::Fatal(error.to_string())),
        }
        for topic in self.topics.values() {
            self.store.as_mut().expect("just opened").configure(topic.clone());
        }
        let known: Vec<GroupId> = self.sends.keys().copied().collect();
        self.store().retain(&|group| known.contains(&group));
        Ok(())
    }

    fn store(&mut self) -> &mut Store {
        self.store.as_mut().expect("it was opened")
    }

    // ---- turns and jobs

    fn turn(&mut self) {
        let store = self.store.as_mut().expect("it was opened");
        store.end_turn(self.now, &mut self.running, &mut self.wakes);
        self.take_acks();
    }

    fn take_acks(&mut self) {
        for wake in &self.wakes {
            if let Wake::Acked { token, result } = wake
                && let Some((group, base)) = self.waiting.remove(&token.0)
                && result.is_ok()
                && let Some(sends) = self.sends.get_mut(&group)
            {
                let sent = sends.list.iter_mut().find(|sent| sent.base == base);
                sent.expect("acknowledged is what was sent").acked = true;
            }
        }
        self.wakes.retain(|wake| !matches!(wake, Wake::Acked { .. }));
    }

    /// Runs one of the jobs, whichever.
    fn finish(&mut self) -> Go {
        if self.running.is_empty() {
            return Ok(());
        }
        let at = usize::try_from(self.rng.below(self.running.len() as u64)).expect("small");
        let job = self.running.remove(at);
        let (commits, before) = (job.is_commit(), self.disk.changes());
        self.before_job(commits);
        let done = job.run(&self.disk);
        self.after_job(commits, before);
        let struck = self.look();
        if self.disk.ended() {
            return Err(Stopped::Ended);
        }
        let store = self.store.as_mut().expect("it was opened");
        let result = store.job_done(self.now, done, &mut self.wakes);
        let must_stop = struck && commits && self.trouble == Some(Trouble::Failure);
        assert_eq!(result.is_err(), must_stop, "{}: only a failed commit ends the process", self.operation);
        result.map_err(|fatal| Stopped::Fatal(fatal.to_string()))?;
        self.take_acks();
        Ok(())
    }

    fn before_job(&mut self, commits: bool) {
        match self.full {
            Some((changes, _)) if changes > 0 && !commits => {
                self.disk.fail_at(changes, ErrorKind::StorageFull);
            }
            Some((0, jobs)) if jobs > 0 && !commits => self.disk.fail_writes(true),
            _ => {}
        }
    }

    fn after_job(&mut self, commits: bool, before: u64) {
        let Some((changes, jobs)) = &mut self.full else { return };
        if commits {
            return;
        }
        if *changes == 0 {
            *jobs = jobs.saturating_sub(1);
        } else if self.disk.fault_is_ahead() {
            *changes -= self.disk.changes() - before;
        } else {
            *changes = 0;
        }
        self.disk.fail_writes(false);
        self.disk.fail_at(u64::MAX, ErrorKind::Other);
    }

    pub fn pass_ms(&mut self, ms: i64) {
        self.now.wall_ms += ms;
        self.now.monotonic_ns += ms.unsigned_abs() * 1_000_000;
    }

    /// Until nothing runs and nothing new comes of it; what failed is tried again.
    pub fn settle(&mut self) -> Go {
        // Each look at files that fails is followed by a second's wait.
        for _ in 0..FULL_JOBS + 4 {
            for _ in 0..TURNS_MAX {
                self.turn();
                if self.running.is_empty() {
                    break;
                }
                self.finish()?;
            }
            assert!(self.running.is_empty(), "the store never comes to rest");
            self.pass_ms(1_100);
        }
        Ok(())
    }

    // ---- what clients do

    fn name(&mut self, topic: TopicSpec) {
        for (group, _) in &topic.partitions {
            let sends = self.sends.entry(*group).or_default();
            sends.compacted = topic.config.cleanup.compact;
        }
        self.store().configure(topic.clone());
        self.topics.insert(topic.topic_id, topic);
    }

    fn delete(&mut self, topic: TopicId) {
        let gone = self.topics.remove(&topic).expect("it was named");
        for (group, partition) in gone.partitions {
            self.sends.remove(&group);
            self.deleted.push(format!("data/topics/{topic}/{}-{}", partition.0, group.0).into());
        }
        self.store().remove(topic);
    }

    /// Sends one record until there is room for it.
    fn send(&mut self, group: GroupId, key: Option<u8>, len: usize) -> Go {
        self.send_as(None, group, key, len)
    }

    /// As [`send`](Self::send), from a producer that sends nothing else.
    fn send_as(&mut self, one: Option<i64>, group: GroupId, key: Option<u8>, len: usize) -> Go {
        self.tokens += 1;
        let mut value = format!("{}-{} ", group.0, self.tokens).into_bytes();
        value.resize(len, b'.');
        let mut builder = Builder::new();
        let origin = if key.is_none() {
            let sequence = if one.is_some() { 0 } else { self.sends[&group].sequence };
            builder = builder.producer(one.unwrap_or(self.producer), 0, sequence);
            Origin::Client { acks: Acks::All }
        } else {
            Origin::Coordinator { expected_end: None, makes_room: false }
        };
        let key_bytes = key.map(|key| [key]);
        builder.push(self.now.wall_ms, key_bytes.as_ref().map(|key| &key[..]), Some(&value), &[]);
        let bytes = builder.finish(Codec::None);
        let token = self.tokens;
        for _ in 0..TURNS_MAX {
            let now = self.now;
            match self.store().append(now, group, &bytes, origin, Some(WaiterToken(token))) {
                Ok(appended) => {
                    let base = appended.base_offset.0;
                    assert!(!appended.acknowledged, "nothing is durable at once");
                    self.waiting.insert(token, (group, base));
                    let sent =
                        Sent { base, key, value, bytes, acked: false, last_of_producer: one.is_some() };
                    let sends = self.sends.get_mut(&group).expect("it was named");
                    sends.list.push(sent);
                    sends.sequence += i32::from(one.is_none());
                    return Ok(());
                }
                Err(AppendError::NoRoom | AppendError::StorageFull) => {}
                Err(error) => panic!("{}: a good batch is refused: {error:?}", self.operation),
            }
            self.turn();
            self.finish()?;
            self.pass_ms(50);
        }
        let found = self.store().describe();
        panic!("{}: no room, and none comes: {found}", self.operation);
    }

    /// As a producer that waits for each acknowledgement.
    fn send_durably(&mut self, group: GroupId, key: Option<u8>, len: usize) -> Go {
        self.send(group, key, len)?;
        for _ in 0..TURNS_MAX {
            if self.waiting.is_empty() {
                return Ok(());
            }
            self.turn();
            self.finish()?;
        }
        panic!("{}: never acknowledged", self.operation);
    }

    pub fn segments(&self, topic: TopicId, group: GroupId) -> usize {
        let dir = PathBuf::from(format!("data/topics/{topic}/0-{}", group.0));
        let names = self.disk.list(&dir).expect("listable");
        names.iter().filter(|name| name.extension().is_some_and(|suffix| suffix == "log")).count()
    }

    /// Retention may take everything before `offset`.
    fn allow_start(&mut self, group: GroupId, offset: i64) {
        self.sends.get_mut(&group).expect("it was named").log_start = offset;
    }

    /// A stop in order.
    fn close(&mut self) -> Go {
        let mut jobs = Vec::new();
        self.store().close(&mut jobs);
        self.running.append(&mut jobs);
        for _ in 0..TURNS_MAX {
            self.turn();
            if self.store().is_closed() {
                return Ok(());
            }
            self.finish()?;
        }
        panic!("the store never closes");
    }

    fn log_start(&mut self, group: GroupId) -> i64 {
        let info = self.store().log_info(group).expect("it is here");
        let start = info.watermarks.log_start.0;
        self.sends.get_mut(&group).expect("it was named").log_start = start;
        start
    }

    /// Every record that can be read: offset, value.
    fn read_all(&mut self, group: GroupId) -> Result<Vec<(i64, Vec<u8>)>, Stopped> {
        let info = self.store().log_info(group).expect("it is here");
        let (mut next, end) = (info.watermarks.log_start, info.watermarks.high_watermark);
        let (mut records, mut failures) = (Vec::new(), 0);
        while next < end {
            let spec = FetchSpec {
                group,
                from: next,
                bytes_max: 20_000,
                at_least_one: true,
                isolation: Isolation::ReadUncommitted,
                current_epoch: Epoch::NONE,
                last_fetched_epoch: Epoch::NONE,
            };
            let mut jobs = Vec::new();
            let fetched = match self.store().fetch(&spec, WaiterToken(0), &mut jobs).expect("readable") {
                Fetch::Ready(fetched) => fetched,
                Fetch::Cold => {
                    self.running.append(&mut jobs);
                    match self.read_cold()? {
                        Ok(fetched) => fetched,
                        // What failed may have been an index's making; a client asks again.
                        Err(FetchError::Storage)
                            if self.trouble == Some(Trouble::Failure) && failures == 0 =>
                        {
                            failures += 1;
                            continue;
                        }
                        Err(error) => panic!("group {} at {}: {error:?}", group.0, next.0),
                    }
                }
            };
            let before = next;
            for bytes in &fetched.data {
                for batch in batch::split(bytes) {
                    let (header, batch) = batch.expect("whole batches");
                    batch::check_crc(&header, batch).expect("sound batches");
                    let mut section = Vec::new();
                    batch::decompress(&header, batch, &mut section, 1 << 20).expect("readable");
                    for record in batch::records(&header, &section) {
                        let record = record.expect("readable");
                        records.push((record.offset.0, record.value.unwrap_or_default().to_vec()));
                    }
                    next = header.next_offset().max(next);
                }
            }
            if next == before {
                break; // compaction left nothing behind this
            }
        }
        Ok(records)
    }

    fn read_cold(&mut self) -> Result<Result<Fetched, FetchError>, Stopped> {
        for _ in 0..TURNS_MAX {
            let read = self.wakes.iter().position(|wake| matches!(wake, Wake::Read { .. }));
            if let Some(at) = read {
                let Wake::Read { result, .. } = self.wakes.remove(at) else { unreachable!("just matched") };
                return Ok(result);
            }
            self.finish()?;
            self.turn();
        }
        panic!("a cold read never comes back");
    }

    // ---- after the trouble

    /// A process on a disk that has no more trouble finds what there is.
    pub fn restart(&mut self, end: End, rng: &mut SplitMix) {
        self.trouble = None;
        self.full = None;
        self.store = None;
        self.running.clear();
        self.wakes.clear();
        self.waiting.clear();
        self.disk.crash(end, rng);
        self.operation = OPENING;
        self.open().expect("what is left can be opened");
        self.settle().expect("no more trouble");
    }

    /// Everything acknowledged is there, and nothing that was not sent; then life goes on.
    pub fn check(&mut self) {
        let groups: Vec<GroupId> = self.sends.keys().copied().collect();
        for group in groups {
            let found = self.read_all(group).expect("no more trouble");
            let info = self.store().log_info(group).expect("it is here");
            let sends = self.sends.get_mut(&group).expect("listed");
            sends.check(group, info.watermarks.log_start.0, info.watermarks.log_end.0, &found);
            self.check_duplicate(group);
        }
        let compacted = self.disk.list(&PathBuf::from(format!("data/topics/{}/0-3", TopicId([2; 16]))));
        for path in compacted.expect("listable") {
            assert!(
                path.extension().is_none_or(|suffix| suffix != "swap"),
                "{} is left over",
                path.display()
            );
        }
        for dir in &self.deleted {
            let left = self.disk.list(dir).expect("listable");
            assert!(left.is_empty(), "{} of a deleted topic holds {left:?}", dir.display());
        }
        self.producer += 1;
        self.sends.values_mut().for_each(|sends| sends.sequence = 0);
        let groups: Vec<GroupId> = self.sends.keys().copied().collect();
        for group in groups {
            let key = self.sends[&group].compacted.then_some(0);
            self.send_durably(group, key, 50).expect("no more trouble");
        }
    }

    /// A process accepts what is lost. Everything acknowledged is there, but for what it names. Gives how much that was.
    pub fn accept_loss(&mut self) -> usize {
        self.trouble = None;
        self.store = None;
        self.running.clear();
        self.wakes.clear();
        self.waiting.clear();
        self.disk.crash(End::Kill, &mut SplitMix(1));
        self.open_with(true).expect("with loss accepted it starts");
        let losses = self.store().losses();
        self.settle().expect("no more trouble");
        let groups: Vec<GroupId> = self.sends.keys().copied().collect();
        let mut given_up = 0;
        for group in groups {
            let found = self.read_all(group).expect("no more trouble");
            let mark = format!("group {}", group.0);
            let named: Vec<(i64, i64)> =
                losses.iter().filter(|loss| loss.contains(&mark)).map(|l| range(l)).collect();
            let sends = self.sends.get_mut(&group).expect("listed");
            let before = sends.list.iter().filter(|sent| sent.acked).count();
            let info = self.store.as_ref().expect("open").log_info(group).expect("it is here");
            // Compaction took what had a newer value, which may be among what is lost now.
            let newest: BTreeMap<Option<u8>, i64> =
                sends.list.iter().map(|sent| (sent.key, sent.base)).collect();
            let kept = |sent: &Sent| !sends.compacted || newest[&sent.key] == sent.base;
            sends.list.iter_mut().for_each(|sent| sent.acked &= kept(sent));
            if info.watermarks.log_end.0 == 0 && losses.iter().any(|loss| loss.contains("begins anew")) {
                sends.list.clear();
            }
            let lost = |sent: &Sent| named.iter().any(|(from, upto)| (*from..=*upto).contains(&sent.base));
            sends.list.iter_mut().for_each(|sent| sent.acked &= !lost(sent));
            given_up += before - sends.list.iter().filter(|sent| sent.acked).count();
            sends.log_start = i64::MAX;
            sends.check(group, info.watermarks.log_start.0, info.watermarks.log_end.0, &found);
            sends.list.retain(|sent| found.iter().any(|(offset, _)| *offset == sent.base));
        }
        given_up
    }

    /// The newest batch sent again is answered as it was, or stored if it was not.
    fn check_duplicate(&mut self, group: GroupId) {
        let sends = &self.sends[&group];
        let newest = sends.list.iter().rev().find(|sent| sent.key.is_none() && !sent.last_of_producer);
        let alone = sends.list.iter().filter(|sent| sent.last_of_producer);
        let again: Vec<(Vec<u8>, i64)> =
            newest.into_iter().chain(alone).map(|sent| (sent.bytes.clone(), sent.base)).collect();
        for (bytes, base) in again {
            let (now, origin) = (self.now, Origin::Client { acks: Acks::All });
            let again = self.store().append(now, group, &bytes, origin, None).expect("a good batch");
            assert_eq!(
                again.base_offset.0, base,
                "group {}: an acknowledged batch was stored twice",
                group.0
            );
        }
        let taken = std::mem::take(&mut self.sends.get_mut(&group).expect("listed").taken);
        for mut sent in taken {
            let (now, origin) = (self.now, Origin::Client { acks: Acks::All });
            let end = self.store().log_info(group).expect("it is here").watermarks.log_end;
            let again = self.store().append(now, group, &sent.bytes, origin, None).expect("a good batch");
            assert_eq!(again.base_offset, end, "group {}: what a crash took is called a duplicate", group.0);
            sent.base = end.0;
            self.sends.get_mut(&group).expect("listed").list.push(sent);
        }
    }
}

fn compacted() -> CleanupPolicy {
    CleanupPolicy { compact: true, delete: false }
}

fn topic(id: u8, config: TopicConfig, groups: &[u64]) -> TopicSpec {
    let partitions = groups.iter().zip(0..).map(|(group, at)| (GroupId(*group), PartitionIndex(at)));
    TopicSpec {
        topic_id: TopicId([id; 16]),
        name: format!("topic-{id}").into(),
        internal: config.cleanup.compact,
        config,
        partitions: partitions.collect(),
    }
}
