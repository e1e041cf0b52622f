//! Where the newest batches stand: all that are not flushed, and those flushed whose bytes are still in memory.

use std::collections::VecDeque;

use journal::Place;
use model::{LogIndex, Offset};

/// One batch in the tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TailBatch {
    pub index: LogIndex,
    pub offset: Offset,
    pub records: u32,
    pub max_timestamp: i64,
    pub place: Place,
}

impl TailBatch {
    /// One past its last record.
    pub fn end_index(&self) -> LogIndex {
        self.index.plus(u64::from(self.records))
    }

    /// One past its last record.
    pub fn end_offset(&self) -> Offset {
        self.offset.plus(i64::from(self.records))
    }
}

/// Batches in order, without gaps.
#[derive(Default, Debug)]
pub(crate) struct Tail(pub VecDeque<TailBatch>);

impl Tail {
    /// First batch that does not end before `index`.
    pub fn at_index(&self, index: LogIndex) -> usize {
        self.0.partition_point(|batch| batch.end_index() <= index)
    }

    /// The batch that holds `offset`, if the tail reaches back so far.
    pub fn at_offset(&self, offset: Offset) -> Option<usize> {
        if self.0.front()?.offset > offset {
            return None;
        }
        let at = self.0.partition_point(|batch| batch.end_offset() <= offset);
        (at < self.0.len()).then_some(at)
    }
}
