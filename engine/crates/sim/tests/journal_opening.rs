//! Opening a journal whose end is torn, whose middle is damaged, or that a newer version wrote.

use std::path::Path;
use std::sync::Arc;

use io::{Job, OpenMode, SplitMix, Storage};
use journal::commit::{self, Header};
use journal::record::{APPEND_BYTES, FRAME_BYTES};
use journal::rules::{Rule, switch_off};
use journal::{GroupMark, Journal, OpenError, Options, Record, Replay, Replayed, State};
use model::{GroupId, LogIndex, PartitionIndex, TopicId};
use sim::disk::SimDisk;

const FIRST: &str = "/j/0000.j";
const BLOCK: u64 = 4096;

#[derive(Default)]
struct Collected(Vec<GroupId>);

impl Replay for Collected {
    fn replay(&mut self, at: Replayed, _: Record<'_>) -> Result<(), String> {
        self.0.push(at.group);
        Ok(())
    }
}

fn open(disk: &SimDisk, salt: u64) -> Result<(Journal, Vec<GroupId>), OpenError> {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let options = Options {
        dir: "/j".into(),
        file_bytes_first: 16 * BLOCK,
        file_bytes: 16 * BLOCK,
        files_max: 3,
        tail_bytes_max: 1 << 20,
        accept_loss: false,
    };
    let mut collected = Collected::default();
    let journal = Journal::open(&storage, &options, &mut SplitMix(salt), &mut collected)?;
    Ok((journal, collected.0))
}

fn make(disk: &SimDisk, journal: &mut Journal, group: u64) {
    let record = Record::Create { topic: TopicId([1; 16]), partition: PartitionIndex(0) };
    journal.record(GroupId(group), &mut GroupMark::default(), &State::default, &record);
    let commit = journal.seal().expect("something was recorded");
    let done = commit.run(disk);
    assert_eq!(journal.committed(done).unwrap().groups, [GroupId(group)]);
}

/// Three commits of one block each, and what is found after.
fn three(disk: &SimDisk) {
    let (mut journal, found) = open(disk, 1).unwrap();
    assert!(found.is_empty());
    for group in 1..=3 {
        make(disk, &mut journal, group);
    }
    drop(journal);
    assert_eq!(open(disk, 2).unwrap().1, [GroupId(1), GroupId(2), GroupId(3)]);
}

#[test]
fn a_torn_end_is_dropped_and_written_over() {
    let disk = SimDisk::default();
    three(&disk);
    disk.flip(Path::new(FIRST), 2 * BLOCK + 70);
    let (mut journal, found) = open(&disk, 3).unwrap();
    assert_eq!(found, [GroupId(1), GroupId(2)]);
    make(&disk, &mut journal, 4);
    assert_eq!(open(&disk, 4).unwrap().1, [GroupId(1), GroupId(2), GroupId(4)]);
}

#[test]
fn damage_with_a_later_commit_behind_it_is_refused() {
    for at in [70, BLOCK + 70, BLOCK + 3] {
        let disk = SimDisk::default();
        three(&disk);
        disk.flip(Path::new(FIRST), at);
        let before = disk.changes();
        let refused = open(&disk, 3);
        match refused {
            // The first commit of all: nothing says that it ever was, but the directory holds later ones.
            Ok(_) if at < BLOCK => panic!("a journal with a broken first commit was taken for a new one"),
            Ok(_) => panic!("damage at {at} was taken for a torn end"),
            Err(error) => assert!(matches!(error, OpenError::Rot(_)), "{error}"),
        }
        let written = disk.changes() - before;
        assert!(written <= 2, "a refused journal is not written to, only its directory is synced");
    }
}

#[test]
fn a_commit_of_the_next_opening_behind_the_damage_is_noticed_too() {
    let disk = SimDisk::default();
    three(&disk);
    let (mut journal, _) = open(&disk, 3).unwrap();
    make(&disk, &mut journal, 4);
    drop(journal);
    disk.flip(Path::new(FIRST), 2 * BLOCK + 70);
    assert!(matches!(open(&disk, 4), Err(OpenError::Rot(_))), "commit 4 names the salt of commits 1 to 3");
}

