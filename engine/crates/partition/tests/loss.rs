//! `--accept-loss`: a damaged data directory is refused, or opened with exactly what can be proven.

mod life;
mod world;

use std::path::{Path, PathBuf};

use batch::{Builder, Codec, ControlKind, control_batch};
use io::{OpenMode, Rng, SplitMix, Storage};
use life::{Life, OPERATIONS, Trouble};
use model::{Epoch, ErrorCode, GroupId, Offset, PartitionIndex, TopicId};
use partition::{
    Acks, AppendError, FetchError, FetchSpec, Isolation, Origin, TopicConfig, TopicSpec, Verified,
    WaiterToken,
};
use sim::disk::{End, SimDisk};
use world::*;

const JOURNAL: &str = "data/journal/0";
const OTHER: GroupId = GroupId(8);

fn values(world: &mut World) -> Vec<(i64, String)> {
    let start = world.store.log_info(GROUP).expect("here").watermarks.log_start.0;
    let text = |value: Vec<u8>| String::from_utf8(value).expect("text");
    world.read_all(start).into_iter().map(|(offset, value)| (offset, text(value))).collect()
}

fn epoch(world: &World) -> Epoch {
    world.store.log_info(GROUP).expect("here").epoch
}

/// Where in the journal these bytes stand.
fn find(disk: &SimDisk, bytes: &[u8]) -> (PathBuf, u64) {
    for path in disk.list(Path::new(JOURNAL)).expect("listable") {
        let file = disk.open(&path, OpenMode::Read).expect("there");
        let mut all = vec![0; usize::try_from(file.len().expect("known")).expect("small")];
        file.read_at(&mut all, 0).expect("readable");
        if let Some(at) = all.windows(bytes.len()).position(|window| window == bytes) {
            return (path, at as u64);
        }
    }
    panic!("the journal does not hold that");
}

fn rot(disk: &SimDisk, bytes: &[u8]) {
    let (path, at) = find(disk, bytes);
    disk.flip(&path, at);
}

fn name_other(world: &mut World) {
    world.store.configure(TopicSpec {
        topic_id: TopicId([4; 16]),
        name: "other".into(),
        internal: false,
        config: TopicConfig::default(),
        partitions: vec![(OTHER, PartitionIndex(0))],
    });
    world.settle();
}

fn append_other(world: &mut World, value: &[u8]) {
    let batch = batch_of(&[value]);
    world.store.append(world.now, OTHER, &batch, ALL, Some(WaiterToken(1))).expect("a good batch");
    world.settle();
}

/// Four appends, each a commit of its own; the third is damaged. The other partition has one before and one behind it.
fn damaged() -> World {
    let mut world = World::new(TopicConfig::default());
    name_other(&mut world);
    for value in ["alpha", "beta"] {
        world.append_durably(&batch_of(&[value.as_bytes()]));
    }
    append_other(&mut world, b"before");
    world.append_durably(&batch_of(&[b"gamma"]));
    append_other(&mut world, b"behind");
    world.append_durably(&batch_of(&[b"delta"]));
    rot(&world.disk, b"gamma");
    world
}

#[test]
fn a_damaged_journal_is_refused_and_nothing_is_changed() {
    let mut world = damaged();
    for _ in 0..2 {
        let refused = world.try_restart(false).expect_err("it is damaged");
        assert!(refused.contains("not a whole commit, but a later one stands"), "{refused}");
    }
}

#[test]
fn what_is_proven_stays_and_what_is_not_is_named() {
    let mut world = damaged();
    world.try_restart(true).expect("loss is accepted");
    let losses = world.store.losses();
    assert_eq!(losses.len(), 2, "{losses:?}");
    assert!(losses[0].starts_with("the journal is damaged: data/journal/0/0000.j at byte"), "{losses:?}");
    assert!(
        losses[1]
            .starts_with(&format!("partition 0 of topic {TOPIC} (group 3): offsets 2 to 3 are given up: ")),
        "{losses:?}"
    );
    assert_eq!(values(&mut world), [(0, "alpha".into()), (1, "beta".into())]);
    let known = FetchSpec { current_epoch: Epoch(0), ..spec(0) };
    assert!(world.fetch_spec(&known).is_ok(), "clients know the epoch that the metadata tells");
    assert_eq!(epoch(&world), Epoch(1), "nothing new carries the epoch of what is gone");
    name_other(&mut world);
    let other = world.store.log_info(OTHER).expect("here");
    assert_eq!(
        (other.epoch, other.watermarks.log_end),
        (Epoch(0), Offset(2)),
        "its next record proves it whole"
    );
    assert_eq!(world.append_durably(&batch_of(&[b"epsilon"])).base_offset, Offset(2));
    for _ in 0..2 {
        world.try_restart(false).expect("the damage is left behind");
        assert!(world.store.losses().is_empty());
        assert_eq!(values(&mut world).last(), Some(&(2, "epsilon".into())));
        assert_eq!(epoch(&world), Epoch(1));
    }
}

