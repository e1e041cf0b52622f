//! Random histories of a compacted topic against a plain list of what was sent: whatever a reader meets, also in the middle of
//! a swap or after a kill or a power cut at any change of the disk, is what Kafka would show.
//!
//! `HISTORIES=n` runs so many (seeds 0 to n), `HISTORY=n` one of them.

mod world;

use std::collections::BTreeMap;
use std::path::PathBuf;

use batch::{Builder, Codec, Header};
use io::{Job, Rng, SplitMix, Storage};
use model::{Epoch, Offset};
use partition::{
    Acks, AppendError, CleanerOptions, CleanupPolicy, Fetch, FetchError, Fetched, Isolation, ListQuery,
    Listed, Origin, StoreJob, TopicConfig, WaiterToken, Wake,
};
use sim::disk::End;
use world::{GROUP, TOPIC, World, spec};

/// Histories in a run of all tests.
const HISTORIES: u64 = 200;
/// Events of one.
const EVENTS: u32 = 160;
const KEYS: u64 = 6;
const PRODUCERS: u64 = 3;
/// Turns that a reader may take.
const TURNS_MAX: u32 = 10_000;

#[derive(Clone, PartialEq, Eq, Debug)]
struct Sent {
    key: u64,
    value: Option<Vec<u8>>,
    timestamp: i64,
    /// When it was appended.
    now_ms: i64,
    /// Its batch's token.
    token: u64,
}

/// A producer's batch.
#[derive(Clone, Copy)]
struct Produced {
    base: i64,
    last_sequence: i32,
}

struct History {
    world: World,
    rng: SplitMix,
    sent: BTreeMap<i64, Sent>,
    acked: i64,
    produced: BTreeMap<u64, Vec<Produced>>,
    tokens: u64,
    /// Set while the disk is about to end.
    ending: Option<End>,
    /// The shortest `delete.retention.ms` that was ever set.
    retention_ms_min: i64,
    cleanings: u64,
    /// Records that readers did not meet any more.
    gone: u64,
}

/// What a reader met.
#[derive(Default)]
struct Scan {
    records: BTreeMap<i64, (u64, Option<Vec<u8>>, i64)>,
    headers: Vec<Header>,
    end: i64,
}

fn config(rng: &mut SplitMix) -> TopicConfig {
    let pick =
        |rng: &mut SplitMix, of: &[i64]| of[usize::try_from(rng.below(of.len() as u64)).expect("small")];
    TopicConfig {
        cleanup: CleanupPolicy { compact: true, delete: rng.below(4) == 0 },
        retention_bytes: Some(4_000),
        segment_bytes: u64::try_from(pick(rng, &[500, 900, 2_500])).expect("positive"),
        delete_retention_ms: pick(rng, &[0, 3_000, 60_000]),
        compaction_lag_ms_min: pick(rng, &[0, 0, 2_000]),
        compaction_lag_ms_max: pick(rng, &[i64::MAX, 5_000]),
        dirty_ratio_min: [0.0, 0.01, 0.5][usize::try_from(rng.below(3)).expect("small")],
        ..TopicConfig::default()
    }
}

impl History {
    fn new(seed: u64) -> History {
        let mut rng = SplitMix(seed);
        let config = config(&mut rng);
        let retention_ms_min = config.delete_retention_ms;
        let mut history = History {
            world: World::with(config, rng.below(4) == 0, seed),
            rng,
            sent: BTreeMap::new(),
            acked: 0,
            produced: BTreeMap::new(),
            tokens: 0,
            ending: None,
            retention_ms_min,
            cleanings: 0,
            gone: 0,
        };
        history.set_cleaner();
        history
    }

    fn set_cleaner(&mut self) {
        // Sometimes there is memory for a handful of keys alone.
        let keys_bytes_max = if self.rng.below(3) == 0 { 32 * 4 } else { 1 << 16 };
        let slice_bytes = [150, 600, 1 << 20][usize::try_from(self.rng.below(3)).expect("small")];
        let options =
            CleanerOptions { backoff_ms: 100, keys_bytes_max, slice_bytes, ..CleanerOptions::default() };
        self.world.store.set_cleaner(options);
    }

