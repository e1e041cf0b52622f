//! The transactions of a partition's producers: which are open, and how far readers of committed records may see.
//!
//! A transaction begins with the producer's first transactional batch in the partition and ends with a marker. Each batch that
//! changes one notes what was before it, until it is committed: a truncation takes the changes back in reverse. A transaction
//! stays unstable until its marker is committed, since a marker that is lost would come again, perhaps as another one.

use batch::{ControlKind, EndMarker, Header};
use log::Aborted;
use model::limits::TRANSACTIONS_OPEN_PER_PARTITION_MAX;
use model::{LogIndex, Offset};

use super::{Added, Producer, Producers};
use crate::error::AppendError;

/// What is known of a producer's transactions, as of the log's end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Txn {
    /// The producer's newest epoch in a marker, or in a batch that began a transaction.
    pub epoch: i16,
    /// Of the newest marker's coordinator, -1 before the first.
    pub coordinator_epoch: i32,
    /// First offset of the open transaction.
    pub first: Option<Offset>,
    /// Of the newest of these batches.
    pub timestamp_ms: i64,
    /// Log index where that one ends.
    pub end: LogIndex,
}

/// What a batch behind the commit index changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Change {
    /// Where the batch ends.
    pub end: LogIndex,
    /// Whose.
    pub id: i64,
    /// As it was before.
    pub before: Option<Txn>,
    /// First offset of the transaction that it ended.
    pub ended: Option<Offset>,
}

impl Producers {
    /// Judges a batch of a coordinator of our own, which has no sequence numbers.
    pub fn check_coordinator(&self, header: &Header, marker: Option<EndMarker>) -> Result<(), AppendError> {
        let producer = self.by_id.get(&header.producer_id);
        // As in Kafka, nothing is below the -1 of what is not known.
        if header.producer_epoch < producer.map_or(-1, Producer::epoch) {
            return Err(AppendError::FencedProducer);
        }
        let known =
            producer.and_then(|producer| producer.txn.as_ref()).map_or(-1, |txn| txn.coordinator_epoch);
        match marker {
            Some(marker) if marker.coordinator_epoch < known => Err(AppendError::FencedCoordinator),
            Some(_) | None => Ok(()),
        }
    }

    /// Whether the producer is remembered.
    #[must_use]
    pub fn knows(&self, id: i64) -> bool {
        self.by_id.contains_key(&id)
    }

    /// Whether the producer has an open transaction.
    #[must_use]
    pub fn is_open(&self, id: i64) -> bool {
        self.by_id.get(&id).is_some_and(|producer| producer.open().is_some())
    }

    /// Whether no further transaction may begin until another one ends.
    #[must_use]
    pub fn are_all_open(&self) -> bool {
        self.unstable.len() >= TRANSACTIONS_OPEN_PER_PARTITION_MAX
    }

    /// First offset of the oldest transaction that is not decided as of the commit index.
    #[must_use]
    pub fn first_unstable(&self) -> Option<Offset> {
        self.unstable.keys().next().copied()
    }

    /// A transactional batch of records.
    pub(super) fn took_part(&mut self, added: &Added<'_>) {
        let header = added.header;
        let before =
            self.by_id.get(&header.producer_id).and_then(|producer| producer.txn.as_deref().copied());
        let opens = before.is_none_or(|before| before.first.is_none());
        if !opens && before.is_some_and(|before| before.epoch >= header.producer_epoch) {
            return;
        }
        let first = before.and_then(|before| before.first).unwrap_or(header.base_offset);
        let txn = Txn {
            epoch: header.producer_epoch,
            coordinator_epoch: before.map_or(-1, |before| before.coordinator_epoch),
            first: Some(first),
            timestamp_ms: header.max_timestamp,
            end: added.end,
        };
        self.change(added, before, txn, None);
        if opens {
            self.unstable.insert(first, header.producer_id);
        }
    }

    /// A marker. Gives the transaction that it aborted.
    pub(super) fn ended(&mut self, added: &Added<'_>, marker: EndMarker) -> Option<Aborted> {
        let header = added.header;
        let id = header.producer_id;
        let before = self.by_id.get(&id).and_then(|producer| producer.txn.as_deref().copied());
        let first = before.and_then(|before| before.first);
        let txn = Txn {
            epoch: header.producer_epoch,
            coordinator_epoch: marker.coordinator_epoch,
            first: None,
            timestamp_ms: header.max_timestamp,
            end: added.end,
        };
        self.change(added, before, txn, first);
        if marker.kind != ControlKind::Abort {
            return None;
        }
        let mut open = self.unstable.iter().filter(|(first, id)| {
            self.by_id.get(id).is_some_and(|producer| producer.open() == Some(**first))
        });
        let last_stable = open.next().map_or(header.next_offset(), |(first, _)| *first);
        Some(Aborted { producer_id: id, first: first?, last: header.base_offset, last_stable })
    }

    fn change(&mut self, added: &Added<'_>, before: Option<Txn>, after: Txn, ended: Option<Offset>) {
        let id = added.header.producer_id;
        self.changes.push_back(Change { end: after.end, id, before, ended });
        match &mut self.used(id, added.now_ms).txn {
            Some(txn) => **txn = after,
            none => *none = Some(Box::new(after)),
        }
    }

    /// Everything below `commit` is on a quorum: the transactions that ended there are decided.
    pub(super) fn decided(&mut self, commit: LogIndex) {
        while let Some(change) = self.changes.front().copied()
            && change.end <= commit
        {
            self.changes.pop_front();
            if let Some(first) = change.ended {
                self.unstable.remove(&first);
            }
        }
    }

    /// Takes back what batches behind `end` changed.
    pub(super) fn undo(&mut self, end: LogIndex) {
        while let Some(change) = self.changes.back().copied()
            && change.end > end
        {
            self.changes.pop_back();
            let Some(producer) = self.by_id.get_mut(&change.id) else { continue };
            if let Some(first) = producer.open()
                && change.before.is_none_or(|before| before.first.is_none())
            {
                self.unstable.remove(&first);
            }
            producer.txn = change.before.map(Box::new);
        }
    }

    /// Takes over what the journal's replay knows better: the log cannot tell of markers before its start. But where it met no
    /// marker of a producer, what it takes for the first batch of a transaction may be a later one.
    pub(super) fn adopt_transactions(&mut self, replayed: &Producers) {
        for (id, producer) in &replayed.by_id {
            let Some(txn) = producer.txn.as_deref().copied() else { continue };
            let known = self.by_id.get(id).and_then(|known| known.txn.as_deref().copied());
            let met_marker = txn.coordinator_epoch >= 0;
            if !met_marker && known.is_some_and(|known| known.first.is_some()) {
                continue;
            }
            if known.is_none_or(|known| known.end < txn.end) {
                if let Some(first) = known.and_then(|known| known.first) {
                    self.unstable.remove(&first);
                }
                self.unstable.extend(txn.first.map(|first| (first, *id)));
                self.used(*id, None).txn = Some(Box::new(txn));
            }
        }
    }
}
