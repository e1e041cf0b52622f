//! The hot four against frames that an independent codec made (`tests/formats/wire/generate.py`), every version of each,
//! byte for byte; and every prefix of every frame, which must be an error and never a panic.

use std::ops::Deref;

use model::{Epoch, ErrorCode, Offset, PartitionIndex, TopicId};
use wire::fetch::{FetchPartition, FetchPartitionResponse};
use wire::list_offsets::{ListOffsetsPartition, ListOffsetsPartitionResponse};
use wire::produce::ProducePartitionResponse;
use wire::{
    ApiRange, ApiVersionsRequest, Feature, FetchRequest, FetchResponseWriter, ListOffsetsRequest,
    ListOffsetsResponseWriter, Piece, ProduceRequest, ProduceResponseWriter, RequestHeader, TopicRef,
    WireError, api_versions,
};

const CORRELATION_ID: i32 = 77;
const MOMENT_MS: i64 = 1_767_323_045_678;

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

fn vectors(text: &str) -> Vec<(i16, Vec<u8>)> {
    text.lines()
        .map(|line| {
            let (version, frame) = line.split_once(' ').expect("VERSION HEX");
            (version.parse().expect("a number"), unhex(frame))
        })
        .collect()
}

macro_rules! golden {
    ($name:literal) => {
        vectors(include_str!(concat!("../../../../tests/formats/wire/", $name, ".txt")))
    };
}

fn records() -> Vec<u8> {
    (0..4).flat_map(|_| 0..200_u8).collect()
}

fn orders(version: i16, ids_from: i16) -> TopicRef<'static> {
    if version >= ids_from {
        TopicRef::Id(TopicId([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]))
    } else {
        TopicRef::Name("orders")
    }
}

fn second_topic(version: i16, ids_from: i16) -> TopicRef<'static> {
    let mut id = [0; 16];
    id[0] = 0x11;
    if version >= ids_from { TopicRef::Id(TopicId(id)) } else { TopicRef::Name("a") }
}

/// Reads the header, then gives the body of the frame and of each of its prefixes to `read`.
fn each_request(
    frames: &[(i16, Vec<u8>)],
    key: i16,
    versions: usize,
    read: impl Fn(i16, &[u8]) -> Result<(), WireError>,
) {
    assert_eq!(frames.len(), versions);
    for (version, frame) in frames {
        let (header, body) = RequestHeader::read(frame).expect("a whole header");
        assert_eq!((header.api_key, header.api_version), (key, *version));
        assert_eq!((header.correlation_id, header.client_id), (CORRELATION_ID, Some("client")));
        read(*version, body).expect("a whole request");
        for cut in 0..body.len() {
            assert!(read(*version, &body[..cut]).is_err(), "v{version} cut at {cut}");
        }
        let longer = [body, &[0, 0xff]].concat();
        assert_eq!(read(*version, &longer), Ok(()), "v{version}: what is behind is not looked at");
        for cut in 0..frame.len() - body.len() {
            assert!(RequestHeader::read(&frame[..cut]).is_err());
        }
    }
}

/// The frame's length must be right; what follows it is compared.
fn assert_frame(version: i16, ours: &[u8], theirs: &[u8]) {
    let len = i32::from_be_bytes(ours[..4].try_into().expect("four bytes"));
    assert_eq!(len as usize, ours.len() - 4, "v{version}");
    assert_eq!(&ours[4..], theirs, "v{version}");
}

#[test]
fn produce_requests() {
    each_request(&golden!("produce_request"), 0, 11, |version, body| {
        let request = ProduceRequest::read(version, body)?;
        assert_eq!((request.transactional_id, request.acks, request.timeout_ms), (Some("tx"), -1, 30_000));
        let topics: Vec<_> = request.topics().map(|topic| topic.topic).collect();
        assert_eq!(topics, [orders(version, 13), second_topic(version, 13)]);
        let first = request.topics().next().expect("two topics");
        let partitions: Vec<_> = first.partitions().map(|p| (p.index.0, p.records)).collect();
        assert_eq!(partitions, [(0, Some(&records()[..])), (7, None)]);
        assert_eq!(request.topics().nth(1).expect("two topics").partitions().len(), 0);
        Ok(())
    });
}

