//! What was written behind and not synced: failures and power cuts between the two, one sequence of events each.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use batch::{Builder, Codec, Header, stamp};
use io::{Job, SplitMix, Storage};
use journal::{Journal, Options};
use log::{LogJob, Logs, Read, SegmentLimits, segment};
use model::{Epoch, GroupId, LogIndex, Offset, PartitionIndex, TopicId};
use sim::disk::{End, SimDisk};

const A: GroupId = GroupId(5);
const B: GroupId = GroupId(6);
const T: TopicId = TopicId([3; 16]);

fn open(disk: &SimDisk) -> (Journal, Logs) {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let options = Options {
        dir: PathBuf::from("data/journal"),
        file_bytes_first: 1 << 20,
        file_bytes: 1 << 20,
        files_max: 8,
        tail_bytes_max: 1 << 20,
        accept_loss: false,
    };
    disk.create_dir_all(&options.dir).unwrap();
    for dir in options.dir.ancestors() {
        drop(disk.sync_dir(dir));
    }
    Logs::open(&storage, &options, Path::new("data/topics"), &mut SplitMix(1), &mut ()).unwrap()
}

fn make(ts: i64, value: usize, at: Offset) -> Vec<u8> {
    let mut builder = Builder::new();
    builder.push(ts, None, Some(&vec![7; value]), &[]);
    let mut bytes = builder.finish(Codec::None);
    stamp(&mut bytes, at, Epoch(1));
    bytes
}

fn append(journal: &mut Journal, logs: &mut Logs, group: GroupId) {
    let log = logs.get_mut(group).unwrap();
    let bytes = make(1, 400, log.end());
    log.append_batch(journal, &Header::read(&bytes).unwrap(), &bytes, &Vec::new);
}

fn commit(disk: &SimDisk, journal: &mut Journal, logs: &mut Logs) {
    let done = journal.seal().unwrap().run(disk);
    let committed = journal.committed(done).unwrap();
    logs.committed(journal, &committed);
    if let Some(file) = journal.next_file() {
        journal.file_made(file.run(disk));
    }
}

fn write_behind(disk: &SimDisk, journal: &mut Journal, logs: &mut Logs, group: GroupId, sync: bool) {
    let job = logs.write_behind(journal, group, usize::MAX, sync).unwrap();
    logs.job_done(journal, job.run(disk), &|_| Vec::new()).unwrap();
}

fn readable(
    disk: &SimDisk,
    journal: &Journal,
    logs: &Logs,
    group: GroupId,
    at: i64,
) -> Result<usize, String> {
    let log = logs.get(group).unwrap();
    match log.read(journal, Offset(at), log.end(), 1 << 20, true) {
        Read::Ready(_, bytes) => Ok(bytes),
        Read::Cold(job) => match log.read_done(journal, job.run(disk)) {
            Some(Ok(list)) => Ok(list.iter().map(|bytes| bytes.len()).sum()),
            Some(Err(error)) => Err(error.to_string()),
            None => Err("again".into()),
        },
        Read::Empty => Err("empty".into()),
    }
}

