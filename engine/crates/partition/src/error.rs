//! How appends and reads fail, and the only places where that becomes one of Kafka's error codes.

use std::fmt;

use batch::BatchError;
use model::ErrorCode;

use crate::verifying::Guard;

/// Records of a batch that break a rule: the first one, and those of them that are among the next [`Blamed::NEXT`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Blamed {
    first: i32,
    next: u64,
}

impl Blamed {
    /// How far behind the first one records are still named: an answer does not grow with the batch that it refuses.
    pub const NEXT: i32 = u64::BITS.cast_signed();

    /// This one.
    #[must_use]
    pub const fn one(record: i32) -> Blamed {
        Blamed { first: record, next: 0 }
    }

    /// This one, and then another one behind it.
    #[must_use]
    pub const fn and(self, record: i32) -> Blamed {
        let behind = record - self.first;
        let next = if 0 < behind && behind <= Blamed::NEXT { 1 << (behind - 1) } else { 0 };
        Blamed { first: self.first, next: self.next | next }
    }

    /// Their places in the batch.
    pub fn records(self) -> impl Iterator<Item = i32> {
        let next = (1..=Blamed::NEXT).filter(move |behind| self.next >> (behind - 1) & 1 == 1);
        std::iter::once(0).chain(next).map(move |behind| self.first.saturating_add(behind))
    }
}

/// Why an append was refused, or failed after its order was fixed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AppendError {
    /// The partition is not (or no longer) here.
    UnknownPartition,
    /// The log does not end where the writer believes.
    UnexpectedEnd,
    /// Bytes that are not exactly one whole batch of format v2 as a client may send it.
    Batch(BatchError),
    /// No batch at all.
    NoBatch,
    /// A control batch from a client, a transactional one without a producer, a producer without an epoch, a largest timestamp that no record has.
    InvalidRecord,
    /// Records without keys in a compacted topic.
    NoKey(Blamed),
    /// Timestamps too far from the broker's clock; records without keys may be among them.
    InvalidTimestamp(Blamed),
    /// The batch is larger than `max.message.bytes`.
    TooLarge,
    /// The batch is larger than a segment.
    LargerThanSegment,
    /// A sequence number that does not follow the producer's last one.
    OutOfOrderSequence,
    /// A producer's epoch that was replaced by a newer one.
    FencedProducer,
    /// Of a coordinator that was replaced by a newer one.
    FencedCoordinator,
    /// A transactional batch in a request that names no transaction.
    NoTransactionalId,
    /// The producer's transaction is not open here: the coordinator is to be asked first.
    Unverified(Guard),
    /// A transactional batch after its transaction ended, or one that is not transactional while one is open.
    InvalidTransactionState,
    /// Too many transactions are open.
    TooManyTransactions,
    /// Too many transactions begin at once: the coordinator was not asked.
    TooManyVerifications,
    /// The journal has no room until segments are written.
    NoRoom,
    /// The disk is full.
    StorageFull,
    /// The partition's newest segment is not what it was when it was synced.
    Damaged,
}

/// The only place where append failures become Kafka error codes: no `_ =>`, a new failure must choose.
#[must_use]
pub const fn error_code(error: AppendError) -> ErrorCode {
    match error {
        AppendError::UnknownPartition => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        AppendError::UnexpectedEnd => ErrorCode::NOT_LEADER_OR_FOLLOWER,
        // To Kafka a batch that ends early is none.
        AppendError::Batch(BatchError::Short)
        | AppendError::NoBatch
        | AppendError::InvalidRecord
        | AppendError::NoKey(_) => ErrorCode::INVALID_RECORD,
        AppendError::Batch(error) => error.error_code(),
        AppendError::InvalidTimestamp(_) => ErrorCode::INVALID_TIMESTAMP,
        AppendError::TooLarge => ErrorCode::MESSAGE_TOO_LARGE,
        AppendError::LargerThanSegment => ErrorCode::RECORD_LIST_TOO_LARGE,
        AppendError::OutOfOrderSequence => ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER,
        AppendError::FencedProducer => ErrorCode::INVALID_PRODUCER_EPOCH,
        AppendError::FencedCoordinator => ErrorCode::TRANSACTION_COORDINATOR_FENCED,
        AppendError::NoTransactionalId => ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        AppendError::Unverified(_) | AppendError::InvalidTransactionState => ErrorCode::INVALID_TXN_STATE,
        AppendError::Damaged => ErrorCode::KAFKA_STORAGE_ERROR,
        // Every client retries it without asking for new metadata first, as it would for KAFKA_STORAGE_ERROR.
        AppendError::NoRoom
        | AppendError::StorageFull
        | AppendError::TooManyTransactions
        | AppendError::TooManyVerifications => ErrorCode::NOT_ENOUGH_REPLICAS,
    }
}

