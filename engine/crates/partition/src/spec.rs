//! What is asked of partitions and what they answer: plain data.

use std::sync::Arc;

use journal::Bytes;
use model::{Epoch, ErrorCode, GroupId, Offset, PartitionIndex, TopicId, Watermarks};

use crate::config::TopicConfig;
use crate::error::{AppendError, FetchError};
use crate::verifying::Guard;

/// The moment of a turn; every call in it is given the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Now {
    /// For waiting; only rises.
    pub monotonic_ns: u64,
    /// For timestamps and retention; may jump.
    pub wall_ms: i64,
}

/// Names whoever waits. Chosen by the caller and only given back, in a [`Wake`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct WaiterToken(pub u64);

/// When a client's append counts as done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Acks {
    /// Never mind (acks=0).
    None,
    /// It is durable on the leader (acks=1).
    Leader,
    /// It is durable on a quorum (acks=all).
    All,
}

/// Who appends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A client, by Produce: its batch is validated in full.
    Client {
        /// When it counts as done.
        acks: Acks,
    },
    /// The same, in a request that names a transaction.
    Transactional {
        /// When it counts as done.
        acks: Acks,
        /// Whether the transaction's coordinator knows that this partition is part of it.
        verified: Verified,
    },
    /// A state machine of our own; acknowledged when durable on a quorum.
    Coordinator {
        /// Refuse unless the log ends here now.
        expected_end: Option<Offset>,
        /// It makes room (a topic is deleted): a full journal takes it where it takes no other.
        makes_room: bool,
    },
}

impl Origin {
    /// When the append counts as done.
    #[must_use]
    pub const fn acks(self) -> Acks {
        match self {
            Origin::Client { acks } | Origin::Transactional { acks, .. } => acks,
            Origin::Coordinator { .. } => Acks::All,
        }
    }

    /// Whether a full journal takes it where it takes no other.
    #[must_use]
    pub const fn makes_room(self) -> bool {
        matches!(self, Origin::Coordinator { makes_room: true, .. })
    }
}

/// What is known of a transaction that an append may begin here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verified {
    /// Nothing: if it is not open here the append is refused ([`AppendError::Unverified`]).
    No,
    /// Its coordinator was asked, since the append was refused with this guard.
    Yes(Guard),
    /// Nobody asks (`transaction.partition.verification.enable=false`).
    Unasked,
}

impl Verified {
    /// What the append shows.
    #[must_use]
    pub const fn guard(self) -> Option<Guard> {
        match self {
            Verified::Yes(guard) => Some(guard),
            Verified::No | Verified::Unasked => None,
        }
    }
}

/// An append whose order is fixed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Appended {
    /// Offset of the first record; of a duplicate, where the original stands.
    pub base_offset: Offset,
    /// One past the last record.
    pub end_offset: Offset,
    /// The broker's time if the topic asks for it, else -1; of a duplicate, the original's newest time.
    pub log_append_time_ms: i64,
    /// The log start.
    pub log_start: Offset,
    /// Whether it counts as done already. If not, [`Wake::Acked`] tells.
    pub acknowledged: bool,
}

/// An append that was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refused {
    /// Why.
    pub error: AppendError,
    /// The log start, if the answer tells it, else -1.
    pub log_start: Offset,
}

/// How far a fetch may see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Isolation {
    /// Up to the high watermark.
    ReadUncommitted,
    /// Up to the last stable offset.
    ReadCommitted,
}

impl Isolation {
    /// From the protocol's number.
    #[must_use]
    pub const fn from_wire(level: i8) -> Isolation {
        if level == 1 { Isolation::ReadCommitted } else { Isolation::ReadUncommitted }
    }

    /// Whether Kafka knows no such level.
    #[must_use]
    pub const fn is_strange(level: i8) -> bool {
        !matches!(level, 0 | 1)
    }

    /// The end of what may be seen.
    #[must_use]
    pub const fn end(self, watermarks: &Watermarks) -> Offset {
        match self {
            Isolation::ReadUncommitted => watermarks.high_watermark,
            Isolation::ReadCommitted => watermarks.last_stable,
        }
    }
}

/// A read of one partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FetchSpec {
    /// The partition.
    pub group: GroupId,
    /// Where to read from.
    pub from: Offset,
    /// No more bytes than this.
    pub bytes_max: usize,
    /// Give one whole batch even if it is larger than `bytes_max`.
    pub at_least_one: bool,
    /// How far the reader may see.
    pub isolation: Isolation,
    /// The reader's idea of the leader epoch; [`Epoch::NONE`] does not check.
    pub current_epoch: Epoch,
    /// Epoch of the last record the reader has; [`Epoch::NONE`] does not check.
    pub last_fetched_epoch: Epoch,
}

