//! Time, in two kinds: one that only rises, for waiting, and one that people read.

use std::time::{SystemTime, UNIX_EPOCH};

/// Where the engine learns the time. Nothing else in the workspace reads a clock.
pub trait Clock: Send + Sync {
    /// Nanoseconds since some fixed moment; never goes back. For timeouts and measuring.
    fn monotonic_ns(&self) -> u64;
    /// Milliseconds since 1970-01-01T00:00:00Z; may jump. For record timestamps and retention.
    fn wall_ms(&self) -> i64;
}

/// The machine's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn monotonic_ns(&self) -> u64 {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `now` is a valid timespec to write to, and CLOCK_MONOTONIC exists on every supported system.
        #[allow(unsafe_code)]
        let failed = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
        assert_eq!(failed, 0, "CLOCK_MONOTONIC exists everywhere");
        u64::try_from(now.tv_sec).expect("monotonic time is positive") * 1_000_000_000
            + u64::try_from(now.tv_nsec).expect("nanoseconds are positive")
    }

    #[allow(clippy::disallowed_methods)] // this is the one place that reads the wall clock
    fn wall_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}
