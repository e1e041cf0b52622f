//! Buffers of recent commits, kept to serve reads at the tail, and recycled: touching new memory is what costs.

use std::collections::VecDeque;
use std::sync::Arc;

use io::AlignedBuf;
use io::aligned::HUGE_PAGE_BYTES;
use model::limits::JOURNAL_BLOCK_BYTES;

use crate::bytes::Bytes;
use crate::journal::Place;

/// Free buffers kept for each size.
const FREE_BUFFERS_MAX: usize = 8;
/// Dropped buffers that a reader still holds, watched to be taken back.
const LENT_BUFFERS_MAX: usize = 64;
/// Sizes of pooled buffers: one block, two, four, ... 2 MiB.
const CLASSES: usize = 10;
/// The largest commits' buffers, which are halves of a huge page under load. The first two stand in small pages: a node at
/// rest touches little of them.
const HALVES: usize = CLASSES - 2;
const SMALL_PAGED_MAX: usize = 2;
/// Small ones are made together, so many bytes at a time: an allocator spends a page on the alignment of each.
const MADE_AT_ONCE_BYTES: usize = FREE_BUFFERS_MAX * JOURNAL_BLOCK_BYTES;

#[derive(Default)]
struct Pool {
    free: [Vec<AlignedBuf>; CLASSES],
    lent: VecDeque<Arc<AlignedBuf>>,
    small_paged: usize,
}

fn class(len: usize) -> Option<usize> {
    let blocks = len.div_ceil(JOURNAL_BLOCK_BYTES).max(1).next_power_of_two();
    let class = blocks.trailing_zeros() as usize;
    (class < CLASSES).then_some(class)
}

impl Pool {
    /// A buffer of at least `len` bytes; what is in it is left from its last use.
    fn take(&mut self, len: usize) -> AlignedBuf {
        let Some(class) = class(len) else { return AlignedBuf::zeroed(len) };
        if self.free[class].is_empty() {
            self.collect();
        }
        self.free[class].pop().unwrap_or_else(|| self.make(class))
    }

    fn make(&mut self, class: usize) -> AlignedBuf {
        let len = JOURNAL_BLOCK_BYTES << class;
        let whole = match class {
            HALVES if self.small_paged < SMALL_PAGED_MAX => {
                self.small_paged += 1;
                len
            }
            HALVES => HUGE_PAGE_BYTES,
            _ => len.max(MADE_AT_ONCE_BYTES),
        };
        let mut buf = AlignedBuf::zeroed(whole);
        while buf.len() > len {
            let (first, rest) = buf.split(len);
            self.free[class].push(first);
            buf = rest;
        }
        buf
    }

    fn give(&mut self, buf: AlignedBuf) {
        if let Some(class) = class(buf.len())
            && buf.len() == JOURNAL_BLOCK_BYTES << class
            && self.free[class].len() < FREE_BUFFERS_MAX
        {
            self.free[class].push(buf);
        }
    }

    fn retire(&mut self, buf: Arc<AlignedBuf>) {
        match Arc::try_unwrap(buf) {
            Ok(buf) => self.give(buf),
            Err(buf) if self.lent.len() < LENT_BUFFERS_MAX => self.lent.push_back(buf),
            Err(_) => {} // freed by its last reader
        }
    }

    fn collect(&mut self) {
        for _ in 0..self.lent.len() {
            let buf = self.lent.pop_front().expect("counted");
            self.retire(buf);
        }
    }
}

struct Kept {
    file_use: u32,
    position: u32,
    buf: Arc<AlignedBuf>,
    /// Bytes of all commits that were kept before.
    before: u64,
}

/// The newest commits' buffers, up to a number of bytes; the oldest is dropped first.
pub(crate) struct Memory {
    pool: Pool,
    /// Consecutive commits, the first of which is `first`.
    kept: VecDeque<Kept>,
    first: u64,
    bytes: usize,
    bytes_max: usize,
    /// Bytes of all commits ever kept.
    total_bytes: u64,
}

impl Memory {
    pub fn new(bytes_max: usize) -> Memory {
        Memory { pool: Pool::default(), kept: VecDeque::new(), first: 0, bytes: 0, bytes_max, total_bytes: 0 }
    }

    pub fn take(&mut self, len: usize) -> AlignedBuf {
        self.pool.take(len)
    }

