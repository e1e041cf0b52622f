//! Transactions in one partition, over any history of crashes: what readers of committed records see.

mod transaction_history;
mod world;

use std::collections::BTreeMap;
use std::path::Path;

use batch::{Builder, Codec, ControlKind, control_batch};
use io::{OpenMode, Rng, Storage};
use log::Aborted;
use log::segment;
use log::segment::txn_index::{collect, cut_unsynced, list};
use model::limits::VERIFYING_PER_PARTITION_MAX;
use model::{ErrorCode, Offset};
use partition::{
    Acks, AppendError, CleanupPolicy, Guard, Isolation, Origin, TopicConfig, Verified, WaiterToken, Wake,
    error_code,
};
use sim::disk::{End, SimDisk};
use transaction_history::{History, Kind};
use world::*;

const OURS: Origin = Origin::Coordinator { expected_end: None, makes_room: false };

fn transactional(id: i64, epoch: i16, sequence: i32, value: &[u8]) -> Vec<u8> {
    let mut builder = Builder::new().producer(id, epoch, sequence).transactional();
    builder.push(WALL_MS, None, Some(value), &[]);
    builder.finish(Codec::None)
}

fn of(verified: Verified) -> Origin {
    Origin::Transactional { acks: Acks::All, verified }
}

fn append(world: &mut World, bytes: &[u8], origin: Origin) -> Result<i64, AppendError> {
    let appended = world.store.append(world.now, GROUP, bytes, origin, None);
    appended.map(|appended| appended.base_offset.0)
}

fn mark(world: &mut World, id: i64, epoch: i16, kind: ControlKind) -> Result<i64, AppendError> {
    append(world, &control_batch(kind, id, epoch, 3, WALL_MS), OURS)
}

fn last_stable(world: &World) -> i64 {
    world.store.log_info(GROUP).expect("here").watermarks.last_stable.0
}

fn unverified(result: Result<i64, AppendError>) -> Guard {
    match result {
        Err(AppendError::Unverified(guard)) => guard,
        other => panic!("its coordinator is to be asked first, not {other:?}"),
    }
}

#[test]
fn a_transaction_hides_what_follows_until_its_marker_is_durable() {
    let mut world = World::new(TopicConfig::default());
    world.append_durably(&batch_of(&[b"before"]));
    append(&mut world, &transactional(7, 0, 0, b"one"), of(Verified::Unasked)).expect("good");
    world.append_durably(&batch_of(&[b"after"]));
    assert_eq!(last_stable(&world), 1);
    world.store.watch(GROUP, WaiterToken(5), Isolation::ReadCommitted, Offset(1));
    world.append_durably(&batch_of(&[b"more"]));
    let woken = |world: &World| world.wakes.iter().any(|wake| matches!(wake, Wake::Data { .. }));
    assert!(!woken(&world), "there is nothing new for it");
    mark(&mut world, 7, 0, ControlKind::Commit).expect("good");
    assert_eq!(last_stable(&world), 1, "the marker may still be lost");
    world.settle();
    assert_eq!(last_stable(&world), 5);
    assert!(woken(&world));
}

#[test]
fn a_first_batch_needs_its_coordinators_word_and_a_marker_makes_it_worthless() {
    let mut world = World::new(TopicConfig::default());
    let first = transactional(7, 0, 0, b"one");
    let guard = unverified(append(&mut world, &first, of(Verified::No)));
    // The coordinator says yes, and then the transaction is aborted before the batch comes.
    mark(&mut world, 7, 0, ControlKind::Abort).expect("good");
    let late = append(&mut world, &first, of(Verified::Yes(guard)));
    assert_eq!(late.map_err(error_code), Err(ErrorCode::INVALID_TXN_STATE));
    let next = unverified(append(&mut world, &first, of(Verified::No)));
    assert_ne!(guard, next);
    assert_eq!(append(&mut world, &first, of(Verified::Yes(next))), Ok(1));
    assert_eq!(append(&mut world, &transactional(7, 0, 1, b"two"), of(Verified::No)), Ok(2), "it is open");
    let outside = append(&mut world, &idempotent(7, 2, &[b"no transaction"]), ALL);
    assert_eq!(outside.map_err(error_code), Err(ErrorCode::INVALID_TXN_STATE));
}

