//! A store as its callers see it, on a simulated disk.

mod world;

use std::path::{Path, PathBuf};

use batch::{Builder, Codec};
use io::Storage;
use model::{Epoch, ErrorCode, Offset, PartitionIndex};
use partition::{
    Acks, AppendError, CleanupPolicy, FetchError, FetchSpec, Isolation, ListQuery, Listed, ListedOffset,
    Origin, StoreJob, TopicConfig, WaiterToken, Wake,
};
use sim::disk::End;
use world::*;

fn config() -> TopicConfig {
    TopicConfig::default()
}

fn values(world: &mut World, from: i64) -> Vec<(i64, String)> {
    let text = |value: Vec<u8>| String::from_utf8(value).expect("text");
    world.read_all(from).into_iter().map(|(offset, value)| (offset, text(value))).collect()
}

#[test]
fn what_is_acknowledged_is_durable_and_only_what_is_durable_is_read() {
    let mut world = World::new(config());
    let appended = world.append(&batch_of(&[b"a", b"b"]), 7).expect("good");
    assert_eq!((appended.base_offset, appended.end_offset), (Offset(0), Offset(2)));
    assert!(!appended.acknowledged);
    assert_eq!(world.fetch(0).expect("in range").bytes, 0, "not durable, not visible");
    world.turn();
    assert_eq!(world.acked(), [0_u64; 0]);
    world.finish(0);
    assert_eq!(world.acked(), [7]);
    assert_eq!(values(&mut world, 0), [(0, "a".into()), (1, "b".into())]);
    world.restart(End::Power);
    assert_eq!(values(&mut world, 1), [(1, "b".into())]);
    let info = world.store.log_info(GROUP).expect("it is here");
    assert_eq!((info.epoch, info.watermarks.log_end), (Epoch(0), Offset(2)));
}

#[test]
fn acks_that_wait_for_nothing_are_given_at_once() {
    let mut world = World::new(config());
    let origin = |acks| Origin::Client { acks };
    let token = Some(WaiterToken(1));
    let appended = world.store.append(world.now, GROUP, &batch_of(&[b"a"]), origin(Acks::None), token);
    assert!(appended.expect("good").acknowledged);
    let appended = world.store.append(world.now, GROUP, &batch_of(&[b"a"]), origin(Acks::Leader), token);
    assert!(!appended.expect("good").acknowledged, "acks=1 waits for the disk");
    world.settle();
    assert_eq!(world.acked(), [1]);
    world.config.write_caching = true;
    world.configure();
    assert!(world.append(&batch_of(&[b"b"]), 1).expect("good").acknowledged);
    assert_eq!(values(&mut world, 0).len(), 3, "what is acknowledged can be read");
    world.settle();
    assert_eq!(world.acked(), [0_u64; 0], "nobody is told twice");
    assert_eq!(values(&mut world, 0).len(), 3);
}

#[test]
fn a_batch_sent_twice_is_stored_once_also_across_a_crash() {
    let mut world = World::new(config());
    let first = idempotent(7, 0, &[b"a", b"b"]);
    let second = idempotent(7, 2, &[b"c"]);
    world.append_durably(&first);
    let appended = world.append(&second, 1).expect("good");
    let again = world.append(&second, 2).expect("a duplicate");
    assert_eq!((again.base_offset, again.acknowledged), (appended.base_offset, false));
    let newest = batch::Header::read(&second).expect("good").max_timestamp;
    assert_eq!(
        (appended.log_append_time_ms, again.log_append_time_ms),
        (-1, newest),
        "as Kafka tells a duplicate"
    );
    world.settle();
    assert_eq!(world.acked(), [1, 2], "a duplicate is acknowledged when its original is");
    for end in [End::Kill, End::Power] {
        world.restart(end);
        let again = world.append(&first, 3).expect("a duplicate");
        assert_eq!((again.base_offset, again.end_offset, again.acknowledged), (Offset(0), Offset(2), true));
        let again = world.append(&second, 3).expect("a duplicate");
        assert_eq!(again.base_offset, Offset(2));
        assert_eq!(world.append(&idempotent(7, 4, &[b"d"]), 3), Err(AppendError::OutOfOrderSequence));
    }
    assert_eq!(world.store.producers(GROUP).len(), 1);
    world.append_durably(&idempotent(7, 3, &[b"d"]));
    assert_eq!(values(&mut world, 0).len(), 4);
}

