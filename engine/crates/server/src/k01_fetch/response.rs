//! The answer to a Fetch, as Kafka puts it together.

use journal::Bytes;
use model::{ErrorCode, PartitionIndex};
use partition::{Fetched, Isolation};
use wire::fetch::FetchPartitionResponse;
use wire::{FetchRequest, FetchResponseWriter, RequestHeader, TopicRef};

use crate::connection::Piece;
use crate::fetch_session::PartitionKey;

/// From this version on an error of the whole request is said once.
const TOP_LEVEL_ONLY_FROM: i16 = 13;

/// Why a partition has no records in the answer.
pub(super) enum Refused {
    /// It is not there.
    Unknown(ErrorCode),
    /// It could not be read.
    Read(ErrorCode),
}

impl Refused {
    fn response(&self, index: PartitionIndex) -> FetchPartitionResponse<'static> {
        match self {
            // Kafka's two ways to make such an answer differ in this list; nobody reads it.
            Refused::Unknown(error) => FetchPartitionResponse {
                aborted: Some(&[]),
                ..FetchPartitionResponse::refused(index, *error)
            },
            Refused::Read(error) => FetchPartitionResponse::refused(index, *error),
        }
    }
}

/// The answer to a request that fails as a whole: the error at the top and, in old versions, for every partition named.
pub(super) fn refusal(
    header: &RequestHeader<'_>,
    request: &FetchRequest<'_>,
    error: ErrorCode,
) -> Vec<Piece> {
    let version = header.api_version;
    let named = error == ErrorCode::UNKNOWN_SERVER_ERROR && version < TOP_LEVEL_ONLY_FROM;
    let topics = if named { request.topics().len() } else { 0 };
    // What Kafka finds by itself names no session; what surprises it names the request's.
    let session_id = if error == ErrorCode::UNKNOWN_SERVER_ERROR { request.session_id } else { 0 };
    let mut writer =
        FetchResponseWriter::<Bytes>::begin(version, header.correlation_id, 0, error, session_id, topics);
    for topic in request.topics().take(topics) {
        writer.topic(topic.topic, topic.partitions().len());
        for partition in topic.partitions() {
            writer.partition(&Refused::Unknown(error).response(partition.index), []);
        }
    }
    answer_of(writer)
}

fn topic_of(key: &PartitionKey) -> TopicRef<'_> {
    match key {
        PartitionKey::Named(name, _) => TopicRef::Name(name),
        PartitionKey::WithId(id, _) => TopicRef::Id(*id),
    }
}

/// What the partitions had. Neighbours of one topic stand together, as the request had them.
pub(super) fn write_response(
    version: i16,
    correlation_id: i32,
    session_id: i32,
    isolation: Isolation,
    told: Vec<(PartitionKey, Result<Fetched, Refused>)>,
) -> Vec<Piece> {
    let mut topics: Vec<(usize, usize)> = Vec::new();
    for (number, (key, _)) in told.iter().enumerate() {
        match topics.last_mut() {
            Some((first, count)) if topic_of(&told[*first].0) == topic_of(key) => *count += 1,
            _ => topics.push((number, 1)),
        }
    }
    let mut writer =
        FetchResponseWriter::begin(version, correlation_id, 0, ErrorCode::NONE, session_id, topics.len());
    let mut starts = topics.into_iter().peekable();
    for (number, (key, result)) in told.into_iter().enumerate() {
        if let Some((_, count)) = starts.next_if(|(first, _)| *first == number) {
            writer.topic(topic_of(&key), count);
        }
        let (PartitionKey::Named(_, index) | PartitionKey::WithId(_, index)) = key;
        match result {
            Err(refused) => writer.partition(&refused.response(index), []),
            Ok(fetched) => {
                let committed = isolation == Isolation::ReadCommitted;
                let response = FetchPartitionResponse {
                    index,
                    error: ErrorCode::NONE,
                    high_watermark: fetched.watermarks.high_watermark,
                    last_stable: fetched.watermarks.last_stable,
                    log_start: fetched.watermarks.log_start,
                    diverging: fetched.diverging,
                    aborted: committed.then_some(&fetched.aborted[..]),
                    preferred_read_replica: -1,
                };
                writer.partition(&response, fetched.data);
            }
        }
    }
    answer_of(writer)
}

fn answer_of(writer: FetchResponseWriter<Bytes>) -> Vec<Piece> {
    let piece = |piece| match piece {
        wire::Piece::Owned(bytes) => Piece::Owned(bytes),
        wire::Piece::Shared(bytes) => Piece::Shared(bytes),
    };
    writer.end().into_iter().map(piece).collect()
}