#[test]
fn produce_responses() {
    for (version, theirs) in golden!("produce_response") {
        let mut out = vec![0xee; 3]; // an answer may be written behind another
        let mut writer = ProduceResponseWriter::begin(&mut out, version, CORRELATION_ID, 2);
        writer.topic(orders(version, 13), 2);
        writer.partition(&ProducePartitionResponse {
            index: PartitionIndex(0),
            error: ErrorCode::NONE,
            base_offset: Offset(1 << 40),
            log_append_time_ms: MOMENT_MS,
            log_start: Offset(5),
            record_errors: &[],
            error_message: None,
        });
        writer.partition(&ProducePartitionResponse {
            record_errors: &[(3, Some("no key")), (4, None)],
            error_message: Some("a record without a key"),
            ..ProducePartitionResponse::refused(PartitionIndex(7), ErrorCode::INVALID_RECORD)
        });
        writer.topic(second_topic(version, 13), 0);
        writer.end(9);
        assert_frame(version, &out[3..], &theirs);
    }
}

#[test]
fn fetch_requests() {
    each_request(&golden!("fetch_request"), 1, 15, |version, body| {
        let since = |from: i16, value: i32, without: i32| if version >= from { value } else { without };
        let request = FetchRequest::read(version, body)?;
        assert_eq!((request.replica_id, request.wait_ms_max, request.bytes_min), (5, 500, 1));
        assert_eq!((request.bytes_max, request.isolation_level), (50 << 20, 1));
        assert_eq!(request.session_id, since(7, 11, 0));
        assert_eq!(request.session_epoch, since(7, 12, -1));
        assert_eq!(request.rack_id, if version >= 11 { "rack-1" } else { "" });
        assert_eq!(request.cluster_id, (version >= 12).then_some("cluster"));
        let topic = request.topics().next().expect("one topic");
        assert_eq!((request.topics().len(), topic.topic), (1, orders(version, 13)));
        let partition = |index: i32| FetchPartition {
            index: PartitionIndex(index),
            current_leader_epoch: Epoch(since(9, 4, -1)),
            fetch_offset: Offset(100 + i64::from(index)),
            last_fetched_epoch: Epoch(since(12, 3, -1)),
            log_start: Offset(-1),
            bytes_max: 1 << 20,
        };
        assert_eq!(topic.partitions().collect::<Vec<_>>(), [partition(1), partition(2)]);
        let forgotten: Vec<_> = request.forgotten().collect();
        assert_eq!(forgotten.len(), since(7, 1, 0) as usize);
        for topic in forgotten {
            assert_eq!(topic.topic, second_topic(version, 13));
            assert_eq!(topic.partitions().map(|index| index.0).collect::<Vec<_>>(), [1, 2]);
        }
        Ok(())
    });
}

/// Stands for a view of a shared buffer.
struct Shared(Vec<u8>);

