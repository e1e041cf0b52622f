//! `.timeindex`: entries {timestamp i64, offset relative to the base i32}, both rising, big-endian.
//!
//! An entry says: no record up to this batch (named by its last offset) has a larger timestamp, and this one has it first.

use std::io::Result as IoResult;

use io::File;
use io::storage::read_exact_at;
use model::Offset;

pub(super) const ENTRY_BYTES: usize = 12;

/// One entry, its offset absolute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub timestamp: i64,
    pub last_offset: Offset,
}

impl Entry {
    /// `None` if the segment has outgrown the format's 32 bits.
    pub fn encode(&self, base: Offset) -> Option<[u8; ENTRY_BYTES]> {
        let offset = i32::try_from(self.last_offset.0 - base.0).ok()?;
        let mut bytes = [0; ENTRY_BYTES];
        bytes[..8].copy_from_slice(&self.timestamp.to_be_bytes());
        bytes[8..].copy_from_slice(&offset.to_be_bytes());
        Some(bytes)
    }
}

/// Entry `n`, which is inside the file.
pub(super) fn entry(file: &dyn File, base: Offset, n: u64) -> IoResult<Entry> {
    let mut bytes = [0; ENTRY_BYTES];
    read_exact_at(file, &mut bytes, n * ENTRY_BYTES as u64)?;
    let [timestamp @ .., a, b, c, d] = bytes;
    let offset = i64::from(u32::from_be_bytes([a, b, c, d]));
    Ok(Entry { timestamp: i64::from_be_bytes(timestamp), last_offset: Offset(base.0.saturating_add(offset)) })
}