#[test]
fn a_payload_that_looks_like_a_commit_is_not_one() {
    let disk = SimDisk::default();
    three(&disk);
    // The bytes of commit 3 again, two blocks further on: the same salt, but not the next number.
    let file = disk.open(Path::new(FIRST), OpenMode::ReadWrite).unwrap();
    let mut block = [0; BLOCK as usize];
    file.read_at(&mut block, 2 * BLOCK).unwrap();
    file.write_at(&block, 4 * BLOCK).unwrap();
    file.sync_data().unwrap();
    assert_eq!(open(&disk, 3).unwrap().1, [GroupId(1), GroupId(2), GroupId(3)]);
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let disk = SimDisk::default();
    three(&disk);
    let file = disk.open(Path::new(FIRST), OpenMode::ReadWrite).unwrap();
    file.write_at(&[2], 4).unwrap();
    let Err(error) = open(&disk, 3) else { panic!("a newer format was opened") };
    assert_eq!(error.to_string(), "/j/0000.j has format 2, written by a newer version");
}

#[test]
fn a_failed_sync_is_fatal() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk, 1).unwrap();
    let record = Record::Create { topic: TopicId([1; 16]), partition: PartitionIndex(0) };
    journal.record(GroupId(1), &mut GroupMark::default(), &State::default, &record);
    disk.fail_syncs(true);
    let done = journal.seal().expect("recorded").run(&disk);
    assert_eq!(journal.committed(done).unwrap_err().what, "the journal cannot be written");
}

/// Records an append of `payload`, and tears its commit's first block. Returns where the payload stood.
fn torn_append(disk: &SimDisk, payload: &[u8]) -> u64 {
    let (mut journal, _) = open(disk, 3).unwrap();
    let record = Record::Append { first: LogIndex(0), rolls: true, batch: payload };
    let place = journal.record(GroupId(9), &mut GroupMark::default(), &State::default, &record);
    let done = journal.seal().expect("something was recorded").run(disk);
    journal.committed(done).unwrap();
    disk.flip(Path::new(FIRST), 3 * BLOCK + 70);
    u64::from(place.position)
}

#[test]
fn a_producer_cannot_forge_a_commit() {
    for salts in [true, false] {
        switch_off((!salts).then_some(Rule::Salt));
        let disk = SimDisk::default();
        three(&disk);
        let mut payload = vec![7; 3 * BLOCK as usize];
        let position = torn_append(&disk.copy(), &payload);
        let at = (position.next_multiple_of(BLOCK) - position) as usize;
        let header = Header { length: 64, salt: 1, previous_salt: 1, number: 5, file_use: 1, start: 1 };
        commit::finish(&mut payload[at..at + BLOCK as usize], &header);
        torn_append(&disk, &payload);
        let opened = open(&disk, 4);
        switch_off(None);
        match opened {
            Ok((_, found)) if salts => assert_eq!(found, [GroupId(1), GroupId(2), GroupId(3)]),
            Ok(_) => panic!("without the salt a forged commit should have been believed"),
            Err(error) => assert!(!salts, "the torn commit was taken for damage: {error}"),
        }
    }
}

/// Nothing comes before the very first commit, so no salt tells what in it is a payload's.
#[test]
fn a_producer_cannot_forge_a_commit_within_the_very_first() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk, 1).unwrap();
    let mut payload = vec![7; 3 * BLOCK as usize];
    let at = BLOCK as usize - 64 - FRAME_BYTES - APPEND_BYTES;
    let header = Header { length: 64, salt: 9, previous_salt: 9, number: 2, file_use: 1, start: 1 };
    let state = Record::State(Box::default()).encoded_len();
    commit::finish(&mut payload[at - state..][..BLOCK as usize], &header);
    let record = Record::Append { first: LogIndex(0), rolls: true, batch: &payload };
    journal.record(GroupId(9), &mut GroupMark::default(), &State::default, &record);
    let done = journal.seal().expect("something was recorded").run(&disk);
    journal.committed(done).unwrap();
    make(&disk, &mut journal, 10);
    let torn = disk.copy();
    torn.flip(Path::new(FIRST), 70);
    assert!(matches!(open(&torn, 2), Err(OpenError::Rot(_))), "a second commit stands behind it");
    let file = disk.open(Path::new(FIRST), OpenMode::ReadWrite).unwrap();
    file.write_at(&[0; BLOCK as usize], 4 * BLOCK).unwrap();
    file.sync_data().unwrap();
    disk.flip(Path::new(FIRST), 70);
    assert_eq!(open(&disk, 2).unwrap().1, [], "only what a payload says stands behind it");
}
