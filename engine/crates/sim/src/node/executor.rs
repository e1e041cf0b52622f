//! Work off the loop, done when the world says so and told in any order.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use io::{Executor, Job, Rng, SplitMix, Storage};
use partition::{StoreDone, StoreJob};

use super::clock::NS_PER_MS;
use super::storage::FaultyDisk;

const CATCH_UP_NS: u64 = 500 * NS_PER_MS;

/// A job's result that is not told yet.
struct Finished {
    done: StoreDone,
    /// Whether it wrote a segment: until the journal names its mark, the file is ahead of what recovery believes.
    wrote_segment: bool,
}

#[derive(Default)]
struct Bench {
    waiting: VecDeque<StoreJob>,
    finished: Vec<Finished>,
    told: Vec<StoreDone>,
    stalled_until_ns: u64,
}

/// A pool of workers; clones are the same pool.
#[derive(Clone, Default)]
pub(super) struct SimExecutor(Arc<Mutex<Bench>>);

impl SimExecutor {
    fn lock(&self) -> MutexGuard<'_, Bench> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing is begun before this moment: a slow disk. Between two such times it catches up.
    pub fn stall(&self, now_ns: u64, until_ns: u64) {
        let mut bench = self.lock();
        if now_ns >= bench.stalled_until_ns + CATCH_UP_NS {
            bench.stalled_until_ns = until_ns;
        }
    }

    /// It is as fast as ever.
    pub fn resume(&self) {
        self.lock().stalled_until_ns = 0;
    }

    /// Whether a segment was written by a job that nobody has been told of.
    pub fn has_untold_segment(&self) -> bool {
        self.lock().finished.iter().any(|finished| finished.wrote_segment)
    }

    /// A job may be run, and a result told. True: something happened.
    pub fn step(&self, now_ns: u64, disk: &FaultyDisk, storage: &dyn Storage, rng: &mut SplitMix) -> bool {
        let mut bench = self.lock();
        let mut busy = false;
        if bench.stalled_until_ns <= now_ns && !bench.waiting.is_empty() && rng.below(4) > 0 {
            let at = rng.below(bench.waiting.len() as u64) as usize;
            let job = bench.waiting.remove(at).expect("drawn within");
            let before = disk.segment_writes();
            let done = job.run(storage);
            let wrote_segment = disk.segment_writes() > before;
            bench.finished.push(Finished { done, wrote_segment });
            busy = true;
        }
        if !bench.finished.is_empty() && rng.below(4) > 0 {
            let at = rng.below(bench.finished.len() as u64) as usize;
            let finished = bench.finished.remove(at);
            bench.told.push(finished.done);
            busy = true;
        }
        busy
    }
}

impl Executor<StoreJob> for SimExecutor {
    fn submit(&mut self, job: StoreJob) {
        self.lock().waiting.push_back(job);
    }

    fn completed(&mut self, done: &mut Vec<StoreDone>) {
        done.append(&mut self.lock().told);
    }
}
