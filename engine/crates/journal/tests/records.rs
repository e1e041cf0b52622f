//! Records: what is encoded is decoded, and no bytes make decoding panic or over-read.

use journal::frame::Fields;
use journal::record::Kind;
use journal::{Base, Flushed, Marker, Record, Segment, State};
use model::{Epoch, GroupId, LogIndex, Offset, PartitionIndex, TopicId};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn marker() -> impl Strategy<Value = Marker> {
    prop_oneof![
        (any::<i32>(), any::<i32>())
            .prop_map(|(epoch, leader)| Marker::EpochStart { epoch: Epoch(epoch), leader }),
        (any::<i32>(), vec(any::<u8>(), 0..40))
            .prop_map(|(epoch, members)| Marker::Config { epoch: Epoch(epoch), members }),
        (any::<i32>(), any::<i64>())
            .prop_map(|(epoch, offset)| Marker::Start { epoch: Epoch(epoch), offset: Offset(offset) }),
    ]
}

fn flushed() -> impl Strategy<Value = Flushed> {
    (any::<u64>(), any::<i64>(), option::of(0..u64::MAX)).prop_map(|(index, segment, position)| Flushed {
        index: LogIndex(index),
        segment: Offset(segment),
        position,
    })
}

fn segment() -> impl Strategy<Value = Segment> {
    (any::<i64>(), any::<u64>(), any::<i64>(), any::<i64>()).prop_map(|(base, bytes, max, first)| Segment {
        base: Offset(base),
        bytes,
        max_timestamp: max,
        first_timestamp: first,
    })
}

prop_compose! {
    fn state()(
        topic in any::<[u8; 16]>(),
        partition in any::<i32>(),
        term in any::<i32>(),
        vote in option::of(any::<i32>()),
        base in (any::<u64>(), any::<i64>(), any::<i32>()),
        ends in (any::<i64>(), any::<u64>(), any::<i64>(), any::<i32>()),
        markers in vec((any::<u64>(), any::<i64>(), marker()), 0..5),
        flushed in flushed(),
        segments in vec(segment(), 0..5),
        producers in vec(any::<u8>(), 0..100),
        cleaned in option::of(0..i64::MAX),
    ) -> State {
        State {
            topic: TopicId(topic),
            partition: PartitionIndex(partition),
            term: Epoch(term),
            vote,
            base: Base { index: LogIndex(base.0), offset: Offset(base.1), epoch: Epoch(base.2) },
            start: Offset(ends.0),
            end: LogIndex(ends.1),
            end_offset: Offset(ends.2),
            epoch: Epoch(ends.3),
            markers: markers.into_iter().map(|(index, offset, m)| (LogIndex(index), Offset(offset), m)).collect(),
            flushed,
            segments,
            producers,
            cleaned: cleaned.map(Offset),
        }
    }
}

