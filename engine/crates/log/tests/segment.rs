//! Segment files against a model that simply remembers every batch, over real files.

use std::path::{Path, PathBuf};

use batch::{Builder, Codec, Header, stamp};
use io::{OpenMode, RealStorage, Storage};
use log::segment::{self, Appended, Indexed};
use model::{Epoch, Offset};
use proptest::prelude::*;

const BASE: Offset = Offset(1000);

/// A folder of a test's own, empty when made and gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("headrace-segment-{}-{name}", std::process::id()));
        RealStorage.remove_dir_all(&path).unwrap();
        RealStorage.create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = RealStorage.remove_dir_all(&self.0);
    }
}

fn append(dir: &Path, position: u64, chunks: &[&[u8]]) -> std::io::Result<u64> {
    append_on(dir, position, chunks, None).map(|wrote| wrote.end)
}

fn append_on(
    dir: &Path,
    position: u64,
    chunks: &[&[u8]],
    indexed: Option<Indexed>,
) -> std::io::Result<Appended> {
    let to = segment::Appending {
        dir,
        base: BASE,
        position,
        piece_bytes: 128 << 10,
        first: Offset::ZERO,
        aborted: &[],
    };
    segment::append(&RealStorage, &to, chunks, segment::INDEX_INTERVAL_BYTES, indexed, &mut None)
}

/// What is in the segment, by the test's own book-keeping.
#[derive(Default)]
struct Model {
    batches: Vec<(u64, Header, Vec<u8>)>,
    end: u64,
    records: Vec<(Offset, i64)>,
    /// What the last append said about the indexes.
    indexed: Option<Indexed>,
}

impl Model {
    fn next_offset(&self) -> Offset {
        self.batches.last().map_or(BASE, |(_, header, _)| header.next_offset())
    }

    /// Makes the next batch and notes it.
    fn batch(&mut self, timestamps: &[i64], value_bytes: usize, codec: Codec) -> Vec<u8> {
        let mut builder = Builder::new();
        let value: Vec<u8> = (0..value_bytes).map(|i| (i * 7 + i / 251) as u8).collect();
        for timestamp in timestamps {
            builder.push(*timestamp, Some(b"key"), Some(&value), &[]);
        }
        let mut bytes = builder.finish(codec);
        let first = self.next_offset();
        stamp(&mut bytes, first, Epoch(4));
        for (i, timestamp) in (0_i64..).zip(timestamps) {
            self.records.push((first.plus(i), *timestamp));
        }
        self.batches.push((self.end, Header::read(&bytes).unwrap(), bytes.clone()));
        self.end += bytes.len() as u64;
        bytes
    }

    fn append(&mut self, dir: &Path, batches: &[(Vec<i64>, usize, Codec)]) {
        let position = self.end;
        let bytes: Vec<Vec<u8>> =
            batches.iter().map(|(times, size, codec)| self.batch(times, *size, *codec)).collect();
        let chunks: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
        let wrote = append_on(dir, position, &chunks, self.indexed.take()).unwrap();
        assert_eq!(wrote.end, self.end);
        segment::sync(&RealStorage, dir, BASE, true).unwrap();
        self.indexed = wrote.indexed;
    }

    fn find(&self, offset: Offset) -> u64 {
        let found = self.batches.iter().find(|(_, header, _)| header.next_offset() > offset);
        found.map_or(self.end, |(position, ..)| *position)
    }

    fn read(&self, from: Offset, upto: Offset, bytes_max: usize, at_least_one: bool) -> Vec<u8> {
        let mut out = Vec::new();
        for (_, header, bytes) in self.batches.iter().filter(|(_, header, _)| header.next_offset() > from) {
            let fits = out.len() + bytes.len() <= bytes_max || out.is_empty() && at_least_one;
            if header.next_offset() > upto || !fits {
                break;
            }
            out.extend_from_slice(bytes);
        }
        out
    }

