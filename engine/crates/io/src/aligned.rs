//! A byte buffer that begins on a page boundary, as `O_DIRECT` asks.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

use model::limits::JOURNAL_BLOCK_BYTES;

/// A large page of the processor. Buffers of this size ask for such pages: a direct write of a mebibyte from small ones
/// pins 256 pages, which costs more than half of its time.
pub const HUGE_PAGE_BYTES: usize = 2 << 20;

/// Fixed-size bytes, aligned to [`JOURNAL_BLOCK_BYTES`], zeroed when made. The size is rounded up to whole blocks.
pub struct AlignedBuf {
    memory: Arc<Memory>,
    /// The part of it that is this buffer's alone.
    start: usize,
    len: usize,
}

/// What was allocated, freed with the last buffer that is part of it.
enum Memory {
    Heap(NonNull<u8>, Layout),
    /// Whole huge pages, which stand alone.
    Map(NonNull<u8>, usize),
}

// SAFETY: each byte belongs to one buffer alone, like a Box<[u8]>'s.
#[allow(unsafe_code)]
unsafe impl Send for Memory {}
// SAFETY: only buffers touch the bytes, each its own; shared access to one only reads, like a Box<[u8]>'s.
#[allow(unsafe_code)]
unsafe impl Sync for Memory {}

impl AlignedBuf {
    /// A zeroed buffer of at least `len` bytes (at least one block).
    #[must_use]
    pub fn zeroed(len: usize) -> AlignedBuf {
        let len = len.max(1).next_multiple_of(JOURNAL_BLOCK_BYTES);
        let memory = if len.is_multiple_of(HUGE_PAGE_BYTES) { map(len) } else { allocate(len) };
        AlignedBuf { memory: Arc::new(memory), start: 0, len }
    }

    /// Cuts the buffer in two, without a copy. Their memory is freed when both are gone.
    ///
    /// # Panics
    /// If `at` is not a block's beginning inside the buffer.
    #[must_use]
    pub fn split(mut self, at: usize) -> (AlignedBuf, AlignedBuf) {
        assert!(
            at.is_multiple_of(JOURNAL_BLOCK_BYTES) && at > 0 && at < self.len,
            "a cut between two blocks"
        );
        let rest =
            AlignedBuf { memory: Arc::clone(&self.memory), start: self.start + at, len: self.len - at };
        self.len = at;
        (self, rest)
    }

    fn begin(&self) -> *mut u8 {
        // SAFETY: `start` lies inside the allocation.
        #[allow(unsafe_code)]
        unsafe {
            self.memory.bytes().as_ptr().add(self.start)
        }
    }
}

fn layout(len: usize, align: usize) -> Layout {
    Layout::from_size_align(len, align).expect("buffer sizes are far below isize::MAX")
}

fn allocate(len: usize) -> Memory {
    let layout = layout(len, JOURNAL_BLOCK_BYTES);
    // SAFETY: the layout's size is not zero.
    #[allow(unsafe_code)]
    let bytes = unsafe { alloc_zeroed(layout) };
    let Some(bytes) = NonNull::new(bytes) else { handle_alloc_error(layout) };
    Memory::Heap(bytes, layout)
}

/// Zeroed pages that nothing has touched, which an allocator would not give. The system may have no huge ones: small ones do.
fn map(len: usize) -> Memory {
    let whole = len + HUGE_PAGE_BYTES; // the system aligns to small pages only
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping, of which what is not used is unmapped.
    #[allow(unsafe_code)]
    unsafe {
        let found = libc::mmap(std::ptr::null_mut(), whole, protection, flags, -1, 0);
        if found == libc::MAP_FAILED {
            handle_alloc_error(layout(len, HUGE_PAGE_BYTES));
        }
        let before = found.align_offset(HUGE_PAGE_BYTES);
        let bytes = found.add(before);
        if before > 0 {
            libc::munmap(found, before);
        }
        libc::munmap(bytes.add(len), HUGE_PAGE_BYTES - before);
        #[cfg(target_os = "linux")]
        libc::madvise(bytes, len, libc::MADV_HUGEPAGE);
        Memory::Map(NonNull::new(bytes.cast()).expect("a mapping has an address"), len)
    }
}

impl Memory {
    fn bytes(&self) -> NonNull<u8> {
        match self {
            Memory::Heap(bytes, _) | Memory::Map(bytes, _) => *bytes,
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: made by `allocate` or `map` with this very size and not freed since; no buffer is left.
        #[allow(unsafe_code)]
        unsafe {
            match *self {
                Memory::Heap(bytes, layout) => dealloc(bytes.as_ptr(), layout),
                Memory::Map(bytes, len) => {
                    libc::munmap(bytes.as_ptr().cast(), len);
                }
            }
        }
    }
}

impl Deref for AlignedBuf {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `len` bytes from here are allocated, initialised (zeroed) and part of no other buffer.
        #[allow(unsafe_code)]
        unsafe {
            std::slice::from_raw_parts(self.begin(), self.len)
        }
    }
}

impl DerefMut for AlignedBuf {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and `&mut self` makes the access exclusive.
        #[allow(unsafe_code)]
        unsafe {
            std::slice::from_raw_parts_mut(self.begin(), self.len)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_whole_blocks_on_block_boundaries() {
        let mut buf = AlignedBuf::zeroed(5000);
        assert_eq!(buf.len(), 2 * JOURNAL_BLOCK_BYTES);
        assert_eq!(buf.as_ptr() as usize % JOURNAL_BLOCK_BYTES, 0);
        assert!(buf.iter().all(|byte| *byte == 0));
        buf[8191] = 7;
        assert_eq!(buf[8191], 7);
    }

    #[test]
    fn parts_of_a_buffer_are_buffers_of_their_own() {
        let buf = AlignedBuf::zeroed(HUGE_PAGE_BYTES);
        assert_eq!(buf.as_ptr() as usize % HUGE_PAGE_BYTES, 0);
        let (mut first, second) = buf.split(HUGE_PAGE_BYTES / 2);
        first.fill(1);
        let (mut second, third) = second.split(JOURNAL_BLOCK_BYTES);
        second.fill(2);
        drop(first);
        assert!(second.iter().all(|byte| *byte == 2) && third.iter().all(|byte| *byte == 0));
        assert_eq!(second.len() + third.len(), HUGE_PAGE_BYTES / 2);
    }
}