/// What a partition had.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The partition's offsets, as of the read.
    pub watermarks: Watermarks,
    /// Whole batches; the first one holds the record asked for (and maybe some before it).
    pub data: Vec<Bytes>,
    /// Bytes in `data`.
    pub bytes: usize,
    /// Producer and first offset of aborted transactions with records in `data`; only for readers of committed records.
    pub aborted: Vec<(i64, Offset)>,
    /// Where the reader's log left ours: it must cut there and read on. `data` is empty then.
    pub diverging: Option<(Epoch, Offset)>,
}

impl Fetched {
    /// Where to read on; `None` if there is no batch.
    #[must_use]
    pub fn next_offset(&self) -> Option<Offset> {
        let (header, _) = batch::split(self.data.last()?).filter_map(Result::ok).last()?;
        Some(header.next_offset())
    }
}

/// A read's outcome.
#[derive(Debug)]
pub enum Fetch {
    /// Here it is.
    Ready(Fetched),
    /// It must come from a file; [`Wake::Read`] brings it.
    Cold,
}

/// Which offset belongs to a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListQuery {
    /// The partition.
    pub group: GroupId,
    /// Milliseconds, or one of the special times of `wire::list_offsets`.
    pub timestamp: i64,
    /// What the latest offset is.
    pub isolation: Isolation,
    /// The asker's idea of the leader epoch; [`Epoch::NONE`] does not check.
    pub current_epoch: Epoch,
}

/// The offset that was found. Nothing found: -1 in all three.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListedOffset {
    /// The record's timestamp, -1 for the special times that name no record.
    pub timestamp: i64,
    /// Its offset.
    pub offset: Offset,
    /// Its leader epoch.
    pub epoch: Epoch,
}

impl ListedOffset {
    /// Nothing found.
    pub const NONE: ListedOffset = ListedOffset { timestamp: -1, offset: Offset(-1), epoch: Epoch::NONE };
}

/// A look-up's outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Listed {
    /// Here it is.
    Ready(ListedOffset),
    /// A batch must be opened; [`Wake::Listed`] brings it.
    Pending,
}

/// Where a leader epoch ends (OffsetForLeaderEpoch).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EpochEnd {
    /// The largest epoch at or below the one asked about; [`Epoch::NONE`] if there is none.
    pub epoch: Epoch,
    /// Where it ends, -1 if there is none.
    pub end_offset: Offset,
}

/// A log start that moved, or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeletedRecords {
    /// The log start that holds.
    pub log_start: Offset,
    /// Whether it counts as done already. If not, [`Wake::Acked`] tells.
    pub acknowledged: bool,
}

/// One partition's log in numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogInfo {
    /// The partition's group.
    pub group: GroupId,
    /// The leader epoch.
    pub epoch: Epoch,
    /// The four offsets.
    pub watermarks: Watermarks,
    /// Bytes of batches stored.
    pub size_bytes: u64,
}

/// An idempotent producer as a partition remembers it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProducerInfo {
    /// Its id.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// Sequence number of its last record.
    pub last_sequence: i32,
    /// Largest timestamp of its last batch.
    pub last_timestamp_ms: i64,
    /// Of the coordinator that wrote its last marker, -1 if there was none.
    pub coordinator_epoch: i32,
    /// First offset of its open transaction.
    pub transaction_start: Option<Offset>,
}

/// A topic as far as this shard is concerned.
#[derive(Clone, Debug)]
pub struct TopicSpec {
    /// Its id.
    pub topic_id: TopicId,
    /// Its name.
    pub name: Arc<str>,
    /// Whether only the node itself writes to it.
    pub internal: bool,
    /// Its effective configuration.
    pub config: TopicConfig,
    /// Those of its partitions that live on this shard.
    pub partitions: Vec<(GroupId, PartitionIndex)>,
}

/// Something that somebody waited for.
#[derive(Debug)]
pub enum Wake {
    /// An append (or a move of the log start) counts as done, or failed after its order was fixed.
    Acked {
        /// Who waits.
        token: WaiterToken,
        /// How it ended.
        result: Result<(), AppendError>,
    },
    /// A watched partition has more than before, or changed in a way that its readers must learn of.
    Data {
        /// Who watches; the watch is over.
        token: WaiterToken,
    },
    /// A cold read.
    Read {
        /// Who waits.
        token: WaiterToken,
        /// What was read.
        result: Result<Fetched, FetchError>,
    },
    /// A look-up by time.
    Listed {
        /// Who waits.
        token: WaiterToken,
        /// What was found.
        result: Result<ListedOffset, ErrorCode>,
    },
}