#[test]
fn what_is_committed_is_remembered_five_batches_deep() {
    let mut world = World::new(config());
    for sequence in 0..6 {
        world.append_durably(&idempotent(7, sequence, &[b"a"]));
    }
    let mut again = |sequence| world.append(&idempotent(7, sequence, &[b"a"]), 1).map(|a| a.base_offset);
    assert_eq!(again(1), Ok(Offset(1)));
    assert_eq!(again(0), Err(AppendError::OutOfOrderSequence));
}

#[test]
fn a_retry_of_what_a_crash_took_is_not_called_a_duplicate() {
    let mut world = World::new(config());
    world.append_durably(&idempotent(7, 0, &[b"a"]));
    world.append(&idempotent(7, 1, &[b"b"]), 1).expect("good");
    world.restart(End::Power); // before any commit
    let appended = world.append_durably(&idempotent(7, 1, &[b"b"]));
    assert_eq!(appended.base_offset, Offset(1));
    assert_eq!(values(&mut world, 0), [(0, "a".into()), (1, "b".into())]);
}

#[test]
fn producers_survive_the_journal_files_that_held_their_batches() {
    let mut world = World::new(config());
    let mine = idempotent(7, 0, &[b"mine"]);
    world.append_durably(&mine);
    let filler = vec![b'x'; 20_000];
    for _ in 0..400 {
        world.append_durably(&batch_of(&[&filler]));
    }
    assert!(!world.files().is_empty(), "it was written behind");
    world.restart(End::Power);
    let again = world.append(&mine, 1).expect("a duplicate");
    assert_eq!((again.base_offset, again.acknowledged), (Offset(0), true));
    assert_eq!(world.read_all(0).len(), 401);
}

#[test]
fn ten_thousand_producers_survive_crashes_and_are_answered_as_before() {
    let mut world = World::new(config());
    let batch = |id: i64| idempotent(id, 0, &[b"mine"]);
    for id in 0..10_000 {
        world.append(&batch(id), 1).expect("good");
        if id % 100 == 99 {
            world.settle();
        }
    }
    let filler = vec![b'x'; 20_000];
    for end in [End::Kill, End::Power] {
        for _ in 0..100 {
            world.append_durably(&batch_of(&[&filler])); // until no journal file holds a batch of theirs
        }
        world.restart(end);
        assert_eq!(world.store.producers(GROUP).len(), 10_000);
        for id in 0..10_000 {
            let again = world.append(&batch(id), 1).expect("a duplicate");
            assert_eq!((again.base_offset, again.acknowledged), (Offset(id), true));
        }
        world.settle();
    }
    fill(&mut world, 100);
    let dir = format!("data/topics/{TOPIC}/0-{}", GROUP.0);
    let files = world.disk.list(Path::new(&dir)).expect("listable");
    let snapshots = files.iter().filter(|path| path.extension().is_some_and(|suffix| suffix == "snapshot"));
    assert_eq!(snapshots.count(), 1, "the older ones go");
}

/// A hundred producers, whose batches the journal does not hold any more: the newest State refers to their file.
fn with_many_producers() -> World {
    let mut world = World::new(config());
    for id in 0..100 {
        world.append(&idempotent(id, 0, &[b"mine"]), 1).expect("good");
    }
    let filler = vec![b'x'; 20_000];
    for _ in 0..100 {
        world.append_durably(&batch_of(&[&filler]));
    }
    assert!(snapshot_of(&world).is_some());
    world
}

