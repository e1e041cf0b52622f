//! Whatever is built can be read back; whatever is damaged is refused, and nothing panics.

use batch::{
    Attributes, BatchError, Builder, Codec, Header, check, decompress, recompress, records, section,
    set_log_append_time, split, stamp, walk,
};
use model::limits::BATCH_DECOMPRESSED_BYTES_MAX as MAX;
use model::{Epoch, Offset};
use proptest::prelude::*;

type OwnedHeader = (Vec<u8>, Option<Vec<u8>>);

#[derive(Clone, Debug, PartialEq)]
struct OwnedRecord {
    timestamp: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<OwnedHeader>,
}

fn bytes(max: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..max),
        (any::<u8>(), 0..max * 20).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

fn record() -> impl Strategy<Value = OwnedRecord> {
    let headers = prop::collection::vec((bytes(9), prop::option::of(bytes(9))), 0..4);
    (0_i64..1 << 45, prop::option::of(bytes(20)), prop::option::of(bytes(200)), headers)
        .prop_map(|(timestamp, key, value, headers)| OwnedRecord { timestamp, key, value, headers })
}

fn codec() -> impl Strategy<Value = Codec> {
    prop::sample::select(&Codec::ALL)
}

fn build(all: &[OwnedRecord], codec: Codec) -> Vec<u8> {
    let mut builder = Builder::new().producer(77, 3, 10);
    for record in all {
        let headers: Vec<(&[u8], Option<&[u8]>)> =
            record.headers.iter().map(|(name, value)| (&name[..], value.as_deref())).collect();
        builder.push(record.timestamp, record.key.as_deref(), record.value.as_deref(), &headers);
    }
    builder.finish(codec)
}