#[test]
fn what_was_aborted_before_the_damage_stays_so() {
    let mut world = World::new(TopicConfig::default());
    name_other(&mut world);
    let mut builder = Builder::new().producer(7, 0, 0).transactional();
    builder.push(WALL_MS, None, Some(b"aborted"), &[]);
    let origin = Origin::Transactional { acks: Acks::All, verified: Verified::Unasked };
    world.store.append(world.now, GROUP, &builder.finish(Codec::None), origin, None).expect("good");
    let marker = control_batch(ControlKind::Abort, 7, 0, 2, WALL_MS);
    let origin = Origin::Coordinator { expected_end: None, makes_room: false };
    world.store.append(world.now, GROUP, &marker, origin, None).expect("good");
    world.settle();
    append_other(&mut world, b"gamma");
    append_other(&mut world, b"delta");
    rot(&world.disk, b"gamma");
    for accept_loss in [true, false] {
        world.try_restart(accept_loss).expect("the damage is left behind");
        let fetched = world.fetch_spec(&FetchSpec { isolation: Isolation::ReadCommitted, ..spec(0) });
        assert_eq!(fetched.expect("readable").aborted, [(7, Offset(0))]);
    }
}

#[test]
fn sound_data_loses_nothing_where_loss_is_accepted() {
    let mut world = World::new(TopicConfig::default());
    world.append_durably(&batch_of(&[b"alpha"]));
    world.try_restart(true).expect("sound");
    assert!(world.store.losses().is_empty());
    assert_eq!((epoch(&world), values(&mut world)), (Epoch(0), vec![(0, "alpha".into())]));
}

#[test]
fn a_start_that_accepts_loss_may_end_at_any_change_and_begin_again() {
    let disk = damaged().disk;
    for n in 1.. {
        let mut world = damaged();
        world.disk = disk.copy();
        world.disk.end_after(Some(n));
        let opened = {
            let end = world.disk.clone();
            world.running.clear();
            let storage: std::sync::Arc<dyn Storage> = std::sync::Arc::new(end);
            let options = partition::StoreOptions { accept_loss: true, ..options() };
            partition::Store::open(storage, options, &mut SplitMix(n)).is_ok()
        };
        assert_eq!(opened, !world.disk.ended(), "change {n}");
        let whole = !world.disk.ended();
        world.disk.crash(if n % 2 == 0 { End::Kill } else { End::Power }, &mut SplitMix(n));
        world.try_restart(true).expect("loss is accepted again");
        assert_eq!(values(&mut world), [(0, "alpha".into()), (1, "beta".into())], "change {n}");
        world.append_durably(&batch_of(&[b"epsilon"]));
        world.try_restart(false).expect("the damage is left behind");
        assert_eq!(values(&mut world).len(), 3, "change {n}");
        if whole {
            assert!(n > 10, "{n} changes are few");
            return;
        }
    }
}

#[test]
fn a_missing_journal_file_ends_what_it_held() {
    let mut world = World::new(TopicConfig { segment_bytes: 100_000, ..TopicConfig::default() });
    let filler = "x".repeat(20_000);
    let value = |n: usize| format!("{n} {filler}");
    let flushed = 120;
    for n in 0..flushed {
        world.append_durably(&batch_of(&[value(n).as_bytes()]));
    }
    world.files_fail = true; // from here on the journal alone holds what is sent
    let mut sent = flushed;
    while let Ok(appended) = world.append(&batch_of(&[value(sent).as_bytes()]), 1) {
        world.settle();
        sent += 1;
        assert_eq!(appended.end_offset.0 as usize, sent);
    }
    let (newest, _) = find(&world.disk, format!("{} xxxx", sent - 1).as_bytes());
    for path in world.disk.list(Path::new(JOURNAL)).expect("listable") {
        if path != newest {
            world.disk.unlink(&path).expect("there");
        }
    }
    world.disk.sync_dir(Path::new(JOURNAL)).expect("there");
    if world.try_restart(false).is_ok() {
        panic!("a journal without files that it needs was opened");
    }
    world.try_restart(true).expect("loss is accepted");
    let found = values(&mut world);
    let left = found.len();
    assert!(left < sent && left > flushed / 2, "{left} of {sent} are left");
    for (at, (offset, value)) in (0..).zip(&found) {
        assert_eq!((*offset, value), (at, &format!("{at} {filler}")));
    }
    let from = found.len();
    let losses = world.store.losses();
    assert!(losses[1].contains(&format!(": offsets {from} to ")), "{losses:?}");
    world.append_durably(&batch_of(&[b"next"]));
    world.try_restart(false).expect("the damage is left behind");
    assert_eq!(values(&mut world).len(), from + 1);
}