    /// Takes a buffer back.
    pub fn give(&mut self, buf: AlignedBuf) {
        self.pool.give(buf);
    }

    /// Keeps a commit's buffer. Commits come in the order of their numbers.
    pub fn keep(&mut self, number: u64, file_use: u32, position: u32, buf: Arc<AlignedBuf>) {
        if self.kept.is_empty() {
            self.first = number;
        }
        assert_eq!(number, self.first + self.kept.len() as u64, "commits are kept in order");
        self.bytes += buf.len();
        self.kept.push_back(Kept { file_use, position, buf, before: self.total_bytes });
        self.total_bytes += self.kept.back().map_or(0, |kept| kept.buf.len() as u64);
        // The newest stays whatever its size: its write may still be in flight.
        while self.bytes > self.bytes_max && self.kept.len() > 1 {
            let oldest = self.kept.pop_front().expect("more than one");
            self.first += 1;
            self.bytes -= oldest.buf.len();
            self.pool.retire(oldest.buf);
        }
    }

    fn kept(&self, commit: u64) -> Option<&Kept> {
        self.kept.get(usize::try_from(commit.checked_sub(self.first)?).ok()?)
    }

    /// How much of what may be here came after a commit, in percent: at 100 it is dropped.
    pub fn age_percent(&self, commit: u64) -> u64 {
        let after = self.kept(commit).map(|kept| self.total_bytes - kept.before);
        after.and_then(|after| (after * 100).checked_div(self.bytes_max as u64)).unwrap_or(100)
    }

    pub fn bytes(&self, place: Place) -> Option<Bytes> {
        let kept = self.kept(place.commit)?;
        debug_assert_eq!(kept.file_use, place.file_use, "a commit stands in one file");
        let start = place.position - kept.position;
        Some(Bytes::of_blocks(Arc::clone(&kept.buf), start as usize, place.len as usize))
    }

    pub fn held_bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(commit: u64) -> Place {
        Place { commit, file_use: 1, position: 4096 * u32::try_from(commit).unwrap() + 10, len: 5 }
    }

    #[test]
    fn the_oldest_goes_first_and_its_buffer_is_used_again() {
        let mut memory = Memory::new(3 * JOURNAL_BLOCK_BYTES);
        let mut addresses = Vec::new();
        for number in 5..10_u64 {
            let mut buf = memory.take(100);
            addresses.push(buf.as_ptr());
            buf[10..15].fill(u8::try_from(number).unwrap());
            memory.keep(number, 1, 4096 * u32::try_from(number).unwrap(), Arc::new(buf));
        }
        assert!(memory.bytes(place(6)).is_none());
        assert_eq!(&*memory.bytes(place(7)).unwrap(), [7; 5]);
        assert_eq!(memory.held_bytes(), 3 * JOURNAL_BLOCK_BYTES);
        assert_eq!(addresses[4], addresses[0], "the fifth commit reuses the first one's buffer");
    }

    #[test]
    fn what_will_leave_before_long_is_told() {
        let mut memory = Memory::new(8 * JOURNAL_BLOCK_BYTES);
        for number in 5..25_u64 {
            let buf = memory.take(100);
            memory.keep(number, 1, 4096 * u32::try_from(number).unwrap(), Arc::new(buf));
            let half = number.saturating_sub(3);
            assert_eq!(memory.age_percent(number), 12);
            assert!(half < 5 || memory.age_percent(half) == 50);
            let oldest = number.saturating_sub(7);
            assert!(
                oldest < 5 || memory.age_percent(oldest) == 100,
                "the eighth commit of eight is the oldest"
            );
        }
        assert_eq!(memory.age_percent(6), 100, "it has left");
    }

    #[test]
    fn a_buffer_that_is_read_is_not_used_again() {
        let mut memory = Memory::new(JOURNAL_BLOCK_BYTES);
        let mut buf = memory.take(1);
        buf[10..15].fill(1);
        memory.keep(1, 1, 4096, Arc::new(buf));
        let read = memory.bytes(place(1)).unwrap();
        for number in 2..6 {
            let mut buf = memory.take(1);
            buf.fill(9);
            memory.keep(number, 1, 4096 * u32::try_from(number).unwrap(), Arc::new(buf));
        }
        assert_eq!(&*read, [1; 5]);
    }
}
