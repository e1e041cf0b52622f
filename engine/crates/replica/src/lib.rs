//! What a partition asks of consensus, and a quorum of one.
//!
//! A replica takes events and gives effects; it sees no log, no clock and no network. The log's own duties: append what
//! `Effect::Append` says at its end, and tell when elements are durable.

mod replica;
mod solo;

pub use replica::{Effect, Event, Replica};
pub use solo::Solo;
