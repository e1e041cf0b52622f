//! The front door: what a broker checks before it gives a batch its place, and the few bytes it then changes.

use model::{Epoch, Offset};

use crate::header::{ATTRIBUTES_AT, Attributes, CRC_AT, EPOCH_AT, MAX_TIMESTAMP_AT};
use crate::{BatchError, Header};

/// Checks that `bytes` are exactly one whole batch as a client sends it; the records are not decompressed.
///
/// Holds afterwards: lengths, magic, CRC, codec known, base offset 0, `record_count == last_offset_delta + 1 > 0`.
pub fn check(bytes: &[u8]) -> Result<Header, BatchError> {
    let header = Header::read(bytes)?;
    if header.total_bytes() > bytes.len() {
        return Err(BatchError::Short);
    }
    if header.total_bytes() < bytes.len() {
        return Err(BatchError::MoreThanOne);
    }
    check_crc(&header, bytes)?;
    header.attributes.codec()?;
    if header.base_offset != Offset::ZERO {
        return Err(BatchError::BaseOffset(header.base_offset.0));
    }
    if header.record_count == 0 || header.record_count - 1 != header.last_offset_delta {
        return Err(header.count_error());
    }
    Ok(header)
}

/// Checks that a producer id comes with a sequence number, as every client's does.
pub const fn check_sequence(header: &Header) -> Result<(), BatchError> {
    if header.producer_id >= 0 && header.base_sequence < 0 {
        return Err(BatchError::Sequence(header.base_sequence));
    }
    Ok(())
}

/// Checks the CRC of the batch at the front of `bytes`.
pub fn check_crc(header: &Header, bytes: &[u8]) -> Result<(), BatchError> {
    let covered = bytes.get(ATTRIBUTES_AT..header.total_bytes()).ok_or(BatchError::Short)?;
    if crc32c::crc32c(covered) == header.crc { Ok(()) } else { Err(BatchError::Crc) }
}

/// The CRC of one whole checked batch, and the byte from which on it covers it.
///
/// # Panics
/// If `bytes` are shorter than a header.
#[must_use]
pub fn stored_crc(bytes: &[u8]) -> (usize, u32) {
    (ATTRIBUTES_AT, u32::from_be_bytes(*bytes[CRC_AT..].first_chunk().expect("a batch has a header")))
}

/// Gives a checked batch its place. Both fields are outside the CRC.
///
/// # Panics
/// If `bytes` are shorter than a header.
pub fn stamp(bytes: &mut [u8], base_offset: Offset, epoch: Epoch) {
    bytes[0..8].copy_from_slice(&base_offset.0.to_be_bytes());
    bytes[EPOCH_AT..EPOCH_AT + 4].copy_from_slice(&epoch.0.to_be_bytes());
}

/// Makes the broker's clock the time of every record of one whole checked batch (`message.timestamp.type=LogAppendTime`):
/// maximum timestamp and attribute bit change, the records stay as they are, the CRC is made anew.
///
/// # Panics
/// If `bytes` are shorter than a header.
pub fn set_log_append_time(bytes: &mut [u8], now_ms: i64) {
    let attributes = i16::from_be_bytes([bytes[ATTRIBUTES_AT], bytes[ATTRIBUTES_AT + 1]]);
    let attributes = attributes | Attributes::LOG_APPEND_TIME;
    bytes[ATTRIBUTES_AT..ATTRIBUTES_AT + 2].copy_from_slice(&attributes.to_be_bytes());
    bytes[MAX_TIMESTAMP_AT..MAX_TIMESTAMP_AT + 8].copy_from_slice(&now_ms.to_be_bytes());
    seal(bytes);
}

/// Makes the header's largest timestamp the one that its records have; the CRC is made anew.
///
/// # Panics
/// If `bytes` are shorter than a header.
pub fn set_max_timestamp(bytes: &mut [u8], max_timestamp: i64) {
    bytes[MAX_TIMESTAMP_AT..MAX_TIMESTAMP_AT + 8].copy_from_slice(&max_timestamp.to_be_bytes());
    seal(bytes);
}

/// Writes the CRC of one whole batch.
pub(crate) fn seal(bytes: &mut [u8]) {
    let crc = crc32c::crc32c(&bytes[ATTRIBUTES_AT..]);
    bytes[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_be_bytes());
}

/// Batches that stand one behind the other; ends after the first error. CRCs are not checked.
#[must_use]
pub fn split(bytes: &[u8]) -> Split<'_> {
    Split { rest: bytes }
}

/// Iterator of [`split`].
#[derive(Clone, Debug)]
pub struct Split<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Split<'a> {
    type Item = Result<(Header, &'a [u8]), BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let next = Header::read(self.rest).and_then(|header| {
            let (batch, rest) = self.rest.split_at_checked(header.total_bytes()).ok_or(BatchError::Short)?;
            Ok((header, batch, rest))
        });
        match next {
            Ok((header, batch, rest)) => {
                self.rest = rest;
                Some(Ok((header, batch)))
            }
            Err(e) => {
                self.rest = &[];
                Some(Err(e))
            }
        }
    }
}
