//! Compaction of keyed logs: the last record of each key stays. Which log and how far says [`plan`]; the files are
//! [`log`]'s.
//!
//! What stands before the first uncleanable offset is looked at from the log's beginning, so nothing older can come back when
//! a record goes. Offsets stay; readers see gaps, as with Kafka. A deletion (a key without a value) stays for
//! `delete.retention.ms` from the first compaction that meets it, which notes in the batch when it may go (KIP-534), so that
//! a reader who has seen the key's value also sees that it is gone. A marker stays until its transaction's records are gone,
//! and then as long as a deletion; as long as there are records, readers are told of an aborted transaction. A batch that loses
//! all its records goes too, unless a producer's last sequence number stands in it, or it is the last one of all that was looked
//! at.

use std::collections::{BTreeMap, BTreeSet};

use batch::{BatchError, Builder, Header, emptied, records, section};
use log::{Aborted, Compactor, Kept, Learned};
use model::Offset;
use model::limits::BATCH_DECOMPRESSED_BYTES_MAX;

mod offset_map;
mod plan;

use offset_map::OffsetMap;
pub use plan::{Dirt, look};

/// Segments of the node's own keyed logs are at most this large, so that compaction keeps up and a reload stays short.
pub const INTERNAL_SEGMENT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What a compaction goes by, as of its beginning.
pub struct Terms {
    /// Wall clock.
    pub now_ms: i64,
    /// `delete.retention.ms`.
    pub delete_retention_ms: i64,
    /// The first offset whose key has not been looked at.
    pub from: Offset,
    /// The first offset that is left alone.
    pub upto: Offset,
    /// What carries on what is remembered of each producer.
    pub last_of: BTreeMap<i64, LastOf>,
}

/// The last that a producer left in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LastOf {
    /// A batch that ends here: its sequence number is the last.
    Batch(Offset),
    /// Only markers: any of this epoch.
    Marker(i16),
}

/// Memory of one compaction.
pub struct KeyCompactor {
    terms: Terms,
    newest: OffsetMap,
    /// Records from here on stay whatever their key.
    end: Offset,
    /// By producer, aborted transactions in order.
    aborted: BTreeMap<i64, Vec<Aborted>>,
    /// Those of them that go on having an entry, since somebody asked.
    still_aborted: Vec<Aborted>,
    /// Producers with a batch of a transaction whose marker has not come yet.
    open: BTreeSet<i64>,
    scratch: Vec<u8>,
}

impl KeyCompactor {
    /// `map_bytes_max` and `seed`: see [`OffsetMap`].
    pub fn new(terms: Terms, map_bytes_max: usize, seed: u64) -> KeyCompactor {
        let (newest, end) = (OffsetMap::new(map_bytes_max, seed), terms.from);
        KeyCompactor {
            terms,
            newest,
            end,
            aborted: BTreeMap::new(),
            still_aborted: Vec::new(),
            open: BTreeSet::new(),
            scratch: Vec::new(),
        }
    }

    /// Whether all records of a batch go, whatever their keys.
    fn discards(&mut self, header: &Header) -> bool {
        if header.attributes.is_control() {
            // Nothing of its transaction has come since the last marker: its records are gone.
            let was_open = self.open.remove(&header.producer_id);
            if was_open {
                self.still_aborted.extend(self.aborted_by(header));
            }
            let is_empty = !was_open || header.record_count == 0;
            return is_empty && header.attributes.has_delete_horizon() && self.is_past_horizon(header);
        }
        if !header.attributes.is_transactional() {
            return false;
        }
        self.open.insert(header.producer_id);
        self.is_aborted(header)
    }

    fn is_aborted(&self, header: &Header) -> bool {
        self.aborted_not_before(header).is_some_and(|next| next.first <= header.base_offset)
    }

    /// The transaction that a marker aborted.
    fn aborted_by(&self, marker: &Header) -> Option<Aborted> {
        self.aborted_not_before(marker).filter(|aborted| aborted.last == marker.base_offset)
    }

    /// The producer's first aborted transaction whose marker does not stand before this batch.
    fn aborted_not_before(&self, header: &Header) -> Option<Aborted> {
        let of = self.aborted.get(&header.producer_id)?;
        of.get(of.partition_point(|aborted| aborted.last < header.base_offset)).copied()
    }

