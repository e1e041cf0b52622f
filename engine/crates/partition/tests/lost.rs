//! Directories that nothing speaks of are moved aside; what the controller does not name after a loss, too.

mod world;

use std::path::{Path, PathBuf};

use io::{OpenMode, Storage};
use partition::{Known, TopicConfig, move_orphans};
use sim::disk::End;
use world::*;

const DATA: &str = "data";

/// A store with files of its partition, and a directory that belongs to nobody.
fn with_orphan() -> (World, PathBuf) {
    let mut world = World::new(TopicConfig { segment_bytes: 100_000, ..TopicConfig::default() });
    for _ in 0..60 {
        world.append_durably(&batch_of(&[&[b'x'; 20_000]]));
    }
    assert!(!world.files().is_empty());
    let orphan = PathBuf::from(format!("data/topics/{TOPIC}/0-99"));
    world.disk.create_dir_all(&orphan).expect("good");
    let file = world.disk.open(&orphan.join("00000000000000000000.log"), OpenMode::Create).expect("good");
    file.write_at(b"somebody's", 0).expect("good");
    file.sync_data().expect("good");
    for dir in orphan.ancestors().take(3) {
        world.disk.sync_dir(dir).expect("good");
    }
    world.restart(End::Kill);
    (world, orphan)
}

fn content(world: &World, path: &Path) -> Vec<u8> {
    let file = world.disk.open(path, OpenMode::Read).expect("it is there");
    let mut bytes = vec![0; 10];
    file.read_at(&mut bytes, 0).expect("readable");
    bytes
}

#[test]
fn a_directory_of_nobody_is_moved_aside_whole_and_nothing_else_is() {
    let (mut world, orphan) = with_orphan();
    let lost = PathBuf::from(format!("data/lost/{TOPIC}/0-99"));
    let said = move_orphans(&world.disk, Path::new(DATA), &[world.store.known()], false).expect("good");
    assert_eq!(said, [format!("{} belongs to no partition: moved to {}", orphan.display(), lost.display())]);
    world.restart(End::Power);
    assert_eq!(content(&world, &lost.join("00000000000000000000.log")), b"somebody's");
    assert!(world.disk.list(&orphan).expect("listable").is_empty());
    assert_eq!(world.read_all(0).len(), 60);
    let again = move_orphans(&world.disk, Path::new(DATA), &[world.store.known()], false).expect("good");
    assert!(again.is_empty());
}

#[test]
fn a_second_one_of_the_same_name_replaces_nothing() {
    let (world, orphan) = with_orphan();
    let known = [world.store.known()];
    move_orphans(&world.disk, Path::new(DATA), &known, false).expect("good");
    world.disk.create_dir_all(&orphan).expect("good");
    let said = move_orphans(&world.disk, Path::new(DATA), &known, false).expect("good");
    assert!(said[0].ends_with("/0-99.1"), "{said:?}");
    let first = PathBuf::from(format!("data/lost/{TOPIC}/0-99/00000000000000000000.log"));
    assert_eq!(content(&world, &first), b"somebody's");
}

#[test]
fn a_journal_that_is_gone_is_not_taken_for_a_new_one() {
    let (world, orphan) = with_orphan();
    let known = [world.store.known(), Known { directories: Vec::new(), is_new: true }];
    let before = world.disk.changes();
    let refused =
        move_orphans(&world.disk, Path::new(DATA), &known, false).expect_err("shard 1's data is there");
    assert!(refused.to_string().starts_with("the journal of shard 1 is empty, but data/topics holds 1 dir"));
    assert_eq!(world.disk.changes(), before);
    let said = move_orphans(&world.disk, Path::new(DATA), &known, true).expect("loss is accepted");
    assert_eq!(said.len(), 1);
    assert!(world.disk.list(&orphan).expect("listable").is_empty());
}

#[test]
fn a_shard_without_a_partition_is_no_reason_to_refuse() {
    let (mut world, _) = with_orphan();
    let known = world.store.known();
    move_orphans(&world.disk, Path::new(DATA), &[known], false).expect("good");
    world.restart(End::Power);
    let known = [world.store.known(), Known { directories: Vec::new(), is_new: true }];
    assert!(
        move_orphans(&world.disk, Path::new(DATA), &known, false).expect("nothing is missing").is_empty()
    );
}

#[test]
fn what_nobody_names_after_a_loss_is_moved_aside_and_only_then_removed() {
    let (mut world, _) = with_orphan();
    let file = world
        .disk
        .open(Path::new(&format!("data/topics/{TOPIC}/0-3/{}", world.files()[0])), OpenMode::ReadWrite);
    let file = file.expect("there");
    file.set_len(30_000).expect("good");
    file.sync_data().expect("good");
    world.config = TopicConfig::default();
    world.try_restart_unnamed(true).expect("loss is accepted");
    assert_eq!(world.store.losses().len(), 1);
    world.store.retain(&|_| false);
    world.settle();
    let lost = PathBuf::from(format!("data/lost/{TOPIC}/0-{}", GROUP.0));
    assert!(!world.disk.list(&lost).expect("listable").is_empty());
    world.restart(End::Power);
    assert!(!world.disk.list(&lost).expect("listable").is_empty(), "it stays");
    assert_eq!(world.store.log_info(GROUP).expect("made anew").watermarks.log_end.0, 0);
}
