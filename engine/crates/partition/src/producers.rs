//! What a partition remembers of idempotent producers, so that a batch sent twice is stored once.
//!
//! Kept as of the commit index plus what each batch behind it would add: every entry carries the log index where its batch
//! ends. A truncation drops the entries behind the cut, so a retry of a batch that was cut is never answered "duplicate" for
//! a record that is not in the log. The snapshot keeps the indexes, so a replay can truncate too. Their transactions stand
//! in [`transactions`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use batch::{EndMarker, Header};
use log::Aborted;
use model::limits::{PRODUCER_BATCHES_KEPT, PRODUCERS_IN_STATE_MAX, PRODUCERS_PER_PARTITION_MAX};
use model::{LogIndex, Offset};

use crate::compaction::LastOf;
use crate::error::AppendError;
use crate::spec::ProducerInfo;

pub mod file;
mod snapshot;
mod transactions;

use transactions::{Change, Txn};

/// Producers forgotten at once when there are too many: forgetting one at a time would look at all of them each time.
const FORGOTTEN_AT_ONCE: usize = PRODUCERS_PER_PARTITION_MAX / 16;

/// A batch as it is remembered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Remembered {
    /// The producer's epoch.
    pub epoch: i16,
    /// Sequence number of the first record.
    pub first_sequence: i32,
    /// Sequence number of the last record.
    pub last_sequence: i32,
    /// Offset of the first record.
    pub base_offset: Offset,
    /// Offset of the last record.
    pub last_offset: Offset,
    /// Largest timestamp; what the append was answered if the topic keeps the broker's time.
    pub timestamp_ms: i64,
    /// Log index where the batch ends.
    pub end: LogIndex,
}

/// A producer.
///
/// Invariant: it has batches or a `txn`; the batches' `end`s and epochs do not fall.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Producer {
    /// The last five committed ones of the newest committed epoch, and all behind the commit index.
    batches: VecDeque<Remembered>,
    /// Only of those that ever were in a transaction.
    txn: Option<Box<Txn>>,
    /// When it last appended; `None` after a replay, until the next look at the clock.
    seen_ms: Option<i64>,
    /// Rises with every append of the partition: the smallest is forgotten first.
    used: u64,
}

/// All producers of a partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Producers {
    by_id: BTreeMap<i64, Producer>,
    /// Ids with batches behind the commit index, in the order of the log.
    uncommitted: VecDeque<(LogIndex, i64)>,
    /// What batches behind the commit index changed of transactions, in the order of the log.
    changes: VecDeque<Change>,
    /// First offsets of transactions that are open, or whose end is behind the commit index, and whose they are.
    unstable: BTreeMap<Offset, i64>,
    uses: u64,
    /// With more of them a State refers to a file.
    in_state_max: usize,
    /// A file beside the log holds them as of here.
    filed: Option<LogIndex>,
    /// Such a file is being written.
    pub writing: Option<LogIndex>,
}

impl Default for Producers {
    fn default() -> Self {
        Producers {
            by_id: BTreeMap::new(),
            uncommitted: VecDeque::new(),
            changes: VecDeque::new(),
            unstable: BTreeMap::new(),
            uses: 0,
            in_state_max: PRODUCERS_IN_STATE_MAX,
            filed: None,
            writing: None,
        }
    }
}

/// What a batch's sequence numbers say about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sequence {
    /// It is the producer's next one (or nobody's).
    Next,
    /// It is stored already.
    Duplicate(Remembered),
}

/// A batch, as far as it matters to a producer.
#[derive(Clone, Copy, Debug)]
pub struct Added<'a> {
    /// Its header, stamped.
    pub header: &'a Header,
    /// What it says if it ends a transaction.
    pub marker: Option<EndMarker>,
    /// One past its last element.
    pub end: LogIndex,
    /// `None` in a replay.
    pub now_ms: Option<i64>,
}

/// Whether `next` follows `last`: sequence numbers wrap from the largest int32 to 0.
const fn follows(last: i32, next: i32) -> bool {
    if last == i32::MAX { next == 0 } else { next == last + 1 }
}