impl Deref for Shared {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

#[test]
fn fetch_responses() {
    for (version, theirs) in golden!("fetch_response") {
        let mut writer = FetchResponseWriter::begin(version, CORRELATION_ID, 9, ErrorCode::NONE, 11, 1);
        writer.topic(orders(version, 13), 5);
        let partition = |index: i32| FetchPartitionResponse {
            index: PartitionIndex(index),
            error: ErrorCode::NONE,
            high_watermark: Offset(50),
            last_stable: Offset(40),
            log_start: Offset(3),
            diverging: None,
            aborted: None,
            preferred_read_replica: -1,
        };
        let halves = || {
            let records = records();
            let (first, second) = records.split_at(300);
            [Shared(first.to_vec()), Shared(second.to_vec())]
        };
        let aborted = FetchPartitionResponse { aborted: Some(&[(8, Offset(9))]), ..partition(0) };
        writer.partition(&aborted, halves());
        writer.partition(&partition(1), [Shared(b"tiny".to_vec())]);
        let diverging = FetchPartitionResponse { diverging: Some((Epoch(2), Offset(30))), ..partition(2) };
        writer.partition(&diverging, []);
        let refused = FetchPartitionResponse::refused(PartitionIndex(3), ErrorCode::OFFSET_OUT_OF_RANGE);
        writer.partition(&refused, []);
        writer.partition(&partition(4), halves());
        let pieces = writer.end();
        let shared = pieces.iter().filter(|piece| matches!(piece, Piece::Shared(_))).count();
        assert_eq!(shared, 4, "large batches stay where they are");
        let out: Vec<u8> = pieces
            .iter()
            .flat_map(|piece| match piece {
                Piece::Owned(bytes) => bytes.as_slice(),
                Piece::Shared(shared) => shared,
            })
            .copied()
            .collect();
        assert_frame(version, &out, &theirs);
    }
}

#[test]
fn list_offsets_requests() {
    each_request(&golden!("list_offsets_request"), 2, 11, |version, body| {
        let request = ListOffsetsRequest::read(version, body)?;
        assert_eq!((request.replica_id, request.isolation_level), (-1, i8::from(version >= 2)));
        assert_eq!(request.timeout_ms, if version >= 10 { 1_500 } else { 0 });
        let topic = request.topics().next().expect("one topic");
        let partition = ListOffsetsPartition {
            index: PartitionIndex(6),
            current_leader_epoch: Epoch(if version >= 4 { 4 } else { -1 }),
            timestamp: -2,
        };
        assert_eq!((topic.name, topic.partitions().collect::<Vec<_>>()), ("orders", vec![partition]));
        Ok(())
    });
}

#[test]
fn list_offsets_responses() {
    for (version, theirs) in golden!("list_offsets_response") {
        let mut out = Vec::new();
        let mut writer = ListOffsetsResponseWriter::begin(&mut out, version, CORRELATION_ID, 9, 1);
        writer.topic("orders", 1);
        writer.partition(&ListOffsetsPartitionResponse {
            index: PartitionIndex(6),
            error: ErrorCode::NONE,
            timestamp: MOMENT_MS,
            offset: Offset(123),
            leader_epoch: Epoch(4),
        });
        writer.end();
        assert_frame(version, &out, &theirs);
    }
}

#[test]
fn api_versions_requests() {
    each_request(&golden!("api_versions_request"), 18, 5, |version, body| {
        let request = ApiVersionsRequest::read(version, body)?;
        let (name, library) = if version >= 3 { ("kio", "0.6.5") } else { ("", "") };
        let expected = ApiVersionsRequest { client_software_name: name, client_software_version: library };
        assert_eq!(request, expected);
        assert!(request.is_valid(version));
        Ok(())
    });
}

#[test]
fn api_versions_responses() {
    let apis = [ApiRange { key: 0, min: 0, max: 13 }, ApiRange { key: 18, min: 0, max: 4 }];
    let features = [
        Feature { name: "metadata.version", min: 1, max: 29, finalized: 29 },
        Feature { name: "group.version", min: 0, max: 1, finalized: 0 },
    ];
    for (version, theirs) in golden!("api_versions_response") {
        let mut out = Vec::new();
        api_versions::write(&mut out, version, CORRELATION_ID, ErrorCode::NONE, &apis, 0, &features);
        assert_frame(version, &out, &theirs);
    }
}

#[test]
fn an_api_versions_newer_than_ours_is_answered_in_the_oldest_form() {
    let frame = unhex("0012ffff0000004d").into_iter().chain([0; 9]).collect::<Vec<_>>();
    for version in [5_i16, 99, i16::MAX, -1] {
        let mut frame = frame.clone();
        frame[2..4].copy_from_slice(&version.to_be_bytes());
        let (header, body) = RequestHeader::read(&frame).expect("answered, not closed");
        assert!(header.is_unsupported_api_versions() && body.is_empty());
        let mut out = Vec::new();
        api_versions::write_unsupported(&mut out, header.correlation_id);
        assert_frame(version, &out, &unhex("0000004d00230000000100120000 0004".replace(' ', "").as_str()));
    }
}
