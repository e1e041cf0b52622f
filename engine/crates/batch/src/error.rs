//! What can be wrong with a batch.

use std::fmt;

use model::ErrorCode;

use crate::Codec;

/// Why bytes are not a batch, or not one that a client may send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BatchError {
    /// Fewer bytes than the header, or than the header's length field says.
    Short,
    /// The length field is below what a header needs.
    Length(i32),
    /// Bytes follow the batch where exactly one was expected.
    MoreThanOne,
    /// Not version 2 of the format.
    Magic(i8),
    /// The checksum does not match the bytes.
    Crc,
    /// The base offset of a new batch is not 0.
    BaseOffset(i64),
    /// No records, or a number that does not fit the last offset delta.
    Count {
        /// The header's record count.
        records: i32,
        /// The header's last offset delta.
        last_offset_delta: i32,
    },
    /// A producer id without a sequence number.
    Sequence(i32),
    /// The attributes name a codec that does not exist.
    Codec(i16),
    /// The compressed records can not be read.
    Compressed(Codec),
    /// The records are larger than allowed when decompressed.
    Bomb,
    /// A record's length, delta, key, value or headers do not fit.
    Record,
    /// Bytes are left behind the last record.
    Trailing,
}

impl BatchError {
    /// Kafka's code for it. No `_ =>`: a new failure must choose.
    #[must_use]
    pub const fn error_code(self) -> ErrorCode {
        match self {
            // Formats that were, and formats that never were.
            BatchError::Magic(0 | 1) => ErrorCode::INVALID_RECORD,
            BatchError::Short
            | BatchError::Length(_)
            | BatchError::Magic(_)
            | BatchError::Crc
            | BatchError::Compressed(_) => ErrorCode::CORRUPT_MESSAGE,
            BatchError::Codec(_) => ErrorCode::UNSUPPORTED_COMPRESSION_TYPE,
            BatchError::Bomb => ErrorCode::MESSAGE_TOO_LARGE,
            BatchError::MoreThanOne
            | BatchError::BaseOffset(_)
            | BatchError::Count { .. }
            | BatchError::Sequence(_)
            | BatchError::Record
            | BatchError::Trailing => ErrorCode::INVALID_RECORD,
        }
    }
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BatchError::Short => write!(f, "the batch ends early"),
            BatchError::Length(n) => write!(f, "a batch length of {n} is below its header"),
            BatchError::MoreThanOne => write!(f, "exactly one batch per partition is allowed"),
            BatchError::Magic(n) => write!(f, "magic {n} is not supported, only 2"),
            BatchError::Crc => write!(f, "the checksum does not match"),
            BatchError::BaseOffset(n) => write!(f, "the base offset of a new batch is 0, not {n}"),
            BatchError::Count { records, last_offset_delta } => {
                write!(f, "{records} records do not fit a last offset delta of {last_offset_delta}")
            }
            BatchError::Sequence(n) => write!(f, "a producer id needs a base sequence, not {n}"),
            BatchError::Codec(n) => write!(f, "codec {n} does not exist"),
            BatchError::Compressed(codec) => write!(f, "the {} bytes can not be read", codec.name()),
            BatchError::Bomb => write!(f, "the records are too large when decompressed"),
            BatchError::Record => write!(f, "a record does not fit its lengths"),
            BatchError::Trailing => write!(f, "bytes are left behind the last record"),
        }
    }
}

impl std::error::Error for BatchError {}