    fn run(&mut self) {
        for _ in 0..EVENTS {
            match self.rng.below(20) {
                0..7 => self.send(),
                7..12 => self.finish(),
                12..15 => self.world.turn(),
                15 => {
                    let ms = [50, 200, 1_500, 20_000][usize::try_from(self.rng.below(4)).expect("small")];
                    self.world.pass_ms(ms);
                }
                16 => {
                    let from = self.any_offset();
                    self.check_scan(from);
                }
                17 => self.check_time(),
                18 if self.ending.is_none() => {
                    self.ending = Some(if self.rng.below(2) == 0 { End::Kill } else { End::Power });
                    self.world.disk.end_after(Some(1 + self.rng.below(40)));
                }
                _ => {
                    self.world.config = config(&mut self.rng);
                    self.retention_ms_min = self.retention_ms_min.min(self.world.config.delete_retention_ms);
                    self.world.configure();
                }
            }
            self.take_acks();
            self.restart_if_ended();
        }
        self.world.disk.end_after(None);
        self.ending = None;
        self.rest();
        self.check_scan(0);
        self.check_producers();
        self.world.settle();
        self.check_files();
    }

    /// Nothing is left of what was replaced or deleted.
    fn check_files(&self) {
        let start = self.log_start();
        let dir = PathBuf::from(format!("data/topics/{TOPIC}/0-{}", GROUP.0));
        let names = self.world.disk.list(&dir).expect("listable");
        let names: Vec<_> = names.iter().filter_map(|path| path.file_name()?.to_str()).collect();
        assert!(names.iter().all(|name| !name.ends_with(".swap")), "{names:?}");
        let base =
            |name: &&str| name.strip_suffix(".log").map(|base| base.parse::<i64>().expect("an offset"));
        let before = names.iter().filter_map(base).filter(|base| *base <= start).count();
        assert!(before <= 1, "only the segment that holds {start}, but {names:?}");
    }

    /// Lets everything come to rest.
    fn rest(&mut self) {
        for _ in 0..5 {
            self.world.settle();
            self.world.pass_ms(200);
        }
        self.take_acks();
    }

    fn any_offset(&mut self) -> i64 {
        let end = self.world.store.log_info(GROUP).expect("named").watermarks.high_watermark.0;
        i64::try_from(self.rng.below(end.unsigned_abs() + 1)).expect("small")
    }

    fn send(&mut self) {
        let producer = self.rng.below(PRODUCERS + 1);
        let last = self.produced.get(&producer).and_then(|list| list.last()).map(|last| last.last_sequence);
        let first_sequence = last.map_or(0, |last| last + 1);
        let mut builder = Builder::new();
        if producer < PRODUCERS {
            builder = builder.producer(100 + i64::try_from(producer).expect("small"), 0, first_sequence);
        }
        self.tokens += 1;
        let mut records = Vec::new();
        for n in 0..=self.rng.below(3) {
            let key = self.rng.below(KEYS);
            let size = usize::try_from(self.rng.below(120)).expect("small");
            let value = (self.rng.below(5) > 0)
                .then(|| format!("{}-{n}-{}", self.tokens, "x".repeat(size)).into_bytes());
            let timestamp = self.world.now.wall_ms - i64::try_from(self.rng.below(3_000)).expect("small");
            builder.push(
                timestamp,
                Some(&key.to_be_bytes()),
                value.as_deref(),
                &[(b"of", Some(&key.to_be_bytes()))],
            );
            records.push(Sent { key, value, timestamp, now_ms: self.world.now.wall_ms, token: self.tokens });
        }
        let codec = Codec::ALL[usize::try_from(self.rng.below(5)).expect("small")];
        let bytes = builder.finish(codec);
        let origin = match self.world.internal {
            true => Origin::Coordinator { expected_end: None, makes_room: false },
            false => Origin::Client { acks: Acks::All },
        };
        let token = Some(WaiterToken(self.tokens));
        let appended = match self.world.store.append(self.world.now, GROUP, &bytes, origin, token) {
            Ok(appended) => appended,
            Err(AppendError::NoRoom | AppendError::LargerThanSegment) => return,
            Err(error) => panic!("a good batch is refused: {error:?}"),
        };
        let base = appended.base_offset.0;
        if producer < PRODUCERS {
            let last_sequence = first_sequence + i32::try_from(records.len()).expect("small") - 1;
            self.produced.entry(producer).or_default().push(Produced { base, last_sequence });
        }
        self.sent.extend((base..).zip(records));
    }

    /// Finishes any of the running jobs.
    fn finish(&mut self) {
        if self.world.running.is_empty() || self.world.disk.ended() {
            return;
        }
        let at = usize::try_from(self.rng.below(self.world.running.len() as u64)).expect("small");
        let done = self.world.running.remove(at).run(&self.world.disk);
        if !self.world.disk.ended() {
            let now = self.world.now;
            self.world.store.job_done(now, done, &mut self.world.wakes).expect("the disk works");
        }
    }

