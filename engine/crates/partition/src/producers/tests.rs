use proptest::prelude::*;

use batch::{Attributes, ControlKind, Header};
use model::Epoch;
use model::limits::TRANSACTIONS_OPEN_PER_PARTITION_MAX;

use super::*;

fn header(id: i64, epoch: i16, sequence: i32, records: i32, offset: i64) -> Header {
    Header {
        base_offset: Offset(offset),
        batch_length: 0,
        epoch: Epoch(0),
        magic: 2,
        crc: 0,
        attributes: Attributes(0),
        last_offset_delta: records - 1,
        base_timestamp: 1_000 + offset,
        max_timestamp: 1_000 + offset,
        producer_id: id,
        producer_epoch: epoch,
        base_sequence: sequence,
        record_count: records,
    }
}

fn added(header: &Header, marker: Option<EndMarker>, end: i64) -> Added<'_> {
    Added { header, marker, end: LogIndex(end as u64), now_ms: Some(0) }
}

/// A log of nothing but producers: offsets and indexes are the same.
#[derive(Default)]
struct Log {
    producers: Producers,
    end: i64,
}

impl Log {
    fn append(&mut self, id: i64, epoch: i16, sequence: i32, records: i32) -> String {
        let header = header(id, epoch, sequence, records, self.end);
        match self.producers.check(&header) {
            Ok(Sequence::Next) => {
                self.end += i64::from(records);
                self.producers.appended(added(&header, None, self.end));
                format!("at {}", header.base_offset)
            }
            Ok(Sequence::Duplicate(batch)) => format!("duplicate of {}", batch.base_offset),
            Err(error) => format!("{error:?}"),
        }
    }

    fn commit(&mut self) {
        self.producers.committed(LogIndex(self.end as u64));
    }
}

