//! A store on a simulated disk, with its threads stood in for by a list of jobs.
#![allow(dead_code)] // each test file uses its own part

use std::path::{Path, PathBuf};
use std::sync::Arc;

use batch::{Builder, Codec};
use io::{Job, Rng, SplitMix, Storage};
use model::limits::{JOURNAL_FILES_MAX, PRODUCERS_IN_STATE_MAX};
use model::{Epoch, GroupId, Offset, PartitionIndex, ShardId, TopicId};
use partition::{
    Acks, AppendError, Appended, CleanerOptions, Fetch, FetchError, FetchSpec, Fetched, Isolation, Now,
    Origin, Store, StoreJob, StoreOptions, TopicConfig, TopicSpec, WaiterToken, Wake,
};
use sim::disk::{End, SimDisk};

pub const GROUP: GroupId = GroupId(3);
pub const GROUP_TWO: GroupId = GroupId(4);
pub const TOPIC: TopicId = TopicId([9; 16]);
pub const WALL_MS: i64 = 1_700_000_000_000;
pub const ALL: Origin = Origin::Client { acks: Acks::All };

pub struct World {
    pub disk: SimDisk,
    pub store: Store,
    pub now: Now,
    pub rng: SplitMix,
    pub wakes: Vec<Wake>,
    pub running: Vec<StoreJob>,
    /// Whether work on files other than the journal's finds the disk full.
    pub files_fail: bool,
    pub config: TopicConfig,
    pub internal: bool,
    producers_in_state_max: usize,
}

pub fn options() -> StoreOptions {
    StoreOptions {
        data_dir: PathBuf::from("data"),
        shard: ShardId(0),
        journal_file_bytes_first: 256 * 1024,
        journal_file_bytes: 512 * 1024,
        journal_files_max: JOURNAL_FILES_MAX,
        tail_bytes_max: 128 * 1024,
        retention_check_ms: 1_000,
        producer_expiration_ms: 86_400_000,
        producers_in_state_max: PRODUCERS_IN_STATE_MAX,
        accept_loss: false,
    }
}

fn open(disk: &SimDisk, rng: &mut SplitMix, producers_in_state_max: usize) -> Store {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let options = StoreOptions { producers_in_state_max, ..options() };
    let mut store = Store::open(storage, options, rng).expect("the directory can be opened");
    store.set_cleaner(CleanerOptions { backoff_ms: 1_000, ..CleanerOptions::default() });
    store
}

impl World {
    pub fn new(config: TopicConfig) -> World {
        World::with(config, false, 1)
    }

    pub fn with(config: TopicConfig, internal: bool, seed: u64) -> World {
        let (disk, mut rng) = (SimDisk::default(), SplitMix(seed));
        // The data directory itself is made by who starts the node.
        disk.create_dir_all(Path::new("data")).expect("a new directory");
        disk.sync_dir(Path::new("")).expect("a directory");
        let producers_in_state_max = PRODUCERS_IN_STATE_MAX;
        let store = open(&disk, &mut rng, producers_in_state_max);
        let now = Now { monotonic_ns: 0, wall_ms: WALL_MS };
        let (wakes, running) = (Vec::new(), Vec::new());
        let mut world = World {
            disk,
            store,
            now,
            rng,
            wakes,
            running,
            files_fail: false,
            config,
            internal,
            producers_in_state_max,
        };
        world.configure();
        world.settle();
        world
    }

    /// Two partitions, and memory for `tail_bytes_max` of commits.
    pub fn of_two(tail_bytes_max: usize) -> World {
        let mut world = World::new(TopicConfig::default());
        let storage: Arc<dyn Storage> = Arc::new(world.disk.clone());
        let options = StoreOptions { tail_bytes_max, ..options() };
        world.store = Store::open(storage, options, &mut world.rng).expect("the directory can be opened");
        let mut topic = world.topic();
        topic.partitions.push((GROUP_TWO, PartitionIndex(1)));
        world.store.configure(topic);
        world.settle();
        world
    }

    /// A restart, from which on the journal holds at most so many producers of a partition.
    pub fn restart_with_in_state(&mut self, producers_in_state_max: usize) {
        self.producers_in_state_max = producers_in_state_max;
        self.restart(End::Kill);
        self.settle();
    }

    pub fn configure(&mut self) {
        let topic = self.topic();
        self.store.configure(topic);
    }

    fn topic(&self) -> TopicSpec {
        TopicSpec {
            topic_id: TOPIC,
            name: "orders".into(),
            internal: self.internal,
            config: self.config.clone(),
            partitions: vec![(GROUP, PartitionIndex(0))],
        }
    }

    /// Ends the turn; its jobs are running now.
    pub fn turn(&mut self) {
        self.store.end_turn(self.now, &mut self.running, &mut self.wakes);
    }

    /// Finishes one running job.
    pub fn finish(&mut self, at: usize) {
        let job = self.running.remove(at);
        self.disk.fail_writes(self.files_fail && !job.is_commit());
        let done = job.run(&self.disk);
        self.disk.fail_writes(false);
        self.store.job_done(self.now, done, &mut self.wakes).expect("the journal's disk works");
    }

    /// Turns until nothing runs and nothing new comes of it.
    pub fn settle(&mut self) {
        for _ in 0..100_000 {
            self.turn();
            if self.running.is_empty() {
                return;
            }
            self.finish(0);
        }
        panic!("the store never comes to rest");
    }

    pub fn pass_ms(&mut self, ms: i64) {
        self.now.wall_ms += ms;
        self.now.monotonic_ns += ms.unsigned_abs() * 1_000_000;
    }