fn flushed(segment_bytes: u64) -> (World, PathBuf) {
    let mut world = World::new(TopicConfig { segment_bytes, ..TopicConfig::default() });
    for n in 0..60 {
        let value = format!("{n} {}", "x".repeat(20_000));
        world.append_durably(&batch_of(&[value.as_bytes()]));
    }
    let dir = PathBuf::from(format!("data/topics/{TOPIC}/0-{}", GROUP.0));
    assert!(!world.files().is_empty());
    (world, dir)
}

#[test]
fn a_segment_that_is_too_short_is_refused_when_it_is_read_and_ends_the_log_where_loss_is_accepted() {
    let (mut world, dir) = flushed(100_000);
    let path = dir.join(&world.files()[1]);
    let file = world.disk.open(&path, OpenMode::ReadWrite).expect("there");
    let len = file.len().expect("known");
    file.set_len(len - 5).expect("good");
    file.sync_data().expect("good");
    world.try_restart(false).expect("segments are not opened at a start");
    assert_eq!(world.fetch(5).err(), Some(FetchError::Storage));
    assert_eq!(world.fetch(6).err(), Some(FetchError::Storage));
    assert_eq!(world.store.take_notices().len(), 1, "told once");
    assert!(world.fetch(0).is_ok(), "what is sound is read");
    world.try_restart(true).expect("loss is accepted");
    let losses = world.store.losses();
    assert!(losses[0].contains(&format!("offsets 7 to 59 are given up: {}", path.display())), "{losses:?}");
    assert_eq!(values(&mut world).len(), 7);
    assert_eq!(world.append_durably(&batch_of(&[b"next"])).base_offset, Offset(7));
    world.try_restart(false).expect("the damage is left behind");
    assert_eq!(values(&mut world).len(), 8);
    assert_eq!(epoch(&world), Epoch(1));
}

#[test]
fn a_partition_whose_newest_segment_is_cut_is_refused_told_of_once_and_never_written_again() {
    let (mut world, dir) = flushed(100_000_000);
    name_other(&mut world);
    let path = dir.join(world.files().last().expect("it has files"));
    let file = world.disk.open(&path, OpenMode::ReadWrite).expect("there");
    file.set_len(5).expect("good"); // what stands behind the flushed mark is none
    file.sync_data().expect("good");
    world.try_restart(false).expect("segments are not opened at a start");
    name_other(&mut world);
    let mut refused = None;
    for n in 0..60 {
        let value = format!("{n} {}", "x".repeat(20_000));
        match world.append(&batch_of(&[value.as_bytes()]), 1) {
            Ok(_) => world.settle(),
            Err(error) => {
                refused = Some(error);
                break;
            }
        }
    }
    assert_eq!(refused, Some(AppendError::Damaged));
    assert_eq!(partition::error_code(AppendError::Damaged), ErrorCode::KAFKA_STORAGE_ERROR);
    let found = world.store.take_notices();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("shorter than its flushed mark"), "{found:?}");
    let before = world.disk.changes();
    for _ in 0..5 {
        world.pass_ms(2_000);
        world.settle();
    }
    assert_eq!(world.disk.changes(), before, "what would fail again is not tried again");
    assert!(world.store.take_notices().is_empty());
    append_other(&mut world, b"another partition goes on");
}

#[test]
fn a_log_start_whose_record_rotted_takes_nothing_with_it_that_came_later() {
    let mut world = World::new(TopicConfig { retention_ms: None, ..TopicConfig::default() });
    name_other(&mut world);
    let filler = vec![b'x'; 20_000];
    for _ in 0..60 {
        world.append_durably(&batch_of(&[&filler]));
    }
    assert!(!world.files().is_empty());
    // Retention's commit also holds a batch of another partition, which rots.
    world.config.retention_ms = Some(1_000);
    world.configure();
    world.pass_ms(60_000);
    append_other(&mut world, b"retention's companion");
    assert!(world.files().is_empty(), "the active segment went with its records");
    world.config.retention_ms = None;
    world.configure();
    for value in [b"a", b"b", b"c"] {
        world.append_durably(&batch_at(world.now.wall_ms, &[value]));
    }
    rot(&world.disk, b"retention's companion");
    world.try_restart(true).expect("loss is accepted");
    let kept = [(60, "a".into()), (61, "b".into()), (62, "c".into())];
    assert_eq!(values(&mut world), kept);
    world.append_durably(&batch_of(&[b"after"]));
    world.try_restart(false).expect("sound now");
    assert_eq!(values(&mut world)[..3], kept);
}

