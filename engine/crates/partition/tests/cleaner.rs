//! Compaction as a store's callers see it: what stays, how far it goes, at which pace, and what a restart knows of it.

mod world;

use batch::{Builder, Codec};
use model::Offset;
use partition::{CleanerOptions, CleanupPolicy, Origin, TopicConfig, WaiterToken};
use sim::disk::End;
use world::*;

fn config() -> TopicConfig {
    TopicConfig::default()
}

#[test]
fn a_keyed_log_of_the_nodes_own_stays_small() {
    let compact = CleanupPolicy { compact: true, delete: false };
    let config = TopicConfig { cleanup: compact, segment_bytes: 100_000, ..config() };
    let mut world = World::with(config, true, 1);
    let origin = Origin::Coordinator { expected_end: None, makes_room: false };
    let filler = vec![b'x'; 2_000];
    let mut end = 0;
    for n in 0..2_000_u32 {
        let mut builder = Builder::new();
        let key = (n % 10).to_be_bytes();
        let value = [&n.to_be_bytes()[..], &filler].concat();
        builder.push(WALL_MS, Some(&key), Some(&value), &[]);
        let batch = builder.finish(Codec::None);
        end = world.store.append(world.now, GROUP, &batch, origin, None).expect("good").end_offset.0;
        world.pass_ms(100);
        world.settle();
    }
    assert_eq!(end, 2_000);
    let check = |world: &mut World| {
        let records = world.read_all(0);
        assert!(records.len() < 1_200, "{} records are left", records.len());
        assert!(records.windows(2).all(|pair| pair[0].0 < pair[1].0), "in order");
        for (offset, value) in &records {
            assert_eq!(value[..4], u32::try_from(*offset).expect("small").to_be_bytes());
        }
        let newest: Vec<i64> = records.iter().rev().take(10).map(|(offset, _)| *offset).collect();
        assert_eq!(newest, (1_990..2_000).rev().collect::<Vec<_>>(), "the last of each key");
    };
    check(&mut world);
    world.restart(End::Power);
    check(&mut world);
}

/// Keyed records of a client's, each in a batch and a segment of its own.
fn keyed(world: &mut World, range: std::ops::Range<i64>) {
    for n in range {
        world.append_durably(&record(n));
    }
}

fn record(n: i64) -> Vec<u8> {
    let mut builder = Builder::new();
    builder.push(WALL_MS + n * 10, Some(&(n % 5).to_be_bytes()), Some(&n.to_be_bytes()), &[]);
    builder.finish(Codec::None)
}

#[test]
fn what_compaction_has_looked_at_it_does_not_look_at_again_also_after_a_restart() {
    let cleanup = CleanupPolicy { compact: true, delete: false };
    let mut world = World::new(TopicConfig { cleanup, segment_ms: 1, ..config() });
    let rest = |world: &mut World| {
        for _ in 0..3 {
            world.pass_ms(1_500);
            world.settle();
        }
    };
    keyed(&mut world, 0..50);
    rest(&mut world);
    assert!(world.store.cleaner_stats().cleanings > 0);
    let left = world.read_all(0).len();
    assert!(left < 20, "{left} records are left");
    for end in [End::Kill, End::Power] {
        world.restart(end);
        rest(&mut world);
        assert_eq!(world.store.cleaner_stats().cleanings, 0, "nothing is dirty but the active segment");
    }
    // Also when the journal has begun a new file since, which knows of it from the log's State alone.
    let other = vec![0; 60_000];
    world.config.cleanup = CleanupPolicy { compact: false, delete: true };
    world.configure();
    for _ in 0..200 {
        world.append_durably(&batch_of(&[&other]));
    }
    world.config.cleanup = cleanup;
    world.config.dirty_ratio_min = 0.99999;
    world.configure();
    world.restart(End::Power);
    rest(&mut world);
    assert_eq!(world.store.cleaner_stats().cleanings, 0, "some of it is clean");
}

#[test]
fn compaction_goes_as_far_as_its_memory_and_on_from_there() {
    let cleanup = CleanupPolicy { compact: true, delete: false };
    let mut world = World::new(TopicConfig {
        cleanup,
        segment_ms: 1,
        dirty_ratio_min: 0.0,
        compaction_lag_ms_min: 1 << 40,
        ..config()
    });
    let options = CleanerOptions { keys_bytes_max: 0, ..CleanerOptions::default() };
    world.store.set_cleaner(options);
    keyed(&mut world, 0..50);
    world.config.compaction_lag_ms_min = 0;
    world.configure();
    for _ in 0..60 {
        world.pass_ms(20_000);
        world.settle();
    }
    assert!(world.store.cleaner_stats().cleanings > 20, "a key or two at a time");
    let left: Vec<i64> = world.read_all(0).iter().map(|(offset, _)| *offset).collect();
    assert_eq!(left, [44, 45, 46, 47, 48, 49], "all of it was looked at: the active segment is left");
}

#[test]
fn compaction_keeps_to_the_pace_that_it_is_given() {
    let cleanup = CleanupPolicy { compact: true, delete: false };
    let mut world =
        World::new(TopicConfig { cleanup, segment_ms: 1, compaction_lag_ms_min: 1 << 40, ..config() });
    keyed(&mut world, 0..50);
    let pace = |rate| CleanerOptions {
        backoff_ms: 0,
        io_bytes_per_s: rate,
        slice_bytes: 200,
        ..CleanerOptions::default()
    };
    world.store.set_cleaner(pace(100));
    world.config.compaction_lag_ms_min = 0;
    world.configure();
    world.settle();
    let mut seconds = 0;
    while world.store.cleaner_stats().cleanings == 0 {
        world.pass_ms(1_000);
        world.settle();
        seconds += 1;
    }
    // 50 batches of about 80 bytes are learned, then read and written.
    assert!((40..200).contains(&seconds), "{seconds} s");
    let due = world.store.cleaning_due_ns();
    assert!(due.is_none_or(|due| due <= world.now.monotonic_ns + 10_000_000_000), "{due:?}");
}

#[test]
fn what_is_deleted_at_any_moment_of_a_compaction_stays_deleted() {
    let cleanup = CleanupPolicy { compact: true, delete: true };
    for steps in 0..60 {
        let mut world =
            World::new(TopicConfig { cleanup, segment_ms: 1, compaction_lag_ms_min: 1 << 40, ..config() });
        keyed(&mut world, 0..20);
        world.config.compaction_lag_ms_min = 0;
        world.configure();
        world.pass_ms(1_500);
        for _ in 0..steps {
            world.turn();
            if !world.running.is_empty() {
                world.finish(0);
            }
        }
        world.store.delete_records(GROUP, Offset(-1), WaiterToken(1)).expect("it may be");
        for _ in 0..3 {
            world.settle();
            world.pass_ms(1_500);
        }
        assert_eq!(world.files(), [""; 0], "after {steps} steps");
        assert_eq!(world.append_durably(&record(20)).base_offset, Offset(20));
    }
}
