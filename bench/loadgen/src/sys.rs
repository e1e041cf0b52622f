//! The few Linux calls the generator makes by hand: epoll, cores, the clock.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::fs::OpenOptionsExt;

pub fn now_ns() -> u64 {
    let mut at = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `at` is a valid place for one timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut at) };
    at.tv_sec as u64 * 1_000_000_000 + at.tv_nsec as u64
}

pub fn wall_ms() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}

/// Keeps the calling thread on one core, and its timers exact.
pub fn pin(core: usize) -> Result<(), String> {
    // SAFETY: a zeroed cpu_set_t is an empty set; the calls only read it.
    let rc = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut set);
        libc::prctl(libc::PR_SET_TIMERSLACK, 1_u64);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set)
    };
    if rc == 0 {
        Ok(())
    } else {
        Err(format!("core {core}: {}", io::Error::last_os_error()))
    }
}

/// Zeroed memory that is never given back, in huge pages where there are any: a direct write pins page by page.
pub fn huge_pages(len: usize) -> &'static mut [u8] {
    const PAGE: usize = 2 << 20;
    let (protection, flags) = (
        libc::PROT_READ | libc::PROT_WRITE,
        libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
    );
    // SAFETY: a new mapping, which nothing else knows and nothing unmaps; `len` bytes of it begin on a huge page.
    unsafe {
        let memory = libc::mmap(std::ptr::null_mut(), len + PAGE, protection, flags, -1, 0);
        assert!(
            memory != libc::MAP_FAILED,
            "mmap: {}",
            io::Error::last_os_error()
        );
        let memory = memory.add(memory.align_offset(PAGE));
        libc::madvise(memory, len, libc::MADV_HUGEPAGE);
        std::slice::from_raw_parts_mut(memory.cast(), len)
    }
}

/// A new file that is written past the page cache.
pub fn direct_file(path: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    options.custom_flags(libc::O_DIRECT).open(path)
}

/// CPU time of the calling process, user and system, in seconds.
pub fn own_cpu_s() -> f64 {
    let mut at = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `at` is a valid place for one timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut at) };
    at.tv_sec as f64 + at.tv_nsec as f64 / 1e9
}

pub fn clock_ticks_per_s() -> f64 {
    // SAFETY: takes a number, gives a number.
    unsafe { libc::sysconf(libc::_SC_CLK_TCK) as f64 }
}

pub const READABLE: u32 = libc::EPOLLIN as u32;
pub const WRITABLE: u32 = libc::EPOLLOUT as u32;

pub struct Epoll {
    fd: RawFd,
    events: Vec<libc::epoll_event>,
}

impl Epoll {
    pub fn new() -> Epoll {
        // SAFETY: takes flags only.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        assert!(fd >= 0, "epoll_create1: {}", io::Error::last_os_error());
        Epoll {
            fd,
            events: vec![libc::epoll_event { events: 0, u64: 0 }; 256],
        }
    }

    pub fn add(&self, fd: RawFd, token: usize, interest: u32) {
        self.control(libc::EPOLL_CTL_ADD, fd, token, interest);
    }

    pub fn modify(&self, fd: RawFd, token: usize, interest: u32) {
        self.control(libc::EPOLL_CTL_MOD, fd, token, interest);
    }

    fn control(&self, operation: i32, fd: RawFd, token: usize, interest: u32) {
        let mut event = libc::epoll_event {
            events: interest,
            u64: token as u64,
        };
        // SAFETY: `event` lives through the call.
        let rc = unsafe { libc::epoll_ctl(self.fd, operation, fd, &raw mut event) };
        assert!(rc == 0, "epoll_ctl: {}", io::Error::last_os_error());
    }

    /// Waits until something is ready or `wait_ns` have passed (`None`: for ever); gives (token, readiness) pairs.
    pub fn wait(&mut self, wait_ns: Option<u64>) -> impl Iterator<Item = (usize, u32)> + '_ {
        let wait = wait_ns.map(|ns| libc::timespec {
            tv_sec: (ns / 1_000_000_000) as i64,
            tv_nsec: (ns % 1_000_000_000) as i64,
        });
        // SAFETY: the buffer has room for as many events as are asked for; `wait` lives through the call. epoll_pwait2
        // is called by number because its wait is exact where epoll_wait counts milliseconds.
        let n = unsafe {
            libc::syscall(
                libc::SYS_epoll_pwait2,
                self.fd,
                self.events.as_mut_ptr(),
                self.events.len(),
                wait.as_ref().map_or(std::ptr::null(), std::ptr::from_ref),
                std::ptr::null::<libc::sigset_t>(),
                0_usize,
            )
        };
        let ready = usize::try_from(n).unwrap_or(0); // interrupted: as if nothing was ready
        self.events[..ready]
            .iter()
            .map(|event| (event.u64 as usize, event.events))
    }
}