fn snapshot_of(world: &World) -> Option<PathBuf> {
    let dir = format!("data/topics/{TOPIC}/0-{}", GROUP.0);
    let files = world.disk.list(Path::new(&dir)).expect("listable");
    files.into_iter().find(|path| path.extension().is_some_and(|suffix| suffix == "snapshot"))
}

#[test]
fn producers_newer_than_their_file_are_found_in_the_log() {
    let mut world = with_many_producers();
    let before = snapshot_of(&world);
    for id in 200..210 {
        world.append_durably(&idempotent(id, 0, &[b"newer"]));
    }
    assert_eq!(snapshot_of(&world), before);
    world.restart(End::Power);
    for (id, offset) in (0..100).map(|id| (id, id)).chain((200..210).map(|id| (id, id))) {
        let again = world.append(&idempotent(id, 0, &[b"mine"]), 1).expect("a duplicate");
        assert_eq!(again.base_offset, Offset(offset));
    }
}

#[test]
fn a_producers_file_that_is_not_whole_is_built_again_from_the_log() {
    for at in 20..40 {
        let mut world = with_many_producers();
        world.disk.flip(&snapshot_of(&world).expect("there are many producers"), at);
        world.restart(End::Power);
        for id in 0..100 {
            let again = world.append(&idempotent(id, 0, &[b"mine"]), 1).expect("a duplicate");
            assert_eq!(again.base_offset, Offset(id), "byte {at}");
        }
    }
}

#[test]
fn a_producers_file_holds_nothing_that_a_crash_can_take() {
    let mut met = 0;
    for round in 0..30 {
        let mut world = with_many_producers();
        let filler = vec![b'x'; 20_000];
        for _ in 0..round {
            world.append(&batch_of(&[&filler]), 1).expect("room");
            world.turn();
            while let Some(at) = world.running.iter().position(StoreJob::is_commit) {
                world.finish(at); // work on files is still under way
            }
        }
        let before = snapshot_of(&world);
        let ghost = idempotent(500, 0, &[b"ghost"]);
        let base = world.append(&ghost, 1).expect("good").base_offset;
        for _ in 0..20 {
            world.turn(); // its commit never ends
            while let Some(at) = world.running.iter().position(|job| !job.is_commit()) {
                world.finish(at);
            }
        }
        met += u32::from(snapshot_of(&world) != before);
        world.restart(End::Kill);
        let again = world.append_durably(&ghost);
        assert_eq!(again.base_offset, base, "round {round}");
        assert_eq!(world.read_all(base.0).len(), 1, "round {round}: it is stored");
    }
    assert!(met > 0, "the file was never written beside a batch that is not durable");
}

#[test]
fn readers_are_told_once_when_there_is_more() {
    let mut world = World::new(config());
    let told = |world: &World| world.wakes.iter().filter(|wake| matches!(wake, Wake::Data { .. })).count();
    world.store.watch(GROUP, WaiterToken(1), Isolation::ReadUncommitted, Offset(0));
    world.store.watch(GROUP, WaiterToken(2), Isolation::ReadUncommitted, Offset(0));
    world.store.unwatch(GROUP, WaiterToken(2));
    world.settle();
    assert_eq!(told(&world), 0);
    world.append_durably(&batch_of(&[b"a"]));
    world.append_durably(&batch_of(&[b"b"]));
    assert_eq!(told(&world), 1);
    world.store.watch(GROUP, WaiterToken(3), Isolation::ReadUncommitted, Offset(1));
    world.turn();
    assert_eq!(told(&world), 2, "there is more already");
    world.store.watch(GROUP, WaiterToken(4), Isolation::ReadUncommitted, Offset(2));
    world.append(&batch_of(&[b"c"]), 9).expect("good");
    world.store.remove(TOPIC);
    world.turn();
    assert_eq!(told(&world), 3, "the partition is gone");
    let failed = |wake: &Wake| matches!(wake, Wake::Acked { result: Err(AppendError::UnknownPartition), .. });
    assert!(world.wakes.iter().any(failed));
}

