//! Kafka's segment files as functions over `io::Storage`: names, batches, sparse indexes, lookups.
//!
//! `00000000000000000000.log` holds batches one behind the other, exactly as they go over the wire; `.index` and
//! `.timeindex` point into it, `.txnindex` lists aborted transactions; `kafka-dump-log` reads them all. How far a `.log` counts comes from the journal (the
//! caller's `end`, or the `position` of an append): files may be longer, torn or stale behind it, and nothing there is
//! believed. A file that is shorter, or a broken batch before it, is rot and an `InvalidData` error, never repaired here.
//! Indexes are hints: what they say is checked against the batch they point to, and they are built again when they lie.

mod describe;
mod end;
mod indexes;
mod names;
mod offset_index;
mod open_files;
mod read;
mod scan;
mod time;
mod time_index;
pub mod txn_index;
mod write;

pub use describe::write_descriptions;
pub use end::end_before;
pub use indexes::{Indexed, NewIndexes};
pub use names::{
    Listing, bases, drop_indexes, index_path, list, log_path, time_index_path, txn_index_path, unlink,
};
pub use open_files::OpenFiles;
pub use read::{find, read, read_file};
pub(crate) use read::{read_batches, undamaged};
pub use scan::{Scan, scan};
pub use time::{find_time, find_time_in, find_time_in_file, max_timestamp};
pub use txn_index::Aborted;
pub use write::{Appended, Appending, PIECE_BYTES_MAX, append, cut, sync};

/// Bytes of batches between two index entries, `index.interval.bytes` (Kafka's default).
pub const INDEX_INTERVAL_BYTES: u32 = 4096;

/// A stored batch or file that is not what was once made durable.
pub(crate) fn rot(what: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, what)
}
