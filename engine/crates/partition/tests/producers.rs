//! Idempotent producers that are too many for a State outlive their records.

mod world;

use batch::{Builder, Codec, ControlKind};
use model::Offset;
use partition::{Acks, Origin, TopicConfig, Verified, WaiterToken};
use sim::disk::End;
use world::*;

const PRODUCERS: i64 = 100;

fn delete_all(world: &mut World) {
    world.store.delete_records(GROUP, Offset(-1), WaiterToken(7)).expect("allowed");
    world.settle();
}

fn let_all_expire(world: &mut World) {
    world.config.retention_ms = Some(1_000);
    world.configure();
    world.pass_ms(60_000);
    world.settle();
}

#[test]
fn a_producer_whose_newest_batch_was_deleted_is_still_known_after_a_crash() {
    for empty in [delete_all, let_all_expire] {
        let mut world = World::new(TopicConfig { segment_bytes: 100_000, ..TopicConfig::default() });
        for id in 0..PRODUCERS {
            world.append(&idempotent(id, 0, &[b"in the file"]), 1).expect("good");
        }
        let filler = vec![b'x'; 20_000];
        for _ in 0..100 {
            world.append_durably(&batch_of(&[&filler]));
        }
        for id in 0..PRODUCERS {
            world.append_durably(&idempotent(id, 1, &[b"newer than the file"]));
        }
        empty(&mut world);
        let end = world.store.log_info(GROUP).expect("here").watermarks.log_end;
        assert_eq!(world.store.log_info(GROUP).expect("here").watermarks.log_start, end);
        world.restart(End::Kill);
        for id in 0..PRODUCERS {
            let again = world.append(&idempotent(id, 1, &[b"newer than the file"]), 1).expect("a duplicate");
            assert!(again.base_offset < end, "producer {id}: stored once more");
        }
        world.restart(End::Power);
        for id in 0..PRODUCERS {
            world.append(&idempotent(id, 2, &[b"next"]), 1).expect("in order");
        }
    }
}

/// A batch of a transaction that nobody verifies.
fn transactional(id: i64, sequence: i32) -> Vec<u8> {
    let mut builder = Builder::new().producer(id, 0, sequence).transactional();
    builder.push(WALL_MS, None, Some(b"part of it"), &[]);
    builder.finish(Codec::None)
}

#[test]
fn a_marker_that_was_deleted_still_ends_its_transaction_after_a_crash() {
    let mut world = World::new(TopicConfig { segment_bytes: 100_000, ..TopicConfig::default() });
    let origin = Origin::Transactional { acks: Acks::All, verified: Verified::Unasked };
    for id in 0..PRODUCERS {
        world.store.append(world.now, GROUP, &transactional(id, 0), origin, None).expect("good");
    }
    let filler = vec![b'x'; 20_000];
    for _ in 0..100 {
        world.append_durably(&batch_of(&[&filler]));
    }
    for id in 0..PRODUCERS {
        let marker = batch::control_batch(ControlKind::Abort, id, 0, 2, WALL_MS);
        let origin = Origin::Coordinator { expected_end: None, makes_room: false };
        world.store.append(world.now, GROUP, &marker, origin, None).expect("good");
    }
    world.settle();
    delete_all(&mut world);
    for end in [End::Kill, End::Power] {
        world.restart(end);
        world.settle();
        let watermarks = world.store.log_info(GROUP).expect("here").watermarks;
        assert_eq!(watermarks.last_stable, watermarks.log_end);
        let open =
            world.store.producers(GROUP).iter().filter(|info| info.transaction_start.is_some()).count();
        assert_eq!(open, 0);
        assert!(world.store.producers(GROUP).iter().all(|info| info.coordinator_epoch == 2));
    }
}
