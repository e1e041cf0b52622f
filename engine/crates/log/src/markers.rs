//! Indexes and offsets of one log: both rise together, apart by the markers before.
//!
//! ```text
//! element   M  r  r  M  M  r
//! index     0  1  2  3  4  5      (6 = end)
//! offset       0  1        2      (3 = end)
//! ```
//! A marker stands at the offset of the record that follows it.

use journal::{Base, Marker};
use model::{Epoch, LogIndex, Offset};

/// The markers behind a base, and what they say about epochs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Markers {
    pub base: Base,
    /// Rising indexes, and the offset of the record that follows each.
    pub list: Vec<(LogIndex, Offset, Marker)>,
}

impl Markers {
    /// Index of the record with this offset; of the end, the end.
    pub fn index_of(&self, offset: Offset) -> LogIndex {
        assert!(offset >= self.base.offset, "offsets before the base have no index any more");
        let before = self.list.partition_point(|(_, at, _)| *at <= offset);
        let records = u64::try_from(offset.0 - self.base.offset.0).expect("checked above");
        self.base.index.plus(records + before as u64)
    }

    /// Offset of the record at or behind this index.
    pub fn offset_of(&self, index: LogIndex) -> Offset {
        assert!(index >= self.base.index, "indexes before the base have no offset any more");
        let before = self.list.partition_point(|(at, ..)| *at < index) as u64;
        let records = index.0 - self.base.index.0 - before;
        self.base.offset.plus(i64::try_from(records).expect("indexes stay far below 2^63"))
    }

    /// Epoch of the last element before `index`.
    pub fn epoch_before(&self, index: LogIndex) -> Epoch {
        let before = self.list.partition_point(|(at, ..)| *at < index);
        before.checked_sub(1).map_or(self.base.epoch, |last| self.list[last].2.epoch())
    }

    /// Epoch of the record with this offset.
    pub fn epoch_at(&self, offset: Offset) -> Epoch {
        let before = self.list.partition_point(|(_, at, _)| *at <= offset);
        before.checked_sub(1).map_or(self.base.epoch, |last| self.list[last].2.epoch())
    }

    /// The largest epoch not above `epoch`, and where it ends: the first offset of a larger one, or the log end. Kafka's
    /// OffsetsForLeaderEpoch.
    pub fn epoch_end(&self, epoch: Epoch, end: Offset) -> (Epoch, Offset) {
        let later = self.list.partition_point(|(.., marker)| marker.epoch() <= epoch);
        let found = later.checked_sub(1).map_or(self.base.epoch, |last| self.list[last].2.epoch());
        if found > epoch {
            return (epoch, self.base.offset); // older than anything here: it ended before
        }
        (found, self.list.get(later).map_or(end, |(_, offset, _)| *offset))
    }

    /// Everything before `offset` is folded into the base. Markers that stand right at it stay: they may be newer than the
    /// commit that allowed this, and be truncated yet.
    pub fn fold(&mut self, offset: Offset) {
        if offset <= self.base.offset {
            return;
        }
        let passed = self.list.partition_point(|(_, at, _)| *at < offset);
        let records = u64::try_from(offset.0 - self.base.offset.0).expect("checked above");
        let index = self.base.index.plus(records + passed as u64);
        self.base = Base { index, offset, epoch: self.epoch_before(index) };
        self.list.drain(..passed);
    }

    /// Elements from `end` on are gone.
    pub fn truncate(&mut self, end: LogIndex) {
        self.list.truncate(self.list.partition_point(|(at, ..)| *at < end));
    }

    /// Epochs with their first offsets, as Kafka's `leader-epoch-checkpoint` lists them.
    pub fn epochs(&self) -> Vec<(Epoch, Offset)> {
        let mut epochs: Vec<(Epoch, Offset)> = Vec::new();
        if self.base.epoch >= Epoch(0) {
            epochs.push((self.base.epoch, self.base.offset));
        }
        for (_, offset, marker) in &self.list {
            if epochs.last().is_none_or(|(epoch, _)| *epoch < marker.epoch()) {
                epochs.push((marker.epoch(), *offset));
            }
        }
        epochs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ruler() -> Markers {
        let marker = |index, offset, epoch| {
            (LogIndex(index), Offset(offset), Marker::EpochStart { epoch: Epoch(epoch), leader: 1 })
        };
        Markers {
            base: Base { index: LogIndex(0), offset: Offset(0), epoch: Epoch::NONE },
            list: vec![marker(0, 0, 1), marker(3, 2, 2), marker(4, 2, 5)],
        }
    }

    #[test]
    fn indexes_and_offsets_translate_both_ways() {
        let markers = ruler();
        for (offset, index) in [(0, 1), (1, 2), (2, 5), (3, 6)] {
            assert_eq!(markers.index_of(Offset(offset)), LogIndex(index));
            assert_eq!(markers.offset_of(LogIndex(index)), Offset(offset));
        }
        for (index, offset) in [(0, 0), (3, 2), (4, 2)] {
            assert_eq!(
                markers.offset_of(LogIndex(index)),
                Offset(offset),
                "a marker stands before the next record"
            );
        }
    }

    #[test]
    fn folding_the_front_changes_no_translation_behind_it() {
        let mut markers = ruler();
        markers.fold(Offset(1));
        assert_eq!(markers.base, Base { index: LogIndex(2), offset: Offset(1), epoch: Epoch(1) });
        assert_eq!(markers.index_of(Offset(2)), LogIndex(5));
        assert_eq!(markers.offset_of(LogIndex(6)), Offset(3));
        assert_eq!(markers.epoch_at(Offset(1)), Epoch(1));
        markers.fold(Offset(2));
        assert_eq!(markers.base, Base { index: LogIndex(3), offset: Offset(2), epoch: Epoch(1) });
        assert_eq!(markers.list.len(), 2, "markers at the base may still be truncated");
        assert_eq!(markers.index_of(Offset(2)), LogIndex(5));
    }

    #[test]
    fn an_epoch_ends_where_the_next_begins() {
        let markers = ruler();
        assert_eq!(markers.epoch_end(Epoch(1), Offset(3)), (Epoch(1), Offset(2)));
        assert_eq!(markers.epoch_end(Epoch(3), Offset(3)), (Epoch(2), Offset(2)), "epoch 2 had no record");
        assert_eq!(markers.epoch_end(Epoch(9), Offset(3)), (Epoch(5), Offset(3)));
        assert_eq!(markers.epochs(), [(Epoch(1), Offset(0)), (Epoch(2), Offset(2)), (Epoch(5), Offset(2))]);
    }
}
