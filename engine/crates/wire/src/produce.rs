//! Produce (key 0, v3-13): append a batch to each of some partitions.
//!
//! v3 transactional id · v5 log start in the answer · v7 zstd · v8 record errors and a message · v9 flexible ·
//! v10 current leader (tagged; not sent while a node stands alone) · v13 topic ids

use model::{ErrorCode, Offset, PartitionIndex};

use crate::counts::Counts;
use crate::error::WireError;
use crate::frame::Frame;
use crate::items::{Item, Items};
use crate::keys::{PRODUCE, is_flexible};
use crate::read::Reader;
use crate::topic::TopicRef;
use crate::write::Write;

const TOPIC_IDS_FROM: i16 = 13;

/// A Produce as the client sent it.
#[derive(Clone, Copy, Debug)]
pub struct ProduceRequest<'a> {
    /// The transaction's id, if it is part of one.
    pub transactional_id: Option<&'a str>,
    /// 0 no answer, 1 the leader alone, -1 a quorum; others are for the caller to refuse.
    pub acks: i16,
    /// How long to wait for a quorum.
    pub timeout_ms: i32,
    topics: Items<'a, ProduceTopic<'a>>,
}

impl<'a> ProduceRequest<'a> {
    /// Reads and checks a whole request.
    pub fn read(version: i16, body: &'a [u8]) -> Result<Self, WireError> {
        let flexible = is_flexible(PRODUCE, version);
        let mut reader = Reader::new(body);
        let transactional_id = reader.nullable_string(flexible)?;
        let acks = reader.int16()?;
        let timeout_ms = reader.int32()?;
        let topics = Items::read(&mut reader, version, flexible)?;
        reader.no_tags(flexible)?;
        Ok(ProduceRequest { transactional_id, acks, timeout_ms, topics })
    }

    /// The topics, in the client's order.
    #[must_use]
    pub fn topics(&self) -> Items<'a, ProduceTopic<'a>> {
        self.topics
    }
}

/// A topic of a Produce.
#[derive(Clone, Copy, Debug)]
pub struct ProduceTopic<'a> {
    /// Which.
    pub topic: TopicRef<'a>,
    partitions: Items<'a, ProducePartition<'a>>,
}

impl<'a> ProduceTopic<'a> {
    /// The partitions, in the client's order.
    #[must_use]
    pub fn partitions(&self) -> Items<'a, ProducePartition<'a>> {
        self.partitions
    }
}

impl<'a> Item<'a> for ProduceTopic<'a> {
    const BYTES_MIN: usize = 3; // an empty compact name, an empty array, no tags

    fn read(reader: &mut Reader<'a>, version: i16) -> Result<Self, WireError> {
        let flexible = is_flexible(PRODUCE, version);
        let topic = TopicRef::read(reader, version >= TOPIC_IDS_FROM, flexible)?;
        let partitions = Items::read(reader, version, flexible)?;
        reader.no_tags(flexible)?;
        Ok(ProduceTopic { topic, partitions })
    }
}

/// A partition of a Produce.
#[derive(Clone, Copy, Debug)]
pub struct ProducePartition<'a> {
    /// Which.
    pub index: PartitionIndex,
    /// What to append, unchecked; `None` was null on the wire.
    pub records: Option<&'a [u8]>,
}

impl<'a> Item<'a> for ProducePartition<'a> {
    const BYTES_MIN: usize = 6; // the index, null records, no tags

    fn read(reader: &mut Reader<'a>, version: i16) -> Result<Self, WireError> {
        let flexible = is_flexible(PRODUCE, version);
        let index = PartitionIndex(reader.int32()?);
        let records = reader.nullable_bytes(flexible)?;
        reader.no_tags(flexible)?;
        Ok(ProducePartition { index, records })
    }
}

/// What came of one partition's append.
#[derive(Clone, Copy, Debug)]
pub struct ProducePartitionResponse<'a> {
    /// Which partition.
    pub index: PartitionIndex,
    /// What went wrong.
    pub error: ErrorCode,
    /// Offset of the first record; -1 if refused.
    pub base_offset: Offset,
    /// The broker's time where the topic asks for it, else -1.
    pub log_append_time_ms: i64,
    /// The log start (v5+).
    pub log_start: Offset,
    /// Which records of the batch are to blame, each with a sentence (v8+).
    pub record_errors: &'a [(i32, Option<&'a str>)],
    /// A sentence for a person (v8+).
    pub error_message: Option<&'a str>,
}

impl ProducePartitionResponse<'_> {
    /// A refusal without details.
    #[must_use]
    pub const fn refused(index: PartitionIndex, error: ErrorCode) -> Self {
        ProducePartitionResponse {
            index,
            error,
            base_offset: Offset(-1),
            log_append_time_ms: -1,
            log_start: Offset(-1),
            record_errors: &[],
            error_message: None,
        }
    }
}

/// Writes an answer at the end of a buffer: `begin`, then each `topic` followed by its `partition`s, then `end`.
#[derive(Debug)]
pub struct ProduceResponseWriter<'b> {
    out: &'b mut Vec<u8>,
    frame: Frame,
    version: i16,
    flexible: bool,
    counts: Counts,
}

impl<'b> ProduceResponseWriter<'b> {
    /// Begins an answer with `topics` topics. Its length stands before it.
    pub fn begin(out: &'b mut Vec<u8>, version: i16, correlation_id: i32, topics: usize) -> Self {
        let frame = Frame::begin(out, PRODUCE, version, correlation_id);
        let flexible = is_flexible(PRODUCE, version);
        let counts = Counts::begin(out, flexible, topics);
        ProduceResponseWriter { out, frame, version, flexible, counts }
    }

    /// The next topic, named as the request named it, with `partitions` partitions.
    pub fn topic(&mut self, topic: TopicRef<'_>, partitions: usize) {
        self.counts.topic(self.out, topic, partitions);
    }

    /// The topic's next partition.
    pub fn partition(&mut self, partition: &ProducePartitionResponse<'_>) {
        self.counts.partition();
        let (out, flexible) = (&mut *self.out, self.flexible);
        out.int32(partition.index.0);
        out.int16(partition.error.0);
        out.int64(partition.base_offset.0);
        out.int64(partition.log_append_time_ms);
        if self.version >= 5 {
            out.int64(partition.log_start.0);
        }
        if self.version >= 8 {
            out.count(flexible, partition.record_errors.len());
            for (batch_index, message) in partition.record_errors {
                out.int32(*batch_index);
                out.nullable_string(flexible, *message);
                out.no_tags(flexible);
            }
            out.nullable_string(flexible, partition.error_message);
        }
        out.no_tags(flexible);
    }

    /// Ends the answer.
    pub fn end(self, throttle_time_ms: i32) {
        self.counts.end(self.out);
        self.out.int32(throttle_time_ms);
        self.out.no_tags(self.flexible);
        self.frame.end(self.out, 0);
    }
}