#[test]
fn fetches_are_refused_outside_the_log_and_by_wrong_epochs() {
    let mut world = World::new(config());
    world.append_durably(&batch_of(&[b"a", b"b", b"c"]));
    assert_eq!(world.fetch(-1).err(), Some(FetchError::OffsetOutOfRange));
    assert_eq!(world.fetch(4).err(), Some(FetchError::OffsetOutOfRange));
    assert_eq!(world.fetch(3).expect("the end").bytes, 0);
    let unknown = FetchSpec { group: model::GroupId(99), ..spec(0) };
    assert_eq!(world.fetch_spec(&unknown).err(), Some(FetchError::UnknownPartition));
    let ahead = FetchSpec { current_epoch: Epoch(1), ..spec(0) };
    assert_eq!(world.fetch_spec(&ahead).err(), Some(FetchError::UnknownEpoch));
    let current = FetchSpec { current_epoch: Epoch(0), last_fetched_epoch: Epoch(0), ..spec(1) };
    assert!(world.fetch_spec(&current).expect("current").bytes > 0);
    let from_nowhere = FetchSpec { last_fetched_epoch: Epoch(5), ..spec(1) };
    assert_eq!(world.fetch_spec(&from_nowhere).err(), Some(FetchError::OffsetOutOfRange));
    let nothing_fits = FetchSpec { bytes_max: 10, at_least_one: false, ..spec(0) };
    assert_eq!(world.fetch_spec(&nothing_fits).expect("in range").bytes, 0);
    let one_anyway = FetchSpec { bytes_max: 10, ..spec(0) };
    assert!(world.fetch_spec(&one_anyway).expect("in range").bytes > 10);
    assert_eq!(world.store.epoch_end(GROUP, Epoch::NONE, Epoch(0)).map(|end| end.end_offset), Ok(Offset(3)));
    assert_eq!(world.store.epoch_end(GROUP, Epoch::NONE, Epoch(1)).map(|end| end.epoch), Ok(Epoch::NONE));
    assert_eq!(world.store.epoch_end(GROUP, Epoch(2), Epoch(0)), Err(ErrorCode::UNKNOWN_LEADER_EPOCH));
}

fn list(world: &mut World, timestamp: i64) -> ListedOffset {
    let query = ListQuery {
        group: GROUP,
        timestamp,
        isolation: partition::Isolation::ReadUncommitted,
        current_epoch: Epoch::NONE,
    };
    let mut jobs = Vec::new();
    match world.store.list_offsets(&query, WaiterToken(5), &mut jobs).expect("answered") {
        Listed::Ready(found) => return found,
        Listed::Pending => world.running.append(&mut jobs),
    }
    world.settle();
    let found = world.wakes.iter().find_map(|wake| match wake {
        Wake::Listed { result, .. } => Some(*result),
        _ => None,
    });
    world.wakes.clear();
    found.expect("it comes back").expect("found")
}

#[test]
fn offsets_are_found_by_time_and_by_the_special_times() {
    let mut world = World::new(config());
    let none = ListedOffset::NONE;
    assert_eq!(list(&mut world, -3), none);
    assert_eq!(list(&mut world, 0), none);
    assert_eq!(list(&mut world, -1).offset, Offset(0));
    let mut builder = Builder::new();
    for (timestamp, value) in [(1_000, "a"), (3_000, "b"), (2_000, "c")] {
        builder.push(timestamp, None, Some(value.as_bytes()), &[]);
    }
    world.append_durably(&builder.finish(Codec::Lz4));
    world.append_durably(&batch_at(2_500, &[b"d"]));
    let at = |offset, timestamp| ListedOffset { timestamp, offset: Offset(offset), epoch: Epoch(0) };
    assert_eq!(list(&mut world, -1), at(4, -1));
    for earliest in [-2, -4] {
        assert_eq!(list(&mut world, earliest), at(0, -1));
    }
    assert_eq!(list(&mut world, -3), at(1, 3_000), "the record itself, not its batch");
    assert_eq!((list(&mut world, -5), list(&mut world, -6)), (none, none));
    assert_eq!(list(&mut world, 0), at(0, 1_000));
    assert_eq!(list(&mut world, 1_001), at(1, 3_000));
    assert_eq!(list(&mut world, 3_001), none);
}

