//! Kafka's record batch, version 2: the unit of append, of checksum and of compression.
//!
//! Bytes in, bytes out: no I/O, no state. Nothing here panics on what a stranger sends, and nothing is allocated from a
//! length that a stranger declares. A batch is checked once when it arrives ([`check`]), stamped ([`stamp`]) and then kept
//! and served as it is.
//!
//! ```text
//!  0 base offset i64 | 8 batch length i32 | 12 leader epoch i32 | 16 magic i8 | 17 crc u32 |
//! 21 attributes i16 | 23 last offset delta i32 | 27 base timestamp i64 | 35 max timestamp i64 | 43 producer id i64 |
//! 51 producer epoch i16 | 53 base sequence i32 | 57 record count i32 | 61 records, compressed as one
//! ```
//! The CRC covers everything from the attributes on, so a broker may set offset and epoch without touching it.

mod builder;
mod check;
pub mod codec;
mod control;
mod error;
mod header;
mod recompress;
mod record;
mod varint;
mod walk;

pub use builder::{Builder, emptied};
pub use check::{
    Split, check, check_crc, check_sequence, set_log_append_time, set_max_timestamp, split, stamp, stored_crc,
};
pub use codec::{Codec, decompress, section};
pub use control::{ControlKind, EndMarker, claims_transaction, control_batch, control_kind, end_marker};
pub use error::BatchError;
pub use header::{Attributes, HEADER_BYTES, Header, MAGIC, OVERHEAD_BYTES, TimestampType};
pub use recompress::recompress;
pub use record::{Headers, Record, Records, records};
pub use walk::{Times, walk};
