//! Producers as bytes, for the journal's State: one version byte, then varints; the least recently used comes first.
//!
//! A producer: id, count of batches, then each batch: epoch, first sequence, records - 1, base offset, timestamp (zigzag),
//! end index; each number but the first of its kind as its distance to the one before.
//!
//! Version 3 is for partitions with transactions: after its batches a producer has a byte that says whether its [`Txn`]
//! follows, and after the producers come the [`Change`]s behind the commit index.

use std::collections::VecDeque;
use std::fmt;

use model::{LogIndex, Offset};

use super::{Change, Producer, Producers, Remembered, Txn};

const VERSION: u8 = 1;
const VERSION_WITH_TRANSACTIONS: u8 = 3;
/// In place of a snapshot: it stands in a file beside the log.
const IN_FILE: u8 = 2;

/// Bytes that are not a snapshot. They came from a State whose checksum was right: a bug, or a newer version's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadSnapshot;

impl fmt::Display for BadSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the producers in a State record cannot be read")
    }
}

impl Producers {
    /// What a State says of them: all of them, or that they stand in a file.
    #[must_use]
    pub fn state(&self) -> Vec<u8> {
        if self.are_many() && self.filed.is_some() { vec![IN_FILE] } else { self.snapshot() }
    }

    /// Whether a State says that they stand in a file.
    #[must_use]
    pub fn in_file(state: &[u8]) -> bool {
        state == [IN_FILE]
    }

    /// The snapshot; empty if nobody is remembered, as in most partitions.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.by_id.is_empty() {
            return out;
        }
        let transactions = !self.changes.is_empty() || self.by_id.values().any(|p| p.txn.is_some());
        out.push(if transactions { VERSION_WITH_TRANSACTIONS } else { VERSION });
        put(&mut out, self.by_id.len() as u64);
        let mut id_before = 0;
        // The order of use decides who is forgotten first; ids alone would lose it.
        let mut by_use: Vec<_> = self.by_id.iter().collect();
        by_use.sort_by_key(|(_, producer)| producer.used);
        for (id, producer) in by_use {
            put_signed(&mut out, id.wrapping_sub(id_before));
            id_before = *id;
            put(&mut out, producer.batches.len() as u64);
            let mut before = Remembered { timestamp_ms: 0, ..ZERO };
            for batch in &producer.batches {
                put_signed(&mut out, i64::from(batch.epoch) - i64::from(before.epoch));
                put(&mut out, u64::from(batch.first_sequence.cast_unsigned()));
                put(&mut out, batch.last_offset.0.abs_diff(batch.base_offset.0));
                put(&mut out, batch.base_offset.0.abs_diff(before.base_offset.0));
                put_signed(&mut out, batch.timestamp_ms.wrapping_sub(before.timestamp_ms));
                put(&mut out, batch.end.0 - before.end.0);
                before = *batch;
            }
            if transactions {
                put_txn(&mut out, producer.txn.as_deref());
            }
        }
        if transactions {
            put(&mut out, self.changes.len() as u64);
            for change in &self.changes {
                put(&mut out, change.end.0);
                put_signed(&mut out, change.id);
                put_txn(&mut out, change.before.as_ref());
                put_offset(&mut out, change.ended);
            }
        }
        out
    }

    /// Reads a snapshot. Entries behind the commit index come back as such when [`Producers::committed`] is told of it.
    pub fn from_snapshot(bytes: &[u8]) -> Result<Producers, BadSnapshot> {
        let mut producers = Producers::default();
        let Some((version, mut rest)) = bytes.split_first() else { return Ok(producers) };
        let transactions = match *version {
            VERSION => false,
            VERSION_WITH_TRANSACTIONS => true,
            _ => return Err(BadSnapshot),
        };
        let mut id: i64 = 0;
        for _ in 0..take(&mut rest)? {
            id = id.wrapping_add(take_signed(&mut rest)?);
            let mut batches = VecDeque::new();
            let mut before = ZERO;
            for _ in 0..take(&mut rest)? {
                before = take_batch(&mut rest, &before)?;
                batches.push_back(before);
                producers.uncommitted.push_back((before.end, id));
            }
            let txn = if transactions { take_txn(&mut rest)? } else { None };
            if batches.is_empty() && txn.is_none() {
                return Err(BadSnapshot);
            }
            producers.unstable.extend(txn.and_then(|txn| txn.first).map(|first| (first, id)));
            producers.uses += 1;
            let used = producers.uses;
            let producer = Producer { batches, txn: txn.map(Box::new), seen_ms: None, used };
            producers.by_id.insert(id, producer);
        }
        for _ in 0..if transactions { take(&mut rest)? } else { 0 } {
            let (end, id) = (LogIndex(take(&mut rest)?), take_signed(&mut rest)?);
            let change = Change { end, id, before: take_txn(&mut rest)?, ended: take_offset(&mut rest)? };
            producers.unstable.extend(change.ended.map(|first| (first, id)));
            producers.changes.push_back(change);
        }
        producers.uncommitted.make_contiguous().sort_unstable();
        if rest.is_empty() { Ok(producers) } else { Err(BadSnapshot) }
    }
}

