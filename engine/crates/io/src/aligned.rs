//! A byte buffer that begins on a page boundary, as `O_DIRECT` asks.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use model::limits::JOURNAL_BLOCK_BYTES;

/// Fixed-size bytes, aligned to [`JOURNAL_BLOCK_BYTES`], zeroed when made. The size is rounded up to whole blocks.
pub struct AlignedBuf {
    bytes: NonNull<u8>,
    len: usize,
}

// SAFETY: the buffer owns its bytes alone, like a Box<[u8]>.
#[allow(unsafe_code)]
unsafe impl Send for AlignedBuf {}
// SAFETY: shared access only reads, like a Box<[u8]>.
#[allow(unsafe_code)]
unsafe impl Sync for AlignedBuf {}

impl AlignedBuf {
    /// A zeroed buffer of at least `len` bytes (at least one block).
    #[must_use]
    pub fn zeroed(len: usize) -> AlignedBuf {
        let len = len.max(1).next_multiple_of(JOURNAL_BLOCK_BYTES);
        let layout = Self::layout(len);
        // SAFETY: the layout's size is not zero.
        #[allow(unsafe_code)]
        let bytes = unsafe { alloc_zeroed(layout) };
        let Some(bytes) = NonNull::new(bytes) else { handle_alloc_error(layout) };
        AlignedBuf { bytes, len }
    }

    fn layout(len: usize) -> Layout {
        Layout::from_size_align(len, JOURNAL_BLOCK_BYTES).expect("buffer sizes are far below isize::MAX")
    }
}

impl Drop for AlignedBuf {
    fn drop(&mut self) {
        // SAFETY: allocated in `zeroed` with this very layout and not freed since.
        #[allow(unsafe_code)]
        unsafe {
            dealloc(self.bytes.as_ptr(), Self::layout(self.len));
        }
    }
}

impl Deref for AlignedBuf {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `len` bytes from `bytes` are allocated, initialised (zeroed) and owned by self.
        #[allow(unsafe_code)]
        unsafe {
            std::slice::from_raw_parts(self.bytes.as_ptr(), self.len)
        }
    }
}

impl DerefMut for AlignedBuf {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and `&mut self` makes the access exclusive.
        #[allow(unsafe_code)]
        unsafe {
            std::slice::from_raw_parts_mut(self.bytes.as_ptr(), self.len)
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
}