    fn is_past_horizon(&self, header: &Header) -> bool {
        header.attributes.has_delete_horizon() && self.terms.now_ms >= header.base_timestamp
    }

    /// Whether a batch stays where it has no record left.
    fn stays_empty(&self, header: &Header) -> bool {
        let is_last = match self.terms.last_of.get(&header.producer_id) {
            Some(LastOf::Batch(last)) => header.last_offset() == *last,
            Some(LastOf::Marker(epoch)) => header.attributes.is_control() && header.producer_epoch == *epoch,
            None => false,
        };
        is_last || header.next_offset() == self.terms.upto
    }
}

impl Compactor for KeyCompactor {
    fn aborted(&mut self, transactions: Vec<Aborted>) {
        for one in transactions {
            self.aborted.entry(one.producer_id).or_default().push(one);
        }
    }

    fn learn(&mut self, header: &Header, bytes: &[u8]) -> Result<Learned, BatchError> {
        let aborted = header.attributes.is_transactional() && self.is_aborted(header);
        if header.attributes.is_control() || aborted {
            return Ok(Learned::Whole);
        }
        let section = section(header, bytes, &mut self.scratch, BATCH_DECOMPRESSED_BYTES_MAX)?;
        for record in records(header, section) {
            let record = record?;
            if let Some(key) = record.key.filter(|_| record.offset >= self.terms.from)
                && !self.newest.put(key, record.offset)
            {
                return Ok(Learned::Before(record.offset));
            }
        }
        Ok(Learned::Whole)
    }

    fn learned(&mut self, end: Offset) {
        self.end = end;
    }

    fn keep(&mut self, header: &Header, bytes: &[u8]) -> Result<Kept, BatchError> {
        let is_control = header.attributes.is_control();
        let was_open = self.open.contains(&header.producer_id);
        let is_gone = self.discards(header);
        let empty = |stays: bool| if stays { Kept::Changed(emptied(header)) } else { Kept::Gone };
        if is_gone {
            return Ok(unless_same(bytes, empty(self.stays_empty(header))));
        }
        let is_past_horizon = self.is_past_horizon(header);
        let mut scratch = std::mem::take(&mut self.scratch);
        let section = section(header, bytes, &mut scratch, BATCH_DECOMPRESSED_BYTES_MAX)?;
        let (mut kept, mut all, mut has_deletion) = (Vec::new(), true, false);
        for record in records(header, section) {
            let record = record?;
            let is_newest =
                || record.key.is_some_and(|key| self.newest.get(key).is_none_or(|at| record.offset >= at));
            let stays = is_control
                || record.offset >= self.end
                || is_newest() && (record.value.is_some() || !is_past_horizon);
            if stays {
                has_deletion |= record.value.is_none();
                kept.push(record);
            } else {
                all = false;
            }
        }
        // The marker of a transaction without records goes the way of a deletion.
        let expires = has_deletion || is_control && !was_open;
        let gets_horizon = expires && !header.attributes.has_delete_horizon();
        let result = if kept.is_empty() {
            unless_same(bytes, empty(self.stays_empty(header)))
        } else if all && !gets_horizon {
            Kept::Whole
        } else {
            let mut builder = Builder::in_place_of(header);
            if gets_horizon {
                let horizon_ms = self.terms.now_ms.saturating_add(self.terms.delete_retention_ms);
                builder = builder.delete_horizon(horizon_ms);
            }
            kept.iter().for_each(|record| builder.keep(record));
            Kept::Changed(builder.finish(header.attributes.codec()?))
        };
        self.scratch = scratch;
        Ok(result)
    }

    fn take_aborted(&mut self) -> Vec<Aborted> {
        std::mem::take(&mut self.still_aborted)
    }
}

/// A batch that comes out as it went in is no change.
fn unless_same(bytes: &[u8], kept: Kept) -> Kept {
    match kept {
        Kept::Changed(new) if new == bytes => Kept::Whole,
        kept => kept,
    }
}

#[cfg(test)]
mod tests;