#[test]
fn clients_rules_are_kafkas() {
    let mut world = World::new(TopicConfig::default());
    let batch = transactional(7, 0, 0, b"one");
    let alone = append(&mut world, &batch, ALL).map_err(error_code);
    assert_eq!(alone, Err(ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED));
    let control = control_batch(ControlKind::Commit, 7, 0, 0, WALL_MS);
    let refused = append(&mut world, &control, of(Verified::Unasked)).map_err(error_code);
    assert_eq!(refused, Err(ErrorCode::INVALID_RECORD));
    let mut builder = Builder::new().transactional();
    builder.push(WALL_MS, None, Some(b"nobody's"), &[]);
    let refused = append(&mut world, &builder.finish(Codec::None), of(Verified::No)).map_err(error_code);
    assert_eq!(refused, Err(ErrorCode::INVALID_RECORD));
}

#[test]
fn a_marker_fences_and_a_new_epoch_begins_at_zero() {
    let mut world = World::new(TopicConfig::default());
    append(&mut world, &transactional(7, 0, 0, b"one"), of(Verified::Unasked)).expect("good");
    append(&mut world, &transactional(7, 0, 1, b"two"), of(Verified::Unasked)).expect("good");
    mark(&mut world, 7, 1, ControlKind::Commit).expect("its coordinator raises the epoch (KIP-890)");
    world.settle();
    world.restart(End::Power);
    let old = append(&mut world, &transactional(7, 0, 2, b"zombie"), of(Verified::Unasked));
    assert_eq!(old.map_err(error_code), Err(ErrorCode::INVALID_PRODUCER_EPOCH));
    let gap = append(&mut world, &transactional(7, 1, 2, b"gap"), of(Verified::Unasked));
    assert_eq!(gap.map_err(error_code), Err(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER));
    append(&mut world, &transactional(7, 1, 0, b"next"), of(Verified::Unasked)).expect("good");
    let older = mark(&mut world, 7, 0, ControlKind::Abort);
    assert_eq!(older.map_err(error_code), Err(ErrorCode::INVALID_PRODUCER_EPOCH));
    let fenced = append(&mut world, &control_batch(ControlKind::Abort, 7, 1, 2, WALL_MS), OURS);
    assert_eq!(fenced.map_err(error_code), Err(ErrorCode::TRANSACTION_COORDINATOR_FENCED));
    world.settle();
    let info = world.store.producers(GROUP)[0];
    assert_eq!((info.producer_epoch, info.coordinator_epoch, info.last_sequence), (1, 3, 0));
    assert_eq!(info.transaction_start, Some(Offset(3)));
    mark(&mut world, 7, 1, ControlKind::Abort).expect("good");
    world.settle();
    assert_eq!(world.store.producers(GROUP)[0].transaction_start, None);
    // The same epoch goes on where it was (Kafka's first protocol).
    append(&mut world, &transactional(7, 1, 1, b"goes on"), of(Verified::Unasked)).expect("good");
}

#[test]
fn a_duplicate_of_an_open_transaction_is_answered_as_it_was() {
    let mut world = World::new(TopicConfig::default());
    let batch = transactional(7, 0, 0, b"one");
    assert_eq!(append(&mut world, &batch, of(Verified::Unasked)), Ok(0));
    assert_eq!(append(&mut world, &batch, of(Verified::No)), Ok(0));
}

#[test]
fn a_late_duplicate_of_a_transaction_that_is_over_holds_up_nothing() {
    let mut world = World::new(TopicConfig::default());
    let batch = transactional(7, 0, 0, b"one");
    append(&mut world, &batch, of(Verified::Unasked)).expect("good");
    append(&mut world, &transactional(7, 0, 1, b"two"), of(Verified::Unasked)).expect("good");
    mark(&mut world, 7, 0, ControlKind::Abort).expect("good");
    let guard = unverified(append(&mut world, &batch, of(Verified::No)));
    let next = transactional(7, 0, 2, b"three");
    assert_eq!(unverified(append(&mut world, &next, of(Verified::No))), guard);
    assert_eq!(append(&mut world, &batch, of(Verified::Yes(guard))), Ok(0));
    assert_eq!(append(&mut world, &next, of(Verified::Yes(guard))), Ok(3));
}

