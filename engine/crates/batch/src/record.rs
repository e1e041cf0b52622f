//! Records inside a decompressed section.

use model::Offset;

use crate::{BatchError, Header, TimestampType, varint};

/// One record, borrowed from its section.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Place in the partition.
    pub offset: Offset,
    /// Milliseconds since 1970; the batch's maximum under LogAppendTime.
    pub timestamp: i64,
    /// `None` is null, which is not the empty key.
    pub key: Option<&'a [u8]>,
    /// `None` is null: a tombstone in a compacted log.
    pub value: Option<&'a [u8]>,
    /// In the producer's order; names may repeat.
    pub headers: Headers<'a>,
}

/// A record's headers: an iterator of name and value. Already checked.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    left: u32,
    bytes: &'a [u8],
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let name = nullable(&mut self.bytes).flatten();
        let value = nullable(&mut self.bytes);
        Some((name.expect("headers were checked with their record"), value.expect("as the name")))
    }
}

impl Headers<'_> {
    /// How many are left.
    #[must_use]
    pub fn count(&self) -> usize {
        self.left as usize
    }

    /// The encoded headers, as they are copied into another batch.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes
    }
}

/// The records of a batch whose section is decompressed.
///
/// Checked while going: lengths, the number of records, offset deltas that rise within the header's range (so `0..n-1`
/// where the header says that none is missing), and that nothing is left behind the last. Ends after the first error.
#[must_use]
pub fn records<'a>(header: &Header, section: &'a [u8]) -> Records<'a> {
    Records { header: *header, rest: section, left: header.record_count, delta_min: 0 }
}

/// Iterator of [`records`].
#[derive(Clone, Debug)]
pub struct Records<'a> {
    header: Header,
    rest: &'a [u8],
    left: i32,
    delta_min: i64,
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            let trailing = !self.rest.is_empty();
            self.rest = &[];
            return trailing.then_some(Err(BatchError::Trailing));
        }
        let record = self.read().ok_or(BatchError::Record);
        if record.is_ok() {
            self.left -= 1;
        } else {
            self.left = 0;
            self.rest = &[];
        }
        Some(record)
    }
}

impl<'a> Records<'a> {
    fn read(&mut self) -> Option<Record<'a>> {
        let mut body = sized(&mut self.rest)?;
        body = body.get(1..)?; // attributes: none are defined
        let timestamp_delta = varint::read_i64(&mut body)?;
        let offset_delta = i64::from(varint::read_i32(&mut body)?);
        if offset_delta < self.delta_min || offset_delta > i64::from(self.header.last_offset_delta) {
            return None;
        }
        let key = nullable(&mut body)?;
        let value = nullable(&mut body)?;
        let headers = headers(body)?;
        self.delta_min = offset_delta + 1;
        let timestamp = match self.header.attributes.timestamp_type() {
            TimestampType::CreateTime => self.header.base_timestamp.checked_add(timestamp_delta)?,
            TimestampType::LogAppendTime => self.header.max_timestamp,
        };
        Some(Record { offset: self.header.base_offset.plus(offset_delta), timestamp, key, value, headers })
    }
}

/// Checks a record's headers, which fill the rest of its body.
fn headers(mut body: &[u8]) -> Option<Headers<'_>> {
    let left = u32::try_from(varint::read_i32(&mut body)?).ok()?;
    let headers = Headers { left, bytes: body };
    for _ in 0..left {
        sized(&mut body)?; // a header's name is never null
        nullable(&mut body)?;
    }
    body.is_empty().then_some(headers)
}

/// Takes bytes that follow their length.
fn sized<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    nullable(bytes)?
}

/// Takes bytes that follow their length, where -1 says null.
fn nullable<'a>(bytes: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let length = varint::read_i32(bytes)?;
    if length == -1 {
        return Some(None);
    }
    let (taken, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    *bytes = rest;
    Some(Some(taken))
}