#[test]
fn a_sync_that_failed_while_the_log_start_moved_is_not_forgotten() {
    let mut lost = Vec::new();
    for seed in 0..50 {
        let disk = SimDisk::default();
        let (mut journal, mut logs) = open(&disk);
        let log = logs.create(&mut journal, A, T, PartitionIndex(0));
        log.configure(SegmentLimits { bytes: 500, ..SegmentLimits::default() });
        (0..3).for_each(|_| append(&mut journal, &mut logs, A));
        commit(&disk, &mut journal, &mut logs);
        write_behind(&disk, &mut journal, &mut logs, A, false);
        // A sync is out, the log start passes the flushed segment, the sync fails.
        let job = logs.write_behind(&journal, A, usize::MAX, true).unwrap();
        logs.get_mut(A).unwrap().set_start(&mut journal, Offset(1), &Vec::new);
        disk.fail_at(2, std::io::ErrorKind::Other); // its second segment's sync
        let done = job.run(&disk);
        assert!(!disk.fault_is_ahead());
        drop(logs.job_done(&mut journal, done, &|_| Vec::new()));
        commit(&disk, &mut journal, &mut logs);
        write_behind(&disk, &mut journal, &mut logs, A, true);
        commit(&disk, &mut journal, &mut logs);
        assert_eq!(logs.get(A).unwrap().flushed_index(), LogIndex(3));
        drop((journal, logs));
        disk.crash(End::Power, &mut SplitMix(seed));
        let (journal, logs) = open(&disk);
        for at in 1..3 {
            if let Err(why) = readable(&disk, &journal, &logs, A, at) {
                lost.push((seed, at, why));
            }
        }
    }
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn a_topic_directory_that_goes_and_comes_again_is_synced() {
    let mut lost = Vec::new();
    for seed in 0..20 {
        let disk = SimDisk::default();
        let (mut journal, mut logs) = open(&disk);
        logs.create(&mut journal, A, T, PartitionIndex(0));
        logs.create(&mut journal, B, T, PartitionIndex(1));
        append(&mut journal, &mut logs, B);
        commit(&disk, &mut journal, &mut logs);
        write_behind(&disk, &mut journal, &mut logs, B, true);
        append(&mut journal, &mut logs, A);
        logs.remove(&mut journal, B);
        commit(&disk, &mut journal, &mut logs);
        // One turn's work on files, done by one thread.
        let delete = logs.next_job(&journal, usize::MAX).unwrap();
        let behind = logs.write_behind(&journal, A, usize::MAX, true).unwrap();
        let deleted = delete.run(&disk);
        let wrote = behind.run(&disk);
        logs.job_done(&mut journal, deleted, &|_| Vec::new()).unwrap();
        logs.job_done(&mut journal, wrote, &|_| Vec::new()).unwrap();
        commit(&disk, &mut journal, &mut logs);
        assert_eq!(logs.get(A).unwrap().flushed_index(), LogIndex(1));
        drop((journal, logs));
        disk.crash(End::Power, &mut SplitMix(seed));
        let (journal, logs) = open(&disk);
        if let Err(why) = readable(&disk, &journal, &logs, A, 0) {
            lost.push((seed, why));
        }
    }
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn a_time_that_was_looked_for_in_files_that_failed_is_looked_for_again() {
    let disk = SimDisk::default();
    let (mut journal, mut logs) = open(&disk);
    logs.create(&mut journal, A, T, PartitionIndex(0));
    append(&mut journal, &mut logs, A);
    commit(&disk, &mut journal, &mut logs);
    write_behind(&disk, &mut journal, &mut logs, A, false);
    append(&mut journal, &mut logs, A);
    commit(&disk, &mut journal, &mut logs);

    let look = |journal: &Journal, logs: &Logs| {
        let found = logs.get(A).unwrap().find_time(journal, Offset(0), 1).unwrap().run(&disk);
        move |journal: &Journal, logs: &Logs| logs.get(A).unwrap().time_found(journal, found)
    };
    let before = look(&journal, &logs);
    let job = logs.write_behind(&journal, A, usize::MAX, true).unwrap();
    disk.fail_at(1, std::io::ErrorKind::Other);
    let done = job.run(&disk);
    assert!(!disk.fault_is_ahead());
    drop(logs.job_done(&mut journal, done, &|_| Vec::new()));
    assert!(before(&journal, &logs).is_none(), "what it looked at may be lost");
    let after = look(&journal, &logs);
    assert_eq!(after(&journal, &logs).unwrap().unwrap(), Some((Offset(0), 1)));
}

#[test]
fn what_was_written_before_a_deletion_failed_is_written_again() {
    let disk = SimDisk::default();
    let (mut journal, mut logs) = open(&disk);
    let log = logs.create(&mut journal, A, T, PartitionIndex(0));
    log.configure(SegmentLimits { bytes: 500, ..SegmentLimits::default() });
    (0..3).for_each(|_| append(&mut journal, &mut logs, A));
    commit(&disk, &mut journal, &mut logs);
    write_behind(&disk, &mut journal, &mut logs, A, true);
    logs.get_mut(A).unwrap().set_start(&mut journal, Offset(1), &Vec::new);
    append(&mut journal, &mut logs, A);
    commit(&disk, &mut journal, &mut logs);
    write_behind(&disk, &mut journal, &mut logs, A, false);

    let delete = logs.next_job(&journal, usize::MAX).unwrap();
    assert!(matches!(delete, LogJob::Delete(_)));
    disk.fail_at(1, std::io::ErrorKind::Other);
    let deleted = delete.run(&disk);
    assert!(!disk.fault_is_ahead());
    assert!(logs.job_done(&mut journal, deleted, &|_| Vec::new()).is_err());
    // The disk lost what was not synced, and will not say so again.
    let newest = segment::log_path(&dir_of_a(), Offset(3));
    disk.flip(&newest, 30);
    write_behind(&disk, &mut journal, &mut logs, A, true);
    commit(&disk, &mut journal, &mut logs);
    drop((journal, logs));
    disk.crash(End::Power, &mut SplitMix(1));
    let (journal, logs) = open(&disk);
    readable(&disk, &journal, &logs, A, 3).unwrap();
}

fn dir_of_a() -> PathBuf {
    PathBuf::from(format!("data/topics/{T}/0-{}", A.0))
}

/// What a write-behind does to one segment, at the segment's own level.
struct Seg {
    disk: SimDisk,
    dir: PathBuf,
    at: Offset,
    position: u64,
}

impl Seg {
    fn new() -> Seg {
        let (disk, dir) = (SimDisk::default(), PathBuf::from("data/t/0"));
        disk.create_dir_all(&dir).unwrap();
        for dir in dir.ancestors() {
            drop(disk.sync_dir(dir));
        }
        Seg { disk, dir, at: Offset(0), position: 0 }
    }

    fn append(&mut self, times: &[i64], known: Option<segment::Indexed>) -> Option<segment::Indexed> {
        self.append_of(times, &vec![1_500; times.len()], known)
    }

    fn append_of(
        &mut self,
        times: &[i64],
        sizes: &[usize],
        known: Option<segment::Indexed>,
    ) -> Option<segment::Indexed> {
        let batches: Vec<Vec<u8>> = times
            .iter()
            .zip(sizes)
            .zip(self.at.0..)
            .map(|((ts, size), at)| make(*ts, *size, Offset(at)))
            .collect();
        let chunks: Vec<&[u8]> = batches.iter().map(|bytes| &**bytes).collect();
        let to = segment::Appending {
            dir: &self.dir,
            base: Offset(0),
            position: self.position,
            piece_bytes: segment::PIECE_BYTES_MAX,
            first: self.at,
            aborted: &[],
        };
        let wrote = segment::append(&self.disk, &to, &chunks, 4096, known, &mut None).unwrap();
        self.at = Offset(self.at.0 + times.len() as i64);
        self.position = wrote.end;
        wrote.indexed
    }

    fn sync(&self, is_whole: bool) {
        segment::sync(&self.disk, &self.dir, Offset(0), is_whole).unwrap();
        self.disk.sync_dir(&self.dir).unwrap();
    }

    fn find(&self, ts: i64) -> Option<i64> {
        segment::find_time(&self.disk, &self.dir, Offset(0), self.position, Offset(0), ts)
            .unwrap()
            .map(|(offset, _)| offset.0)
    }
}

#[test]
fn times_below_the_mark_outlive_two_power_cuts() {
    let mut wrong = Vec::new();
    for seed in 0..1_000_u64 {
        let mut seg = Seg::new();
        let known = seg.append(&[1, 2, 3, 4, 5, 6, 7, 8], None);
        seg.sync(false);
        seg.append(&[9, 10, 1_000, 11, 12, 13, 14, 15, 16, 17, 18, 19], known);
        seg.sync(false); // the mark
        let mark = (seg.at, seg.position);
        seg.disk.crash(End::Power, &mut SplitMix(seed));
        seg.append(&[20, 21, 22, 23], None); // written, not synced
        seg.disk.crash(End::Power, &mut SplitMix(seed ^ 0x5555));
        (seg.at, seg.position) = mark;
        seg.append(&[20, 21, 22, 23, 700, 701, 702, 703, 704, 705, 706], None);
        seg.sync(false);
        let found = seg.find(690);
        if found != Some(10) {
            wrong.push((seed, found));
        }
    }
    assert!(wrong.is_empty(), "{} of them: {:?}", wrong.len(), &wrong[..wrong.len().min(5)]);
}

#[test]
fn offsets_of_what_was_truncated_do_not_hide_times() {
    let mut wrong = Vec::new();
    for seed in 0..1_000_u64 {
        let mut seg = Seg::new();
        seg.append(&[1, 2, 3, 4], None);
        let keep = (seg.at, seg.position);
        // Old batches, of which others have entries than of the new ones.
        seg.append_of(&[5; 6], &[2_800, 200, 1_500, 1_500, 800, 1_500], None);
        seg.sync(true);
        (seg.at, seg.position) = keep; // truncated, and written anew
        seg.append_of(&[5, 6, 7, 1_000, 8, 9], &[1_500, 1_500, 1_500, 1_500, 800, 1_500], None);
        seg.sync(false); // the mark
        seg.disk.crash(End::Power, &mut SplitMix(seed));
        seg.append(&[700, 701, 702, 703, 704, 705, 706, 707], None);
        seg.sync(false);
        let found = seg.find(705);
        if found != Some(7) {
            wrong.push((seed, found));
        }
    }
    assert!(wrong.is_empty(), "{} of them: {:?}", wrong.len(), &wrong[..wrong.len().min(5)]);
}

#[test]
fn a_truncated_batch_is_not_the_oldest_for_ever() {
    let disk = SimDisk::default();
    let (mut journal, mut logs) = open(&disk);
    logs.create(&mut journal, A, T, PartitionIndex(0));
    logs.create(&mut journal, B, T, PartitionIndex(1));
    append(&mut journal, &mut logs, A);
    commit(&disk, &mut journal, &mut logs);
    logs.get_mut(A).unwrap().truncate(&mut journal, LogIndex(0), &Vec::new);
    commit(&disk, &mut journal, &mut logs);
    for _ in 0..40 {
        let log = logs.get_mut(B).unwrap();
        let bytes = make(1, 30_000, log.end());
        log.append_batch(&mut journal, &Header::read(&bytes).unwrap(), &bytes, &Vec::new);
        commit(&disk, &mut journal, &mut logs);
        write_behind(&disk, &mut journal, &mut logs, B, false);
    }
    append(&mut journal, &mut logs, B);
    commit(&disk, &mut journal, &mut logs);
    let _out = logs.write_behind(&journal, B, usize::MAX, false).unwrap();
    assert!(!logs.is_behind(&journal), "nothing old is unwritten");
}