#[test]
fn of_an_unknown_producer_the_batch_that_asked_first_goes_first() {
    let mut world = World::new(TopicConfig::default());
    let (first, second) = (transactional(7, 0, 0, b"one"), transactional(7, 0, 1, b"two"));
    let guard = unverified(append(&mut world, &first, of(Verified::No)));
    unverified(append(&mut world, &second, of(Verified::No)));
    let overtaking = append(&mut world, &second, of(Verified::Yes(guard)));
    assert_eq!(overtaking, Err(AppendError::OutOfOrderSequence));
    assert_eq!(append(&mut world, &first, of(Verified::Yes(guard))), Ok(0));
    assert_eq!(append(&mut world, &second, of(Verified::Yes(guard))), Ok(1));
}

#[test]
fn an_idle_producer_with_an_open_transaction_is_not_forgotten() {
    let mut world = World::new(TopicConfig::default());
    append(&mut world, &transactional(7, 0, 0, b"one"), of(Verified::Unasked)).expect("good");
    append(&mut world, &idempotent(8, 0, &[b"two"]), ALL).expect("good");
    world.settle();
    world.pass_ms(2 * 86_400_000);
    world.settle();
    let ids: Vec<i64> = world.store.producers(GROUP).iter().map(|info| info.producer_id).collect();
    assert_eq!(ids, [7]);
    assert_eq!(last_stable(&world), 0);
}

#[test]
fn deleted_records_hold_nobody_up() {
    let mut world = World::new(TopicConfig::default());
    append(&mut world, &transactional(7, 0, 0, b"one"), of(Verified::Unasked)).expect("good");
    world.append_durably(&batch_of(&[b"after"]));
    world.store.delete_records(GROUP, Offset(1), WaiterToken(9)).expect("allowed");
    world.settle();
    assert_eq!(last_stable(&world), 1, "as in Kafka: no further than the log start");
}

/// Enough for everything before it to be synced to the files.
fn fill(world: &mut World, history: &mut History) {
    for _ in 0..80 {
        let base = world.append_durably(&batch_of(&[&[b'x'; 20_000]])).base_offset.0;
        history.push(base, Kind::Sent { id: -1, transactional: false });
    }
}

#[test]
fn an_index_that_comes_late_to_a_segment_outlives_a_power_cut() {
    for seed in 0..8 {
        let config = TopicConfig { segment_bytes: 1 << 30, ..TopicConfig::default() };
        let (mut world, mut history) = (World::with(config, false, seed), History::default());
        fill(&mut world, &mut history);
        let base = append(&mut world, &transactional(7, 0, 0, b"one"), of(Verified::Unasked)).expect("good");
        history.push(base, Kind::Sent { id: 7, transactional: true });
        let base = mark(&mut world, 7, 0, ControlKind::Abort).expect("good");
        history.push(base, Kind::Marker { id: 7, committed: false });
        fill(&mut world, &mut history);
        world.restart(End::Power);
        world.settle();
        history.check(&mut world);
    }
}

/// More producers than the journal holds, so that they stand in a file.
fn send_of_many(world: &mut World, history: &mut History) {
    for id in 1_000..1_100 {
        let base = world.append(&idempotent(id, 0, &[b"one of many"]), 1).expect("good").base_offset.0;
        history.push(base, Kind::Sent { id, transactional: false });
    }
}

fn send_of(world: &mut World, history: &mut History, id: i64) {
    let bytes = transactional(id, 0, history.sequence(id), b"part of it");
    let base = append(world, &bytes, of(Verified::Unasked)).expect("good");
    history.push(base, Kind::Sent { id, transactional: true });
}

fn abort_of(world: &mut World, history: &mut History, id: i64) {
    let base = mark(world, id, 0, ControlKind::Abort).expect("good");
    history.push(base, Kind::Marker { id, committed: false });
}

/// Enough for what stands before it to leave the journal.
fn leave_journal(world: &mut World, history: &mut History) {
    for _ in 0..4 {
        fill(world, history);
    }
}

