//! The world as the engine sees it: a clock, storage, a network, randomness and worker threads, each a trait.
//!
//! The real ones are here too; the simulator brings its own. This is the only crate that may say `unsafe`, and the only
//! one that reads a clock, opens a file or a socket, or starts a thread.

pub mod aligned;
pub mod clock;
pub mod net;
pub mod real_net;
pub mod real_storage;
pub mod rng;
pub mod storage;
pub mod stream;
pub mod workers;

pub use aligned::AlignedBuf;
pub use clock::{Clock, SystemClock};
pub use net::{Net, NetEvent, NetToken};
pub use real_net::{RealNet, Waker};
pub use real_storage::RealStorage;
pub use rng::{OsRng, Rng, SplitMix};
pub use storage::{File, OpenMode, Storage};
pub use workers::{Executor, Job, Workers};

use std::thread::JoinHandle;

/// Starts a thread that takes no signals: they are for the process's main thread.
///
/// # Panics
/// If the system has no thread to give.
#[allow(clippy::disallowed_methods, clippy::needless_pass_by_value)] // this is where threads are started
pub fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            block_signals();
            body();
        })
        .expect("the system has a thread to give")
}

fn block_signals() {
    // SAFETY: sigset_t is plain data; sigfillset and pthread_sigmask only write to the set given.
    #[allow(unsafe_code)]
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, std::ptr::null_mut());
    }
}

/// Takes as many descriptors as the system lets this process have, as servers do; gives how many it may open in all.
#[must_use]
pub fn raise_descriptor_limit() -> usize {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: getrlimit writes to the struct given, setrlimit reads it.
    #[allow(unsafe_code)]
    let may = unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        let all = libc::rlimit { rlim_cur: limit.rlim_max, ..limit };
        if libc::setrlimit(libc::RLIMIT_NOFILE, &raw const all) == 0 { all.rlim_cur } else { limit.rlim_cur }
    };
    usize::try_from(may).unwrap_or(usize::MAX)
}

/// One line on stderr, for whoever runs the node.
pub fn say(message: &str) {
    eprintln!("{message}");
}

/// Ends the process at once, with one line on stderr and exit code 3: for when nothing more may be acknowledged.
pub fn die(message: &str) -> ! {
    eprintln!("{message}");
    // SAFETY: _exit takes a number and does not return; exit handlers are skipped on purpose.
    #[allow(unsafe_code)]
    unsafe {
        libc::_exit(3)
    }
}