#[test]
fn missing_old_segments_raise_the_log_start() {
    let (mut world, dir) = flushed(100_000);
    world.disk.unlink(&dir.join(&world.files()[0])).expect("there");
    world.disk.sync_dir(&dir).expect("there");
    world.try_restart(true).expect("loss is accepted");
    let losses = world.store.losses();
    assert!(
        losses[0].contains("offsets 0 to 3 are given up: its oldest segments are missing or hold"),
        "{losses:?}"
    );
    let found = values(&mut world);
    assert_eq!((found.len(), found[0].0), (56, 4));
    world.try_restart(false).expect("the damage is left behind");
    assert_eq!(values(&mut world).len(), 56);
}

/// A way in which one file of the node is damaged.
#[derive(Debug)]
enum Damage {
    Flipped(PathBuf, usize),
    Unlinked(PathBuf),
    /// To so many bytes.
    Cut(PathBuf, usize),
}

impl Damage {
    fn is_of_journal(&self) -> bool {
        let (Damage::Flipped(path, _) | Damage::Unlinked(path) | Damage::Cut(path, _)) = self;
        path.starts_with(JOURNAL)
    }

    fn apply(&self, disk: &SimDisk) {
        match self {
            Damage::Flipped(path, at) => disk.flip(path, *at as u64),
            Damage::Unlinked(path) => {
                disk.unlink(path).expect("there");
                disk.sync_dir(path.parent().expect("it stands somewhere")).expect("there");
            }
            Damage::Cut(path, left) => {
                let file = disk.open(path, OpenMode::ReadWrite).expect("there");
                file.set_len(*left as u64).expect("good");
                file.sync_data().expect("good");
            }
        }
    }
}

/// Damages a file of the node.
fn damage(disk: &SimDisk, rng: &mut SplitMix) -> Option<Damage> {
    let journal = disk.list(Path::new(JOURNAL)).expect("listable");
    let topics = disk.list(Path::new("data/topics")).expect("listable");
    let dirs: Vec<PathBuf> = topics.iter().flat_map(|topic| disk.list(topic).expect("listable")).collect();
    let mut segments: Vec<PathBuf> = dirs.iter().flat_map(|dir| disk.list(dir).expect("listable")).collect();
    segments.retain(|path| path.extension().is_some_and(|suffix| suffix == "log"));
    let mut pick = |n: usize| usize::try_from(rng.below(n as u64)).expect("small");
    let kind = pick(4);
    let from = if kind < 2 || segments.is_empty() { &journal } else { &segments };
    let path = from[pick(from.len())].clone();
    let file = disk.open(&path, OpenMode::ReadWrite).expect("there");
    let len = usize::try_from(file.len().expect("known")).expect("small");
    let damage = match kind {
        _ if len == 0 => return None,
        0 => Damage::Flipped(path, pick(len)),
        1 | 2 => Damage::Unlinked(path),
        _ => Damage::Cut(path, pick(len)),
    };
    damage.apply(disk);
    Some(damage)
}

/// Whether a start that accepts no loss is content, or takes the format's number for another one.
fn opens(disk: &SimDisk) -> bool {
    let storage: std::sync::Arc<dyn Storage> = std::sync::Arc::new(disk.copy());
    match partition::Store::open(storage, options(), &mut SplitMix(1)) {
        Ok(_) => true,
        Err(error) => error.to_string().contains("has format"),
    }
}

#[test]
fn any_damage_leaves_what_is_proven_and_the_rest_is_named() {
    let (mut met, mut lost) = (0, 0);
    for seed in 0..400 {
        let mut rng = SplitMix(seed);
        let mut life = Life::new(Trouble::Failure, u64::MAX);
        life.open().expect("no trouble");
        let operations = 2 + usize::try_from(rng.below(6)).expect("small");
        for (_, operation) in &OPERATIONS[..operations] {
            operation(&mut life).expect("no trouble");
        }
        let whole = life.disk.copy();
        let what: Vec<Damage> = (0..1 + seed % 2).filter_map(|_| damage(&life.disk, &mut rng)).collect();
        let unnoticed = |damage: &Damage| {
            let disk = whole.copy();
            damage.apply(&disk);
            opens(&disk)
        };
        if what.iter().filter(|damage| damage.is_of_journal()).any(unnoticed) {
            continue; // a torn end, or a file that does not count: nothing says that there was more
        }
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let given_up = life.accept_loss();
            life.restart(End::Power, &mut rng);
            life.check();
            given_up
        }));
        let given_up = result.unwrap_or_else(|_| panic!("seed {seed}, {operations} operations: {what:?}"));
        met += 1;
        lost += usize::from(given_up > 0);
    }
    println!("{met} damages, {lost} of them lost something");
    assert!(lost > met / 5, "{lost} of {met} damages lost something");
}