    /// The first record from `start` on with at least this timestamp.
    fn find_time(&self, start: Offset, timestamp: i64) -> Option<(Offset, i64)> {
        self.records.iter().copied().find(|record| record.0 >= start && record.1 >= timestamp)
    }

    fn max_timestamp(&self) -> Option<(Offset, i64)> {
        let max = self.records.iter().map(|record| record.1).max()?;
        self.records.iter().copied().find(|record| record.1 == max)
    }

    /// The segment answers everything as the model does.
    fn expect(&self, dir: &Path) {
        for at in BASE.0 - 1..=self.next_offset().0 + 1 {
            let found = segment::find(&RealStorage, dir, BASE, self.end, Offset(at)).unwrap();
            assert_eq!(found, self.find(Offset(at)), "find {at}");
        }
        let times = self.records.iter().map(|record| record.1);
        let middle = BASE.plus((self.next_offset().0 - BASE.0) / 2);
        for time in times.flat_map(|time| [time - 1, time, time + 1]) {
            for start in [BASE, middle] {
                let found = segment::find_time(&RealStorage, dir, BASE, self.end, start, time).unwrap();
                assert_eq!(found, self.find_time(start, time), "time {time} from {start}");
            }
        }
        assert_eq!(segment::max_timestamp(&RealStorage, dir, BASE, self.end).unwrap(), self.max_timestamp());
    }
}

fn batches() -> impl Strategy<Value = Vec<(Vec<i64>, usize, Codec)>> {
    let times = prop::collection::vec(1_000_i64..1_400, 1..5);
    let size = prop_oneof![0_usize..200, 1500_usize..6000];
    prop::collection::vec((times, size, prop::sample::select(&Codec::ALL)), 1..9)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lookups_agree_with_the_model(turns in prop::collection::vec(batches(), 1..6)) {
        let folder = Folder::new("lookups");
        let mut model = Model::default();
        for turn in &turns {
            model.append(&folder.0, turn);
        }
        model.expect(&folder.0);
    }

    #[test]
    fn reads_agree_with_the_model(
        turns in prop::collection::vec(batches(), 1..4),
        from in 0_i64..60, records in 0_i64..60, bytes_max in 0_usize..20_000, at_least_one: bool,
    ) {
        let folder = Folder::new("reads");
        let mut model = Model::default();
        for turn in &turns {
            model.append(&folder.0, turn);
        }
        let (from, upto) = (BASE.plus(from), BASE.plus(from + records));
        let read = segment::read(&RealStorage, &folder.0, BASE, model.end, from, upto, bytes_max, at_least_one);
        prop_assert_eq!(read.unwrap(), model.read(from, upto, bytes_max, at_least_one));
        let path = segment::log_path(&folder.0, BASE);
        let read = segment::read_file(&RealStorage, &path, model.end, from, upto, bytes_max, at_least_one);
        prop_assert_eq!(read.unwrap(), model.read(from, upto, bytes_max, at_least_one));
    }

    #[test]
    fn damaged_indexes_change_no_answer(
        turns in prop::collection::vec(batches(), 1..5),
        last in batches(),
        damage in prop::collection::vec(any::<u8>(), 0..64),
        at in 0_u64..40, which: bool, lost: bool,
    ) {
        let folder = Folder::new("damage");
        let mut model = Model::default();
        for turn in &turns {
            model.append(&folder.0, turn);
        }
        let path = if which { segment::index_path(&folder.0, BASE) } else { segment::time_index_path(&folder.0, BASE) };
        if lost {
            RealStorage.unlink(&path).unwrap();
        } else if which {
            // A time index cannot be told from a wrong one entry by entry; only its loss is survivable in full.
            RealStorage.open(&path, OpenMode::Create).unwrap().write_at(&damage, at).unwrap();
        }
        for at in BASE.0..model.next_offset().0 {
            let found = segment::find(&RealStorage, &folder.0, BASE, model.end, Offset(at)).unwrap();
            prop_assert_eq!(found, model.find(Offset(at)));
        }
        model.append(&folder.0, &last);
        model.expect(&folder.0);
    }

    #[test]
    fn what_stands_behind_the_mark_is_never_believed(
        kept in batches(), lost in batches(), next in batches(), noise in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let folder = Folder::new("stale");
        let mut model = Model::default();
        model.append(&folder.0, &kept);
        let (end, count, records) = (model.end, model.batches.len(), model.records.len());
        model.append(&folder.0, &lost); // written and indexed, but the mark was never raised
        let log = RealStorage.open(&segment::log_path(&folder.0, BASE), OpenMode::ReadWrite).unwrap();
        log.write_at(&noise, model.end).unwrap();
        model.end = end;
        model.batches.truncate(count);
        model.records.truncate(records);
        model.expect(&folder.0);
        model.append(&folder.0, &next);
        model.expect(&folder.0);
        assert_eq!(log.len().unwrap(), model.end);
    }
}

