//! Producers as a file: what a State refers to where there are too many for a State.
//!
//! ```text
//! 0 magic u32   4 crc32c u32 of all that follows   8 index u64   16 epoch i32   20 the snapshot
//! ```
//! Little-endian. Not Kafka's `.snapshot` format, which holds one batch a producer and would forget the other four. It is as
//! of `index`, whose element before has `epoch`: where the log has another one there, the file is of another past.

use model::{Epoch, LogIndex};

use super::Producers;

const MAGIC: [u8; 4] = *b"hrp\x01";
const HEADER_BYTES: usize = 20;

/// A file's content.
pub struct Stored {
    /// The producers are as of here.
    pub index: LogIndex,
    /// Epoch of the element before.
    pub epoch: Epoch,
    /// The producers.
    pub producers: Producers,
}

/// The bytes of a file.
#[must_use]
pub fn encode(index: LogIndex, epoch: Epoch, producers: &Producers) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&index.0.to_le_bytes());
    out.extend_from_slice(&epoch.0.to_le_bytes());
    out.extend_from_slice(&producers.snapshot());
    let crc = crc32c::crc32c(&out[8..]);
    out[4..8].copy_from_slice(&crc.to_le_bytes());
    out
}

/// Reads a file; `None` if it was not written whole.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Stored> {
    let (header, snapshot) = bytes.split_at_checked(HEADER_BYTES)?;
    let crc = u32::from_le_bytes(*header[4..].first_chunk()?);
    if header[..4] != MAGIC || crc != crc32c::crc32c(&bytes[8..]) {
        return None;
    }
    let index = LogIndex(u64::from_le_bytes(*header[8..].first_chunk()?));
    let epoch = Epoch(i32::from_le_bytes(*header[16..].first_chunk()?));
    let producers = Producers::from_snapshot(snapshot).ok()?;
    Some(Stored { index, epoch, producers })
}
