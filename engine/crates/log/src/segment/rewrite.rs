//! The latest record of each key, for keyed internal logs: what compaction keeps.
//!
//! Two passes over the same batches, oldest first, from the log's start: [`KeysSeen::look_at`] notes each key's last offset,
//! [`keep_latest`] keeps these records and drops tombstones. Offsets stay what they were. Because the passes begin at the
//! log's start, nothing older is left that a dropped tombstone hid.

use std::collections::BTreeMap;

use batch::{BatchError, Builder, Header, records, section};
use model::Offset;
use model::limits::BATCH_DECOMPRESSED_BYTES_MAX;

/// Bytes that the keys of one compaction may take in memory; behind that point everything is kept.
const KEY_BYTES_MAX: usize = 64 << 20;
/// What the map itself costs for each key, roughly.
const KEY_OVERHEAD_BYTES: usize = 64;

/// The last offset of each key, up to where memory lasted.
#[derive(Debug, Default)]
pub struct KeysSeen {
    last: BTreeMap<Vec<u8>, Offset>,
    bytes: usize,
    /// Records from here on were not noted.
    full_at: Option<Offset>,
}

impl KeysSeen {
    /// Notes the keys of one batch.
    pub fn look_at(&mut self, header: &Header, bytes: &[u8]) -> Result<(), BatchError> {
        if self.full_at.is_some() || header.attributes.is_control() {
            return Ok(());
        }
        let mut scratch = Vec::new();
        for record in records(header, section(header, bytes, &mut scratch, BATCH_DECOMPRESSED_BYTES_MAX)?) {
            let record = record?;
            let Some(key) = record.key else { continue };
            if let Some(last) = self.last.get_mut(key) {
                *last = record.offset;
                continue;
            }
            if self.bytes + key.len() + KEY_OVERHEAD_BYTES > KEY_BYTES_MAX {
                self.full_at = Some(record.offset);
                return Ok(());
            }
            self.bytes += key.len() + KEY_OVERHEAD_BYTES;
            self.last.insert(key.to_owned(), record.offset);
        }
        Ok(())
    }

    fn keeps(&self, offset: Offset, key: Option<&[u8]>, is_tombstone: bool) -> bool {
        if self.full_at.is_some_and(|full_at| offset >= full_at) {
            return true;
        }
        // A record without a key has no place in a keyed log.
        key.is_some_and(|key| self.last.get(key) == Some(&offset)) && !is_tombstone
    }
}

/// What is left of a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rewritten {
    /// Every record: its bytes serve as they are.
    Same,
    /// Some records, in a batch that covers the same offsets.
    Some(Vec<u8>),
    /// Nothing.
    Gone,
}

/// What compaction leaves of one batch. Control batches stay.
pub fn keep_latest(keys: &KeysSeen, header: &Header, bytes: &[u8]) -> Result<Rewritten, BatchError> {
    if header.attributes.is_control() {
        return Ok(Rewritten::Same);
    }
    let mut scratch = Vec::new();
    let section = section(header, bytes, &mut scratch, BATCH_DECOMPRESSED_BYTES_MAX)?;
    let mut builder = Builder::in_place_of(header);
    let mut dropped = false;
    for record in records(header, section) {
        let record = record?;
        if keys.keeps(record.offset, record.key, record.value.is_none()) {
            builder.keep(&record);
        } else {
            dropped = true;
        }
    }
    Ok(match (dropped, builder.is_empty()) {
        (false, _) => Rewritten::Same,
        (true, true) => Rewritten::Gone,
        (true, false) => Rewritten::Some(builder.finish(header.attributes.codec()?)),
    })
}
