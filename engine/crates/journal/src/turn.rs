//! The buffer that a turn's records are copied into, once.

use io::AlignedBuf;
use model::GroupId;

use crate::checksum::Known;
use crate::commit::{HEADER_BYTES, padded};
use crate::frame::Slice;
use crate::memory::Memory;
use crate::record::Record;

/// Records of one commit to be.
pub(crate) struct Turn {
    pub buf: AlignedBuf,
    /// Bytes used, with the room for the header.
    pub len: usize,
    /// Groups that recorded something, each once.
    pub groups: Vec<GroupId>,
    /// What of it has a checksum of its own.
    pub known: Vec<Known>,
    /// Somebody waits for something in it.
    pub awaited: bool,
}

impl Turn {
    pub fn new(buf: AlignedBuf) -> Turn {
        Turn { buf, len: HEADER_BYTES, groups: Vec::new(), known: Vec::new(), awaited: false }
    }

    pub fn is_empty(&self) -> bool {
        self.len == HEADER_BYTES
    }

    /// Copies the record in; returns where in the commit its frame ends.
    pub fn put(&mut self, group: GroupId, record: &Record<'_>, memory: &mut Memory) -> usize {
        let len = record.encoded_len();
        self.grow(self.len + len, memory);
        let mut out = Slice::new(&mut self.buf[self.len..self.len + len]);
        record.encode(group, len, &mut out);
        debug_assert_eq!(out.written(), len);
        self.len += len;
        self.len
    }

    /// A batch larger than what is left of the buffer: rare, so it may copy what is there.
    fn grow(&mut self, len: usize, memory: &mut Memory) {
        if len > self.buf.len() {
            let mut larger = memory.take(padded(len));
            larger[..self.len].copy_from_slice(&self.buf[..self.len]);
            memory.give(std::mem::replace(&mut self.buf, larger));
        }
    }
}
