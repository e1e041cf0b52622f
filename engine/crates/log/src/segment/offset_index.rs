//! `.index`: entries {offset relative to the base i32, position i32}, both rising, big-endian.
//!
//! An entry names a batch by its *last* offset and the position where it begins.

use std::io::Result as IoResult;

use io::File;
use io::storage::read_exact_at;
use model::Offset;

pub(super) const ENTRY_BYTES: usize = 8;

/// One entry, its offset absolute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub last_offset: Offset,
    pub position: u64,
}

impl Entry {
    /// `None` if the segment has outgrown the format's 32 bits.
    pub fn encode(&self, base: Offset) -> Option<[u8; ENTRY_BYTES]> {
        let offset = i32::try_from(self.last_offset.0 - base.0).ok()?.to_be_bytes();
        let position = i32::try_from(self.position).ok()?.to_be_bytes();
        let mut bytes = [0; ENTRY_BYTES];
        bytes[..4].copy_from_slice(&offset);
        bytes[4..].copy_from_slice(&position);
        Some(bytes)
    }
}

/// Entry `n`, which is inside the file.
pub(super) fn entry(file: &dyn File, base: Offset, n: u64) -> IoResult<Entry> {
    let mut bytes = [0; ENTRY_BYTES];
    read_exact_at(file, &mut bytes, n * ENTRY_BYTES as u64)?;
    let [a, b, c, d, e, f, g, h] = bytes;
    let offset = i64::from(u32::from_be_bytes([a, b, c, d]));
    Ok(Entry {
        last_offset: Offset(base.0.saturating_add(offset)),
        position: u64::from(u32::from_be_bytes([e, f, g, h])),
    })
}
