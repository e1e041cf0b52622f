use batch::{Attributes, BatchError, Builder};
use proptest::prelude::*;

use super::*;
use crate::config::CleanupPolicy;
use crate::error::{Blamed, error_code};
use crate::spec::{Acks, Verified};
use model::ErrorCode;

const CLIENT: Origin = Origin::Client { acks: Acks::All };
const NOW_MS: i64 = 1_000_000_000_000;

fn batch(codec: Codec, records: &[(i64, Option<&[u8]>)]) -> Vec<u8> {
    let mut builder = Builder::new();
    for (timestamp, key) in records {
        builder.push(*timestamp, *key, Some(&[7; 100]), &[]);
    }
    builder.finish(codec)
}

fn refused(bytes: &[u8], config: &TopicConfig) -> AppendError {
    validate(bytes, CLIENT, config, NOW_MS).expect_err("to be refused")
}

fn config() -> TopicConfig {
    TopicConfig::default()
}

#[test]
fn a_good_batch_stays_as_it_is() {
    for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let bytes = batch(codec, &[(NOW_MS, None), (-1, Some(b"k"))]);
        let valid = validate(&bytes, CLIENT, &config(), NOW_MS).expect("good");
        assert!(matches!(valid.bytes, Cow::Borrowed(_)), "not copied");
        assert_eq!((valid.header.record_count, valid.log_append_time_ms), (2, -1));
    }
}

#[test]
fn what_is_not_one_whole_batch_is_refused() {
    let good = batch(Codec::None, &[(NOW_MS, None)]);
    assert_eq!(refused(&[], &config()), AppendError::NoBatch);
    assert_eq!(refused(&good[..good.len() - 1], &config()), AppendError::Batch(BatchError::Short));
    let two = [&good[..], &good].concat();
    assert_eq!(error_code(refused(&two, &config())), ErrorCode::INVALID_RECORD);
    let mut rotten = good.clone();
    *rotten.last_mut().expect("not empty") ^= 1;
    assert_eq!(error_code(refused(&rotten, &config())), ErrorCode::CORRUPT_MESSAGE);
}

/// A header that is right, over records that are none, with a checksum that is right.
fn with_records(bytes: &[u8], records: &[u8]) -> Vec<u8> {
    let mut bytes = [&bytes[..HEADER_BYTES], records].concat();
    let length = i32::try_from(bytes.len() - batch::OVERHEAD_BYTES).expect("small");
    bytes[8..12].copy_from_slice(&length.to_be_bytes());
    batch::set_log_append_time(&mut bytes, NOW_MS); // makes the checksum anew
    bytes
}

#[test]
fn records_that_are_none_are_refused_as_far_as_they_are_not_compressed() {
    let good = batch(Codec::None, &[(NOW_MS, None), (NOW_MS, None)]);
    let records = &good[HEADER_BYTES..];
    for broken in [&[][..], &[0xff; 40], &records[..records.len() - 1], &[records, &[0]].concat()] {
        let error = refused(&with_records(&good, broken), &config());
        assert_eq!(error_code(error), ErrorCode::INVALID_RECORD);
    }
    assert!(validate(&with_records(&good, records), CLIENT, &config(), NOW_MS).is_ok());
}

#[test]
fn control_batches_are_not_for_clients_and_a_transaction_must_be_named() {
    let mut control = Builder::new().control();
    control.push(NOW_MS, Some(&[0; 4]), Some(&[0; 6]), &[]);
    let control = control.finish(Codec::None);
    assert_eq!(refused(&control, &config()), AppendError::InvalidRecord);
    let coordinator = Origin::Coordinator { expected_end: None, makes_room: false };
    assert!(validate(&control, coordinator, &config(), NOW_MS).is_ok());
    let mut transactional = Builder::new().producer(1, 0, 0).transactional();
    transactional.push(NOW_MS, None, None, &[]);
    let transactional = transactional.finish(Codec::None);
    assert_eq!(refused(&transactional, &config()), AppendError::NoTransactionalId);
    let named = Origin::Transactional { acks: Acks::All, verified: Verified::Unasked };
    assert!(validate(&transactional, named, &config(), NOW_MS).is_ok());
    let mut nobodys = Builder::new().transactional();
    nobodys.push(NOW_MS, None, None, &[]);
    let refused = validate(&nobodys.finish(Codec::None), named, &config(), NOW_MS).map(drop);
    assert_eq!(refused, Err(AppendError::InvalidRecord));
}

#[test]
fn the_limit_counts_the_whole_batch_before_and_after_recompression() {
    let records = [(NOW_MS, None); 20];
    let (plain, packed) = (batch(Codec::None, &records), batch(Codec::Gzip, &records));
    let limit = |max: usize| TopicConfig { batch_bytes_max: max, ..config() };
    assert!(validate(&plain, CLIENT, &limit(plain.len()), NOW_MS).is_ok());
    assert_eq!(refused(&plain, &limit(plain.len() - 1)), AppendError::TooLarge);
    let unpack = TopicConfig { compression: Some(Codec::None), ..limit(plain.len() - 1) };
    assert_eq!(refused(&packed, &unpack), AppendError::TooLarge, "it grew");
    let small_segments = TopicConfig { segment_bytes: 100, ..config() };
    assert_eq!(error_code(refused(&plain, &small_segments)), ErrorCode::RECORD_LIST_TOO_LARGE);
}