impl Producers {
    /// Judges a client's batch before it is appended.
    pub fn check(&self, header: &Header) -> Result<Sequence, AppendError> {
        if header.producer_id < 0 {
            return Ok(Sequence::Next);
        }
        let known = self.by_id.get(&header.producer_id);
        if known.is_some_and(|producer| header.producer_epoch < producer.epoch()) {
            return Err(AppendError::FencedProducer);
        }
        if header.producer_epoch < 0 || header.base_sequence < 0 {
            return Err(AppendError::InvalidRecord);
        }
        // State is lost to expiry and to the limit; then any sequence number may be the next.
        let Some(producer) = known else { return Ok(Sequence::Next) };
        let (first_sequence, last_sequence) = (header.base_sequence, header.last_sequence());
        let same = |batch: &&Remembered| {
            batch.epoch == header.producer_epoch
                && batch.first_sequence == first_sequence
                && batch.last_sequence == last_sequence
        };
        if let Some(duplicate) = producer.batches.iter().rev().find(same) {
            return Ok(Sequence::Duplicate(*duplicate));
        }
        // A repeated batch that is no longer remembered is out of order too, as in Kafka: to call it a duplicate would be a
        // guess, and the client would take its records for stored. A new epoch begins at 0, also one that a marker brought.
        let last = producer.batches.back().filter(|last| last.epoch == header.producer_epoch);
        if !last.map_or(first_sequence == 0, |last| follows(last.last_sequence, first_sequence)) {
            return Err(AppendError::OutOfOrderSequence);
        }
        if !header.attributes.is_transactional() && producer.open().is_some() {
            return Err(AppendError::InvalidTransactionState);
        }
        Ok(Sequence::Next)
    }

    /// Remembers a batch that was appended. Gives the transaction that it aborted, if it did.
    pub fn appended(&mut self, added: Added<'_>) -> Option<Aborted> {
        if added.header.producer_id < 0 {
            return None;
        }
        let aborted = match added.marker {
            Some(marker) => self.ended(&added, marker),
            // A control batch without a marker ends nothing: compaction emptied it.
            None if added.header.attributes.is_control() => return None,
            None => {
                self.sent(&added);
                None
            }
        };
        if self.by_id.len() > PRODUCERS_PER_PARTITION_MAX {
            self.forget_least_used();
        }
        aborted
    }

    /// Records of a producer.
    fn sent(&mut self, added: &Added<'_>) {
        let (header, end) = (added.header, added.end);
        let batch = Remembered {
            epoch: header.producer_epoch,
            first_sequence: header.base_sequence,
            last_sequence: header.last_sequence(),
            base_offset: header.base_offset,
            last_offset: header.last_offset(),
            timestamp_ms: header.max_timestamp,
            end,
        };
        // Only our own coordinators append without sequence numbers.
        if header.base_sequence >= 0 {
            self.used(header.producer_id, added.now_ms).batches.push_back(batch);
            self.uncommitted.push_back((end, header.producer_id));
        }
        if header.attributes.is_transactional() {
            self.took_part(added);
        }
    }

    /// A producer that is being used; made, if it is new.
    fn used(&mut self, id: i64, now_ms: Option<i64>) -> &mut Producer {
        self.uses += 1;
        let used = self.uses;
        let producer = self.by_id.entry(id).or_insert_with(|| Producer {
            batches: VecDeque::with_capacity(1),
            txn: None,
            seen_ms: None,
            used,
        });
        producer.seen_ms = now_ms;
        producer.used = used;
        producer
    }

    /// Takes over what the journal's replay saw and the log cannot tell any more: batches before the log start that are newer
    /// than the file.
    pub fn adopt(&mut self, replayed: &Producers) {
        let filed = self.filed.unwrap_or(LogIndex(0));
        let mut newer: Vec<(i64, Remembered)> = Vec::new();
        for (id, producer) in &replayed.by_id {
            let known = self.by_id.get(id).and_then(|known| known.batches.back());
            let known = known.map_or(filed, |known| known.end.max(filed));
            newer
                .extend(producer.batches.iter().filter(|batch| batch.end > known).map(|batch| (*id, *batch)));
        }
        newer.sort_by_key(|(_, batch)| batch.end);
        for (id, batch) in newer {
            self.used(id, None).batches.push_back(batch);
            self.uncommitted.push_back((batch.end, id));
        }
        self.adopt_transactions(replayed);
    }

    /// Everything below `commit` is on a quorum: of it, only each producer's newest batches are kept.
    pub fn committed(&mut self, commit: LogIndex) {
        while let Some((end, id)) = self.uncommitted.front().copied()
            && end <= commit
        {
            self.uncommitted.pop_front();
            if let Some(producer) = self.by_id.get_mut(&id) {
                producer.keep_newest(commit);
            }
        }
        self.decided(commit);
    }