#[test]
fn a_cut_takes_the_indexes_with_it() {
    let folder = Folder::new("cut");
    let mut model = Model::default();
    let batch = |time: i64| (vec![time], 3000, Codec::None);
    model.append(&folder.0, &(0..20).map(batch).collect::<Vec<_>>());
    let (position, ..) = model.batches[7];
    segment::cut(&RealStorage, &folder.0, BASE, position).unwrap();
    model.batches.truncate(7);
    model.records.truncate(7);
    model.end = position;
    model.expect(&folder.0);
    let index = RealStorage.open(&segment::index_path(&folder.0, BASE), OpenMode::Read).unwrap();
    let entries = index.len().unwrap() / 8;
    assert_eq!(entries, 3, "every second batch of 3 KiB has an entry");
    model.append(&folder.0, &[batch(3), batch(100), batch(50)]);
    model.expect(&folder.0);
}

#[test]
fn large_appends_are_written_in_pieces() {
    let folder = Folder::new("large");
    let mut model = Model::default();
    model.append(&folder.0, &[(vec![1], 5, Codec::None)]); // so that what follows begins within a block
    let sizes = [400 << 10, 400 << 10, 400 << 10, 10, 2 << 20, 20, 700 << 10, 700 << 10];
    model.append(&folder.0, &sizes.map(|size| (vec![1], size, Codec::None)));
    let all = model.read(BASE, Offset(i64::MAX), usize::MAX, true);
    let read =
        segment::read(&RealStorage, &folder.0, BASE, model.end, BASE, Offset(i64::MAX), usize::MAX, true);
    assert!(read.unwrap() == all, "all bytes, where they belong");
}

#[test]
fn an_append_behind_a_wrong_index_builds_it_again() {
    let folder = Folder::new("wrong");
    let mut model = Model::default();
    model.append(&folder.0, &vec![(vec![1, 2], 3000, Codec::None); 9]);
    let index = RealStorage.open(&segment::index_path(&folder.0, BASE), OpenMode::ReadWrite).unwrap();
    let last = index.len().unwrap() - 4;
    index.write_at(&8_200_u32.to_be_bytes(), last).unwrap(); // a position inside a batch
    model.indexed = None; // as after a restart
    model.append(&folder.0, &vec![(vec![4, 3], 3000, Codec::None); 9]);
    model.expect(&folder.0);
}

/// Kafka refuses a time index whose entries do not rise.
#[test]
fn zeros_that_a_power_cut_left_in_the_indexes_are_no_entries() {
    let folder = Folder::new("zeros");
    let mut model = Model::default();
    model.append(&folder.0, &[(vec![1_000], 100, Codec::None)]);
    for timestamp in [2_000, 5_000, 3_000] {
        model.append(&folder.0, &[(vec![timestamp], 5_000, Codec::None), (vec![1_500], 5_000, Codec::None)]);
    }
    for (path, entry_bytes) in
        [(segment::index_path(&folder.0, BASE), 8), (segment::time_index_path(&folder.0, BASE), 12)]
    {
        let file = RealStorage.open(&path, OpenMode::ReadWrite).unwrap();
        file.write_at(&vec![0; 7 * entry_bytes], file.len().unwrap()).unwrap();
    }
    model.indexed = None;
    model.append(&folder.0, &[(vec![3_500], 5_000, Codec::None), (vec![6_000], 5_000, Codec::None)]);
    model.append(&folder.0, &[(vec![3_000], 5_000, Codec::None), (vec![7_000], 5_000, Codec::None)]);
    expect_rising(&folder.0);
    model.expect(&folder.0);
}