#[test]
fn what_was_aborted_is_known_after_a_restart_though_it_began_before_the_journal() {
    for end in [End::Kill, End::Power] {
        let config = TopicConfig { segment_bytes: 1 << 30, ..TopicConfig::default() };
        let (mut world, mut history) = (World::new(config), History::default());
        send_of_many(&mut world, &mut history);
        send_of(&mut world, &mut history, 7);
        send_of(&mut world, &mut history, 8);
        leave_journal(&mut world, &mut history);
        send_of(&mut world, &mut history, 9);
        abort_of(&mut world, &mut history, 7);
        // Its entry says that the transaction of 8 was open, which the journal alone does not know any more.
        abort_of(&mut world, &mut history, 9);
        world.settle();
        for _ in 0..2 {
            world.restart(end);
            world.settle();
            history.check(&mut world);
        }
        fill(&mut world, &mut history);
        abort_of(&mut world, &mut history, 8);
        leave_journal(&mut world, &mut history);
        history.check(&mut world);
        world.restart(end);
        world.settle();
        history.check(&mut world);
    }
}

#[test]
fn an_open_transaction_begins_where_it_began_after_a_restart() {
    for end in [End::Kill, End::Power] {
        let (mut world, mut history) = (World::new(TopicConfig::default()), History::default());
        send_of_many(&mut world, &mut history);
        send_of(&mut world, &mut history, 7);
        leave_journal(&mut world, &mut history);
        send_of(&mut world, &mut history, 7);
        world.settle();
        history.check(&mut world);
        world.restart(end);
        world.settle();
        history.check(&mut world);
        abort_of(&mut world, &mut history, 7);
        world.settle();
        history.check(&mut world);
        world.restart(end);
        world.settle();
        history.check(&mut world);
    }
}

#[test]
fn of_transactions_that_begin_at_once_those_too_many_come_again() {
    let mut world = World::new(TopicConfig::default());
    let mut waiting: Vec<i64> = (0..3 * VERIFYING_PER_PARTITION_MAX as i64).collect();
    for round in 0..3 {
        // All ask before the first answer comes.
        let asked = waiting.iter().map(|id| {
            let first = transactional(*id, 0, 0, b"one");
            (*id, append(&mut world, &first, of(Verified::No)))
        });
        let asked: Vec<_> = asked.collect();
        waiting.clear();
        for (id, answer) in asked {
            match answer {
                Err(AppendError::Unverified(guard)) => {
                    let first = transactional(id, 0, 0, b"one");
                    append(&mut world, &first, of(Verified::Yes(guard))).expect("it may begin");
                    world.settle();
                }
                other => {
                    assert_eq!(other.map_err(error_code), Err(ErrorCode::NOT_ENOUGH_REPLICAS));
                    waiting.push(id);
                }
            }
        }
        assert_eq!(waiting.len(), (2 - round) * VERIFYING_PER_PARTITION_MAX);
        world.settle();
    }
}

#[test]
fn a_part_of_an_entry_that_a_power_cut_left_is_not_taken_for_one() {
    let (disk, dir) = (SimDisk::default(), Path::new("data"));
    disk.create_dir_all(dir).expect("a new directory");
    let path = segment::txn_index_path(dir, Offset(0));
    let entry = |first: i64, last: i64| {
        let fields = [7, first, last, last + 1].map(i64::to_be_bytes).concat();
        [&[0, 0][..], &fields].concat()
    };
    let new = Aborted { producer_id: 7, first: Offset(90), last: Offset(0x203), last_stable: Offset(0x204) };
    // The last byte of its marker's offset, and what follows, did not reach the disk: it seems to have ended earlier.
    let mut torn = entry(90, 0x203);
    torn[25..].fill(0);
    let (old, file) = (entry(3, 80), disk.open(&path, OpenMode::Create).expect("a new file"));
    file.write_at(&[old.clone(), torn].concat(), 0).expect("room");
    cut_unsynced(&disk, dir, Offset(0), Offset(0x202), &new).expect("the disk works");
    assert_eq!(file.len().expect("open") as usize, old.len());
    // A whole one of earlier stays.
    file.write_at(&[entry(3, 80), entry(90, 0x200), entry(0x201, 0x203)].concat(), 0).expect("room");
    cut_unsynced(&disk, dir, Offset(0), Offset(0x202), &new).expect("the disk works");
    assert_eq!(file.len().expect("open") as usize, 2 * old.len());
}

