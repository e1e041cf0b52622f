//! What Python asks of partitions, and what comes of it. Plain data; Python's side stands in `engine/port.py`.

use batch::EndMarker;
use model::{Epoch, ErrorCode, GroupId, Offset, Watermarks};
use partition::Isolation;

/// Names a call of Python's until its outcome is given.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct CallId(pub u64);

/// Who appends within a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Producer {
    /// Its id.
    pub id: i64,
    /// Its epoch.
    pub epoch: i16,
}

/// A record of the control plane's own: key and value.
#[derive(Debug, Clone, Default)]
pub struct KeyValue {
    /// `None` only where a log is not keyed.
    pub key: Option<Vec<u8>>,
    /// `None` deletes the key.
    pub value: Option<Vec<u8>>,
}

/// A call.
#[derive(Debug)]
pub enum Request {
    /// Append records as one batch; without records: wait until everything before is committed.
    Append {
        /// The partition.
        group: GroupId,
        /// The records.
        records: Vec<KeyValue>,
        /// Refuse unless the log ends here now.
        expected_end: Option<Offset>,
        /// A full journal takes it where it takes no other.
        makes_room: bool,
        /// They are part of its transaction.
        producer: Option<Producer>,
    },
    /// End a producer's transaction.
    AppendMarker {
        /// The partition.
        group: GroupId,
        /// Whose transaction.
        producer: Producer,
        /// How it ends, and who decided so.
        marker: EndMarker,
        /// Refuse unless the log ends here now.
        expected_end: Option<Offset>,
    },
    /// Read committed records.
    Read {
        /// The partition.
        group: GroupId,
        /// Where from.
        offset: Offset,
        /// How much, in stored bytes; at least one batch.
        bytes_max: usize,
    },
    /// What is known of these logs.
    LogInfo {
        /// The partitions; those of other shards are left out.
        groups: Vec<GroupId>,
    },
    /// Move the log start.
    DeleteRecords {
        /// The partition.
        group: GroupId,
        /// New start; -1: the high watermark.
        before: Offset,
    },
    /// Where an epoch ends.
    EpochEnd {
        /// The partition.
        group: GroupId,
        /// The caller's idea of the current epoch, or -1.
        current_epoch: Epoch,
        /// The epoch asked about.
        epoch: Epoch,
    },
    /// The producers remembered.
    Producers {
        /// The partition.
        group: GroupId,
    },
    /// Read whole batches as they are stored.
    Batches {
        /// The partition.
        group: GroupId,
        /// The first one holds the record of this offset.
        offset: Offset,
        /// How much; at least one batch.
        bytes_max: usize,
        /// How far may be seen.
        isolation: Isolation,
    },
    /// Tell once when more may be seen than up to `seen`.
    AwaitMore {
        /// The partition.
        group: GroupId,
        /// How far may be seen.
        isolation: Isolation,
        /// Where that ended when the caller looked.
        seen: Offset,
    },
    /// The first offset of a time or later.
    OffsetOfTime {
        /// The partition.
        group: GroupId,
        /// Milliseconds since 1970.
        timestamp_ms: i64,
    },
}

/// One of the batches of a read that does not open them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchSpan {
    /// Its first offset.
    pub first: Offset,
    /// Its last offset.
    pub last: Offset,
    /// Its size.
    pub bytes: usize,
    /// It is part of a transaction that was aborted; only told to readers of committed records.
    pub aborted: bool,
}

/// A record read back, or the marker that ended a transaction.
#[derive(Debug, Clone)]
pub struct StoredRecord {
    /// Its offset.
    pub offset: Offset,
    /// Its timestamp.
    pub timestamp_ms: i64,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
    /// Of what belongs to a transaction.
    pub producer: Option<Producer>,
    /// Set: it is no record.
    pub marker: Option<EndMarker>,
}

/// One partition's log in numbers.
#[derive(Debug, Clone)]
pub struct LogNumbers {
    /// The partition.
    pub group: GroupId,
    /// Leader epoch.
    pub epoch: Epoch,
    /// The four offsets.
    pub watermarks: Watermarks,
    /// Bytes stored.
    pub size_bytes: u64,
}

/// What came of a call.
#[derive(Debug)]
pub struct Outcome {
    /// Which.
    pub call: CallId,
    /// What.
    pub reply: Reply,
}

/// An outcome's content.
#[derive(Debug)]
pub enum Reply {
    /// One more shard holds the topics.
    Topics,
    /// Of `Append`.
    Appended {
        /// `NONE` if committed.
        error: ErrorCode,
        /// First offset, -1 if refused.
        base_offset: Offset,
        /// One past the last, -1 if refused.
        end_offset: Offset,
    },
    /// Of `Read`.
    Read {
        /// `NONE` if read.
        error: ErrorCode,
        /// The records.
        records: Vec<StoredRecord>,
        /// Where to read on.
        next_offset: Offset,
        /// The end of what is committed.
        high_watermark: Offset,
    },
    /// Of `LogInfo`: this shard's part.
    LogInfo(Vec<LogNumbers>),
    /// Of `DeleteRecords`: the log start that holds now.
    Deleted {
        /// `NONE` if moved.
        error: ErrorCode,
        /// The log start.
        log_start: Offset,
    },
    /// Of `EpochEnd`.
    EpochEnd {
        /// `NONE` if known.
        error: ErrorCode,
        /// The epoch that ends there.
        epoch: Epoch,
        /// Where it ends.
        end_offset: Offset,
    },
    /// Of `Producers`.
    Producers(Vec<partition::ProducerInfo>),
    /// Of `Batches`.
    Batches {
        /// `NONE` if read.
        error: ErrorCode,
        /// What `data` is made of.
        spans: Vec<BatchSpan>,
        /// The batches, one behind the other.
        data: Vec<u8>,
        /// The partition's offsets, as of the read.
        watermarks: Watermarks,
    },
    /// Of `AwaitMore`: there is more, or something else of the partition changed.
    More,
    /// Of `OffsetOfTime`.
    OffsetOfTime {
        /// `NONE` if looked up.
        error: ErrorCode,
        /// -1: there is none.
        offset: Offset,
    },
}
