//! Time that the world moves: one clock that only rises, one that jumps when a fault says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use io::Clock;

/// 2026-01-01T00:00:00Z, when every run begins.
const BEGIN_MS: i64 = 1_767_225_600_000;
pub(super) const NS_PER_MS: u64 = 1_000_000;

/// The node's clock; clones are the same clock.
#[derive(Clone, Default)]
pub(super) struct SimClock(Arc<Hands>);

#[derive(Default)]
struct Hands {
    monotonic_ns: AtomicU64,
    jumped_ms: AtomicI64,
}

impl SimClock {
    pub fn advance(&self, ns: u64) {
        self.0.monotonic_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// The wall clock is set, forward or back.
    pub fn jump(&self, ms: i64) {
        self.0.jumped_ms.fetch_add(ms, Ordering::Relaxed);
    }

    pub fn now_ns(&self) -> u64 {
        self.0.monotonic_ns.load(Ordering::Relaxed)
    }
}

impl Clock for SimClock {
    fn monotonic_ns(&self) -> u64 {
        self.now_ns()
    }

    fn wall_ms(&self) -> i64 {
        let passed = i64::try_from(self.now_ns() / NS_PER_MS).expect("a run is short");
        BEGIN_MS + passed + self.0.jumped_ms.load(Ordering::Relaxed)
    }
}
