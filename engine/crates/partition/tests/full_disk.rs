//! A disk without space for segments: the journal takes what it can, then records are refused, and what makes room works.

mod world;

use model::{ErrorCode, GroupId, Offset, PartitionIndex, TopicId};
use partition::{AppendError, Origin, TopicConfig, TopicSpec, WaiterToken};
use sim::disk::End;
use world::*;

#[test]
fn while_segments_cannot_be_written_appends_are_refused_before_the_journal_is_full_and_retention_frees_it() {
    let mut world = World::new(TopicConfig { segment_bytes: 100_000, ..TopicConfig::default() });
    world.files_fail = true;
    let filler = vec![b'x'; 20_000];
    let mut stored = 0;
    let refused = loop {
        match world.append(&batch_at(WALL_MS, &[&filler]), 1) {
            Ok(_) => stored += 1,
            Err(AppendError::NoRoom) => {}
            Err(error) => break error,
        }
        world.pass_ms(10);
        world.settle();
        assert!(stored < 10_000, "a full disk is noticed");
    };
    assert_eq!(refused, AppendError::StorageFull);
    assert_eq!(partition::error_code(refused), ErrorCode::NOT_ENOUGH_REPLICAS);
    assert_eq!(world.read_all(0).len(), stored, "everything acknowledged is still read");
    world.config.retention_ms = Some(1_000);
    world.configure();
    world.pass_ms(20_000);
    world.settle();
    let marks = world.store.log_info(GROUP).expect("here").watermarks;
    assert_eq!(marks.log_start, marks.log_end, "retention ran");
    world.files_fail = false;
    for _ in 0..10 {
        world.pass_ms(1_100);
        world.settle();
    }
    assert!(world.append(&batch_at(world.now.wall_ms, &[&filler]), 2).is_ok());
}

/// Appends until the store says that the disk is full, and on: whatever finds room in the journal takes it.
fn fill_journal(world: &mut World, bytes: usize) {
    let filler = vec![b'x'; bytes];
    for value in [&filler[..], b"small"] {
        for _ in 0..1_000 {
            let _full_or_not = world.append(&batch_at(WALL_MS, &[value]), 1);
            world.pass_ms(100);
            world.settle();
        }
    }
    assert_eq!(world.append(&batch_of(&[b"x"]), 1), Err(AppendError::StorageFull));
}

#[test]
fn a_full_disk_is_told_once_a_minute() {
    let mut world = World::new(TopicConfig::default());
    world.files_fail = true;
    fill_journal(&mut world, 20_000);
    let minutes = (world.now.wall_ms - WALL_MS) / 60_000;
    let told = world.store.take_notices();
    assert_eq!(told.len(), 1, "the last one that nobody took");
    assert!(told[0].contains("no storage space"), "{told:?}");
    assert!(minutes > 2, "what follows is about more than one");
    world.pass_ms(30_000);
    world.settle();
    let early = world.store.take_notices().len();
    world.pass_ms(60_000);
    world.settle();
    assert_eq!(early + world.store.take_notices().len(), 1 + early.min(1));
}

#[test]
fn when_nothing_more_finds_room_records_can_still_be_deleted_and_that_makes_room() {
    let mut world = World::new(TopicConfig::default());
    world.files_fail = true;
    fill_journal(&mut world, 20_000);
    let asked = world.store.delete_records(GROUP, Offset(-1), WaiterToken(7));
    assert!(asked.expect("allowed").is_some(), "there is room for a log start");
    world.settle();
    assert!(world.acked().contains(&7));
    let marks = world.store.log_info(GROUP).expect("here").watermarks;
    assert_eq!(marks.log_start, marks.log_end);
    world.pass_ms(2_000);
    world.settle();
    println!("{} {:?}", world.store.describe(), world.append(&batch_of(&[b"next"]), 2));
    assert!(world.append(&batch_of(&[b"next"]), 2).is_ok(), "nothing is left to be written behind");
}

#[test]
fn when_nothing_more_finds_room_a_topic_can_still_be_deleted_and_another_made() {
    let mut world = World::new(TopicConfig::default());
    let controller = TopicSpec {
        topic_id: TopicId::METADATA,
        name: "__cluster_metadata".into(),
        internal: true,
        config: TopicConfig::default(),
        partitions: vec![(GroupId::CONTROLLER, PartitionIndex(0))],
    };
    world.store.configure(controller);
    world.files_fail = true;
    fill_journal(&mut world, 20_000);
    let origin = Origin::Coordinator { expected_end: Some(Offset(0)), makes_room: true };
    let token = WaiterToken(8);
    let decided =
        world.store.append(world.now, GroupId::CONTROLLER, &batch_of(&[b"removed"]), origin, Some(token));
    assert!(decided.is_ok(), "{decided:?}");
    world.settle();
    assert!(world.acked().contains(&8));
    world.store.remove(TOPIC);
    world.pass_ms(2_000);
    world.settle();
    world.configure();
    world.settle();
    assert_eq!(world.append_durably(&batch_of(&[b"next"])).base_offset, Offset(0));
    world.restart(End::Power);
    assert_eq!(world.read_all(0), [(0, b"next".to_vec())]);
}

#[test]
fn what_makes_room_leaves_enough_to_the_checkpoint() {
    let mut world = World::new(TopicConfig { segment_bytes: 2_100, ..TopicConfig::default() });
    world.files_fail = true;
    fill_journal(&mut world, 2_000);
    let end = world.store.log_info(GROUP).expect("here").watermarks.log_end;
    let mut taken = 0;
    for before in 1..=end.0 {
        if world.store.delete_records(GROUP, Offset(before), WaiterToken(9))
            == Err(ErrorCode::NOT_ENOUGH_REPLICAS)
        {
            break;
        }
        taken = before;
        world.settle();
    }
    assert_eq!(taken, 16, "a quarter of a file of 128 blocks, two for each");
    world.files_fail = false;
    world.pass_ms(2_000);
    world.settle();
    assert_eq!(world.append_durably(&batch_of(&[b"next"])).base_offset, end);
}

#[test]
fn what_frees_nothing_gets_none_of_the_room_that_is_kept_for_what_does() {
    let mut world = World::new(TopicConfig::default());
    world.files_fail = true;
    fill_journal(&mut world, 20_000);
    let asked = world.store.delete_records(GROUP, Offset(1), WaiterToken(9));
    assert_eq!(asked, Err(ErrorCode::NOT_ENOUGH_REPLICAS));
    assert!(world.store.delete_records(GROUP, Offset(-1), WaiterToken(9)).expect("allowed").is_some());
}