fn check(group: u64, record: &Record<'_>) {
    let len = record.encoded_len();
    let mut bytes = Vec::new();
    record.encode(GroupId(group), len, &mut bytes);
    assert_eq!(bytes.len(), len, "the length is known before");
    bytes.extend_from_slice(b"next");
    let mut fields = Fields(&bytes);
    let (read_group, read) = Record::decode(&mut fields).unwrap();
    assert_eq!((read_group, &read), (GroupId(group), record));
    assert_eq!(fields.0, b"next", "a record takes exactly its own bytes");
    for end in 0..len {
        assert!(Record::decode(&mut Fields(&bytes[..end])).is_err(), "cut at {end} of {len}");
    }
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(
        group in any::<u64>(), index in any::<u64>(), offset in any::<i64>(), rolls in any::<bool>(),
        batch in vec(any::<u8>(), 0..200), marker in marker(), vote in option::of(any::<i32>()),
        mark in flushed(), state in state(), topic in any::<[u8; 16]>(), size in 0..u64::MAX,
    ) {
        let (topic, partition) = (TopicId(topic), PartitionIndex(3));
        check(group, &Record::State(Box::new(state)));
        check(group, &Record::Append { first: LogIndex(index), rolls, batch: &batch });
        check(group, &Record::Marker { index: LogIndex(index), marker });
        check(group, &Record::Vote { term: Epoch(7), vote });
        check(group, &Record::Truncate { end: LogIndex(index), segment_bytes: Some(size) });
        check(group, &Record::Truncate { end: LogIndex(index), segment_bytes: None });
        check(group, &Record::LogStart { offset: Offset(offset) });
        check(group, &Record::Flushed { mark, segment_bytes: size });
        check(group, &Record::Create { topic, partition });
        check(group, &Record::Remove { topic, partition });
        let (first, file_id, max_timestamp) = (Offset(offset), index, offset);
        check(group, &Record::Replaced { first, end: first, bytes: size, file_id, max_timestamp });
        check(group, &Record::Cleaned { upto: Offset(offset) });
        let last = Offset(7);
        check(group, &Record::Aborted { producer_id: offset, first, last, last_stable: first });
        check(group, &Record::Close);
    }

    #[test]
    fn no_bytes_make_decoding_panic(kind in 0..20_u8, body in vec(any::<u8>(), 0..300)) {
        let mut bytes = u32::try_from(body.len()).unwrap().to_le_bytes().to_vec();
        bytes.push(kind);
        bytes.extend_from_slice(&7_u64.to_le_bytes());
        bytes.extend_from_slice(&body);
        let _ = Record::decode(&mut Fields(&bytes));
        let _ = Record::decode(&mut Fields(&body));
    }
}

#[test]
fn reserved_and_unknown_kinds_are_refused() {
    for kind in [0, Kind::Carry as u8, Kind::Large as u8, 16, 255] {
        let mut bytes = 0_u32.to_le_bytes().to_vec();
        bytes.push(kind);
        bytes.extend_from_slice(&[0; 8]);
        assert!(Record::decode(&mut Fields(&bytes)).is_err(), "kind {kind}");
    }
}

/// What a journal of before users' topics were compacted has: a `State` and a `Replaced` without their last field.
fn as_before(record: &Record<'_>, cut: usize) -> Vec<u8> {
    let len = record.encoded_len();
    let mut bytes = Vec::new();
    record.encode(GroupId(5), len, &mut bytes);
    bytes.truncate(len - cut);
    let body = u32::from_le_bytes(bytes[..4].try_into().unwrap()) - u32::try_from(cut).unwrap();
    bytes[..4].copy_from_slice(&body.to_le_bytes());
    bytes
}

proptest! {
    #[test]
    fn a_state_of_before_compaction_is_read(state in state()) {
        let bytes = as_before(&Record::State(Box::new(state.clone())), 8);
        let wanted = State { cleaned: None, ..state };
        let mut fields = Fields(&bytes);
        prop_assert_eq!(Record::decode(&mut fields).unwrap(), (GroupId(5), Record::State(Box::new(wanted))));
        prop_assert!(fields.0.is_empty());
    }

    #[test]
    fn a_replacement_of_before_compaction_is_read(first in any::<i64>(), end in any::<i64>(), file_id in any::<u64>()) {
        let (first, end) = (Offset(first), Offset(end));
        let bytes = as_before(&Record::Replaced { first, end, bytes: 9, file_id, max_timestamp: 7 }, 8);
        // Its timestamps were not known: nothing may be taken for old enough to be deleted because of that.
        let wanted = Record::Replaced { first, end, bytes: 9, file_id, max_timestamp: i64::MAX };
        prop_assert_eq!(Record::decode(&mut Fields(&bytes)).unwrap(), (GroupId(5), wanted));
    }

    #[test]
    fn half_a_last_field_is_refused(state in state(), cut in 1..8_usize) {
        prop_assert!(Record::decode(&mut Fields(&as_before(&Record::State(Box::new(state)), cut))).is_err());
        let (first, end) = (Offset(1), Offset(2));
        let replaced = Record::Replaced { first, end, bytes: 9, file_id: 3, max_timestamp: 7 };
        prop_assert!(Record::decode(&mut Fields(&as_before(&replaced, cut))).is_err());
    }
}
