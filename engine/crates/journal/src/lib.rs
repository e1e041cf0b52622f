//! One order for everything that a shard makes durable.
//!
//! A turn of the shard collects [`Record`]s in one buffer; [`Journal::seal`] makes of it a [`Commit`]: one aligned write and
//! one sync, however many partitions the turn touched. A commit holds whole or not at all. Files are recycled, so a commit
//! touches no file-system metadata. At start the commits are replayed in order; the last one is written again first,
//! because it may be readable and yet not durable.

pub mod bytes;
mod checksum;
pub mod commit;
pub mod error;
pub mod frame;
pub mod job;
mod journal;
mod memory;
mod open;
pub mod record;
mod ring;
pub mod rules;
mod salvage;
mod scan;
pub mod state;
mod turn;

pub use bytes::Bytes;
pub use error::{Fatal, OpenError};
pub use job::{Cold, ColdRead, Commit, CommitDone, FileMade, MakeFile};
pub use journal::{Committed, GroupMark, Journal, Options, Place};
pub use open::{Replay, Replayed};
pub use record::{Marker, Record, UnknownKind};
pub use state::{Base, Flushed, Segment, State};