    /// Everything at or behind `end` is gone from the log.
    pub fn truncated(&mut self, end: LogIndex) {
        // A file of what is gone now is of another past.
        self.filed = self.filed.filter(|filed| *filed <= end);
        self.writing = self.writing.filter(|writing| *writing <= end);
        while self.uncommitted.back().is_some_and(|(at, _)| *at > end) {
            self.uncommitted.pop_back();
        }
        self.undo(end);
        self.by_id.retain(|_, producer| {
            while producer.batches.back().is_some_and(|batch| batch.end > end) {
                producer.batches.pop_back();
            }
            !producer.batches.is_empty() || producer.txn.is_some()
        });
    }

    /// Forgets producers that have been idle for `expiration_ms`. That a producer's records are gone is no reason to: it may
    /// still send its last batch again (KIP-360). One with an open transaction stays.
    pub fn expire(&mut self, now_ms: i64, expiration_ms: i64) {
        let unstable = self.unstable_ids();
        self.by_id.retain(|id, producer| {
            let seen_ms = *producer.seen_ms.get_or_insert(now_ms);
            now_ms.saturating_sub(seen_ms) < expiration_ms || unstable.contains(id)
        });
    }

    /// Whether there are too many of them for a State.
    #[must_use]
    pub fn are_many(&self) -> bool {
        self.by_id.len() > self.in_state_max
    }

    /// From now on a State holds at most so many.
    pub fn set_in_state_max(&mut self, in_state_max: usize) {
        self.in_state_max = in_state_max;
    }

    /// Whether they should stand in a file and do not.
    #[must_use]
    pub fn need_file(&self) -> bool {
        self.are_many() && self.filed.is_none() && self.writing.is_none()
    }

    /// What the file beside the log is as of.
    #[must_use]
    pub fn filed(&self) -> Option<LogIndex> {
        self.filed
    }

    /// A file holds them as of here, durably.
    pub fn set_filed(&mut self, index: Option<LogIndex>) {
        self.filed = index;
    }

    /// Them without what is not below `end`.
    #[must_use]
    pub fn as_of(&self, end: LogIndex) -> Producers {
        let mut copy = self.clone();
        copy.truncated(end);
        copy
    }

    fn forget_least_used(&mut self) {
        let mut uses: Vec<u64> = self.by_id.values().map(|producer| producer.used).collect();
        let (_, limit, _) = uses.select_nth_unstable(FORGOTTEN_AT_ONCE);
        let limit = *limit;
        let unstable = self.unstable_ids();
        self.by_id.retain(|id, producer| producer.used >= limit || unstable.contains(id));
    }

    fn unstable_ids(&self) -> BTreeSet<i64> {
        self.unstable.values().copied().collect()
    }

    /// What each left last in the log, by id.
    pub fn last_of(&self) -> impl Iterator<Item = (i64, LastOf)> {
        self.by_id.iter().map(|(id, producer)| {
            let last = producer.batches.back();
            (*id, last.map_or(LastOf::Marker(producer.epoch()), |last| LastOf::Batch(last.last_offset)))
        })
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// All of them, by id.
    pub fn infos(&self) -> impl Iterator<Item = ProducerInfo> {
        self.by_id.iter().map(|(id, producer)| {
            let epoch = producer.epoch();
            let last = producer.batches.back();
            let timestamps =
                [last.map(|last| last.timestamp_ms), producer.txn.as_ref().map(|txn| txn.timestamp_ms)];
            ProducerInfo {
                producer_id: *id,
                producer_epoch: epoch,
                last_sequence: last.filter(|last| last.epoch == epoch).map_or(-1, |last| last.last_sequence),
                last_timestamp_ms: timestamps.into_iter().flatten().max().unwrap_or(-1),
                coordinator_epoch: producer.txn.as_ref().map_or(-1, |txn| txn.coordinator_epoch),
                transaction_start: producer.open(),
            }
        })
    }
}

impl Producer {
    /// The newest epoch seen of it, in records or in markers.
    fn epoch(&self) -> i16 {
        let sent = self.batches.back().map_or(-1, |last| last.epoch);
        self.txn.as_ref().map_or(sent, |txn| txn.epoch.max(sent))
    }

    /// Where its open transaction begins.
    fn open(&self) -> Option<Offset> {
        self.txn.as_ref().and_then(|txn| txn.first)
    }

    fn keep_newest(&mut self, commit: LogIndex) {
        let committed = self.batches.iter().take_while(|batch| batch.end <= commit).count();
        if committed == 0 {
            return;
        }
        let epoch = self.batches[committed - 1].epoch;
        let old = self.batches.iter().take(committed).take_while(|batch| batch.epoch < epoch).count();
        self.batches.drain(..old.max(committed.saturating_sub(PRODUCER_BATCHES_KEPT)));
    }
}

#[cfg(test)]
mod tests;
