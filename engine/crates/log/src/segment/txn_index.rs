//! `.txnindex`: transactions that were aborted, in the order of their markers, each in the segment of its marker. Big-endian:
//! {version i16, producer id i64, first offset i64, last offset i64, last stable offset i64}, as Kafka writes it.
//!
//! Unlike the other indexes it cannot be built again from the segment: where a transaction began stands in an earlier one. So
//! it is synced with the segment's records, before the flushed mark, and entries behind the mark are written again after a
//! crash from what the journal's replay found.

use std::io::{ErrorKind, Result as IoResult};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use io::storage::read_exact_at;
use io::{File, OpenMode, Storage};
use model::Offset;

use super::names::{TXN_INDEX, base_of, txn_index_path};

const ENTRY_BYTES: usize = 34;
const VERSION: i16 = 0;
/// Entries read at once.
const ENTRIES_READ: u64 = 120;

/// A transaction that was aborted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Aborted {
    /// Whose.
    pub producer_id: i64,
    /// Offset of its first record here.
    pub first: Offset,
    /// Offset of its marker.
    pub last: Offset,
    /// The last stable offset once it was over: every transaction that began before it is decided by then.
    pub last_stable: Offset,
}

impl Aborted {
    /// Whether it may have records from `from` on and before `upto`.
    #[must_use]
    pub fn overlaps(&self, from: Offset, upto: Offset) -> bool {
        self.last >= from && self.first < upto
    }

    fn encode(&self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        bytes[..2].copy_from_slice(&VERSION.to_be_bytes());
        let fields = [self.producer_id, self.first.0, self.last.0, self.last_stable.0];
        for (place, field) in bytes[2..].chunks_exact_mut(8).zip(fields) {
            place.copy_from_slice(&field.to_be_bytes());
        }
        bytes
    }

    /// `None` if it is no entry of a segment with this base.
    fn decode(bytes: &[u8], base: Offset) -> Option<Aborted> {
        let (version, rest) = bytes.split_first_chunk::<2>()?;
        let mut fields = rest.chunks_exact(8).map(|field| field.try_into().map_or(-1, i64::from_be_bytes));
        let mut offset = || fields.next().map(Offset);
        let (producer_id, first, last, last_stable) = (offset()?.0, offset()?, offset()?, offset()?);
        let sound =
            i16::from_be_bytes(*version) == VERSION && producer_id >= 0 && first < last && last >= base;
        sound.then_some(Aborted { producer_id, first, last, last_stable })
    }
}

