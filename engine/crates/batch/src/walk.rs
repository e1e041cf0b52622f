//! Whether the records of a batch are records, at the price that every produced batch can pay: nothing is made of them.

use crate::varint::{read_i32, read_i64};
use crate::{BatchError, Header};

/// The smallest and the largest timestamp of a batch's records, as CreateTime.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Times {
    /// Milliseconds since 1970; `i64::MAX` if there is no record.
    pub earliest: i64,
    /// Milliseconds since 1970; `i64::MIN` if there is no record.
    pub latest: i64,
}

/// Checks what [`crate::records`] checks while it goes, without giving the records out.
pub fn walk(header: &Header, section: &[u8]) -> Result<Times, BatchError> {
    let mut rest = section;
    let mut times = Times { earliest: i64::MAX, latest: i64::MIN };
    let (mut delta_min, delta_max) = (0, i64::from(header.last_offset_delta));
    for _ in 0..header.record_count {
        let (timestamp_delta, offset_delta) = record(&mut rest).ok_or(BatchError::Record)?;
        if offset_delta < delta_min || offset_delta > delta_max {
            return Err(BatchError::Record);
        }
        delta_min = offset_delta + 1;
        let time = header.base_timestamp.checked_add(timestamp_delta).ok_or(BatchError::Record)?;
        times = Times { earliest: times.earliest.min(time), latest: times.latest.max(time) };
    }
    if rest.is_empty() { Ok(times) } else { Err(BatchError::Trailing) }
}

/// Takes one record: the deltas of its timestamp and its offset.
#[inline]
fn record(rest: &mut &[u8]) -> Option<(i64, i64)> {
    let length = usize::try_from(read_i32(rest)?).ok()?;
    let (mut body, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    body = body.get(1..)?; // attributes: none are defined
    let timestamp_delta = read_i64(&mut body)?;
    let offset_delta = i64::from(read_i32(&mut body)?);
    skip_nullable(&mut body)?; // key
    skip_nullable(&mut body)?; // value
    let headers = u32::try_from(read_i32(&mut body)?).ok()?;
    for _ in 0..headers {
        skip(&mut body)?; // a header's name is never null
        skip_nullable(&mut body)?;
    }
    body.is_empty().then_some((timestamp_delta, offset_delta))
}

#[inline]
fn skip_nullable(bytes: &mut &[u8]) -> Option<()> {
    if let [NULL_LENGTH, rest @ ..] = *bytes {
        *bytes = rest;
        return Some(());
    }
    skip(bytes)
}

#[inline]
fn skip(bytes: &mut &[u8]) -> Option<()> {
    let length = usize::try_from(read_i32(bytes)?).ok()?;
    *bytes = bytes.get(length..)?;
    Some(())
}

/// -1 as a varint.
const NULL_LENGTH: u8 = 1;