/// (producer id, epoch, first sequence, records) and what becomes of it.
type Step = ((i64, i16, i32, i32), &'static str);

fn run(steps: &[Step]) {
    for commit in [true, false] {
        let mut log = Log::default();
        for ((id, epoch, sequence, records), expected) in steps {
            let outcome = log.append(*id, *epoch, *sequence, *records);
            assert_eq!(&outcome, expected, "producer {id} epoch {epoch} sequence {sequence}");
            if commit {
                log.commit();
            }
        }
    }
}

#[test]
fn a_batch_sent_twice_is_stored_once() {
    run(&[
        ((7, 0, 0, 3), "at 0"),
        ((7, 0, 0, 3), "duplicate of 0"),
        ((7, 0, 3, 2), "at 3"),
        ((7, 0, 0, 3), "duplicate of 0"),
        ((7, 0, 3, 1), "OutOfOrderSequence"), // the same start, another end
        ((7, 0, 6, 1), "OutOfOrderSequence"), // a gap
        ((7, 0, 5, 1), "at 5"),
        ((8, 0, 5, 1), "at 6"), // an unknown producer may start anywhere
        ((-1, -1, -1, 9), "at 7"),
        ((-1, -1, -1, 9), "at 16"), // not idempotent: stored as often as sent
    ]);
}

#[test]
fn sequence_numbers_wrap_and_batches_may_stand_across_the_wrap() {
    run(&[
        ((7, 0, i32::MAX - 1, 2), "at 0"),
        ((7, 0, 0, 1), "at 2"),
        ((7, 0, i32::MAX - 1, 2), "duplicate of 0"),
        ((8, 0, i32::MAX - 1, 4), "at 3"),
        ((8, 0, 2, 1), "at 7"),
        ((8, 0, i32::MAX - 1, 4), "duplicate of 3"),
    ]);
}

#[test]
fn a_new_epoch_begins_at_zero_and_shuts_the_old_one_out() {
    run(&[
        ((7, 3, 4, 1), "at 0"),
        ((7, 4, 5, 1), "OutOfOrderSequence"),
        ((7, 4, 0, 1), "at 1"),
        ((7, 3, 5, 1), "FencedProducer"),
        ((7, 3, 4, 1), "FencedProducer"),
        ((7, 4, 0, 1), "duplicate of 1"),
        ((7, -1, 0, 1), "FencedProducer"),
        ((7, 4, -1, 1), "InvalidRecord"),
        ((8, -1, 0, 1), "InvalidRecord"),
    ]);
}

#[test]
fn five_committed_batches_are_remembered() {
    let mut log = Log::default();
    for sequence in 0..6 {
        log.append(7, 0, sequence, 1);
    }
    assert_eq!(log.append(7, 0, 0, 1), "duplicate of 0", "nothing is forgotten before it is committed");
    log.commit();
    assert_eq!(log.append(7, 0, 0, 1), "OutOfOrderSequence");
    assert_eq!(log.append(7, 0, 1, 1), "duplicate of 1");
}

#[test]
fn a_truncation_takes_back_what_the_cut_batches_added() {
    let mut log = Log::default();
    log.append(7, 0, 0, 2);
    log.commit();
    let committed = log.producers.clone();
    log.append(7, 0, 2, 1);
    log.append(7, 1, 0, 1);
    log.append(8, 0, 0, 1);
    let mut replayed = Producers::from_snapshot(&log.producers.snapshot()).expect("our own");
    for producers in [&mut log.producers, &mut replayed] {
        producers.truncated(LogIndex(2));
        producers.committed(LogIndex(2));
        assert_eq!(producers.snapshot(), committed.snapshot());
        assert_eq!(producers.check(&header(7, 0, 2, 1, 2)), Ok(Sequence::Next));
    }
}

#[test]
fn idle_producers_are_forgotten() {
    let mut log = Log::default();
    log.append(7, 0, 0, 1);
    log.producers.appended(Added { now_ms: Some(50), ..added(&header(8, 0, 0, 1, 1), None, 2) });
    log.producers.committed(LogIndex(2));
    log.producers.expire(99, 100);
    assert_eq!(log.producers.len(), 2);
    let mut replayed = Producers::from_snapshot(&log.producers.snapshot()).expect("our own");
    log.producers.expire(149, 100);
    assert_eq!(log.producers.infos().map(|info| info.producer_id).collect::<Vec<_>>(), [8]);
    replayed.expire(5_000, 100);
    assert_eq!(replayed.len(), 2, "idleness counts from the restart");
    replayed.expire(5_100, 100);
    assert!(replayed.is_empty());
}

#[test]
fn the_least_recently_used_are_forgotten_when_there_are_too_many() {
    let mut log = Log::default();
    let many = PRODUCERS_PER_PARTITION_MAX as i64;
    for id in 0..many {
        log.append(id, 0, 0, 1);
    }
    log.append(0, 0, 1, 1);
    assert_eq!(log.producers.len(), PRODUCERS_PER_PARTITION_MAX);
    log.append(many, 0, 0, 1);
    assert!(log.producers.len() < PRODUCERS_PER_PARTITION_MAX);
    let ids: Vec<i64> = log.producers.infos().map(|info| info.producer_id).collect();
    assert!(ids.contains(&0) && ids.contains(&many) && !ids.contains(&1));
    log.commit();
}

fn transactional(id: i64, epoch: i16, sequence: i32, offset: i64) -> Header {
    let mut attributes = Attributes(0);
    attributes.0 |= 1 << 4;
    Header { attributes, ..header(id, epoch, sequence, 1, offset) }
}

impl Log {
    fn send(&mut self, id: i64, epoch: i16, sequence: i32) {
        let header = transactional(id, epoch, sequence, self.end);
        self.end += 1;
        self.producers.appended(added(&header, None, self.end));
    }

    fn mark(&mut self, id: i64, epoch: i16, kind: ControlKind) -> Option<Aborted> {
        let mut header = transactional(id, epoch, -1, self.end);
        header.attributes.0 |= 1 << 5;
        self.end += 1;
        let marker = EndMarker { kind, coordinator_epoch: 4 };
        self.producers.appended(added(&header, Some(marker), self.end))
    }
}

#[test]
fn a_truncation_opens_again_what_a_cut_marker_ended() {
    let mut log = Log::default();
    log.send(7, 0, 0);
    log.send(8, 0, 0);
    log.commit();
    let before = log.producers.snapshot();
    let at = LogIndex(log.end as u64);
    log.mark(7, 1, ControlKind::Commit);
    log.send(7, 1, 0);
    log.mark(8, 0, ControlKind::Abort);
    log.send(9, 0, 0);
    assert_eq!(log.producers.first_unstable(), Some(Offset(0)), "no marker is committed");
    let mut replayed = Producers::from_snapshot(&log.producers.snapshot()).expect("our own");
    assert_eq!(replayed.unstable, log.producers.unstable);
    let mut decided = replayed.clone();
    decided.committed(LogIndex(4));
    assert_eq!(decided.first_unstable(), Some(Offset(1)), "the first one is, the second is not");
    decided.committed(LogIndex(log.end as u64));
    assert_eq!(decided.first_unstable(), Some(Offset(3)));
    for producers in [&mut log.producers, &mut replayed] {
        producers.truncated(at);
        assert_eq!(producers.first_unstable(), Some(Offset(0)));
        assert!(producers.is_open(7) && producers.is_open(8) && !producers.is_open(9));
        assert_eq!(producers.unstable.len(), 2);
        let mut read = Producers::from_snapshot(&producers.snapshot()).expect("our own");
        read.committed(at);
        producers.committed(at);
        assert_eq!(producers.snapshot(), before);
    }
}

#[test]
fn an_aborted_transaction_knows_where_everything_was_decided() {
    let mut log = Log::default();
    log.send(7, 0, 0);
    log.send(8, 0, 0);
    log.send(9, 0, 0);
    let aborted = |id, first, last, last_stable| {
        let (first, last, last_stable) = (Offset(first), Offset(last), Offset(last_stable));
        Some(Aborted { producer_id: id, first, last, last_stable })
    };
    assert_eq!(log.mark(8, 0, ControlKind::Abort), aborted(8, 1, 3, 0));
    assert_eq!(log.mark(7, 0, ControlKind::Commit), None);
    assert_eq!(log.mark(7, 0, ControlKind::Abort), None, "there was nothing to abort");
    assert_eq!(log.mark(9, 0, ControlKind::Abort), aborted(9, 2, 6, 7));
}

#[test]
fn open_transactions_are_not_forgotten_when_there_are_too_many_producers() {
    let mut log = Log::default();
    log.send(-5 + PRODUCERS_PER_PARTITION_MAX as i64, 0, 0);
    let open = -5 + PRODUCERS_PER_PARTITION_MAX as i64;
    for id in 0..=PRODUCERS_PER_PARTITION_MAX as i64 {
        if id != open {
            log.append(id, 0, 0, 1);
        }
    }
    assert!(log.producers.len() < PRODUCERS_PER_PARTITION_MAX && log.producers.is_open(open));
    assert!(!log.producers.are_all_open());
    for id in 0..TRANSACTIONS_OPEN_PER_PARTITION_MAX as i64 {
        log.send(20_000 + id, 0, 0);
    }
    assert!(log.producers.are_all_open());
}

proptest! {
    #[test]
    fn a_snapshot_gives_back_the_same_producers(
        appends in prop::collection::vec((0..4_i64, 0..3_i16, 1..4_i32, any::<bool>()), 0..60),
    ) {
        let mut log = Log::default();
        let mut next = [0; 4];
        for (id, epoch, records, commit) in appends {
            let sequence = next[id as usize];
            if log.append(id, epoch, sequence, records).starts_with("at") {
                next[id as usize] = sequence + records;
            }
            if log.append(id, epoch, 0, records).starts_with("at") {
                next[id as usize] = records;
            }
            match records {
                1 if epoch > 0 => log.send(id + 2, 2, 0),
                2 => drop(log.mark(id + 2, 2, ControlKind::Abort)),
                _ => {}
            }
            if commit {
                log.commit();
            }
        }
        let snapshot = log.producers.snapshot();
        let read = Producers::from_snapshot(&snapshot).expect("our own");
        prop_assert_eq!(read.snapshot(), snapshot);
        prop_assert!(read.infos().eq(log.producers.infos()));
    }

    #[test]
    fn any_bytes_are_a_snapshot_or_an_error(mut bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Some(version) = bytes.first_mut() {
            *version = if *version % 2 == 0 { 1 } else { 3 };
        }
        let _ = Producers::from_snapshot(&bytes);
    }
}