fn open(storage: &dyn Storage, dir: &Path, base: Offset) -> IoResult<Option<Arc<dyn File>>> {
    match storage.open(&txn_index_path(dir, base), OpenMode::ReadWrite) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn entry(file: &dyn File, base: Offset, n: u64) -> IoResult<Option<Aborted>> {
    let mut bytes = [0; ENTRY_BYTES];
    read_exact_at(file, &mut bytes, n * ENTRY_BYTES as u64)?;
    Ok(Aborted::decode(&bytes, base))
}

/// How many entries stand before `offset`.
fn before(file: &dyn File, base: Offset, offset: Offset) -> IoResult<u64> {
    let (mut low, mut high) = (0, file.len()? / ENTRY_BYTES as u64);
    while low < high {
        let middle = low + (high - low) / 2;
        if entry(file, base, middle)?.is_some_and(|entry| entry.last < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Puts `new` behind the entries before `from`; what else stands there goes. Whether there are any now.
pub(super) fn replace_from(
    storage: &dyn Storage,
    dir: &Path,
    base: Offset,
    from: Offset,
    new: &[Aborted],
) -> IoResult<bool> {
    let file = match open(storage, dir, base)? {
        Some(file) => file,
        None if new.is_empty() => return Ok(false),
        None => storage.open(&txn_index_path(dir, base), OpenMode::Create)?,
    };
    let kept = before(&*file, base, from)? * ENTRY_BYTES as u64;
    if file.len()? > kept {
        file.set_len(kept)?;
    }
    let bytes: Vec<u8> = new.iter().flat_map(Aborted::encode).collect();
    if !bytes.is_empty() {
        file.write_at(&bytes, kept)?;
    }
    Ok(kept > 0 || !bytes.is_empty())
}

/// Drops, after a crash, what stands there of the transactions that ended at or behind `from`; the first of them is `first`.
/// Of one entry a power cut may have left a part, which may look like an older one.
pub fn cut_unsynced(
    storage: &dyn Storage,
    dir: &Path,
    base: Offset,
    from: Offset,
    first: &Aborted,
) -> IoResult<()> {
    let Some(file) = open(storage, dir, base)? else { return Ok(()) };
    let mut kept = before(&*file, base, from)?;
    if let Some(last) = kept.checked_sub(1) {
        let mut found = [0; ENTRY_BYTES];
        read_exact_at(&*file, &mut found, last * ENTRY_BYTES as u64)?;
        kept -= u64::from(is_part_of(&found, &first.encode()));
    }
    file.set_len(kept * ENTRY_BYTES as u64)?;
    file.sync_data()
}

/// Whether it is some bytes of an entry, from its front or its back, and zeros for the rest.
fn is_part_of(found: &[u8; ENTRY_BYTES], whole: &[u8; ENTRY_BYTES]) -> bool {
    let zeros = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
    (0..=ENTRY_BYTES).any(|at| {
        let (front, back) = found.split_at(at);
        front == &whole[..at] && zeros(back) || zeros(front) && back == &whole[at..]
    })
}

/// Syncs it, if it is there.
pub(super) fn sync(storage: &dyn Storage, dir: &Path, base: Offset) -> IoResult<()> {
    open(storage, dir, base)?.map_or(Ok(()), |file| file.sync_data())
}

/// Base offsets of the segments that have one.
pub fn list(storage: &dyn Storage, dir: &Path) -> IoResult<Vec<Offset>> {
    let mut bases: Vec<Offset> =
        storage.list(dir)?.iter().filter_map(|path| base_of(path, TXN_INDEX)).collect();
    bases.sort_unstable();
    Ok(bases)
}

/// Adds the transactions of these segments, each with its file, that overlap with what lies from `from` on and before `upto`,
/// and that ended before `written`: so far the files count. `NotFound`: one is gone, by retention or by compaction, and its
/// entries stand elsewhere.
pub fn collect(
    storage: &dyn Storage,
    files: &[(Offset, PathBuf)],
    (from, upto, written): (Offset, Offset, Offset),
    found: &mut Vec<Aborted>,
) -> IoResult<()> {
    for (base, path) in files {
        let file = storage.open(path, OpenMode::Read)?;
        let entries = file.len()? / ENTRY_BYTES as u64;
        let mut at = before(&*file, *base, from)?;
        while at < entries {
            let count = ENTRIES_READ.min(entries - at);
            let mut bytes = vec![0; usize::try_from(count).expect("few") * ENTRY_BYTES];
            read_exact_at(&*file, &mut bytes, at * ENTRY_BYTES as u64)?;
            at += count;
            for entry in bytes.chunks_exact(ENTRY_BYTES) {
                let entry = Aborted::decode(entry, *base).filter(|entry| entry.last < written);
                let Some(entry) = entry else { return Ok(()) }; // not synced: what counts of it is known otherwise
                if entry.overlaps(from, upto) {
                    found.push(entry);
                }
                if entry.last_stable >= upto {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// Writes the index of a compacted segment, whose entries these are, under the name that it has until the swap.
pub(crate) fn store(storage: &dyn Storage, path: &Path, entries: &[Aborted]) -> IoResult<()> {
    let file = storage.open(path, OpenMode::Create)?;
    let bytes: Vec<u8> = entries.iter().flat_map(Aborted::encode).collect();
    file.set_len(0)?;
    if !bytes.is_empty() {
        file.write_at(&bytes, 0)?;
    }
    file.sync_data()
}

/// Unlinks an index without entries.
pub(crate) fn drop_empty(storage: &dyn Storage, dir: &Path, base: Offset) -> IoResult<()> {
    match open(storage, dir, base)? {
        Some(file) if file.len()? == 0 => storage.unlink(&txn_index_path(dir, base)),
        Some(_) | None => Ok(()),
    }
}

/// Whether the segment has one.
pub(crate) fn is_there(storage: &dyn Storage, dir: &Path, base: Offset) -> IoResult<bool> {
    Ok(open(storage, dir, base)?.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Aborted =
        Aborted { producer_id: 7, first: Offset(258), last: Offset(515), last_stable: Offset(516) };

    #[test]
    fn an_entry_is_kafkas() {
        let bytes = ONE.encode();
        assert_eq!(bytes[..10], [0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
        assert_eq!(bytes[16..18], [1, 2]);
        assert_eq!(Aborted::decode(&bytes, Offset(300)), Some(ONE));
        assert_eq!(Aborted::decode(&bytes, Offset(516)), None, "its marker stands in another segment");
        assert_eq!(Aborted::decode(&[0; ENTRY_BYTES], Offset(0)), None, "zeros of a power cut");
    }

    #[test]
    fn a_part_of_an_entry_is_told_from_another_entry() {
        let whole = ONE.encode();
        for at in 0..=ENTRY_BYTES {
            let (mut front, mut back) = (whole, whole);
            front[at..].fill(0);
            back[..at].fill(0);
            assert!(is_part_of(&front, &whole) && is_part_of(&back, &whole));
        }
        let other = Aborted { last: Offset(512), ..ONE };
        assert!(!is_part_of(&other.encode(), &whole));
    }
}
