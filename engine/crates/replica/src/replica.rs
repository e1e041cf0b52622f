//! The seam between a partition and consensus.

use journal::Marker;
use model::{Epoch, LogIndex};

/// Something that happened to the replica.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// Its log was opened and ends at `end` with an element of `epoch`; all of it is durable. A new log has no epoch.
    Opened {
        /// One past the last element.
        end: LogIndex,
        /// Epoch of the last element, [`Epoch::NONE`] if the log is new.
        epoch: Epoch,
        /// Elements behind `end` were lost: nothing new may carry their epoch.
        gave_up: bool,
    },
    /// The log holds everything below `end`.
    Appended {
        /// One past the last element.
        end: LogIndex,
    },
    /// Everything below `end` is durable here.
    Durable {
        /// One past the last durable element.
        end: LogIndex,
    },
}

/// What must be done about it, in the order given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Append this marker.
    Append(Marker),
    /// Everything below `commit` is on a quorum and stays for ever. Never falls.
    Committed {
        /// The commit index.
        commit: LogIndex,
    },
}

/// One member of a partition's consensus group.
pub trait Replica {
    /// Takes an event and adds what must be done to `effects`.
    fn step(&mut self, event: Event, effects: &mut Vec<Effect>);
    /// Whether it may append: it leads, and its EpochStart is in the log.
    fn leads(&self) -> bool;
    /// The epoch it knows of, [`Epoch::NONE`] before the first.
    fn epoch(&self) -> Epoch;
    /// One past the last element that is on a quorum.
    fn commit(&self) -> LogIndex;
}