impl AppendError {
    /// Which records of the batch are to blame, and a sentence about them.
    #[must_use]
    pub const fn blamed(self) -> Option<(Blamed, &'static str)> {
        match self {
            AppendError::NoKey(records) => Some((records, "a compacted topic takes no record without a key")),
            AppendError::InvalidTimestamp(records) => {
                Some((records, "the timestamp is too far from the broker's clock"))
            }
            _ => None,
        }
    }

    /// Whether the answer tells the log start all the same: as in Kafka, it does where the log itself has judged the batch,
    /// unless it was found to be broken or too large.
    #[must_use]
    pub const fn tells_log_start(self) -> bool {
        match self {
            AppendError::Batch(error) => match error {
                BatchError::Codec(_)
                | BatchError::BaseOffset(_)
                | BatchError::Count { .. }
                | BatchError::Sequence(_)
                | BatchError::Record
                | BatchError::Trailing => true,
                BatchError::Short
                | BatchError::Length(_)
                | BatchError::MoreThanOne
                | BatchError::Magic(_)
                | BatchError::Crc
                | BatchError::Compressed(_)
                | BatchError::Bomb => false,
            },
            AppendError::InvalidRecord
            | AppendError::NoKey(_)
            | AppendError::InvalidTimestamp(_)
            | AppendError::OutOfOrderSequence
            | AppendError::FencedProducer
            | AppendError::FencedCoordinator
            | AppendError::InvalidTransactionState => true,
            AppendError::UnknownPartition
            | AppendError::UnexpectedEnd
            | AppendError::NoBatch
            | AppendError::TooLarge
            | AppendError::LargerThanSegment
            | AppendError::NoTransactionalId
            | AppendError::Unverified(_)
            | AppendError::TooManyTransactions
            | AppendError::TooManyVerifications
            | AppendError::NoRoom
            | AppendError::StorageFull
            | AppendError::Damaged => false,
        }
    }

    /// A sentence for a person, where the error code alone would leave questions.
    #[must_use]
    pub const fn message(self) -> Option<&'static str> {
        match self {
            AppendError::InvalidRecord => Some("the batch breaks a rule of the record format"),
            AppendError::TooManyTransactions => {
                Some("too many transactions are open in the partition; retry")
            }
            AppendError::TooManyVerifications => {
                Some("too many transactions begin in the partition at once; retry")
            }
            AppendError::NoRoom => Some("the journal is full until segments are written; retry"),
            AppendError::Damaged => Some("the partition's files are damaged; the broker's log says which"),
            AppendError::StorageFull => Some("the disk is full; retry after records were deleted"),
            AppendError::NoKey(_) | AppendError::InvalidTimestamp(_) => {
                Some("one or more records were rejected, and the batch with them")
            }
            _ => None,
        }
    }
}

impl From<BatchError> for AppendError {
    fn from(error: BatchError) -> AppendError {
        AppendError::Batch(error)
    }
}

/// Why a read was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FetchError {
    /// The partition is not (or no longer) here.
    UnknownPartition,
    /// The offset is below the log start or above the log end.
    OffsetOutOfRange,
    /// The reader's leader epoch is older than ours.
    FencedEpoch,
    /// The reader's leader epoch is newer than ours.
    UnknownEpoch,
    /// A file could not be read.
    Storage,
}

/// The only place where read failures become Kafka error codes.
#[must_use]
pub const fn fetch_error_code(error: FetchError) -> ErrorCode {
    match error {
        FetchError::UnknownPartition => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        FetchError::OffsetOutOfRange => ErrorCode::OFFSET_OUT_OF_RANGE,
        FetchError::FencedEpoch => ErrorCode::FENCED_LEADER_EPOCH,
        FetchError::UnknownEpoch => ErrorCode::UNKNOWN_LEADER_EPOCH,
        FetchError::Storage => ErrorCode::KAFKA_STORAGE_ERROR,
    }
}

/// Nothing may be acknowledged any more: the process must end. The text is for a person.
#[derive(Debug)]
pub struct Fatal(pub String);

impl Fatal {
    /// The shard cannot wait for its sockets.
    #[must_use]
    #[allow(clippy::needless_pass_by_value)] // so that it serves as an argument of map_err
    pub fn from_poll(error: std::io::Error) -> Fatal {
        Fatal(format!("cannot wait for network events: {error}"))
    }
}

impl fmt::Display for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fatal {}

/// The data directory cannot be opened. The text says what is wrong and what to do.
#[derive(Debug)]
pub struct OpenError(pub String);

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OpenError {}
