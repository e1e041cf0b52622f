//! Segment files as they were written on the day their format was settled, kept in `tests/formats/segments`.
//!
//! `REWRITE=1` writes a new set into the folder that `SEGMENTS_OUT` names; what is in the repository is never rewritten.

use std::path::{Path, PathBuf};

use batch::{Builder, Codec, records, section, split, stamp};
use io::{OpenMode, RealStorage, Storage};
use log::segment;
use model::limits::BATCH_DECOMPRESSED_BYTES_MAX;
use model::{Epoch, Offset, TopicId};

/// First offset of each segment, and one past the last.
const BASES: [Offset; 2] = [Offset(0), Offset(150)];
const END: i64 = 300;
const RECORDS_PER_BATCH: i64 = 5;
/// Batches of one write-behind.
const BATCHES_PER_WRITE: usize = 7;

fn timestamp(offset: i64) -> i64 {
    1_700_000_000_000 + offset / 20 * 1_000 - offset % 20 // rises in steps, and falls within each
}

fn value(offset: i64) -> Vec<u8> {
    (0..300).map(|i| (offset * 31 + i * 7 + i * i / 5) as u8).collect()
}

fn batch_at(first: i64) -> Vec<u8> {
    let number = first / RECORDS_PER_BATCH;
    let sequence = i32::try_from(first).unwrap();
    let mut builder = Builder::new().producer(9, 1, sequence);
    for offset in first..first + RECORDS_PER_BATCH {
        let key = format!("key-{offset}");
        builder.push(timestamp(offset), Some(key.as_bytes()), Some(&value(offset)), &[(b"offset", None)]);
    }
    let codec = Codec::ALL[usize::try_from(number).unwrap() % Codec::ALL.len()];
    let mut bytes = builder.finish(codec);
    stamp(&mut bytes, Offset(first), Epoch(if first < 100 { 1 } else { 3 }));
    bytes
}

fn write_segments(dir: &Path) {
    RealStorage.create_dir_all(dir).unwrap();
    for (base, end) in [(BASES[0].0, BASES[1].0), (BASES[1].0, END)] {
        let starts = (base..end).step_by(usize::try_from(RECORDS_PER_BATCH).unwrap());
        let batches: Vec<Vec<u8>> = starts.map(batch_at).collect();
        let (mut position, mut indexed) = (0, None);
        for piece in batches.chunks(BATCHES_PER_WRITE) {
            let chunks: Vec<&[u8]> = piece.iter().map(Vec::as_slice).collect();
            let wrote = segment::append(
                &RealStorage,
                &segment::Appending {
                    dir,
                    base: Offset(base),
                    position,
                    piece_bytes: segment::PIECE_BYTES_MAX,
                    first: Offset(base),
                    aborted: &[],
                },
                &chunks,
                segment::INDEX_INTERVAL_BYTES,
                indexed.take(),
                &mut None,
            )
            .unwrap();
            segment::sync(&RealStorage, dir, Offset(base), true).unwrap();
            (position, indexed) = (wrote.end, wrote.indexed);
        }
    }
    let epochs = [(Epoch(1), Offset(0)), (Epoch(3), Offset(100))];
    segment::write_descriptions(&RealStorage, dir, TopicId([7; 16]), &epochs).unwrap();
}

fn stored() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/formats/segments/v1")
}

fn text(path: &Path) -> String {
    let file = RealStorage.open(path, OpenMode::Read).unwrap();
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    file.read_at(&mut bytes, 0).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn what_was_stored_is_read() {
    let dir = stored();
    assert_eq!(
        segment::list(&RealStorage, &dir).unwrap(),
        segment::Listing { bases: BASES.to_vec(), unknown: vec![] }
    );
    let mut next = 0;
    for base in BASES {
        let all =
            segment::read(&RealStorage, &dir, base, u64::MAX, base, Offset(END), usize::MAX, true).unwrap();
        let mut scratch = Vec::new();
        for item in split(&all) {
            let (header, bytes) = item.unwrap();
            batch::check_crc(&header, bytes).unwrap();
            let section = section(&header, bytes, &mut scratch, BATCH_DECOMPRESSED_BYTES_MAX).unwrap();
            for record in records(&header, section) {
                let record = record.unwrap();
                assert_eq!((record.offset.0, record.timestamp), (next, timestamp(next)));
                assert_eq!(record.key, Some(format!("key-{next}").as_bytes()));
                assert_eq!(record.value, Some(&value(next)[..]));
                next += 1;
            }
        }
    }
    assert_eq!(next, END);
}

#[test]
fn stored_indexes_still_point() {
    let dir = stored();
    for offset in 0..END {
        let base = BASES[usize::from(offset >= BASES[1].0)];
        let bytes =
            segment::read(&RealStorage, &dir, base, u64::MAX, Offset(offset), Offset(END), 1, true).unwrap();
        let first = offset - offset % RECORDS_PER_BATCH;
        assert_eq!(batch::Header::read(&bytes).unwrap().base_offset, Offset(first));
        let found = segment::find_time(&RealStorage, &dir, base, u64::MAX, base, timestamp(offset)).unwrap();
        let expected = (base.0..END).find(|at| timestamp(*at) >= timestamp(offset)).unwrap();
        assert_eq!(found, Some((Offset(expected), timestamp(expected))));
    }
    let max = segment::max_timestamp(&RealStorage, &dir, BASES[1], u64::MAX).unwrap();
    assert_eq!(max, Some((Offset(280), timestamp(280))));
}

#[test]
fn the_text_files_are_kafkas() {
    assert_eq!(text(&stored().join("leader-epoch-checkpoint")), "0\n2\n1 0\n3 100\n");
    assert_eq!(text(&stored().join("partition.metadata")), "version: 0\ntopic_id: BwcHBwcHBwcHBwcHBwcHBw");
}

/// Only what no codec's library decides: the uncompressed parts may not change from one version to the next.
#[test]
fn todays_files_answer_as_the_stored_ones_do() {
    let own = std::env::temp_dir().join(format!("headrace-stored-{}", std::process::id()));
    let dir = match (std::env::var("REWRITE"), std::env::var("SEGMENTS_OUT")) {
        (Ok(_), Ok(out)) => PathBuf::from(out),
        _ => own.clone(),
    };
    write_segments(&dir);
    for base in BASES {
        for timestamp in (0..END).map(timestamp) {
            let today = segment::find_time(&RealStorage, &dir, base, u64::MAX, base, timestamp).unwrap();
            let then = segment::find_time(&RealStorage, &stored(), base, u64::MAX, base, timestamp).unwrap();
            assert_eq!(today, then);
        }
    }
    RealStorage.remove_dir_all(&own).unwrap();
}
