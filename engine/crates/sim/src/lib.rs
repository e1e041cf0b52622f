//! The engine on a seeded world in one thread.
//!
//! [`disk`] is a file system that keeps only what was synced; [`journal_model`] drives the real `journal` and `log` over it
//! with crashes everywhere and holds what is recovered against an oracle; [`node`] runs a whole node under clients and faults.

pub mod disk;
pub mod journal_model;
pub mod node;
