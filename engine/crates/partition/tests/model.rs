//! Random appends, retries, reads, crashes and restarts against a list of what was acknowledged.
//!
//! The order of the threads' work is random too. What must hold: every acknowledged record is there, at its offset, once;
//! nothing is there that was not sent; nothing is visible that a crash could take back.

mod world;

use io::Rng;
use model::Offset;
use partition::{AppendError, TopicConfig, WaiterToken, Wake};
use sim::disk::End;
use world::*;

const STEPS: usize = 400;
const SEEDS: u64 = 60;

/// A batch whose order was fixed.
struct Sent {
    base: usize,
    token: u64,
    /// Its producer and first sequence number.
    producer: Option<(i64, i32)>,
    bytes: Vec<u8>,
}

struct Run {
    world: World,
    /// Values in the order that was fixed; what a crash may shorten.
    log: Vec<Vec<u8>>,
    sent: Vec<Sent>,
    /// End of the last acknowledged batch.
    acknowledged: usize,
    /// Next sequence numbers of three producers.
    sequences: [i32; 3],
    start: usize,
    tokens: u64,
}

impl Run {
    fn new(seed: u64) -> Run {
        let config = TopicConfig { segment_bytes: 60_000, ..TopicConfig::default() };
        Run {
            world: World::with(config, false, seed),
            log: Vec::new(),
            sent: Vec::new(),
            acknowledged: 0,
            sequences: [0; 3],
            start: 0,
            tokens: 0,
        }
    }

    fn below(&mut self, n: usize) -> usize {
        self.world.rng.below(n as u64) as usize
    }

    fn step(&mut self) {
        match self.below(100) {
            0..40 => self.append(),
            40..50 => self.retry(),
            50..70 => self.world.turn(),
            70..85 => self.finish(),
            85..93 => self.read(),
            93..95 => self.delete(),
            95..97 => self.world.settle(),
            97 => self.weather(),
            _ => self.crash(),
        }
        self.take_acks();
    }

    fn append(&mut self) {
        let values: Vec<Vec<u8>> = (0..=self.below(3))
            .map(|_| {
                let (len, byte) = (self.below(12_000), self.below(256) as u8);
                vec![byte; len]
            })
            .collect();
        let slices: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
        let producer = self.below(4);
        let (bytes, producer) = if producer < 3 {
            let sequence = self.sequences[producer];
            (idempotent(producer as i64, sequence, &slices), Some((producer as i64, sequence)))
        } else {
            (batch_of(&slices), None)
        };
        self.tokens += 1;
        match self.world.append(&bytes, self.tokens) {
            Err(AppendError::NoRoom | AppendError::StorageFull) => {}
            Err(error) => panic!("refused: {error:?}"),
            Ok(appended) => {
                assert_eq!(appended.base_offset, Offset(self.log.len() as i64));
                if let Some((id, _)) = producer {
                    self.sequences[id as usize] += values.len() as i32;
                }
                self.sent.push(Sent { base: self.log.len(), token: self.tokens, producer, bytes });
                self.log.extend(values);
            }
        }
    }

    /// Time passes, and the disk fills up or has room again.
    fn weather(&mut self) {
        self.world.files_fail = self.below(3) == 0;
        self.world.pass_ms(2_000);
    }

    /// A producer's newest batch is sent again: it is there once.
    fn retry(&mut self) {
        let Some(sent) = self.sent.iter().rev().find(|sent| sent.producer.is_some()) else { return };
        let (bytes, base) = (sent.bytes.clone(), sent.base);
        match self.world.append(&bytes, 0) {
            Err(AppendError::StorageFull) => {}
            again => assert_eq!(again.expect("a duplicate needs no room").base_offset, Offset(base as i64)),
        }
    }

    fn finish(&mut self) {
        let commit = self.world.running.iter().position(|job| job.is_commit());
        let running = self.world.running.len();
        if running > 0 {
            let any = self.below(running);
            self.world.finish(commit.unwrap_or(any));
        }
    }

    fn take_acks(&mut self) {
        for token in self.world.acked() {
            if let Some(sent) = self.sent.iter().find(|sent| sent.token == token) {
                let next = self.sent.iter().find(|later| later.base > sent.base);
                let end = next.map_or(self.log.len(), |next| next.base);
                assert!(end >= self.acknowledged, "acknowledged in order");
                self.acknowledged = end;
            }
        }
        self.world.wakes.retain(|wake| !matches!(wake, Wake::Data { .. }));
    }

    fn read(&mut self) {
        let marks = self.world.store.log_info(GROUP).expect("here").watermarks;
        let visible = marks.high_watermark.0 as usize;
        assert!(visible >= self.acknowledged && visible <= self.log.len());
        assert_eq!(marks.log_start.0 as usize, self.start);
        let from = self.start + self.below(visible - self.start + 1);
        let read = self.world.read_all(from as i64);
        // Reading may have let commits through; more may have become visible.
        assert!(read.len() >= visible - from);
        for ((offset, value), at) in read.iter().zip(from..) {
            assert_eq!((*offset as usize, value), (at, &self.log[at]));
        }
    }

    fn delete(&mut self) {
        let visible = self.world.store.log_info(GROUP).expect("here").watermarks.high_watermark.0 as usize;
        let to = self.start + self.below(visible - self.start + 1);
        let deleted = self.world.store.delete_records(GROUP, Offset(to as i64), WaiterToken(0));
        if deleted.is_ok_and(|deleted| deleted.is_some()) {
            self.world.settle();
            self.start = self.start.max(to);
        }
    }

    fn crash(&mut self) {
        self.take_acks();
        let end = if self.below(2) == 0 { End::Kill } else { End::Power };
        self.world.restart(end);
        let marks = self.world.store.log_info(GROUP).expect("it was there").watermarks;
        let length = marks.log_end.0 as usize;
        assert!(length >= self.acknowledged, "acknowledged records are gone");
        assert!(length <= self.log.len(), "records that nobody sent");
        assert_eq!(marks.high_watermark, marks.log_end, "alone, everything recovered is committed");
        assert_eq!(marks.log_start.0 as usize, self.start);
        self.log.truncate(length);
        self.sent.retain(|sent| sent.base < length);
        self.acknowledged = length;
        for (id, next) in (0..).zip(&mut self.sequences) {
            let kept =
                self.sent.iter().rev().find_map(|sent| sent.producer.filter(|producer| producer.0 == id));
            let newest = self.sent.iter().rev().find(|sent| sent.producer == kept && kept.is_some());
            *next = newest.map_or(0, |sent| {
                let header = batch::Header::read(&sent.bytes).expect("our own");
                sent.producer.expect("just matched").1 + header.record_count
            });
        }
        let read = self.world.read_all(self.start as i64);
        assert_eq!(read.len(), length - self.start);
        for ((offset, value), at) in read.iter().zip(self.start..) {
            assert_eq!((*offset as usize, value), (at, &self.log[at]));
        }
    }
}

#[test]
fn what_was_acknowledged_is_there_once_and_nothing_else() {
    let mut records = 0;
    for seed in 0..SEEDS {
        let mut run = Run::new(seed);
        for _ in 0..STEPS {
            run.step();
        }
        run.world.settle();
        run.take_acks();
        run.crash();
        records += run.log.len();
    }
    assert!(records > 50 * SEEDS as usize, "only {records} records were stored");
}
