//! Work that may block (a commit, a write-behind, a cold read) runs off the loop and comes back as an event.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::storage::Storage;

/// Plain data that says what to do with storage, and does it. A job touches no state but files that are its own for the
/// time (one commit is in flight per journal, one write-behind per log), so jobs run in any order.
pub trait Job: Send + 'static {
    /// What came of it. Errors are values: the owner decides whether the process may go on.
    type Done: Send + 'static;
    /// Does the work; may block.
    fn run(self, storage: &dyn Storage) -> Self::Done;
}

/// Takes jobs and gives back what came of them: threads in the real node, a moment of the seed's choice in the simulator.
pub trait Executor<J: Job> {
    /// Hands a job over.
    fn submit(&mut self, job: J);
    /// Moves everything finished since the last call to the end of `done`.
    fn completed(&mut self, done: &mut Vec<J::Done>);
}

struct Shared<J: Job> {
    queue: Mutex<Queue<J>>,
    work: Condvar,
    done: Mutex<Vec<J::Done>>,
    wake: Box<dyn Fn() + Send + Sync>,
    storage: Arc<dyn Storage>,
}

struct Queue<J> {
    jobs: VecDeque<J>,
    stopping: bool,
}

/// A pool of threads. Dropping it runs what was submitted, then joins the threads.
pub struct Workers<J: Job> {
    shared: Arc<Shared<J>>,
    threads: Vec<JoinHandle<()>>,
}

impl<J: Job> Workers<J> {
    /// `threads` threads named `name`; `wake` is called (from them) after each finished job.
    #[must_use]
    pub fn start(
        name: &str,
        threads: usize,
        storage: Arc<dyn Storage>,
        wake: Box<dyn Fn() + Send + Sync>,
    ) -> Workers<J> {
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue { jobs: VecDeque::new(), stopping: false }),
            work: Condvar::new(),
            done: Mutex::new(Vec::new()),
            wake,
            storage,
        });
        let threads = (0..threads)
            .map(|_| {
                let shared = Arc::clone(&shared);
                crate::spawn(name, move || work(&shared))
            })
            .collect();
        Workers { shared, threads }
    }
}

impl<J: Job> Executor<J> for Workers<J> {
    fn submit(&mut self, job: J) {
        lock(&self.shared.queue).jobs.push_back(job);
        self.shared.work.notify_one();
    }

    fn completed(&mut self, done: &mut Vec<J::Done>) {
        done.append(&mut lock(&self.shared.done));
    }
}

impl<J: Job> Drop for Workers<J> {
    fn drop(&mut self) {
        lock(&self.shared.queue).stopping = true;
        self.shared.work.notify_all();
        for thread in self.threads.drain(..) {
            // A worker that panicked has already aborted the process through the panic hook.
            let _ = thread.join();
        }
    }
}

fn work<J: Job>(shared: &Shared<J>) {
    loop {
        let mut queue = lock(&shared.queue);
        let job = loop {
            if let Some(job) = queue.jobs.pop_front() {
                break job;
            }
            if queue.stopping {
                return;
            }
            queue = shared.work.wait(queue).unwrap_or_else(PoisonError::into_inner);
        };
        drop(queue);
        let done = job.run(&*shared.storage);
        lock(&shared.done).push(done);
        (shared.wake)();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
