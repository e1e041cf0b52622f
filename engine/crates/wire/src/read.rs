//! Reading the protocol's primitives from bytes that a stranger sent.

use model::limits::TAGGED_FIELDS_MAX;

use crate::error::WireError;

type Result<T> = std::result::Result<T, WireError>;

/// The unread rest of a message. Nothing it gives out is longer than what it holds.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes }
    }

    /// How much is unread.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.bytes.len()
    }

    /// What is unread.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// Checks that everything has been read.
    pub fn finish(self) -> Result<()> {
        if self.bytes.is_empty() { Ok(()) } else { Err(WireError::TrailingBytes) }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (array, rest) = self.bytes.split_first_chunk::<N>().ok_or(WireError::Truncated)?;
        self.bytes = rest;
        Ok(*array)
    }

    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(n).ok_or(WireError::Truncated)?;
        self.bytes = rest;
        Ok(taken)
    }

    /// INT8.
    pub fn int8(&mut self) -> Result<i8> {
        Ok(i8::from_be_bytes(self.array()?))
    }

    /// INT16.
    pub fn int16(&mut self) -> Result<i16> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    /// INT32.
    pub fn int32(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    /// INT64.
    pub fn int64(&mut self) -> Result<i64> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    /// UUID; all zeros stand for none.
    pub fn uuid(&mut self) -> Result<[u8; 16]> {
        self.array()
    }

    /// UNSIGNED_VARINT: 32 bits in at most five bytes.
    pub fn unsigned_varint(&mut self) -> Result<u32> {
        let mut value: u32 = 0;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array::<1>()?;
            let bits = u32::from(byte & 0x7f);
            if shift == 28 && bits > 0xf {
                return Err(WireError::BadVarint);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(WireError::BadVarint)
    }

    /// A compact length: one more than the length, 0 for null.
    fn compact_len(&mut self) -> Result<Option<usize>> {
        let n = self.unsigned_varint()?;
        Ok(n.checked_sub(1).map(|n| n as usize))
    }

    /// A fixed-width length: -1 for null.
    fn len(n: i32) -> Result<Option<usize>> {
        match n {
            -1 => Ok(None),
            n => Ok(Some(usize::try_from(n).map_err(|_| WireError::BadLength)?)),
        }
    }

    /// STRING, or COMPACT_STRING if `flexible`; `None` is null.
    pub fn nullable_string(&mut self, flexible: bool) -> Result<Option<&'a str>> {
        let len = if flexible { self.compact_len()? } else { Self::len(i32::from(self.int16()?))? };
        let Some(len) = len else { return Ok(None) };
        if len > i16::MAX as usize {
            return Err(WireError::BadLength);
        }
        std::str::from_utf8(self.take(len)?).map(Some).map_err(|_| WireError::NotUtf8)
    }

    /// A string that must not be null.
    pub fn string(&mut self, flexible: bool) -> Result<&'a str> {
        self.nullable_string(flexible)?.ok_or(WireError::UnexpectedNull)
    }

    /// BYTES or RECORDS, compact if `flexible`; `None` is null.
    pub fn nullable_bytes(&mut self, flexible: bool) -> Result<Option<&'a [u8]>> {
        let len = if flexible { self.compact_len()? } else { Self::len(self.int32()?)? };
        len.map(|len| self.take(len)).transpose()
    }

    /// The element count of an array whose elements take at least `bytes_min` bytes each; `None` is null.
    pub fn nullable_count(&mut self, flexible: bool, bytes_min: usize) -> Result<Option<usize>> {
        let n = if flexible { self.compact_len()? } else { Self::len(self.int32()?)? };
        match n {
            Some(n) if n > self.remaining() / bytes_min.max(1) => Err(WireError::Truncated),
            n => Ok(n),
        }
    }

    /// The element count of an array that must not be null.
    pub fn count(&mut self, flexible: bool, bytes_min: usize) -> Result<usize> {
        self.nullable_count(flexible, bytes_min)?.ok_or(WireError::UnexpectedNull)
    }

    /// Tagged fields: `known` reads the ones it knows from exactly their bytes and says so; the others are skipped.
    pub fn tagged(&mut self, mut known: impl FnMut(u32, &mut Reader<'a>) -> Result<bool>) -> Result<()> {
        let count = self.unsigned_varint()? as usize;
        if count > TAGGED_FIELDS_MAX {
            return Err(WireError::BadTags);
        }
        let mut last: Option<u32> = None;
        for _ in 0..count {
            let tag = self.unsigned_varint()?;
            if last.is_some_and(|last| tag <= last) {
                return Err(WireError::BadTags);
            }
            last = Some(tag);
            let len = self.unsigned_varint()? as usize;
            let mut field = Reader::new(self.take(len)?);
            if known(tag, &mut field)? {
                field.finish()?;
            }
        }
        Ok(())
    }

    /// Tagged fields of which none is known, where there are any.
    pub fn no_tags(&mut self, flexible: bool) -> Result<()> {
        if flexible { self.tagged(|_, _| Ok(false)) } else { Ok(()) }
    }
}
