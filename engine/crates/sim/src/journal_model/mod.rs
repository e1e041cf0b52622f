//! The journal's rules as an executable model over the real crates.
//!
//! A seeded run appends, truncates, removes, writes behind and checkpoints, with payloads that look like commits, and is ended anywhere: killed, or
//! without power, in the middle of a commit, of a write-behind, of recovery itself. What is recovered must be the state as
//! of the last acknowledged commit, or of the one in flight: for every group its terms, ends, markers and the bytes of every
//! batch. Recovering again must give the same. With a rule switched off the same search must find a violation.

mod directed;
mod oracle;
mod run;
mod world;

pub use directed::{DIRECTED, Directed};
pub use run::{Report, Violation, end_at_every_change, run, search, seed_in_work};
