//! A walk over the headers of a `.log`, with buffered reads and without the records.

use std::io::Result as IoResult;

use batch::{HEADER_BYTES, Header};
use io::File;
use io::storage::read_exact_at;
use model::Offset;

use super::rot;

/// Bytes read at once while batches are small.
const READ_BYTES: usize = 32 << 10;

/// Headers of the batches from `position` (where a batch begins) up to `end`. Ends after the first error.
///
/// A header that can not be read, offsets that do not rise, or a batch that reaches behind `end` is rot.
#[must_use]
pub fn scan(file: &dyn File, position: u64, end: u64) -> Scan<'_> {
    Scan {
        file,
        position,
        end,
        offset_min: Offset::ZERO,
        buffer: Vec::new(),
        buffer_at: position,
        sparse: false,
    }
}

/// Iterator of [`scan`]: where a batch begins, and its header.
pub struct Scan<'a> {
    file: &'a dyn File,
    position: u64,
    end: u64,
    offset_min: Offset,
    buffer: Vec<u8>,
    buffer_at: u64,
    /// The last batch was larger than a read: read headers alone.
    sparse: bool,
}

impl Iterator for Scan<'_> {
    type Item = IoResult<(u64, Header)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.position >= self.end {
            return None;
        }
        let item = self.read();
        if item.is_err() {
            self.position = self.end;
        }
        Some(item)
    }
}

impl Scan<'_> {
    fn read(&mut self) -> IoResult<(u64, Header)> {
        let at = self.position;
        let left = self.end - at;
        if left < HEADER_BYTES as u64 {
            return Err(rot("a segment ends within a batch"));
        }
        let header = Header::read(self.header_bytes(at)?).map_err(|_| rot("a stored batch has no header"))?;
        if header.total_bytes() as u64 > left || header.base_offset < self.offset_min {
            return Err(rot("a stored batch is out of place"));
        }
        self.offset_min = header.next_offset();
        self.sparse = header.total_bytes() > READ_BYTES;
        self.position = at + header.total_bytes() as u64;
        Ok((at, header))
    }

    fn header_bytes(&mut self, at: u64) -> IoResult<&[u8]> {
        let buffered = self.buffer_at + self.buffer.len() as u64;
        if at + HEADER_BYTES as u64 > buffered {
            let want = if self.sparse { HEADER_BYTES } else { READ_BYTES };
            let len = usize::try_from(self.end - at).unwrap_or(usize::MAX).min(want);
            self.buffer.resize(len, 0);
            read_exact_at(self.file, &mut self.buffer, at)?;
            self.buffer_at = at;
        }
        let from = usize::try_from(at - self.buffer_at).expect("within the buffer");
        Ok(&self.buffer[from..])
    }
}
