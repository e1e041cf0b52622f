//! The 61 bytes before the records.

use model::{Epoch, Offset};

use crate::{BatchError, Codec};

/// Bytes before the records.
pub const HEADER_BYTES: usize = 61;
/// Base offset and length: what the length field does not count.
pub const OVERHEAD_BYTES: usize = 12;
/// The format's version, the only one supported.
pub const MAGIC: i8 = 2;

pub(crate) const EPOCH_AT: usize = 12;
pub(crate) const CRC_AT: usize = 17;
pub(crate) const ATTRIBUTES_AT: usize = 21;
pub(crate) const MAX_TIMESTAMP_AT: usize = 35;

/// Who set the timestamps of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimestampType {
    /// The producer, one for each record.
    CreateTime,
    /// The broker, one for the whole batch.
    LogAppendTime,
}

/// The attributes field: codec in bits 0 to 2, then flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Attributes(pub i16);

impl Attributes {
    pub(crate) const CODEC: i16 = 0b111;
    pub(crate) const LOG_APPEND_TIME: i16 = 1 << 3;
    pub(crate) const TRANSACTIONAL: i16 = 1 << 4;
    pub(crate) const CONTROL: i16 = 1 << 5;
    pub(crate) const DELETE_HORIZON: i16 = 1 << 6;

    /// How the records are compressed.
    pub fn codec(self) -> Result<Codec, BatchError> {
        Codec::of_id(self.0 & Attributes::CODEC).ok_or(BatchError::Codec(self.0 & Attributes::CODEC))
    }

    /// The same flags with another codec.
    #[must_use]
    pub fn with_codec(self, codec: Codec) -> Attributes {
        Attributes(self.0 & !Attributes::CODEC | codec.id())
    }

    /// Whose timestamps they are.
    #[must_use]
    pub const fn timestamp_type(self) -> TimestampType {
        if self.0 & Attributes::LOG_APPEND_TIME == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::LogAppendTime
        }
    }

    /// Part of a transaction.
    #[must_use]
    pub const fn is_transactional(self) -> bool {
        self.0 & Attributes::TRANSACTIONAL != 0
    }

    /// Written by a broker for brokers and clients' libraries; users do not see its records.
    #[must_use]
    pub const fn is_control(self) -> bool {
        self.0 & Attributes::CONTROL != 0
    }

    /// The base timestamp is the time from which compaction may drop the batch's tombstones (KIP-534).
    #[must_use]
    pub const fn has_delete_horizon(self) -> bool {
        self.0 & Attributes::DELETE_HORIZON != 0
    }
}

/// A batch's header as read: lengths and magic hold, nothing else is checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the protocol's own fields
pub struct Header {
    pub base_offset: Offset,
    /// Bytes from the leader epoch on, so without [`OVERHEAD_BYTES`].
    pub batch_length: i32,
    /// Leader epoch, stamped by the leader.
    pub epoch: Epoch,
    pub magic: i8,
    pub crc: u32,
    pub attributes: Attributes,
    pub last_offset_delta: i32,
    pub base_timestamp: i64,
    pub max_timestamp: i64,
    /// -1: the producer is not idempotent.
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
    pub record_count: i32,
}

impl Header {
    /// Reads the header of the batch at the front of `bytes`; the records need not be there.
    pub fn read(bytes: &[u8]) -> Result<Header, BatchError> {
        let bytes: &[u8; HEADER_BYTES] = bytes.first_chunk().ok_or(BatchError::Short)?;
        let header = Header {
            base_offset: Offset(i64::from_be_bytes(field(bytes, 0))),
            batch_length: i32::from_be_bytes(field(bytes, 8)),
            epoch: Epoch(i32::from_be_bytes(field(bytes, EPOCH_AT))),
            magic: i8::from_be_bytes(field(bytes, 16)),
            crc: u32::from_be_bytes(field(bytes, CRC_AT)),
            attributes: Attributes(i16::from_be_bytes(field(bytes, ATTRIBUTES_AT))),
            last_offset_delta: i32::from_be_bytes(field(bytes, 23)),
            base_timestamp: i64::from_be_bytes(field(bytes, 27)),
            max_timestamp: i64::from_be_bytes(field(bytes, MAX_TIMESTAMP_AT)),
            producer_id: i64::from_be_bytes(field(bytes, 43)),
            producer_epoch: i16::from_be_bytes(field(bytes, 51)),
            base_sequence: i32::from_be_bytes(field(bytes, 53)),
            record_count: i32::from_be_bytes(field(bytes, 57)),
        };
        if header.magic != MAGIC {
            return Err(BatchError::Magic(header.magic));
        }
        // Bounded at both ends here, so that `total_bytes`, `last_offset` and `next_offset` are total.
        let length_min = (HEADER_BYTES - OVERHEAD_BYTES) as i32;
        if header.batch_length < length_min || header.batch_length > i32::MAX - OVERHEAD_BYTES as i32 {
            return Err(BatchError::Length(header.batch_length));
        }
        if header.last_offset_delta < 0 || header.record_count < 0 {
            return Err(header.count_error());
        }
        if header.base_offset.0 < 0 || header.base_offset.0 > i64::MAX / 2 {
            return Err(BatchError::BaseOffset(header.base_offset.0));
        }
        Ok(header)
    }