/// A compacted topic whose markers go as soon as compaction has met them without their records.
fn compacted() -> TopicConfig {
    let cleanup = CleanupPolicy { compact: true, delete: false };
    TopicConfig { cleanup, segment_bytes: 1_000, delete_retention_ms: 0, ..TopicConfig::default() }
}

fn keyed(id: i64, sequence: i32, key: u8) -> Vec<u8> {
    let mut builder = Builder::new().producer(id, 0, sequence).transactional();
    builder.push(WALL_MS, Some(&[key]), Some(b"value"), &[]);
    builder.finish(Codec::None)
}

/// New values of one key, so that all before is compacted, more than once.
fn churn(world: &mut World, history: &mut History) {
    for _ in 0..12 {
        let mut builder = Builder::new();
        builder.push(WALL_MS, Some(b"churned"), Some(&[b'v'; 400]), &[]);
        let base = world.append_durably(&builder.finish(Codec::None)).base_offset.0;
        history.push(base, Kind::Sent { id: -1, transactional: false });
        world.pass_ms(2_000);
        world.settle();
    }
}

/// Entries of transaction indexes in files.
fn entries(world: &World) -> usize {
    let dir = world.dir();
    let bases = list(&world.disk, &dir).expect("listable");
    let files: Vec<_> = bases.iter().map(|base| (*base, segment::txn_index_path(&dir, *base))).collect();
    let (all, mut found) = ((Offset(0), Offset(i64::MAX), Offset(i64::MAX)), Vec::new());
    collect(&world.disk, &files, all, &mut found).expect("readable");
    found.len()
}

#[test]
fn a_transaction_whose_abort_marker_was_compacted_away_hides_nothing_of_the_next_one() {
    let (mut world, mut history) = (World::new(compacted()), History::default());
    let mut keys = BTreeMap::new();
    for round in 0..6 {
        let kind = if round % 2 == 0 { ControlKind::Abort } else { ControlKind::Commit };
        let base = append(&mut world, &keyed(7, round, round as u8), of(Verified::Unasked)).expect("good");
        keys.insert(base, round as u8);
        history.push(base, Kind::Sent { id: 7, transactional: true });
        let base = mark(&mut world, 7, 0, kind).expect("good");
        history.push(base, Kind::Marker { id: 7, committed: kind == ControlKind::Commit });
        world.settle();
        churn(&mut world, &mut history);
        assert!(world.store.cleaner_stats().cleanings > 0);
        let key_of = |base| keys.get(&base).copied().unwrap_or(u8::MAX);
        history.check_compacted(&mut world, key_of);
        world.restart(if round % 3 == 0 { End::Power } else { End::Kill });
        world.settle();
        history.check_compacted(&mut world, key_of);
        assert!(
            entries(&world) <= 1,
            "only the batch with the last sequence number, which is empty, may need one"
        );
    }
}

/// One step of a history.
fn step(world: &mut World, history: &mut History, producers: u64) {
    let id = 100 + world.rng.below(producers).cast_signed();
    let len = 20 + world.rng.below(9_000) as usize;
    let value = vec![b'v'; len];
    match world.rng.below(12) {
        0..=4 => {
            let bytes = transactional(id, 0, history.sequence(id), &value);
            match append(world, &bytes, of(Verified::Unasked)) {
                Ok(base) => history.push(base, Kind::Sent { id, transactional: true }),
                Err(AppendError::NoRoom) => {}
                Err(error) => panic!("a good batch is refused: {error:?}"),
            }
        }
        5 | 6 => {
            let Some(id) = history.some_open(&mut world.rng) else { return };
            let kind = if world.rng.below(3) == 0 { ControlKind::Commit } else { ControlKind::Abort };
            match mark(world, id, 0, kind) {
                Ok(base) => history.push(base, Kind::Marker { id, committed: kind == ControlKind::Commit }),
                Err(AppendError::NoRoom) => {}
                Err(error) => panic!("a good marker is refused: {error:?}"),
            }
        }
        7 => match append(world, &batch_of(&[&value]), ALL) {
            Ok(base) => history.push(base, Kind::Sent { id: -1, transactional: false }),
            Err(error) => assert_eq!(error, AppendError::NoRoom),
        },
        8 | 9 => {
            world.turn();
            if !world.running.is_empty() {
                let at = world.rng.below(world.running.len() as u64) as usize;
                world.finish(at);
            }
        }
        10 => {
            world.settle();
            if world.rng.below(4) == 0 {
                history.check(world);
            }
        }
        _ if world.rng.below(5) == 0 => {
            let end = if world.rng.below(2) == 0 { End::Kill } else { End::Power };
            world.restart(end);
            world.settle();
            history.cut(world.store.log_info(GROUP).expect("here").watermarks.log_end.0);
        }
        _ => world.pass_ms(30),
    }
}