    fn take_acks(&mut self) {
        for token in self.world.acked() {
            let of = |(offset, sent): (&i64, &Sent)| (sent.token == token).then_some(offset + 1);
            let end = self.sent.iter().filter_map(of).max();
            self.acked = self.acked.max(end.unwrap_or(0));
        }
    }

    fn restart_if_ended(&mut self) {
        if !self.world.disk.ended() {
            return;
        }
        let end = self.ending.take().expect("it was announced");
        self.cleanings += self.world.store.cleaner_stats().cleanings;
        self.world.restart(end);
        self.set_cleaner();
        let log_end = self.world.store.log_info(GROUP).expect("named").watermarks.log_end.0;
        assert!(log_end >= self.acked, "what was acknowledged is there");
        self.sent.retain(|offset, _| *offset < log_end);
        self.produced.values_mut().for_each(|list| list.retain(|batch| batch.base < log_end));
        self.world.settle();
        self.check_producers();
        self.check_scan(0);
    }

    fn check_producers(&mut self) {
        let known = self.world.store.producers(GROUP);
        for (producer, list) in &self.produced {
            let Some(last) = list.last() else { continue };
            let id = 100 + i64::try_from(*producer).expect("small");
            let found = known.iter().find(|known| known.producer_id == id).map(|known| known.last_sequence);
            assert_eq!(found, Some(last.last_sequence), "producer {id}");
        }
    }

    // ---- readers

    fn log_start(&self) -> i64 {
        self.world.store.log_info(GROUP).expect("named").watermarks.log_start.0
    }

    /// Reads while everything else goes on in any order; `None`: the disk's end came first, or retention.
    fn fetch(&mut self, from: i64) -> Option<Fetched> {
        self.tokens += 1;
        let token = WaiterToken(self.tokens);
        let mut jobs = Vec::new();
        let mut spec = spec(from);
        spec.bytes_max = 200 + usize::try_from(self.rng.below(1_000)).expect("small");
        match self.world.store.fetch(&spec, token, &mut jobs) {
            Ok(Fetch::Ready(fetched)) => return Some(fetched),
            Ok(Fetch::Cold) => self.go_on_before(jobs),
            Err(FetchError::OffsetOutOfRange) if from < self.log_start() => return None,
            Err(error) => panic!("a fetch from {from}: {error:?}"),
        }
        let result = self.wait(|wake| matches!(wake, Wake::Read { token: of, .. } if *of == token))?;
        match result {
            Wake::Read { result: Err(FetchError::OffsetOutOfRange), .. } if from < self.log_start() => None,
            Wake::Read { result, .. } => Some(result.expect("readable")),
            _ => unreachable!("just matched"),
        }
    }

    /// A reader's job comes late: whatever it is to read from may be replaced by then.
    fn go_on_before(&mut self, mut jobs: Vec<StoreJob>) {
        for _ in 0..self.rng.below(2) * self.rng.below(40) {
            self.world.turn();
            self.finish();
        }
        self.world.running.append(&mut jobs);
    }

    fn wait(&mut self, is_it: impl Fn(&Wake) -> bool) -> Option<Wake> {
        for _ in 0..TURNS_MAX {
            if let Some(at) = self.world.wakes.iter().position(&is_it) {
                return Some(self.world.wakes.remove(at));
            }
            if self.world.disk.ended() {
                return None;
            }
            if self.rng.below(3) == 0 || self.world.running.is_empty() {
                self.world.turn();
            }
            self.finish();
        }
        panic!("nobody answers: {}", self.world.store.describe());
    }

    fn scan(&mut self, from: i64) -> Option<Scan> {
        let mut scan = Scan { end: from.max(self.log_start()), ..Scan::default() };
        loop {
            let fetched = self.fetch(scan.end)?;
            if fetched.bytes == 0 {
                scan.end = fetched.watermarks.high_watermark.0;
                return Some(scan);
            }
            let before = scan.end;
            for item in fetched.data.iter().flat_map(|bytes| batch::split(bytes)) {
                let (header, bytes) = item.expect("whole batches");
                batch::check_crc(&header, bytes).expect("sound batches");
                let mut section = Vec::new();
                batch::decompress(&header, bytes, &mut section, 1 << 20).expect("readable");
                for record in batch::records(&header, &section) {
                    let record = record.expect("readable");
                    let key = record.key.expect("a keyed log");
                    assert_eq!(record.headers.collect::<Vec<_>>(), [(&b"of"[..], Some(key))], "headers stay");
                    let key = u64::from_be_bytes(key.try_into().expect("ours"));
                    if record.offset.0 >= before {
                        let read = (key, record.value.map(<[u8]>::to_vec), record.timestamp);
                        assert!(scan.records.insert(record.offset.0, read).is_none(), "each once");
                    }
                }
                assert!(header.next_offset().0 > scan.end || header.base_offset.0 <= scan.end, "in order");
                scan.end = scan.end.max(header.next_offset().0);
                scan.headers.push(header);
            }
            assert!(scan.end > before, "a fetch with data goes on");
        }
    }

