//! Reads that have to open a segment: what does not fit is not skipped, what has changed on the disk is not served.

mod world;

use model::{GroupId, Offset};
use partition::{FetchError, FetchSpec, TopicConfig, WaiterToken};
use std::path::PathBuf;
use world::{GROUP, TOPIC, World, batch_at, batch_of, spec};

const LARGE: usize = 20_000;

/// Large and small batches in turn, each in a segment of its own, and far more than memory keeps.
fn world() -> World {
    let mut world = World::new(TopicConfig { segment_bytes: 20_200, ..TopicConfig::default() });
    let small = batch_of(&[&[b'y'; 300]]);
    for _ in 0..60 {
        world.append_durably(&batch_of(&[&[b'x'; LARGE]]));
        world.append_durably(&small);
    }
    world
}

#[test]
fn a_batch_that_does_not_fit_is_waited_for_and_never_skipped() {
    let mut world = world();
    for end in 120..140 {
        // One small batch after the other: at some point it is all that stands in no file.
        for from in [0, 2, end - 2, end - 1] {
            let tight = FetchSpec { bytes_max: 2_000, at_least_one: false, ..spec(from) };
            let fetched = world.fetch_spec(&tight).expect("readable");
            let first = fetched.data.iter().flat_map(|bytes| batch::split(bytes)).next();
            let first = first.map(|item| item.expect("a whole batch").0.base_offset);
            assert!(first.is_none_or(|first| first == Offset(from)), "{first:?} for offset {from}");
        }
        world.append_durably(&batch_of(&[&[b'z'; 300]]));
    }
    assert_eq!(world.read_all(0).len(), 140);
}

fn oldest_segment() -> PathBuf {
    PathBuf::from(format!("data/topics/{TOPIC}/0-{}/00000000000000000000.log", GROUP.0))
}

#[test]
fn a_byte_that_changed_in_a_segment_is_refused() {
    let mut world = world();
    let sound = world.fetch(0).expect("readable").data;
    // Everything but the leader epoch, which no checksum covers: offset, length, checksum, header, records.
    for position in (0..12).chain(16..70).chain([500, 20_000]) {
        world.disk.flip(&oldest_segment(), position);
        let refused = world.fetch(0);
        assert_eq!(refused.err(), Some(FetchError::Storage), "byte {position} changed and nobody noticed");
        world.disk.flip(&oldest_segment(), position);
    }
    let again = world.fetch(0).expect("readable").data;
    assert!(sound.iter().map(|bytes| &**bytes).eq(again.iter().map(|bytes| &**bytes)));
}

#[test]
fn a_start_of_retention_counts_as_deleted_when_it_is_durable() {
    let keeps = TopicConfig { segment_bytes: 1_000, retention_ms: Some(5_000), ..TopicConfig::default() };
    let mut world = World::new(keeps);
    for n in 0..20 {
        world.append_durably(&batch_at(world.now.wall_ms, &[&[n; 400]]));
        world.pass_ms(1_000);
    }
    let start = |world: &World| world.store.log_info(GROUP).expect("there").watermarks.log_start;
    let durable = start(&world);
    world.pass_ms(3_000);
    world.turn();
    let moved = start(&world);
    assert!(moved > durable, "retention has something to do");
    let deleted = world
        .store
        .delete_records(GROUP, Offset(moved.0 - 1), WaiterToken(7))
        .expect("in range")
        .expect("room");
    assert_eq!((deleted.log_start, deleted.acknowledged), (moved, false), "its record is not durable yet");
    world.settle();
    assert!(world.acked().contains(&7));
    assert_eq!(world.store.log_info(GroupId(99)).map(|info| info.group), None);
    world.restart(sim::disk::End::Power);
    assert!(start(&world) >= Offset(moved.0 - 1));
}