fn read(batch: &[u8]) -> Result<Vec<(i64, OwnedRecord)>, BatchError> {
    let header = Header::read(batch)?;
    let mut scratch = Vec::new();
    let section = section(&header, batch, &mut scratch, MAX)?;
    records(&header, section)
        .map(|record| {
            let record = record?;
            let owned = OwnedRecord {
                timestamp: record.timestamp,
                key: record.key.map(<[u8]>::to_vec),
                value: record.value.map(<[u8]>::to_vec),
                headers: record
                    .headers
                    .map(|(name, value)| (name.to_vec(), value.map(<[u8]>::to_vec)))
                    .collect(),
            };
            Ok((record.offset.0, owned))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_built_is_read(all in prop::collection::vec(record(), 1..20), codec in codec(), to in codec()) {
        let mut batch = build(&all, codec);
        let header = check(&batch).unwrap();
        prop_assert_eq!(header.attributes.codec(), Ok(codec));
        prop_assert_eq!(header.max_timestamp, all.iter().map(|record| record.timestamp).max().unwrap());
        stamp(&mut batch, Offset(1000), Epoch(5));
        let expected: Vec<_> = (1000_i64..).zip(all).collect();
        prop_assert_eq!(read(&batch).unwrap(), expected.clone());
        let again = recompress(&batch, to, None).unwrap();
        prop_assert_eq!(Header::read(&again).unwrap().attributes.codec(), Ok(to));
        prop_assert_eq!(read(&again).unwrap(), expected);
        stamp(&mut batch, Offset(0), Epoch(9));
        prop_assert!(check(&batch).is_ok(), "offset and epoch are outside the CRC");
    }

    #[test]
    fn every_truncation_and_every_flipped_bit_is_refused(
        all in prop::collection::vec(record(), 1..4),
        codec in codec(),
    ) {
        let batch = build(&all, codec);
        for len in 0..batch.len() {
            prop_assert!(check(&batch[..len]).is_err());
        }
        for bit in 0..batch.len() * 8 {
            if (12..16).contains(&(bit / 8)) {
                continue; // the leader epoch belongs to the broker and is outside the CRC
            }
            let mut damaged = batch.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(check(&damaged).is_err(), "bit {bit}");
            let _ = read(&damaged); // whatever it says, it does not panic
        }
    }

    #[test]
    fn truncated_sections_are_refused_by_the_codecs_themselves(
        all in prop::collection::vec(record(), 1..9),
        codec in codec(),
    ) {
        let batch = build(&all, codec);
        for len in batch::HEADER_BYTES..batch.len() {
            let mut short = batch[..len].to_vec();
            let batch_length = i32::try_from(len - batch::OVERHEAD_BYTES).unwrap();
            short[8..12].copy_from_slice(&batch_length.to_be_bytes());
            prop_assert!(read(&short).is_err(), "{codec:?} cut at {len} of {}", batch.len());
        }
    }

    #[test]
    fn walking_over_records_finds_what_reading_them_finds(
        all in prop::collection::vec(record(), 1..6),
        changes in prop::collection::vec((0..400_usize, any::<u8>()), 0..3),
        cut in 0..3_usize,
        behind in 0..3_usize,
    ) {
        let batch = build(&all, Codec::None);
        let header = Header::read(&batch).unwrap();
        let mut section = batch[batch::HEADER_BYTES..].to_vec();
        for (at, byte) in changes {
            if let Some(place) = section.get_mut(at) {
                *place = byte;
            }
        }
        section.truncate(section.len() - cut);
        section.extend(vec![0; behind]);
        let read: Result<Vec<i64>, BatchError> =
            records(&header, &section).map(|record| record.map(|record| record.timestamp)).collect();
        let walked = walk(&header, &section).map(|times| (times.earliest, times.latest));
        prop_assert_eq!(walked, read.map(|times| (*times.iter().min().unwrap(), *times.iter().max().unwrap())));
    }

    #[test]
    fn noise_is_refused(noise in prop::collection::vec(any::<u8>(), 0..400), codec in codec()) {
        let mut batch = build(&[OwnedRecord { timestamp: 1, key: None, value: None, headers: vec![] }], codec);
        batch.truncate(batch::HEADER_BYTES);
        batch.extend_from_slice(&noise);
        let batch_length = i32::try_from(batch.len() - batch::OVERHEAD_BYTES).unwrap();
        batch[8..12].copy_from_slice(&batch_length.to_be_bytes());
        let _ = read(&batch);
        let _ = read(&noise);
    }
}

#[test]
fn log_append_time_changes_every_timestamp_and_keeps_the_batch_valid() {
    let record = OwnedRecord { timestamp: 5, key: None, value: Some(vec![1]), headers: vec![] };
    let mut batch = build(&[record.clone(), record], Codec::Lz4);
    set_log_append_time(&mut batch, 99);
    assert_eq!(check(&batch).unwrap().max_timestamp, 99);
    assert!(read(&batch).unwrap().iter().all(|(_, record)| record.timestamp == 99));
}

#[test]
fn batches_split_and_a_torn_one_ends_the_walk() {
    let record = OwnedRecord { timestamp: 5, key: None, value: Some(vec![1; 50]), headers: vec![] };
    let one = build(&[record], Codec::None);
    let two = [&one[..], &one[..]].concat();
    assert_eq!(split(&two).filter(Result::is_ok).count(), 2);
    assert_eq!(check(&two), Err(BatchError::MoreThanOne));
    let torn: Vec<_> = split(&two[..two.len() - 1]).collect();
    assert!(torn.len() == 2 && torn[0].is_ok() && torn[1] == Err(BatchError::Short));
}

#[test]
fn honest_zeros_pass_and_bombs_do_not() {
    for codec in Codec::ALL {
        let zeros = vec![0; 15 << 20];
        let mut builder = Builder::new();
        builder.push(1, None, Some(&zeros), &[]);
        let batch = builder.finish(codec);
        let header = check(&batch).unwrap();
        let mut out = Vec::new();
        assert_eq!(decompress(&header, &batch, &mut out, MAX), Ok(()), "{codec:?}");
        assert!(out.len() > zeros.len());
        let mut out = Vec::new();
        assert_eq!(decompress(&header, &batch, &mut out, 1 << 20), Err(BatchError::Bomb), "{codec:?}");
        assert!(out.capacity() <= 4 << 20, "{codec:?} took {} bytes for a bomb", out.capacity());
    }
}

#[test]
fn records_that_do_not_fit_the_header_are_refused() {
    let record = OwnedRecord { timestamp: 5, key: None, value: None, headers: vec![] };
    let batch = build(&[record.clone(), record.clone(), record], Codec::None);
    let header = Header::read(&batch).unwrap();
    let section = &batch[batch::HEADER_BYTES..];
    let verdict = |header: Header| records(&header, section).find_map(Result::err);
    assert_eq!(verdict(header), None);
    assert_eq!(verdict(Header { record_count: 2, ..header }), Some(BatchError::Trailing));
    assert_eq!(verdict(Header { record_count: 4, last_offset_delta: 3, ..header }), Some(BatchError::Record));
    assert_eq!(verdict(Header { last_offset_delta: 1, ..header }), Some(BatchError::Record));
    assert_eq!(verdict(Header { base_timestamp: i64::MAX, ..header }), None);
    assert_eq!(Attributes(7).codec(), Err(BatchError::Codec(7)));
}

#[test]
fn control_batches_say_how_a_transaction_ended() {
    use batch::{ControlKind, control_batch, control_kind};
    for kind in [ControlKind::Abort, ControlKind::Commit] {
        let batch = control_batch(kind, 5, 1, 9, 100);
        let header = Header::read(&batch).unwrap();
        assert!(header.attributes.is_control() && header.attributes.is_transactional());
        let record = records(&header, &batch[batch::HEADER_BYTES..]).next().unwrap().unwrap();
        assert_eq!(control_kind(&record), Some(kind));
        assert_eq!(record.value, Some(&[0, 0, 0, 0, 0, 9][..]));
    }
}

/// A header that contradicts itself is refused although its CRC is right: offsets would have gaps, or records none.
#[test]
fn a_count_must_be_one_more_than_the_last_offset_delta() {
    const COUNT: std::ops::Range<usize> = 57..61;
    let mut builder = Builder::new();
    for _ in 0..3 {
        builder.push(1, None, Some(b"v"), &[]);
    }
    let good = builder.finish(Codec::None);
    for (count, allowed) in [(3_i32, true), (0, false), (2, false), (4, false)] {
        let mut batch = good.clone();
        batch[COUNT].copy_from_slice(&count.to_be_bytes());
        set_log_append_time(&mut batch, 1); // makes the CRC anew
        assert_eq!(check(&batch).is_ok(), allowed, "{count} records, last offset delta 2");
    }
}