    fn check_scan(&mut self, from: i64) {
        let Some(scan) = self.scan(from) else { return };
        for (offset, read) in &scan.records {
            let sent = self.sent.get(offset).map(|sent| (sent.key, sent.value.clone(), sent.timestamp));
            assert_eq!(sent.as_ref(), Some(read), "the record at {offset} is the one that was sent");
        }
        let start = self.log_start();
        let read = self.sent.range(from.max(start).min(scan.end)..scan.end);
        let missing = read.filter(|(offset, _)| !scan.records.contains_key(offset));
        for (offset, gone) in missing {
            let is_replaced = self.sent.range(offset + 1..).any(|(_, later)| later.key == gone.key);
            let age_ms = self.world.now.wall_ms - gone.now_ms;
            let is_expired = gone.value.is_none() && age_ms >= self.retention_ms_min;
            assert!(is_replaced || is_expired, "the newest of key {} at {offset} is gone", gone.key);
            self.gone += 1;
        }
        if from == 0 {
            for (producer, list) in &self.produced {
                let id = 100 + i64::try_from(*producer).expect("small");
                let Some(last) = list.iter().rfind(|batch| batch.base < scan.end) else { continue };
                if last.base < start {
                    continue;
                }
                let carries = |header: &Header| {
                    header.producer_id == id && header.last_sequence() == last.last_sequence
                };
                assert!(
                    scan.headers.iter().any(carries),
                    "the last sequence number of producer {id} is in the log"
                );
            }
        }
    }

    /// The first record at or behind a time, of those that are there.
    fn check_time(&mut self) {
        let Some(before) = self.scan(0) else { return };
        let timestamp = self.world.now.wall_ms - i64::try_from(self.rng.below(10_000)).expect("small");
        let query = ListQuery {
            group: GROUP,
            timestamp,
            isolation: Isolation::ReadUncommitted,
            current_epoch: Epoch::NONE,
        };
        self.tokens += 1;
        let token = WaiterToken(self.tokens);
        let mut jobs = Vec::new();
        let listed = match self.world.store.list_offsets(&query, token, &mut jobs).expect("readable") {
            Listed::Ready(listed) => listed,
            Listed::Pending => {
                self.go_on_before(jobs);
                let is_it = |wake: &Wake| matches!(wake, Wake::Listed { token: of, .. } if *of == token);
                match self.wait(is_it) {
                    Some(Wake::Listed { result, .. }) => result.expect("readable"),
                    _ => return,
                }
            }
        };
        let Some(after) = self.scan(0) else { return };
        let first = |scan: &Scan| {
            let late = scan.records.iter().filter(|(_, (.., time))| *time >= timestamp);
            late.map(|(offset, _)| *offset).next()
        };
        // Compaction goes on meanwhile, and so do commits: it is what was there before, or after, or between.
        let (early, late) = (first(&before), first(&after));
        match (listed.offset, early) {
            (Offset(-1), early) => {
                assert!(early.is_none() || early != late, "a record at {early:?} is not found")
            }
            (found, early) => {
                assert!(
                    early.is_none_or(|early| found.0 >= early) && late.is_none_or(|late| found.0 <= late)
                );
                assert!(self.sent[&found.0].timestamp >= timestamp, "a late record");
            }
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a number"))
}

#[test]
fn readers_of_a_compacted_topic_never_miss_the_newest_record_of_a_key() {
    let seeds = match number("HISTORY") {
        Some(seed) => seed..seed + 1,
        None => 0..number("HISTORIES").unwrap_or(HISTORIES),
    };
    let histories = seeds.end - seeds.start;
    let (mut cleanings, mut gone) = (0, 0);
    for seed in seeds {
        let result = std::panic::catch_unwind(|| {
            let mut history = History::new(seed);
            history.run();
            (history.cleanings + history.world.store.cleaner_stats().cleanings, history.gone)
        });
        match result {
            Ok((count, missing)) => (cleanings, gone) = (cleanings + count, gone + missing),
            Err(_) => panic!("history {seed} fails: HISTORY={seed} runs it again"),
        }
    }
    println!("{histories} histories, {cleanings} compactions, {gone} times a record was gone");
    assert!(cleanings > histories && gone > 10 * histories, "compactions are what this is about");
}