    /// The process ends and another one opens what is left; the topic is named again.
    pub fn restart(&mut self, end: End) {
        self.reopen(end);
        self.configure();
    }

    /// The process is killed and started again, and nobody has named the topic yet.
    pub fn restart_unnamed(&mut self) {
        self.reopen(End::Kill);
    }

    fn reopen(&mut self, end: End) {
        self.running.clear();
        self.wakes.clear();
        self.disk.crash(end, &mut self.rng);
        self.store = open(&self.disk, &mut self.rng, self.producers_in_state_max);
    }

    /// As [`restart`](Self::restart), where the data may be refused.
    pub fn try_restart(&mut self, accept_loss: bool) -> Result<(), String> {
        self.try_restart_unnamed(accept_loss)?;
        self.configure();
        Ok(())
    }

    pub fn try_restart_unnamed(&mut self, accept_loss: bool) -> Result<(), String> {
        self.running.clear();
        self.wakes.clear();
        self.disk.crash(End::Power, &mut self.rng);
        let storage: Arc<dyn Storage> = Arc::new(self.disk.clone());
        let options = StoreOptions { accept_loss, ..options() };
        self.store = Store::open(storage, options, &mut self.rng).map_err(|error| error.to_string())?;
        Ok(())
    }

    pub fn append(&mut self, batch: &[u8], token: u64) -> Result<Appended, AppendError> {
        self.store.append(self.now, GROUP, batch, ALL, Some(WaiterToken(token)))
    }

    /// Appends and waits until it is acknowledged.
    pub fn append_durably(&mut self, batch: &[u8]) -> Appended {
        let appended = self.append(batch, u64::MAX).expect("a good batch");
        self.settle();
        if !appended.acknowledged {
            assert!(self.acked().contains(&u64::MAX));
        }
        appended
    }

    /// Tokens of the appends acknowledged since the last call.
    pub fn acked(&mut self) -> Vec<u64> {
        let acked = self.wakes.iter().filter_map(|wake| match wake {
            Wake::Acked { token, result: Ok(()) } => Some(token.0),
            _ => None,
        });
        let acked = acked.collect();
        self.wakes.retain(|wake| !matches!(wake, Wake::Acked { .. }));
        acked
    }

    pub fn fetch(&mut self, from: i64) -> Result<Fetched, FetchError> {
        self.fetch_spec(&spec(from))
    }

    /// Reads, also from files.
    pub fn fetch_spec(&mut self, spec: &FetchSpec) -> Result<Fetched, FetchError> {
        let token = WaiterToken(self.rng.next_u64());
        let mut jobs = Vec::new();
        match self.store.fetch(spec, token, &mut jobs)? {
            Fetch::Ready(fetched) => return Ok(fetched),
            Fetch::Cold => self.running.append(&mut jobs),
        }
        self.settle();
        let brought = |wake: &Wake| matches!(wake, Wake::Read { token: of, .. } if *of == token);
        let at = self.wakes.iter().position(brought).expect("a cold read comes back");
        match self.wakes.remove(at) {
            Wake::Read { result, .. } => result,
            _ => unreachable!("just matched"),
        }
    }

    /// Every record from an offset to the high watermark: (offset, value).
    pub fn read_all(&mut self, from: i64) -> Vec<(i64, Vec<u8>)> {
        let mut records = Vec::new();
        let mut next = from;
        loop {
            let fetched = self.fetch(next).expect("readable");
            if fetched.bytes == 0 {
                return records;
            }
            let before = next;
            for bytes in &fetched.data {
                for batch in batch::split(bytes) {
                    let (header, batch) = batch.expect("whole batches");
                    batch::check_crc(&header, batch).expect("sound batches");
                    let mut section = Vec::new();
                    batch::decompress(&header, batch, &mut section, 1 << 20).expect("readable");
                    for record in batch::records(&header, &section) {
                        let record = record.expect("readable");
                        if record.offset.0 >= next {
                            records.push((record.offset.0, record.value.unwrap_or_default().to_vec()));
                        }
                    }
                    next = header.next_offset().0.max(next);
                }
            }
            assert!(next > before, "a fetch with data goes on");
        }
    }

    /// Where its files are.
    pub fn dir(&self) -> PathBuf {
        PathBuf::from(format!("data/topics/{TOPIC}/0-{}", GROUP.0))
    }

    pub fn files(&self) -> Vec<String> {
        let names = self.disk.list(&self.dir()).expect("listable");
        let name = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        names.iter().filter_map(name).filter(|name| name.ends_with(".log")).collect()
    }
}

pub fn spec(from: i64) -> FetchSpec {
    FetchSpec {
        group: GROUP,
        from: Offset(from),
        bytes_max: 64 * 1024,
        at_least_one: true,
        isolation: Isolation::ReadUncommitted,
        current_epoch: Epoch::NONE,
        last_fetched_epoch: Epoch::NONE,
    }
}

/// A batch of `values` at `timestamp`.
pub fn batch_at(timestamp: i64, values: &[&[u8]]) -> Vec<u8> {
    let mut builder = Builder::new();
    for value in values {
        builder.push(timestamp, None, Some(value), &[]);
    }
    builder.finish(Codec::None)
}

pub fn batch_of(values: &[&[u8]]) -> Vec<u8> {
    batch_at(WALL_MS, values)
}

/// An idempotent producer's batch.
pub fn idempotent(id: i64, sequence: i32, values: &[&[u8]]) -> Vec<u8> {
    let mut builder = Builder::new().producer(id, 0, sequence);
    for value in values {
        builder.push(WALL_MS, None, Some(value), &[]);
    }
    builder.finish(Codec::None)
}