#[test]
fn index_entries_rise_whatever_the_timestamps_do() {
    let folder = Folder::new("rise");
    let mut model = Model::default();
    for turn in 0..20_i64 {
        let times = [turn % 7, (turn * 5) % 11, turn % 3];
        model.append(&folder.0, &times.map(|time| (vec![time + turn], 1500, Codec::None)));
    }
    expect_rising(&folder.0);
    model.expect(&folder.0);
}

fn expect_rising(dir: &Path) {
    let entries = |path: PathBuf, entry_bytes: usize| {
        let file = RealStorage.open(&path, OpenMode::Read).unwrap();
        let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
        file.read_at(&mut bytes, 0).unwrap();
        assert!(bytes.len() >= 4 * entry_bytes && bytes.len() % entry_bytes == 0);
        bytes.chunks(entry_bytes).map(<[u8]>::to_vec).collect::<Vec<_>>()
    };
    let offsets = entries(segment::index_path(dir, BASE), 8);
    assert!(offsets.is_sorted_by(|a, b| a[..4] < b[..4] && a[4..] < b[4..]));
    let times = entries(segment::time_index_path(dir, BASE), 12);
    assert!(times.is_sorted_by(|a, b| a[..8] < b[..8] && a[8..] < b[8..]));
}

/// After a truncation into flushed data the journal does not know the position, and the file may be torn right there.
#[test]
fn the_end_of_what_counts_is_found_before_a_torn_batch() {
    let folder = Folder::new("torn");
    let mut model = Model::default();
    model.append(&folder.0, &vec![(vec![1, 2], 2000, Codec::None); 6]);
    let (position, header, _) = model.batches[4].clone();
    let log = RealStorage.open(&segment::log_path(&folder.0, BASE), OpenMode::ReadWrite).unwrap();
    log.write_at(&[0; 100], position).unwrap();
    let find = |offset| segment::find(&RealStorage, &folder.0, BASE, u64::MAX, offset);
    assert_eq!(find(header.base_offset).unwrap(), position);
    RealStorage.unlink(&segment::index_path(&folder.0, BASE)).unwrap();
    assert_eq!(find(header.base_offset).unwrap(), position, "also without an index");
    log.write_at(&[0; 100], 0).unwrap();
    assert_eq!(find(BASE).unwrap(), 0);
}

#[test]
fn log_append_time_answers_with_the_batch() {
    let folder = Folder::new("append-time");
    let mut model = Model::default();
    let mut bytes = model.batch(&[5, 6, 7], 10, Codec::Zstd);
    batch::set_log_append_time(&mut bytes, 100);
    append(&folder.0, 0, &[&bytes]).unwrap();
    let expected = Some((BASE, 100));
    assert_eq!(segment::find_time(&RealStorage, &folder.0, BASE, model.end, BASE, 50).unwrap(), expected);
    assert_eq!(segment::find_time_in(&bytes, BASE, 100).unwrap(), expected);
    assert_eq!(segment::find_time_in(&bytes, BASE, 101).unwrap(), None);
    assert_eq!(segment::max_timestamp(&RealStorage, &folder.0, BASE, model.end).unwrap(), expected);
}