#[test]
fn deleted_records_are_gone_when_that_is_acknowledged_and_stay_gone() {
    let mut world = World::new(config());
    for value in [b"a", b"b", b"c", b"d"] {
        world.append_durably(&batch_of(&[value]));
    }
    let deleted =
        world.store.delete_records(GROUP, Offset(2), WaiterToken(1)).expect("in range").expect("room");
    assert_eq!((deleted.log_start, deleted.acknowledged), (Offset(2), false));
    world.settle();
    assert_eq!(world.acked(), [1]);
    assert_eq!(world.fetch(1).err(), Some(FetchError::OffsetOutOfRange));
    assert_eq!(values(&mut world, 2), [(2, "c".into()), (3, "d".into())]);
    let back = world.store.delete_records(GROUP, Offset(1), WaiterToken(1)).expect("no-op").expect("room");
    assert_eq!((back.log_start, back.acknowledged), (Offset(2), true));
    let beyond = world.store.delete_records(GROUP, Offset(5), WaiterToken(1));
    assert_eq!(beyond, Err(ErrorCode::OFFSET_OUT_OF_RANGE));
    world.restart(End::Power);
    assert_eq!(world.fetch(1).err(), Some(FetchError::OffsetOutOfRange));
    let all = world.store.delete_records(GROUP, Offset(-1), WaiterToken(2)).expect("in range").expect("room");
    assert_eq!(all.log_start, Offset(4));
    world.settle();
    world.restart(End::Power);
    let marks = world.store.log_info(GROUP).expect("here").watermarks;
    assert_eq!((marks.log_start, marks.high_watermark, marks.log_end), (Offset(4), Offset(4), Offset(4)));
    assert_eq!(world.append_durably(&batch_of(&[b"e"])).base_offset, Offset(4));
    assert_eq!(list(&mut world, -2).offset, Offset(4));
    world.config.cleanup = CleanupPolicy { compact: true, delete: false };
    world.configure();
    let policy = world.store.delete_records(GROUP, Offset(-1), WaiterToken(2));
    assert_eq!(policy, Err(ErrorCode::POLICY_VIOLATION));
}

/// Fills several segments and the journal, so that the first segments are in files.
fn fill(world: &mut World, batches: i64) {
    let filler = vec![b'x'; 20_000];
    for n in 0..batches {
        world.append_durably(&batch_at(WALL_MS + n, &[&filler]));
    }
}

#[test]
fn retention_takes_whole_segments_and_their_files() {
    let small = TopicConfig { segment_bytes: 100_000, retention_bytes: Some(300_000), ..config() };
    let mut world = World::new(TopicConfig { retention_bytes: None, ..small.clone() });
    fill(&mut world, 100);
    let before = world.files();
    assert!(before.len() > 3, "{before:?}");
    world.config = small;
    world.configure();
    world.pass_ms(1_000);
    world.settle();
    let info = world.store.log_info(GROUP).expect("here");
    assert!(info.size_bytes >= 300_000 && info.size_bytes < 400_000, "{}", info.size_bytes);
    let start = info.watermarks.log_start.0;
    assert!(start > 50, "{start}");
    assert_eq!(world.fetch(start - 1).err(), Some(FetchError::OffsetOutOfRange));
    assert_eq!(world.read_all(start).len() as i64, 100 - start);
    let left = world.files();
    assert!(!left.contains(&before[0]), "{left:?}");
    world.config.retention_bytes = None;
    world.config.retention_ms = Some(5_000);
    world.configure();
    world.pass_ms(6_000);
    world.settle();
    let marks = world.store.log_info(GROUP).expect("here").watermarks;
    assert_eq!(
        (marks.log_start, marks.log_end),
        (Offset(100), Offset(100)),
        "the active segment went by time"
    );
    world.restart(End::Power);
    assert_eq!(world.append_durably(&batch_of(&[b"next"])).base_offset, Offset(100));
    assert_eq!(world.read_all(100).len(), 1);
}

