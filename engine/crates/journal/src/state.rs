//! A group's whole durable state in one record, so that replay may begin at any file.

use model::{Epoch, LogIndex, Offset, PartitionIndex, TopicId};

use crate::frame::{Fields, Malformed, Sink};
use crate::record::Marker;

/// Where a log begins: what came before is folded into this.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Base {
    /// Index of the first element that is still described.
    pub index: LogIndex,
    /// Offset of the first record at or behind it.
    pub offset: Offset,
    /// Epoch of the element before it.
    pub epoch: Epoch,
}

/// How far the segment files can be trusted: everything below is synced, nothing behind counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flushed {
    /// First element that is not flushed.
    pub index: LogIndex,
    /// Base offset of the segment that the mark stands in.
    pub segment: Offset,
    /// Byte in that segment's file; `None` after a truncation into flushed data, until the place was looked up.
    pub position: Option<u64>,
}

/// One logical segment. Its boundary was decided when its first batch was appended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// Offset of its first batch, and its file's name.
    pub base: Offset,
    /// Bytes of its batches.
    pub bytes: u64,
    /// Largest timestamp in it, -1 if none.
    pub max_timestamp: i64,
    /// Largest timestamp of its first batch: what `segment.ms` counts from.
    pub first_timestamp: i64,
}

/// Everything that is durable about one replica's log, as of just before the record that follows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct State {
    /// The topic; with the partition and the group number it names the directory.
    pub topic: TopicId,
    /// The partition.
    pub partition: PartitionIndex,
    /// Highest Raft term seen.
    pub term: Epoch,
    /// Who got this node's vote in that term.
    pub vote: Option<i32>,
    /// Where the log begins.
    pub base: Base,
    /// First offset that may be read.
    pub start: Offset,
    /// One past the last element.
    pub end: LogIndex,
    /// One past the last record.
    pub end_offset: Offset,
    /// Epoch of the last element.
    pub epoch: Epoch,
    /// Markers from base to end, with their indexes and the offset of the record that follows.
    pub markers: Vec<(LogIndex, Offset, Marker)>,
    /// How far the files can be trusted.
    pub flushed: Flushed,
    /// Logical segments, oldest first.
    pub segments: Vec<Segment>,
    /// The partition's producer snapshot; its own business.
    pub producers: Vec<u8>,
    /// How far compaction has been through it; `None`: it never took anything.
    pub cleaned: Option<Offset>,
}

/// Stands for a position or a size that is not known.
pub(crate) const NOWHERE: u64 = u64::MAX;

impl Flushed {
    pub(crate) fn encode(&self, out: &mut impl Sink) {
        out.u64(self.index.0);
        out.i64(self.segment.0);
        out.u64(self.position.unwrap_or(NOWHERE));
    }

    pub(crate) fn decode(fields: &mut Fields<'_>) -> Result<Flushed, Malformed> {
        let (index, segment, position) = (fields.u64()?, fields.i64()?, fields.u64()?);
        let position = (position != NOWHERE).then_some(position);
        Ok(Flushed { index: LogIndex(index), segment: Offset(segment), position })
    }
}

impl State {
    pub(crate) fn encode(&self, out: &mut impl Sink) {
        out.put(&self.topic.0);
        out.i32(self.partition.0);
        out.i32(self.term.0);
        out.u8(u8::from(self.vote.is_some()));
        out.i32(self.vote.unwrap_or(0));
        out.u64(self.base.index.0);
        out.i64(self.base.offset.0);
        out.i32(self.base.epoch.0);
        out.i64(self.start.0);
        out.u64(self.end.0);
        out.i64(self.end_offset.0);
        out.i32(self.epoch.0);
        self.flushed.encode(out);
        out.count(self.markers.len());
        for (index, offset, marker) in &self.markers {
            out.u64(index.0);
            out.i64(offset.0);
            marker.encode(out);
        }
        out.count(self.segments.len());
        for segment in &self.segments {
            out.i64(segment.base.0);
            out.u64(segment.bytes);
            out.i64(segment.max_timestamp);
            out.i64(segment.first_timestamp);
        }
        out.count(self.producers.len());
        out.put(&self.producers);
        out.i64(self.cleaned.map_or(-1, |cleaned| cleaned.0));
    }

    pub(crate) fn decode(fields: &mut Fields<'_>) -> Result<State, Malformed> {
        let mut state = State {
            topic: TopicId(fields.id()?),
            partition: PartitionIndex(fields.i32()?),
            term: Epoch(fields.i32()?),
            ..State::default()
        };
        let (voted, vote) = (fields.u8()?, fields.i32()?);
        state.vote = match voted {
            0 => None,
            1 => Some(vote),
            _ => return Err(Malformed),
        };
        state.base = Base {
            index: LogIndex(fields.u64()?),
            offset: Offset(fields.i64()?),
            epoch: Epoch(fields.i32()?),
        };
        state.start = Offset(fields.i64()?);
        state.end = LogIndex(fields.u64()?);
        state.end_offset = Offset(fields.i64()?);
        state.epoch = Epoch(fields.i32()?);
        state.flushed = Flushed::decode(fields)?;
        for _ in 0..fields.count(17)? {
            let (index, offset) = (LogIndex(fields.u64()?), Offset(fields.i64()?));
            state.markers.push((index, offset, Marker::decode(fields)?));
        }
        for _ in 0..fields.count(32)? {
            state.segments.push(Segment {
                base: Offset(fields.i64()?),
                bytes: fields.u64()?,
                max_timestamp: fields.i64()?,
                first_timestamp: fields.i64()?,
            });
        }
        let bytes = fields.count(1)?;
        state.producers = fields.take(bytes)?.to_vec();
        // Before users' topics were compacted it was not written.
        let cleaned = if fields.0.is_empty() { -1 } else { fields.i64()? };
        state.cleaned = (cleaned >= 0).then_some(Offset(cleaned));
        Ok(state)
    }
}
