//! Fetch (key 1, v4-18): read from each of some partitions, in a session or without one.
//!
//! v4 isolation · v5 log start · v7 sessions · v9 leader epoch · v10 zstd · v11 rack · v12 flexible, diverging epoch ·
//! v13 topic ids · v15 replica state (tagged) · v16 node endpoints · v17 replica directory · v18 high watermark (tagged)

use model::{Epoch, Offset, PartitionIndex};

use crate::error::WireError;
use crate::items::{Item, Items};
use crate::keys::{FETCH, is_flexible};
use crate::read::Reader;
use crate::topic::TopicRef;

mod response;

pub use response::{FetchPartitionResponse, FetchResponseWriter, Piece};

const TOPIC_IDS_FROM: i16 = 13;

/// A Fetch as the client sent it.
#[derive(Clone, Copy, Debug)]
pub struct FetchRequest<'a> {
    /// -1 for consumers.
    pub replica_id: i32,
    /// The longest wait for `bytes_min`.
    pub wait_ms_max: i32,
    /// Answer when this much is there.
    pub bytes_min: i32,
    /// No more than this in all, but at least one batch.
    pub bytes_max: i32,
    /// 1: only up to the last stable offset; 0: up to the high watermark.
    pub isolation_level: i8,
    /// The session, 0 for none (v7+).
    pub session_id: i32,
    /// The request's number in its session: 0 makes one, -1 wants none (v7+).
    pub session_epoch: i32,
    /// Where the client is (v11+).
    pub rack_id: &'a str,
    /// The cluster the client believes it talks to (v12+).
    pub cluster_id: Option<&'a str>,
    topics: Items<'a, FetchTopic<'a>>,
    forgotten: Items<'a, ForgottenTopic<'a>>,
}

impl<'a> FetchRequest<'a> {
    /// Reads and checks a whole request.
    pub fn read(version: i16, body: &'a [u8]) -> Result<Self, WireError> {
        let flexible = is_flexible(FETCH, version);
        let mut reader = Reader::new(body);
        let mut replica_id = if version < 15 { reader.int32()? } else { -1 };
        let wait_ms_max = reader.int32()?;
        let bytes_min = reader.int32()?;
        let bytes_max = reader.int32()?;
        let isolation_level = reader.int8()?;
        let (session_id, session_epoch) =
            if version >= 7 { (reader.int32()?, reader.int32()?) } else { (0, -1) };
        let topics = Items::read(&mut reader, version, flexible)?;
        let forgotten =
            if version >= 7 { Items::read(&mut reader, version, flexible)? } else { Items::none(version) };
        let rack_id = if version >= 11 { reader.string(flexible)? } else { "" };
        let mut cluster_id = None;
        if flexible {
            reader.tagged(|tag, field| {
                match tag {
                    0 => cluster_id = field.nullable_string(true)?,
                    1 if version >= 15 => {
                        replica_id = field.int32()?;
                        field.int64()?; // the replica's epoch
                        field.no_tags(true)?;
                    }
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(FetchRequest {
            replica_id,
            wait_ms_max,
            bytes_min,
            bytes_max,
            isolation_level,
            session_id,
            session_epoch,
            rack_id,
            cluster_id,
            topics,
            forgotten,
        })
    }

    /// The topics to read, in the client's order; of an incremental request only what changed.
    #[must_use]
    pub fn topics(&self) -> Items<'a, FetchTopic<'a>> {
        self.topics
    }

    /// The topics with partitions that leave the session.
    #[must_use]
    pub fn forgotten(&self) -> Items<'a, ForgottenTopic<'a>> {
        self.forgotten
    }
}

/// A topic of a Fetch.
#[derive(Clone, Copy, Debug)]
pub struct FetchTopic<'a> {
    /// Which.
    pub topic: TopicRef<'a>,
    partitions: Items<'a, FetchPartition>,
}

impl<'a> FetchTopic<'a> {
    /// The partitions, in the client's order.
    #[must_use]
    pub fn partitions(&self) -> Items<'a, FetchPartition> {
        self.partitions
    }
}

impl<'a> Item<'a> for FetchTopic<'a> {
    const BYTES_MIN: usize = 3;

    fn read(reader: &mut Reader<'a>, version: i16) -> Result<Self, WireError> {
        let flexible = is_flexible(FETCH, version);
        let topic = TopicRef::read(reader, version >= TOPIC_IDS_FROM, flexible)?;
        let partitions = Items::read(reader, version, flexible)?;
        reader.no_tags(flexible)?;
        Ok(FetchTopic { topic, partitions })
    }
}

/// A partition of a Fetch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FetchPartition {
    /// Which.
    pub index: PartitionIndex,
    /// The client's idea of the leader epoch, or -1 (v9+).
    pub current_leader_epoch: Epoch,
    /// Where to read from.
    pub fetch_offset: Offset,
    /// Epoch of the last record the client has, or -1 (v12+).
    pub last_fetched_epoch: Epoch,
    /// A follower's log start, or -1 (v5+).
    pub log_start: Offset,
    /// No more than this of the partition, but at least one batch if it comes first.
    pub bytes_max: i32,
}

impl<'a> Item<'a> for FetchPartition {
    const BYTES_MIN: usize = 16;

    fn read(reader: &mut Reader<'a>, version: i16) -> Result<Self, WireError> {
        let index = PartitionIndex(reader.int32()?);
        let current_leader_epoch = if version >= 9 { Epoch(reader.int32()?) } else { Epoch::NONE };
        let fetch_offset = Offset(reader.int64()?);
        let last_fetched_epoch = if version >= 12 { Epoch(reader.int32()?) } else { Epoch::NONE };
        let log_start = if version >= 5 { Offset(reader.int64()?) } else { Offset(-1) };
        let bytes_max = reader.int32()?;
        if is_flexible(FETCH, version) {
            reader.tagged(|tag, field| {
                match tag {
                    0 if version >= 17 => drop(field.uuid()?),  // a follower's directory
                    1 if version >= 18 => drop(field.int64()?), // a follower's high watermark
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(FetchPartition {
            index,
            current_leader_epoch,
            fetch_offset,
            last_fetched_epoch,
            log_start,
            bytes_max,
        })
    }
}

/// A topic with partitions that leave the session.
#[derive(Clone, Copy, Debug)]
pub struct ForgottenTopic<'a> {
    /// Which.
    pub topic: TopicRef<'a>,
    partitions: Items<'a, PartitionIndex>,
}

impl<'a> ForgottenTopic<'a> {
    /// The partitions.
    #[must_use]
    pub fn partitions(&self) -> Items<'a, PartitionIndex> {
        self.partitions
    }
}

impl<'a> Item<'a> for ForgottenTopic<'a> {
    const BYTES_MIN: usize = 3;

    fn read(reader: &mut Reader<'a>, version: i16) -> Result<Self, WireError> {
        let flexible = is_flexible(FETCH, version);
        let topic = TopicRef::read(reader, version >= TOPIC_IDS_FROM, flexible)?;
        let partitions = Items::read(reader, version, flexible)?;
        reader.no_tags(flexible)?;
        Ok(ForgottenTopic { topic, partitions })
    }
}

impl<'a> Item<'a> for PartitionIndex {
    const BYTES_MIN: usize = 4;

    fn read(reader: &mut Reader<'a>, _version: i16) -> Result<Self, WireError> {
        reader.int32().map(PartitionIndex)
    }
}
