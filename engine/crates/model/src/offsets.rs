//! Three places that must never be mixed: a record's offset, a log entry's index, a byte's position.

use std::fmt;

/// Place of a record in its partition: what users see. Gapless as appended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Offset(pub i64);

impl Offset {
    /// The first offset of every partition.
    pub const ZERO: Offset = Offset(0);

    /// The offset `n` records later.
    #[must_use]
    pub fn plus(self, n: i64) -> Offset {
        Offset(self.0.checked_add(n).expect("offsets stay far below 2^63"))
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Place of an element (a record or a zero-width marker) in the Raft log, from 0; ends are exclusive.
///
/// `index of a record = its offset + markers at or before that offset`: both rise together, and the inverse is the same search.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct LogIndex(pub u64);

impl LogIndex {
    /// The index `n` elements later.
    #[must_use]
    pub fn plus(self, n: u64) -> LogIndex {
        LogIndex(self.0 + n)
    }
}

/// Byte in a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Position(pub u64);

/// The Raft term of an element; on Kafka's wire the leader epoch. Never negative once a leader exists.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Epoch(pub i32);

impl Epoch {
    /// "Not known" or "do not check" on the wire.
    pub const NONE: Epoch = Epoch(-1);
}

/// The four offsets every reader and writer of a partition must agree on; always read together.
///
/// Invariant: `log_start <= last_stable <= high_watermark <= log_end`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Watermarks {
    /// First offset a client may read; everything before it is gone.
    pub log_start: Offset,
    /// First offset of the oldest open transaction, or `high_watermark`. Exclusive.
    pub last_stable: Offset,
    /// One past the last record that a quorum holds. Exclusive. Never moves back.
    pub high_watermark: Offset,
    /// Offset the next record will get. Exclusive.
    pub log_end: Offset,
}
