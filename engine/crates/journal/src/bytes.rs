//! Shared bytes: what a fetch answers, a follower gets and write-behind stores, without a copy.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use io::AlignedBuf;

#[derive(Clone)]
enum Owner {
    /// A commit's buffer, or blocks read from a file.
    Blocks(Arc<AlignedBuf>),
    /// Anything else.
    Heap(Arc<Vec<u8>>),
}

/// A range of a buffer that lives as long as anyone reads it. Cloning is one count.
#[derive(Clone)]
pub struct Bytes {
    owner: Owner,
    start: u32,
    len: u32,
}

impl Bytes {
    /// A range of blocks.
    ///
    /// # Panics
    /// If the range is not inside.
    #[must_use]
    pub fn of_blocks(blocks: Arc<AlignedBuf>, start: usize, len: usize) -> Bytes {
        assert!(start + len <= blocks.len(), "a range of the buffer");
        Bytes { owner: Owner::Blocks(blocks), start: narrow(start), len: narrow(len) }
    }

    /// A part of these bytes.
    ///
    /// # Panics
    /// If the range is not inside.
    #[must_use]
    pub fn slice(&self, start: usize, len: usize) -> Bytes {
        assert!(start + len <= self.len(), "a range of the bytes");
        Bytes { owner: self.owner.clone(), start: self.start + narrow(start), len: narrow(len) }
    }
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n).expect("buffers stay below 4 GiB")
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        let len = narrow(bytes.len());
        Bytes { owner: Owner::Heap(Arc::new(bytes)), start: 0, len }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let range = self.start as usize..self.start as usize + self.len as usize;
        match &self.owner {
            Owner::Blocks(blocks) => &blocks[range],
            Owner::Heap(bytes) => &bytes[range],
        }
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len)
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Bytes) -> bool {
        **self == **other
    }
}

impl Eq for Bytes {}
