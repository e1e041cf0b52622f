//! Runs of seeds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use super::reach::Reached;
use super::trace;
use super::world::World;

/// A run that went well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Over everything that happened: the same for the same seed, on every machine.
    pub hash: u64,
    /// Rare situations that it met.
    pub reached: Reached,
    /// Records acknowledged.
    pub acked: u64,
    /// Records read.
    pub read: u64,
}

/// A run that showed something that must not be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// What was found.
    pub what: String,
    /// What happened before, newest last.
    pub events: String,
}

static SEED: AtomicU64 = AtomicU64::new(0);

/// The seed of the run that is under way: what an assertion's message needs.
pub fn seed_in_work() -> u64 {
    SEED.load(Ordering::Relaxed)
}

/// Runs one seed; `aloud` prints every event.
pub fn run(seed: u64, aloud: bool) -> Result<Outcome, Failure> {
    SEED.store(seed, Ordering::Relaxed);
    trace::begin(seed, aloud);
    let mut world = World::new(seed);
    let ran = catch_unwind(AssertUnwindSafe(|| world.run()));
    let what = match ran {
        Ok(Ok(())) => {
            let (acked, read) = (world.ledger.acked, world.ledger.read);
            return Ok(Outcome { hash: trace::hash(), reached: world.reached, acked, read });
        }
        Ok(Err(what)) => what,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            format!("panic: {}", text.unwrap_or_default())
        }
    };
    Err(Failure { seed, what, events: trace::last_events() })
}