#[test]
fn the_topics_codec_replaces_the_producers() {
    let bytes = batch(Codec::Zstd, &[(NOW_MS, Some(b"k")), (NOW_MS + 5, None)]);
    for to in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4] {
        let config = TopicConfig { compression: Some(to), ..config() };
        let valid = validate(&bytes, CLIENT, &config, NOW_MS).expect("good");
        assert_eq!(valid.header.attributes.codec(), Ok(to));
        assert!(batch::check(&valid.bytes).is_ok());
        assert_eq!(valid.header.max_timestamp, NOW_MS + 5);
    }
    let same = TopicConfig { compression: Some(Codec::Zstd), ..config() };
    let valid = validate(&bytes, CLIENT, &same, NOW_MS).expect("good");
    assert!(matches!(valid.bytes, Cow::Borrowed(_)));
}

#[test]
fn a_compacted_topic_takes_no_record_without_a_key() {
    let compact = CleanupPolicy { compact: true, delete: false };
    let config = TopicConfig { cleanup: compact, ..config() };
    for codec in [Codec::None, Codec::Lz4] {
        let bytes = batch(codec, &[(NOW_MS, Some(b"k")), (NOW_MS, None)]);
        let error = refused(&bytes, &config);
        assert_eq!(error, AppendError::NoKey(Blamed::one(1)));
        let keyed = batch(codec, &[(NOW_MS, Some(b"k")), (NOW_MS, Some(b""))]);
        assert!(validate(&keyed, CLIENT, &config, NOW_MS).is_ok());
    }
}

#[test]
fn every_record_that_is_to_blame_is_named_as_far_as_an_answer_goes() {
    let compact = CleanupPolicy { compact: true, delete: false };
    let config = TopicConfig { cleanup: compact, timestamp_before_ms_max: 1_000, ..config() };
    let blamed = |records: &[(i64, Option<&[u8]>)]| {
        let error = refused(&batch(Codec::None, records), &config);
        let (blamed, _) = error.blamed().expect("records are to blame");
        (error_code(error), blamed.records().collect::<Vec<_>>())
    };
    let (good, keyless, old) = ((NOW_MS, Some(&b"k"[..])), (NOW_MS, None), (NOW_MS - 1_001, Some(&b"k"[..])));
    assert_eq!(blamed(&[good, keyless, good, keyless]), (ErrorCode::INVALID_RECORD, vec![1, 3]));
    assert_eq!(blamed(&[keyless, old, good]), (ErrorCode::INVALID_TIMESTAMP, vec![0, 1]));
    assert_eq!(blamed(&[(NOW_MS - 1_001, None)]), (ErrorCode::INVALID_RECORD, vec![0]), "for one thing");
    let many = vec![keyless; 200];
    assert_eq!(blamed(&many).1, (0..=Blamed::NEXT).collect::<Vec<_>>());
}

#[test]
fn timestamps_stay_near_the_brokers_clock() {
    let hour = config().timestamp_after_ms_max;
    let at = |ms: i64| batch(Codec::Lz4, &[(NOW_MS, None), (ms, None), (NOW_MS, None)]);
    assert!(validate(&at(NOW_MS + hour), CLIENT, &config(), NOW_MS).is_ok());
    assert_eq!(refused(&at(NOW_MS + hour + 1), &config()), AppendError::InvalidTimestamp(Blamed::one(1)));
    assert!(validate(&at(1), CLIENT, &config(), NOW_MS).is_ok(), "the past is open by default");
    let recent = TopicConfig { timestamp_before_ms_max: 1_000, ..config() };
    assert!(validate(&at(NOW_MS - 1_000), CLIENT, &recent, NOW_MS).is_ok());
    assert_eq!(refused(&at(NOW_MS - 1_001), &recent), AppendError::InvalidTimestamp(Blamed::one(1)));
    assert!(validate(&at(-1), CLIENT, &recent, NOW_MS).is_ok(), "no timestamp is no wrong one");
}

#[test]
fn the_brokers_time_replaces_the_producers_whatever_that_was() {
    let config = TopicConfig { timestamp_type: TimestampType::LogAppendTime, ..config() };
    let bytes = batch(Codec::None, &[(NOW_MS * 2, None)]);
    let valid = validate(&bytes, CLIENT, &config, NOW_MS).expect("good");
    assert_eq!((valid.log_append_time_ms, valid.header.max_timestamp), (NOW_MS, NOW_MS));
    assert_ne!(valid.header.attributes, Attributes(0));
    assert!(batch::check(&valid.bytes).is_ok(), "the checksum was made anew");
}

proptest! {
    /// The checksum is right, everything else may lie: no bytes make validation panic, and what it lets through is sound.
    #[test]
    fn no_batch_of_a_stranger_gets_through_broken(
        codec in 0..5_i16,
        to in 0..5_usize,
        changes in prop::collection::vec((21..200_usize, any::<u8>()), 0..4),
        cut in 0..40_usize,
    ) {
        let codec = Codec::of_id(codec).expect("five codecs");
        let mut bytes = batch(codec, &[(NOW_MS, Some(b"k")), (NOW_MS, None), (NOW_MS - 9, Some(b"q"))]);
        for (at, byte) in changes {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        bytes.truncate(bytes.len() - cut);
        batch::set_log_append_time(&mut bytes, NOW_MS); // makes the checksum anew
        let all = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];
        let compact = CleanupPolicy { compact: true, delete: true };
        let strict = TopicConfig { cleanup: compact, timestamp_before_ms_max: 5, ..config() };
        for config in [config(), strict, TopicConfig { compression: Some(all[to]), ..config() }] {
            if let Ok(valid) = validate(&bytes, CLIENT, &config, NOW_MS) {
                prop_assert_eq!(batch::check(&valid.bytes), Ok(valid.header));
                if valid.header.attributes.codec() == Ok(Codec::None) {
                    prop_assert!(batch::records(&valid.header, &valid.bytes[HEADER_BYTES..]).all(|r| r.is_ok()));
                }
            }
        }
    }
}