fn run(seed: u64) -> usize {
    let segment_bytes = [40_000, 200_000, 1_000_000][usize::try_from(seed % 3).expect("small")];
    let config = TopicConfig { segment_bytes, ..TopicConfig::default() };
    let mut world = World::with(config, false, seed);
    let producers = if seed.is_multiple_of(4) { 90 } else { 1 + seed % 7 };
    if seed.is_multiple_of(5) {
        world.restart_with_in_state(0);
    }
    let mut history = History::default();
    for _ in 0..400 {
        step(&mut world, &mut history, producers);
        let watermarks = world.store.log_info(GROUP).expect("here").watermarks;
        assert!(watermarks.last_stable <= watermarks.high_watermark);
    }
    world.settle();
    history.check(&mut world);
    world.restart(End::Power);
    world.settle();
    history.check(&mut world);
    history.aborted()
}

#[test]
fn readers_of_committed_records_see_those_and_no_others_after_any_crash() {
    let aborted: usize = (0..120).map(run).sum();
    assert!(aborted > 500, "transactions were aborted: {aborted}");
}

/// The node's own keyed log under two coordinators' transactions, compacted as it grows.
fn run_compacted(seed: u64) -> i64 {
    let cleanup = CleanupPolicy { compact: true, delete: false };
    let delete_retention_ms = [0, 2_000, 86_400_000][usize::try_from(seed % 3).expect("small")];
    let config =
        TopicConfig { cleanup, segment_bytes: 12_000, delete_retention_ms, ..TopicConfig::default() };
    let (mut world, mut history) = (World::with(config, true, seed), History::default());
    let mut keys: BTreeMap<i64, u8> = BTreeMap::new();
    for _ in 0..300 {
        let (id, key) = (100 + world.rng.below(3).cast_signed(), world.rng.below(6) as u8);
        let transactional = world.rng.below(3) > 0;
        let mut builder = Builder::new();
        if transactional {
            builder = builder.producer(id, 0, -1).transactional();
        }
        builder.push(world.now.wall_ms, Some(&[key]), Some(&[b'v'; 1_500]), &[]);
        let base = append(&mut world, &builder.finish(Codec::None), OURS).expect("room");
        keys.insert(base, key);
        history.push(base, Kind::Sent { id: if transactional { id } else { -1 }, transactional });
        if world.rng.below(3) == 0
            && let Some(id) = history.some_open(&mut world.rng)
        {
            let committed = world.rng.below(2) == 0;
            let kind = if committed { ControlKind::Commit } else { ControlKind::Abort };
            let base = mark(&mut world, id, 0, kind).expect("room");
            history.push(base, Kind::Marker { id, committed });
        }
        world.settle();
        world.pass_ms(300);
        if world.rng.below(10) == 0 {
            history.check_compacted(&mut world, |base| keys[&base]);
        }
        if world.rng.below(20) == 0 {
            let end = if world.rng.below(2) == 0 { End::Kill } else { End::Power };
            world.restart(end);
            world.settle();
            history.check_compacted(&mut world, |base| keys[&base]);
        }
    }
    history.check_compacted(&mut world, |base| keys[&base]);
    let all = world.read_all(0).len();
    i64::try_from(keys.len() - all.min(keys.len())).expect("few")
}

#[test]
fn compaction_keeps_what_is_committed_and_nothing_that_is_not() {
    let gone: i64 = (0..16).map(run_compacted).sum();
    assert!(gone > 500, "records were compacted away: {gone}");
}