#[test]
fn a_segment_that_lost_durable_bytes_is_rot() {
    let folder = Folder::new("short");
    let mut model = Model::default();
    model.append(&folder.0, &[(vec![1], 100, Codec::None), (vec![2], 100, Codec::None)]);
    let log = RealStorage.open(&segment::log_path(&folder.0, BASE), OpenMode::ReadWrite).unwrap();
    log.set_len(model.end - 1).unwrap();
    let rotten = |result: std::io::Result<()>| result.unwrap_err().kind() == std::io::ErrorKind::InvalidData;
    let storage = &RealStorage;
    let end = model.end;
    assert!(rotten(segment::find(storage, &folder.0, BASE, end, BASE).map(drop)));
    assert!(rotten(append(&folder.0, end, &[]).map(drop)));
    assert!(rotten(segment::find_time(storage, &folder.0, BASE, end, BASE, 0).map(drop)));
    assert!(rotten(segment::find(storage, &folder.0, BASE, u64::MAX, Offset(i64::MAX)).map(drop)));
}

#[test]
fn a_directory_tells_what_is_not_ours() {
    let folder = Folder::new("list");
    let put = |name: &str| drop(RealStorage.open(&folder.0.join(name), OpenMode::Create).unwrap());
    let ours = ["00000000000000000007.log", "00000000000000000007.index", "00000000000000000100.log"];
    let unknown = ["00000000000000000008.index", "7.log", "cat.jpg"];
    ours.iter().chain(&unknown).for_each(|name| put(name));
    segment::write_descriptions(&RealStorage, &folder.0, model::TopicId::METADATA, &[(Epoch(1), Offset(0))])
        .unwrap();
    let listing = segment::list(&RealStorage, &folder.0).unwrap();
    assert_eq!(listing.bases, [Offset(7), Offset(100)]);
    assert_eq!(listing.unknown, unknown.map(|name| folder.0.join(name)));
    segment::unlink(&RealStorage, &folder.0, Offset(7)).unwrap();
    assert_eq!(segment::bases(&RealStorage, &folder.0).unwrap(), [Offset(100)]);
    assert_eq!(segment::list(&RealStorage, &folder.0.join("missing")).unwrap(), segment::Listing::default());
}

#[test]
fn open_files_are_few_and_never_another_file_of_the_same_name() {
    let folder = Folder::new("open");
    let files = segment::OpenFiles::new(RealStorage, 2);
    let path = |n: u8| folder.0.join(format!("{n}"));
    let read = |n: u8| {
        let mut byte = [0];
        files.open(&path(n), OpenMode::Read).unwrap().read_at(&mut byte, 0).unwrap();
        byte[0]
    };
    for n in 0..5 {
        files.open(&path(n), OpenMode::Create).unwrap().write_at(&[n], 0).unwrap();
        assert_eq!(read(n), n);
    }
    assert_eq!(files.count(), 2);
    RealStorage.unlink(&path(4)).unwrap();
    assert_eq!(read(4), 4, "still open");
    files.unlink(&path(4)).unwrap();
    assert!(files.open(&path(4), OpenMode::Read).is_err());
    files.rename(&path(2), &path(3)).unwrap();
    assert_eq!(read(3), 2);
}

#[test]
fn offsets_that_a_power_cut_took_are_put_back_by_the_first_read() {
    let folder = Folder::new("cut-offsets");
    let dir = &folder.0;
    let mut model = Model::default();
    for _ in 0..40 {
        model.append(dir, &[(vec![5], 1 << 20, Codec::None)]);
    }
    let index = || RealStorage.open(&segment::index_path(dir, BASE), OpenMode::ReadWrite).unwrap();
    let read = || {
        let mut bytes = vec![0; usize::try_from(index().len().unwrap()).unwrap()];
        io::storage::read_exact_at(&*index(), &mut bytes, 0).unwrap();
        bytes
    };
    let whole = read();
    for kept in [0, 8, whole.len() as u64 / 2 / 8 * 8] {
        index().set_len(kept).unwrap();
        let last = model.next_offset().plus(-1);
        assert_eq!(segment::find(&RealStorage, dir, BASE, model.end, last).unwrap(), model.find(last));
        assert_eq!(read(), whole, "with {kept} bytes left");
    }
}
