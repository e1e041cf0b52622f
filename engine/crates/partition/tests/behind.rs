//! When what is durable is written behind, and how that shares the disk and the journal with producers.

mod world;

use partition::{AppendError, StoreJob};
use world::*;

/// Appends to both partitions until work on their files is due, and gives it, not yet begun.
fn write_behind_of_two(tail_bytes_max: usize) -> (World, usize) {
    let mut world = World::of_two(tail_bytes_max);
    let filler = batch_of(&[&vec![b'x'; 20_000]]);
    for _ in 0..1_000 {
        for group in [GROUP, GROUP_TWO] {
            match world.store.append(world.now, group, &filler, ALL, None) {
                Ok(_) | Err(AppendError::NoRoom) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        world.turn();
        while let Some(at) = world.running.iter().position(StoreJob::is_commit) {
            world.finish(at);
            world.turn();
        }
        if let Some(at) = world.running.iter().position(StoreJob::makes_journal_file) {
            world.finish(at);
        }
        if !world.running.is_empty() {
            let jobs = world.running.len();
            return (world, jobs);
        }
    }
    panic!("a journal file is full by now");
}

#[test]
fn as_long_as_there_is_time_one_partition_at_a_time_is_written_behind() {
    let (_, jobs) = write_behind_of_two(4 << 20);
    assert_eq!(jobs, 1);
    let (_, jobs) = write_behind_of_two(96 << 10);
    assert_eq!(jobs, 2, "what is written behind now will soon have left memory");
}

#[test]
fn a_mark_makes_no_commit_of_its_own_while_another_will_come() {
    let (mut world, _) = write_behind_of_two(8 << 20); // for closed files, not for what leaves memory: it syncs
    let mut marks = 0;
    while let Some(at) = world.running.iter().position(|job| !job.is_commit() && !job.makes_journal_file()) {
        assert!(!world.running.iter().any(StoreJob::is_commit), "nobody waits for a mark");
        world.finish(at);
        world.turn();
        marks += 1;
    }
    assert!(marks >= 2, "both partitions are written behind, one after the other");
    assert!(world.running.iter().any(StoreJob::is_commit), "nothing else will come");
}

#[test]
fn a_journal_that_can_grow_no_more_frees_what_it_left_closed() {
    let mut world = World::of_two(64 << 20);
    let filler = batch_of(&[&vec![b'x'; 20_000]]);
    let is_behind = |job: &StoreJob| !job.is_commit() && !job.makes_journal_file();
    let mut made = 0;
    let at = loop {
        while let Some(at) = world.running.iter().position(StoreJob::is_commit) {
            world.finish(at);
            world.turn();
        }
        assert!(!world.running.iter().any(is_behind), "a few closed files are left, {made} made");
        match world.running.iter().position(StoreJob::makes_journal_file) {
            Some(at) if made == 1 => break at,
            Some(at) => {
                world.finish(at);
                made += 1;
            }
            None => drop(world.store.append(world.now, GROUP, &filler, ALL, None)),
        }
        world.turn();
    };
    world.files_fail = true;
    world.finish(at);
    world.files_fail = false;
    world.turn();
    assert!(!world.running.iter().any(is_behind), "not at once");
    world.pass_ms(1_000);
    world.turn();
    assert!(world.running.iter().any(is_behind));
}

#[test]
fn what_only_leaves_memory_is_not_synced() {
    let (mut world, _) = write_behind_of_two(96 << 10);
    world.finish(0);
    world.finish(0);
    world.turn();
    assert!(!world.running.iter().any(StoreJob::is_commit), "no mark is journaled");
}

/// Fills the turn, as producers that never rest do.
fn fill_turn(world: &mut World, filler: &[u8]) {
    for group in [GROUP, GROUP_TWO].into_iter().cycle().take(1_000) {
        if let Err(AppendError::NoRoom) = world.store.append(world.now, group, filler, ALL, None) {
            return;
        }
    }
    panic!("a turn has an end");
}

#[test]
fn producers_that_fill_every_turn_leave_room_for_marks() {
    let (mut world, _) = write_behind_of_two(4 << 20);
    let filler = batch_of(&[&vec![b'x'; 20_000]]);
    let mut made = 0;
    for _ in 0..100 {
        fill_turn(&mut world, &filler);
        while let Some(at) = world.running.iter().position(|job| !job.is_commit()) {
            made += usize::from(world.running[at].makes_journal_file());
            world.finish(at);
        }
        world.turn();
        if let Some(at) = world.running.iter().position(StoreJob::is_commit) {
            world.finish(at);
        }
    }
    assert!(made < 8, "{made} more journal files: without a mark none is freed");
}

#[test]
fn what_would_leave_memory_is_written_behind_before_a_journal_file_is_full() {
    let mut world = World::of_two(64 << 10);
    let filler = batch_of(&[&vec![b'x'; 10_000]]);
    for _ in 0..8 {
        world.store.append(world.now, GROUP, &filler, ALL, None).expect("there is room");
        world.turn();
        while let Some(at) = world.running.iter().position(StoreJob::is_commit) {
            world.finish(at);
            world.turn();
        }
    }
    let mut jobs = world.running.iter();
    assert!(jobs.any(|job| !job.makes_journal_file()), "80 KB in memory of 64, and 256 in a file");
}