#[test]
fn a_recovered_partition_is_nobodys_until_it_is_named() {
    let mut world = World::new(config());
    world.append_durably(&batch_of(&[b"a"]));
    world.restart(End::Kill);
    assert_eq!(world.store.find(TOPIC, PartitionIndex(0)), Some(GROUP));
    assert_eq!(world.store.find(TOPIC, PartitionIndex(1)), None);
    let mut world = World::new(config());
    world.append_durably(&batch_of(&[b"a"]));
    world.restart_unnamed();
    assert!(world.store.log_info(GROUP).is_none());
    assert_eq!(world.append(&batch_of(&[b"b"]), 1), Err(AppendError::UnknownPartition));
    world.configure();
    assert_eq!(values(&mut world, 0), [(0, "a".into())]);
    world.restart_unnamed();
    world.store.retain(&|group| group != GROUP);
    world.settle();
    world.restart(End::Power);
    assert_eq!(world.store.log_info(GROUP).expect("made anew").watermarks.log_end, Offset(0));
}

#[test]
fn a_topic_that_is_removed_and_made_again_never_meets_its_past() {
    let mut world = World::new(config());
    fill(&mut world, 100);
    assert!(!world.files().is_empty());
    world.store.remove(TOPIC);
    world.settle();
    assert!(world.files().is_empty());
    assert!(world.disk.list(Path::new("data/topics")).expect("listable").is_empty(), "nor a directory");
    world.restart_unnamed();
    assert!(world.store.log_info(GROUP).is_none());
    world.settle();
    assert_eq!(world.append(&batch_of(&[b"b"]), 1), Err(AppendError::UnknownPartition));
}

#[test]
fn a_clean_stop_waits_for_what_is_in_flight_and_nothing_is_lost() {
    let mut world = World::new(config());
    world.append(&batch_of(&[b"a"]), 1).expect("good");
    world.turn();
    world.append(&batch_of(&[b"b"]), 2).expect("good");
    world.store.close(&mut Vec::new());
    for _ in 0..10 {
        world.turn();
        if world.running.is_empty() {
            break;
        }
        assert!(!world.store.is_closed());
        world.finish(0);
    }
    assert!(world.store.is_closed());
    assert_eq!(world.acked(), [1, 2]);
    assert_eq!(world.store.room(), 0);
    world.restart(End::Power);
    assert_eq!(values(&mut world, 0), [(0, "a".into()), (1, "b".into())]);
}

#[test]
fn a_coordinator_that_is_not_alone_learns_it() {
    let mut world = World::new(config());
    let expecting = |end| Origin::Coordinator { expected_end: Some(Offset(end)), makes_room: false };
    let batch = batch_of(&[b"a"]);
    assert!(world.store.append(world.now, GROUP, &batch, expecting(0), None).is_ok());
    let refused = world.store.append(world.now, GROUP, &batch, expecting(0), None);
    assert_eq!(refused, Err(AppendError::UnexpectedEnd));
    assert_eq!(world.store.await_committed(GROUP, WaiterToken(4)), Ok(true));
    world.settle();
    assert_eq!(world.acked(), [4]);
    assert_eq!(world.store.await_committed(GROUP, WaiterToken(5)), Ok(false));
}