const ZERO: Remembered = Remembered {
    epoch: 0,
    first_sequence: 0,
    last_sequence: 0,
    base_offset: Offset(0),
    last_offset: Offset(0),
    timestamp_ms: 0,
    end: LogIndex(0),
};

fn take_batch(rest: &mut &[u8], before: &Remembered) -> Result<Remembered, BadSnapshot> {
    let epoch = i64::from(before.epoch).checked_add(take_signed(rest)?).ok_or(BadSnapshot)?;
    let first_sequence = u32::try_from(take(rest)?).map_err(|_| BadSnapshot)?.cast_signed();
    let more = i64::try_from(take(rest)?).map_err(|_| BadSnapshot)?;
    let distance = i64::try_from(take(rest)?).map_err(|_| BadSnapshot)?;
    let base_offset = before.base_offset.0.checked_add(distance).ok_or(BadSnapshot)?;
    let timestamp_ms = before.timestamp_ms.wrapping_add(take_signed(rest)?);
    let end = before.end.0.checked_add(take(rest)?).ok_or(BadSnapshot)?;
    let steps = i64::from(first_sequence) + more;
    Ok(Remembered {
        epoch: i16::try_from(epoch).map_err(|_| BadSnapshot)?,
        first_sequence,
        last_sequence: i32::try_from(steps % (1 << 31)).map_err(|_| BadSnapshot)?,
        base_offset: Offset(base_offset),
        last_offset: Offset(base_offset.checked_add(more).ok_or(BadSnapshot)?),
        timestamp_ms,
        end: LogIndex(end),
    })
}

fn put_txn(out: &mut Vec<u8>, txn: Option<&Txn>) {
    out.push(u8::from(txn.is_some()));
    if let Some(txn) = txn {
        put_signed(out, i64::from(txn.epoch));
        put_signed(out, i64::from(txn.coordinator_epoch));
        put_offset(out, txn.first);
        put_signed(out, txn.timestamp_ms);
        put(out, txn.end.0);
    }
}

fn take_txn(rest: &mut &[u8]) -> Result<Option<Txn>, BadSnapshot> {
    match take(rest)? {
        0 => return Ok(None),
        1 => {}
        _ => return Err(BadSnapshot),
    }
    Ok(Some(Txn {
        epoch: i16::try_from(take_signed(rest)?).map_err(|_| BadSnapshot)?,
        coordinator_epoch: i32::try_from(take_signed(rest)?).map_err(|_| BadSnapshot)?,
        first: take_offset(rest)?,
        timestamp_ms: take_signed(rest)?,
        end: LogIndex(take(rest)?),
    }))
}

/// -1 stands for none.
fn put_offset(out: &mut Vec<u8>, offset: Option<Offset>) {
    put_signed(out, offset.map_or(-1, |offset| offset.0));
}

fn take_offset(rest: &mut &[u8]) -> Result<Option<Offset>, BadSnapshot> {
    let offset = take_signed(rest)?;
    if offset < -1 { Err(BadSnapshot) } else { Ok((offset >= 0).then_some(Offset(offset))) }
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, (value << 1 ^ value >> 63).cast_unsigned());
}

fn take(rest: &mut &[u8]) -> Result<u64, BadSnapshot> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first().ok_or(BadSnapshot)?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(BadSnapshot)
}

fn take_signed(rest: &mut &[u8]) -> Result<i64, BadSnapshot> {
    let value = take(rest)?;
    Ok((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
}
