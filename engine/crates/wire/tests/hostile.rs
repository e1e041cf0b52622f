//! What a stranger may send: no bytes make the readers panic, loop or allocate.

use proptest::prelude::*;
use wire::{
    ApiVersionsRequest, FetchRequest, ListOffsetsRequest, ProduceRequest, Reader, RequestHeader, WireError,
    keys,
};

/// Reads a body as whatever its key says and walks everything in it; gives how many partitions there were.
fn walk(key: i16, version: i16, body: &[u8]) -> Result<usize, WireError> {
    Ok(match key {
        keys::PRODUCE => {
            ProduceRequest::read(version, body)?.topics().map(|topic| topic.partitions().count()).sum()
        }
        keys::FETCH => {
            let request = FetchRequest::read(version, body)?;
            let forgotten: usize = request.forgotten().map(|topic| topic.partitions().count()).sum();
            forgotten + request.topics().map(|topic| topic.partitions().count()).sum::<usize>()
        }
        keys::LIST_OFFSETS => {
            ListOffsetsRequest::read(version, body)?.topics().map(|topic| topic.partitions().count()).sum()
        }
        _ => {
            let _valid = ApiVersionsRequest::read(version, body)?.is_valid(version);
            0 // it names no partitions
        }
    })
}

fn hot_version() -> impl Strategy<Value = (i16, i16)> {
    prop_oneof![
        (Just(keys::PRODUCE), 3..=13_i16),
        (Just(keys::FETCH), 4..=18_i16),
        (Just(keys::LIST_OFFSETS), 1..=11_i16),
        (Just(keys::API_VERSIONS), 0..=4_i16),
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_a_request_or_an_error((key, version) in hot_version(), body in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(partitions) = walk(key, version, &body) {
            prop_assert!(partitions <= body.len(), "more partitions than bytes");
        }
    }

    #[test]
    fn small_bytes_reach_deeper((key, version) in hot_version(), body in prop::collection::vec(0..4_u8, 0..120)) {
        if let Ok(partitions) = walk(key, version, &body) {
            prop_assert!(partitions <= body.len(), "more partitions than bytes");
        }
    }

    #[test]
    fn any_bytes_are_a_header_or_an_error(frame in prop::collection::vec(any::<u8>(), 0..60), key in -1..100_i16, version in -1..20_i16) {
        let frame = [&key.to_be_bytes()[..], &version.to_be_bytes(), &frame].concat();
        if let Ok((header, body)) = RequestHeader::read(&frame) {
            prop_assert_eq!((header.api_key, header.api_version), (key, version));
            prop_assert!(body.len() + 8 <= frame.len());
        }
    }
}

#[test]
fn a_count_is_held_against_the_bytes_present_before_anything_is_done_with_it() {
    // Produce v3: null transactional id, acks 1, timeout 0, two billion topics.
    let body = [&[0xff, 0xff, 0, 1, 0, 0, 0, 0][..], &i32::MAX.to_be_bytes(), &[0; 64]].concat();
    assert_eq!(ProduceRequest::read(3, &body).map(|_| ()), Err(WireError::Truncated));
    // The same in the flexible form: a compact count of 2^32 - 2.
    let body = [&[0, 0, 1, 0, 0, 0, 0][..], &[0xff, 0xff, 0xff, 0xff, 0x0f], &[0; 64]].concat();
    assert_eq!(ProduceRequest::read(9, &body).map(|_| ()), Err(WireError::Truncated));
    // Below -1 is no null.
    let body = [&[0xff, 0xff, 0, 1, 0, 0, 0, 0][..], &(-2_i32).to_be_bytes()].concat();
    assert_eq!(ProduceRequest::read(3, &body).map(|_| ()), Err(WireError::BadLength));
    // Null topics.
    let body = [&[0xff, 0xff, 0, 1, 0, 0, 0, 0][..], &(-1_i32).to_be_bytes()].concat();
    assert_eq!(ProduceRequest::read(3, &body).map(|_| ()), Err(WireError::UnexpectedNull));
}

#[test]
fn tagged_fields_are_few_and_rise() {
    let tags = |bytes: &[u8]| Reader::new(bytes).no_tags(true);
    assert_eq!(tags(&[2, 1, 1, 9, 2, 0]), Ok(()));
    assert_eq!(tags(&[2, 2, 0, 1, 0]), Err(WireError::BadTags), "out of order");
    assert_eq!(tags(&[2, 1, 0, 1, 0]), Err(WireError::BadTags), "twice");
    assert_eq!(tags(&[1, 1, 5, 0]), Err(WireError::Truncated), "longer than what is there");
    let many: Vec<u8> = [65].into_iter().chain((0..65).flat_map(|tag| [tag, 0])).collect();
    assert_eq!(tags(&many), Err(WireError::BadTags), "too many");
    let known = |bytes: &[u8]| Reader::new(bytes).tagged(|_, field| field.int16().map(|_| true));
    assert_eq!(known(&[1, 0, 2, 7, 7]), Ok(()));
    assert_eq!(known(&[1, 0, 3, 7, 7, 7]), Err(WireError::TrailingBytes), "longer than the field");
    assert_eq!(known(&[1, 0, 1, 7]), Err(WireError::Truncated), "shorter than the field");
}

#[test]
fn varints_end_within_their_type() {
    let varint = |bytes: &[u8]| Reader::new(bytes).unsigned_varint();
    assert_eq!(varint(&[0xff, 0xff, 0xff, 0xff, 0x0f]), Ok(u32::MAX));
    assert_eq!(varint(&[0xff, 0xff, 0xff, 0xff, 0x1f]), Err(WireError::BadVarint));
    assert_eq!(varint(&[0x80, 0x80, 0x80, 0x80, 0x80, 0]), Err(WireError::BadVarint));
    assert_eq!(varint(&[0x80]), Err(WireError::Truncated));
}

#[test]
fn unknown_apis_and_versions_close_the_connection() {
    let frame = |key: i16, version: i16| {
        [&key.to_be_bytes()[..], &version.to_be_bytes(), &[0, 0, 0, 1, 0xff, 0xff, 0]].concat()
    };
    let read =
        |key, version| RequestHeader::read(&frame(key, version)).map(|(header, _)| header.correlation_id);
    assert_eq!(read(4, 0), Err(WireError::UnknownApi));
    assert_eq!(read(-1, 0), Err(WireError::UnknownApi));
    assert_eq!(read(keys::PRODUCE, 2), Err(WireError::UnknownVersion));
    assert_eq!(read(keys::PRODUCE, 14), Err(WireError::UnknownVersion));
    assert_eq!(read(keys::PRODUCE, 13), Ok(1));
}

#[test]
fn software_names_are_checked_as_kip_511_says() {
    let valid =
        |name| ApiVersionsRequest { client_software_name: name, client_software_version: "1" }.is_valid(3);
    assert!(["a", "apache-kafka-java", "x.y", "9"].into_iter().all(valid));
    assert!(!["", "-a", "a-", "a b", "a_b", "ä", "."].into_iter().any(valid));
    let none = ApiVersionsRequest::default();
    assert!(none.is_valid(2) && !none.is_valid(3), "older versions have no names");
}
