//! ListOffsets (key 2, v1-11): the offset that belongs to a time, or to one of the special times.
//!
//! v2 isolation · v4 leader epoch · v6 flexible · v7 max timestamp (-3) · v8 earliest local (-4) · v9 latest tiered (-5) ·
//! v10 timeout · v11 earliest pending upload (-6)

use model::{Epoch, ErrorCode, Offset, PartitionIndex};

use crate::counts::Counts;
use crate::error::WireError;
use crate::frame::Frame;
use crate::items::{Item, Items};
use crate::keys::{LIST_OFFSETS, is_flexible};
use crate::read::Reader;
use crate::topic::TopicRef;
use crate::write::Write;

/// The end of the log.
pub const LATEST: i64 = -1;
/// The log start.
pub const EARLIEST: i64 = -2;
/// The record with the largest timestamp.
pub const MAX_TIMESTAMP: i64 = -3;
/// The first record that is on local storage.
pub const EARLIEST_LOCAL: i64 = -4;
/// The last record in tiered storage.
pub const LATEST_TIERED: i64 = -5;
/// The first record not yet in tiered storage.
pub const EARLIEST_PENDING_UPLOAD: i64 = -6;

/// Whether this version may ask for this time; if not, its partition is answered `UNSUPPORTED_VERSION`.
#[must_use]
pub const fn is_asked_for(timestamp: i64, version: i16) -> bool {
    match timestamp {
        MAX_TIMESTAMP => version >= 7,
        EARLIEST_LOCAL => version >= 8,
        LATEST_TIERED => version >= 9,
        EARLIEST_PENDING_UPLOAD => version >= 11,
        timestamp => timestamp >= EARLIEST,
    }
}

/// A ListOffsets as the client sent it.
#[derive(Clone, Copy, Debug)]
pub struct ListOffsetsRequest<'a> {
    /// -1 for consumers.
    pub replica_id: i32,
    /// 1: the latest is the last stable offset; 0: the high watermark (v2+).
    pub isolation_level: i8,
    /// How long to wait for tiered storage (v10+), else 0.
    pub timeout_ms: i32,
    topics: Items<'a, ListOffsetsTopic<'a>>,
}

impl<'a> ListOffsetsRequest<'a> {
    /// Reads and checks a whole request.
    pub fn read(version: i16, body: &'a [u8]) -> Result<Self, WireError> {
        let flexible = is_flexible(LIST_OFFSETS, version);
        let mut reader = Reader::new(body);
        let replica_id = reader.int32()?;
        let isolation_level = if version >= 2 { reader.int8()? } else { 0 };
        let topics = Items::read(&mut reader, version, flexible)?;
        let timeout_ms = if version >= 10 { reader.int32()? } else { 0 };
        reader.no_tags(flexible)?;
        Ok(ListOffsetsRequest { replica_id, isolation_level, timeout_ms, topics })
    }

    /// The topics, in the client's order.
    #[must_use]
    pub fn topics(&self) -> Items<'a, ListOffsetsTopic<'a>> {
        self.topics
    }
}

/// A topic of a ListOffsets.
#[derive(Clone, Copy, Debug)]
pub struct ListOffsetsTopic<'a> {
    /// Its name.
    pub name: &'a str,
    partitions: Items<'a, ListOffsetsPartition>,
}

impl<'a> ListOffsetsTopic<'a> {
    /// The partitions, in the client's order.
    #[must_use]
    pub fn partitions(&self) -> Items<'a, ListOffsetsPartition> {
        self.partitions
    }
}

impl<'a> Item<'a> for ListOffsetsTopic<'a> {
    const BYTES_MIN: usize = 3;

    fn read(reader: &mut Reader<'a>, version: i16) -> Result<Self, WireError> {
        let flexible = is_flexible(LIST_OFFSETS, version);
        let name = reader.string(flexible)?;
        let partitions = Items::read(reader, version, flexible)?;
        reader.no_tags(flexible)?;
        Ok(ListOffsetsTopic { name, partitions })
    }
}

/// A partition of a ListOffsets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListOffsetsPartition {
    /// Which.
    pub index: PartitionIndex,
    /// The client's idea of the leader epoch, or -1 (v4+).
    pub current_leader_epoch: Epoch,
    /// Milliseconds, or one of the special times.
    pub timestamp: i64,
}

impl<'a> Item<'a> for ListOffsetsPartition {
    const BYTES_MIN: usize = 12;

    fn read(reader: &mut Reader<'a>, version: i16) -> Result<Self, WireError> {
        let index = PartitionIndex(reader.int32()?);
        let current_leader_epoch = if version >= 4 { Epoch(reader.int32()?) } else { Epoch::NONE };
        let timestamp = reader.int64()?;
        reader.no_tags(is_flexible(LIST_OFFSETS, version))?;
        Ok(ListOffsetsPartition { index, current_leader_epoch, timestamp })
    }
}

/// What was found for one partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListOffsetsPartitionResponse {
    /// Which partition.
    pub index: PartitionIndex,
    /// What went wrong.
    pub error: ErrorCode,
    /// The found record's timestamp, or -1.
    pub timestamp: i64,
    /// The found record's offset, or -1.
    pub offset: Offset,
    /// The found record's leader epoch, or -1 (v4+).
    pub leader_epoch: Epoch,
}

/// Writes an answer at the end of a buffer: `begin`, then each `topic` followed by its `partition`s, then `end`.
#[derive(Debug)]
pub struct ListOffsetsResponseWriter<'b> {
    out: &'b mut Vec<u8>,
    frame: Frame,
    version: i16,
    flexible: bool,
    counts: Counts,
}

impl<'b> ListOffsetsResponseWriter<'b> {
    /// Begins an answer with `topics` topics. Its length stands before it.
    pub fn begin(
        out: &'b mut Vec<u8>,
        version: i16,
        correlation_id: i32,
        throttle_time_ms: i32,
        topics: usize,
    ) -> Self {
        let frame = Frame::begin(out, LIST_OFFSETS, version, correlation_id);
        let flexible = is_flexible(LIST_OFFSETS, version);
        if version >= 2 {
            out.int32(throttle_time_ms);
        }
        let counts = Counts::begin(out, flexible, topics);
        ListOffsetsResponseWriter { out, frame, version, flexible, counts }
    }

    /// The next topic with `partitions` partitions.
    pub fn topic(&mut self, name: &str, partitions: usize) {
        self.counts.topic(self.out, TopicRef::Name(name), partitions);
    }

    /// The topic's next partition.
    pub fn partition(&mut self, partition: &ListOffsetsPartitionResponse) {
        self.counts.partition();
        let out = &mut *self.out;
        out.int32(partition.index.0);
        out.int16(partition.error.0);
        out.int64(partition.timestamp);
        out.int64(partition.offset.0);
        if self.version >= 4 {
            out.int32(partition.leader_epoch.0);
        }
        out.no_tags(self.flexible);
    }

    /// Ends the answer.
    pub fn end(self) {
        self.counts.end(self.out);
        self.out.no_tags(self.flexible);
        self.frame.end(self.out, 0);
    }
}