    /// Writes the header over the first [`HEADER_BYTES`] bytes, the CRC as it stands in the struct.
    pub(crate) fn write(&self, bytes: &mut [u8]) {
        bytes[0..8].copy_from_slice(&self.base_offset.0.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.batch_length.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.epoch.0.to_be_bytes());
        bytes[16..17].copy_from_slice(&self.magic.to_be_bytes());
        bytes[17..21].copy_from_slice(&self.crc.to_be_bytes());
        bytes[21..23].copy_from_slice(&self.attributes.0.to_be_bytes());
        bytes[23..27].copy_from_slice(&self.last_offset_delta.to_be_bytes());
        bytes[27..35].copy_from_slice(&self.base_timestamp.to_be_bytes());
        bytes[35..43].copy_from_slice(&self.max_timestamp.to_be_bytes());
        bytes[43..51].copy_from_slice(&self.producer_id.to_be_bytes());
        bytes[51..53].copy_from_slice(&self.producer_epoch.to_be_bytes());
        bytes[53..57].copy_from_slice(&self.base_sequence.to_be_bytes());
        bytes[57..61].copy_from_slice(&self.record_count.to_be_bytes());
    }

    /// Bytes of the whole batch.
    #[must_use]
    pub fn total_bytes(&self) -> usize {
        usize::try_from(self.batch_length).expect("checked when read") + OVERHEAD_BYTES
    }

    /// Offset of the last record (of the last that there was, after compaction).
    #[must_use]
    pub fn last_offset(&self) -> Offset {
        self.base_offset.plus(i64::from(self.last_offset_delta))
    }

    /// Offset that follows the batch.
    #[must_use]
    pub fn next_offset(&self) -> Offset {
        self.last_offset().plus(1)
    }

    /// Sequence number of the last record; it wraps from `i32::MAX` to 0. -1 without a producer.
    #[must_use]
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence < 0 {
            return self.base_sequence;
        }
        let last = (i64::from(self.base_sequence) + i64::from(self.last_offset_delta)) % (1 << 31);
        i32::try_from(last).expect("a remainder of 2^31 fits")
    }

    pub(crate) fn count_error(&self) -> BatchError {
        BatchError::Count { records: self.record_count, last_offset_delta: self.last_offset_delta }
    }
}

fn field<const N: usize>(bytes: &[u8; HEADER_BYTES], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("a range of N bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            base_offset: Offset(7),
            batch_length: 49,
            epoch: Epoch(3),
            magic: MAGIC,
            crc: 0xdead_beef,
            attributes: Attributes(0b101_0100),
            last_offset_delta: 4,
            base_timestamp: -1,
            max_timestamp: 1 << 40,
            producer_id: 9,
            producer_epoch: 2,
            base_sequence: i32::MAX - 1,
            record_count: 5,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut bytes = [0; HEADER_BYTES];
        header().write(&mut bytes);
        assert_eq!(Header::read(&bytes), Ok(header()));
        assert_eq!(header().next_offset(), Offset(12));
        assert_eq!(header().attributes.codec(), Ok(Codec::Zstd));
        assert!(header().attributes.has_delete_horizon() && header().attributes.is_transactional());
    }

    #[test]
    fn sequences_wrap_to_zero() {
        assert_eq!(header().last_sequence(), 2); // MAX-1, MAX, 0, 1, 2
    }

    #[test]
    fn fields_that_would_overflow_are_refused() {
        let cases: [fn(&mut Header); 5] = [
            |h| h.batch_length = 48,
            |h| h.batch_length = i32::MAX,
            |h| h.last_offset_delta = -1,
            |h| h.record_count = -1,
            |h| h.base_offset = Offset(i64::MAX),
        ];
        for change in cases {
            let mut bytes = [0; HEADER_BYTES];
            let mut wrong = header();
            change(&mut wrong);
            wrong.write(&mut bytes);
            assert!(Header::read(&bytes).is_err());
        }
    }
}
