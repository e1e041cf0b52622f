//! The answer to a Fetch: bytes of our own with record batches between them that stay where they are.

use std::ops::Deref;

use model::{Epoch, ErrorCode, Offset, PartitionIndex};

use crate::counts::Counts;
use crate::frame::Frame;
use crate::keys::{FETCH, is_flexible};
use crate::topic::TopicRef;
use crate::write::{Write, varint_len};

/// Batches smaller than this are copied into the answer's own bytes: cheaper than a piece of a vectored write.
const COPY_BYTES_MAX: usize = 512;

/// A part of an answer, to be sent in order.
#[derive(Debug)]
pub enum Piece<R> {
    /// Bytes made for this answer.
    Owned(Vec<u8>),
    /// Record batches as they stand in the log.
    Shared(R),
}

/// What one partition had.
#[derive(Clone, Copy, Debug)]
pub struct FetchPartitionResponse<'a> {
    /// Which partition.
    pub index: PartitionIndex,
    /// What went wrong.
    pub error: ErrorCode,
    /// One past the last record that can be read.
    pub high_watermark: Offset,
    /// One past the last record whose transaction is decided.
    pub last_stable: Offset,
    /// The log start (v5+).
    pub log_start: Offset,
    /// Where the client's log left ours: the epoch and its end (v12+).
    pub diverging: Option<(Epoch, Offset)>,
    /// (producer id, first offset) of aborted transactions; `None` unless the isolation level asks for them.
    pub aborted: Option<&'a [(i64, Offset)]>,
    /// The replica to read from instead, or -1 (v11+).
    pub preferred_read_replica: i32,
}

impl FetchPartitionResponse<'_> {
    /// A refusal.
    #[must_use]
    pub const fn refused(index: PartitionIndex, error: ErrorCode) -> Self {
        FetchPartitionResponse {
            index,
            error,
            high_watermark: Offset(-1),
            last_stable: Offset(-1),
            log_start: Offset(-1),
            diverging: None,
            aborted: None,
            preferred_read_replica: -1,
        }
    }
}

/// Writes an answer: `begin`, then each `topic` followed by its `partition`s, then `end`, which gives the pieces.
#[derive(Debug)]
pub struct FetchResponseWriter<R> {
    out: Vec<u8>,
    /// The records that follow the first `.0` bytes of `out`.
    shared: Vec<(usize, R)>,
    shared_bytes: usize,
    frame: Frame,
    version: i16,
    flexible: bool,
    counts: Counts,
}

impl<R: Deref<Target = [u8]>> FetchResponseWriter<R> {
    /// Begins an answer with `topics` topics. Its length stands before it.
    #[must_use]
    pub fn begin(
        version: i16,
        correlation_id: i32,
        throttle_time_ms: i32,
        error: ErrorCode,
        session_id: i32,
        topics: usize,
    ) -> Self {
        let mut out = Vec::new();
        let frame = Frame::begin(&mut out, FETCH, version, correlation_id);
        let flexible = is_flexible(FETCH, version);
        out.int32(throttle_time_ms);
        if version >= 7 {
            out.int16(error.0);
            out.int32(session_id);
        }
        let counts = Counts::begin(&mut out, flexible, topics);
        FetchResponseWriter { out, shared: Vec::new(), shared_bytes: 0, frame, version, flexible, counts }
    }

    /// The next topic, named as the request named it, with `partitions` partitions.
    pub fn topic(&mut self, topic: TopicRef<'_>, partitions: usize) {
        self.counts.topic(&mut self.out, topic, partitions);
    }

    /// The topic's next partition and its record batches.
    pub fn partition(
        &mut self,
        partition: &FetchPartitionResponse<'_>,
        records: impl IntoIterator<Item = R>,
    ) {
        self.counts.partition();
        let (version, flexible) = (self.version, self.flexible);
        let out = &mut self.out;
        out.int32(partition.index.0);
        out.int16(partition.error.0);
        out.int64(partition.high_watermark.0);
        out.int64(partition.last_stable.0);
        if version >= 5 {
            out.int64(partition.log_start.0);
        }
        match partition.aborted {
            None if flexible => out.push(0),
            None => out.int32(-1),
            Some(aborted) => {
                out.count(flexible, aborted.len());
                for (producer_id, first) in aborted {
                    out.int64(*producer_id);
                    out.int64(first.0);
                    out.no_tags(flexible);
                }
            }
        }
        if version >= 11 {
            out.int32(partition.preferred_read_replica);
        }
        self.records(records);
        match partition.diverging {
            Some((epoch, end)) if version >= 12 => {
                let out = &mut self.out;
                out.unsigned_varint(1);
                out.tag(0, 4 + 8 + 1);
                out.int32(epoch.0);
                out.int64(end.0);
                out.no_tags(true);
            }
            _ => self.out.no_tags(flexible),
        }
    }

    fn records(&mut self, records: impl IntoIterator<Item = R>) {
        let first = self.shared.len();
        let at = self.out.len();
        let mut bytes = 0;
        for records in records {
            bytes += records.len();
            self.shared.push((at, records));
        }
        // Empty, never null: old clients take null for an error.
        if self.flexible {
            self.out.reserve(varint_len(bytes + 1) + bytes.min(COPY_BYTES_MAX));
            self.out.count(true, bytes);
        } else {
            self.out.int32(i32::try_from(bytes).expect("answers are far below 2 GiB"));
        }
        if bytes <= COPY_BYTES_MAX {
            for (_, records) in self.shared.drain(first..) {
                self.out.extend_from_slice(&records);
            }
            return;
        }
        self.shared_bytes += bytes;
        let at = self.out.len();
        for (place, _) in &mut self.shared[first..] {
            *place = at;
        }
    }

    /// Ends the answer and gives it as the pieces to send.
    #[must_use]
    pub fn end(mut self) -> Vec<Piece<R>> {
        self.counts.end(&mut self.out);
        self.out.no_tags(self.flexible);
        self.frame.end(&mut self.out, self.shared_bytes);
        let mut pieces = Vec::with_capacity(2 * self.shared.len() + 1);
        if self.shared.is_empty() {
            pieces.push(Piece::Owned(self.out));
            return pieces;
        }
        let mut sent = 0;
        for (at, records) in self.shared {
            if at > sent {
                pieces.push(Piece::Owned(self.out[sent..at].to_vec()));
                sent = at;
            }
            pieces.push(Piece::Shared(records));
        }
        if sent < self.out.len() {
            pieces.push(Piece::Owned(self.out.split_off(sent)));
        }
        pieces
    }
}
