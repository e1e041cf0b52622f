//! A whole node on a seeded world: the real shards, server, store, log and journal, unchanged, over simulated sockets, disk,
//! clock and workers, in one thread.
//!
//! [`run`] makes a world of a seed ([`plan`]), lets clients loose on it ([`clients`]), and faults on both ([`faults`]). Whatever
//! a client is told must fit what all clients were told before ([`ledger`]). Afterwards the faults end, every client must come
//! to its end too, and everything is read once more. The same seed gives the same run, to the byte ([`trace`]).

mod clients;
mod clock;
mod control;
mod executor;
mod faults;
mod frames;
mod ledger;
mod link;
mod net;
mod plan;
mod process;
mod reach;
mod run;
mod storage;
mod survey;
mod topics;
mod trace;
mod world;

pub use reach::{Reached, Situation};
pub use run::{Failure, Outcome, run, seed_in_work};
pub use trace::last_events;
