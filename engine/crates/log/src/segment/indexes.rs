//! The two indexes of a segment together: extended as batches are written, asked when they are read.
//!
//! They advance at the same batches, so whatever one of them lacks is found by walking on from the last entry of both.

use std::io::{ErrorKind, Result as IoResult};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use batch::{HEADER_BYTES, Header};
use io::storage::read_exact_at;
use io::{File, OpenMode, Storage};
use model::Offset;

use super::scan::scan;
use super::{INDEX_INTERVAL_BYTES, index_path, offset_index, time_index, time_index_path};

/// Behind the last entry there is less than this to walk, or the index lacks entries and is built again: a power cut takes
/// what was not synced, and nothing more may be written to this segment.
const WALK_BYTES_MAX: u64 = 16 << 20;

/// Who changes index files: a write-behind, or a read that found them missing. Held for the writes alone.
static CHANGES: Mutex<()> = Mutex::new(());

fn change() -> MutexGuard<'static, ()> {
    CHANGES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Times, then offsets: the order in which they are written and synced.
type Files = [Arc<dyn File>; 2];
/// Where a batch stands, and its header.
pub(super) type Stored = (u64, Header);

/// How far a segment's indexes go: whoever extends them next need not read them.
#[derive(Clone, Debug)]
pub struct Indexed {
    base: Offset,
    /// Where the log ended.
    position: u64,
    offsets_len: u64,
    times_len: u64,
    /// Of the last batch that has an entry.
    last_position: u64,
    max: Option<time_index::Entry>,
    last_time: i64,
}

/// Cuts what the indexes say about `position` and behind, then adds entries for `new`, the batches written there up to `end`,
/// as Kafka does: one when more than `interval_bytes` lie between the batch and the last one that has an entry. `known` is
/// what the last call gave, if the segment was only appended to since. `None`: it was not worth finding out how far they go.
pub(super) fn extend(
    storage: &dyn Storage,
    (dir, base): (&Path, Offset),
    log: &dyn File,
    (position, end): (u64, u64),
    new: &[Stored],
    interval_bytes: u32,
    known: Option<Indexed>,
) -> IoResult<Option<Indexed>> {
    let _alone = change();
    let known = known.filter(|known| known.base == base && known.position == position);
    if let Some(known) = known
        && let Some(files) = known.files(storage, dir)?
    {
        let mut entries = Entries::new(known, interval_bytes);
        new.iter().for_each(|stored| entries.add(*stored));
        entries.append(&files)?;
        return Ok(Some(entries.indexed(end)));
    }
    let kept = Kept::cut(storage, dir, base, log, position)?;
    let from = kept.offsets.map_or(0, |entry| entry.position);
    // The last batch alone decides whether there is anything to add.
    let last = new.last().map_or(position, |(position, _)| *position);
    if last.saturating_sub(from) <= u64::from(interval_bytes) {
        return Ok(None);
    }
    let mut entries = Entries::after(base, &kept, interval_bytes);
    for stored in scan(log, from, position) {
        entries.add(stored?);
    }
    new.iter().for_each(|stored| entries.add(*stored));
    entries.store(storage, dir, &kept, position > 0)?;
    Ok(Some(entries.indexed(end)))
}

/// Syncs the times, and the offsets too if that is asked for (no later sync will), if they are there. Offsets that a power cut takes are found
/// again by walking on from those that are left; times that it takes would be missed, where offsets behind them are left.
pub(super) fn sync(storage: &dyn Storage, dir: &Path, base: Offset, is_whole: bool) -> IoResult<()> {
    let times = open(storage, &time_index_path(dir, base))?;
    let offsets = if is_whole { open(storage, &index_path(dir, base))? } else { None };
    times.iter().chain(&offsets).try_for_each(|file| file.sync_data())
}

impl Indexed {
    /// Both files, if they are as they were left: a reader that found them lying has built them again.
    fn files(&self, storage: &dyn Storage, dir: &Path) -> IoResult<Option<Files>> {
        let open = |path: &Path, len: u64| match storage.open(path, OpenMode::ReadWrite) {
            Ok(file) => Ok((file.len()? == len).then_some(file)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        };
        let times = open(&time_index_path(dir, self.base), self.times_len)?;
        let offsets = open(&index_path(dir, self.base), self.offsets_len)?;
        Ok(times.zip(offsets).map(Files::from))
    }
}

/// Cuts what the indexes say about `position` and behind.
pub(super) fn cut(
    storage: &dyn Storage,
    dir: &Path,
    base: Offset,
    log: &dyn File,
    position: u64,
) -> IoResult<()> {
    let _alone = change();
    Kept::cut(storage, dir, base, log, position).map(drop)
}

/// Builds both indexes of a segment from its headers, unless someone has done so meanwhile.
fn rebuild(storage: &dyn Storage, dir: &Path, base: Offset, log: &dyn File, end: u64) -> IoResult<()> {
    let mut entries = Entries::after(base, &Kept::default(), INDEX_INTERVAL_BYTES);
    for stored in scan(log, 0, end) {
        let Ok(stored) = stored else {
            return Ok(()); // whoever reads there will say that it is damaged
        };
        entries.add(stored);
    }
    let _alone = change();
    let (offsets, times) =
        (open(storage, &index_path(dir, base))?, open(storage, &time_index_path(dir, base))?);
    if offsets.is_some() && times.is_some() {
        return Ok(());
    }
    match entries.store(storage, dir, &Kept::default(), true) {
        // A full disk must stop no reader: what the indexes lack is found in the headers.
        Err(error) if error.kind() == ErrorKind::StorageFull => Ok(()),
        result => result,
    }
}

/// The entries that hold: how many, and the last of each index.
#[derive(Default)]
struct Kept {
    offsets_len: u64,
    times_len: u64,
    offsets: Option<offset_index::Entry>,
    times: Option<time_index::Entry>,
}

impl Kept {
    fn cut(storage: &dyn Storage, dir: &Path, base: Offset, log: &dyn File, position: u64) -> IoResult<Kept> {
        let offsets = open(storage, &index_path(dir, base))?;
        let times = open(storage, &time_index_path(dir, base))?;
        let (Some(offsets), Some(times)) = (offsets, times) else {
            return Ok(Kept::default()); // one without the other is worth nothing: `store` begins anew
        };
        // Entries rise. What a power cut left of those that were not synced may be zeros.
        let offset_count = search(count(&*offsets, offset_index::ENTRY_BYTES)?, |n| {
            let entry = offset_index::entry(&*offsets, base, n)?;
            Ok(entry.position < position && (n == 0 || entry.position > 0))
        })?;
        let last =
            offset_count.checked_sub(1).map(|n| offset_index::entry(&*offsets, base, n)).transpose()?;
        let time_count = search(count(&*times, time_index::ENTRY_BYTES)?, |n| {
            let time = time_index::entry(&*times, base, n)?;
            Ok(last.is_some_and(|last| time.last_offset <= last.last_offset)
                && (n == 0 || time.last_offset > base))
        })?;
        let last_time = time_count.checked_sub(1).map(|n| time_index::entry(&*times, base, n)).transpose()?;
        let kept = Kept {
            offsets_len: offset_count * offset_index::ENTRY_BYTES as u64,
            times_len: time_count * time_index::ENTRY_BYTES as u64,
            offsets: last,
            times: last_time,
        };
        shorten(storage, &index_path(dir, base), &*offsets, kept.offsets_len)?;
        shorten(storage, &time_index_path(dir, base), &*times, kept.times_len)?;
        let holds = last.is_none_or(|last| points_at(log, &last, position).unwrap_or(false));
        Ok(if holds { kept } else { Kept::default() })
    }
}

fn shorten(storage: &dyn Storage, path: &Path, file: &dyn File, len: u64) -> IoResult<()> {
    if file.len()? > len {
        let file = storage.open(path, OpenMode::ReadWrite)?;
        file.set_len(len)?;
        file.sync_data()?; // entries that came back would stand among the new ones
    }
    Ok(())
}

/// Whether the entry's batch is where it says.
fn points_at(log: &dyn File, entry: &offset_index::Entry, end: u64) -> IoResult<bool> {
    let mut bytes = [0; HEADER_BYTES];
    if entry.position + HEADER_BYTES as u64 > end {
        return Ok(false);
    }
    read_exact_at(log, &mut bytes, entry.position)?;
    Ok(Header::read(&bytes).is_ok_and(|header| header.last_offset() == entry.last_offset))
}

/// New entries, made in memory.
struct Entries {
    at: Indexed,
    interval_bytes: u64,
    offsets: Vec<u8>,
    times: Vec<u8>,
}

impl Entries {
    fn new(at: Indexed, interval_bytes: u32) -> Entries {
        Entries { at, interval_bytes: u64::from(interval_bytes), offsets: Vec::new(), times: Vec::new() }
    }

    fn after(base: Offset, kept: &Kept, interval_bytes: u32) -> Entries {
        let at = Indexed {
            base,
            position: 0,
            offsets_len: kept.offsets_len,
            times_len: kept.times_len,
            last_position: kept.offsets.map_or(0, |entry| entry.position),
            max: kept.times,
            last_time: kept.times.map_or(-1, |entry| entry.timestamp),
        };
        Entries::new(at, interval_bytes)
    }

    fn add(&mut self, (position, header): Stored) {
        let last_offset = header.last_offset();
        let at = &mut self.at;
        if at.max.is_none_or(|max| header.max_timestamp > max.timestamp) {
            at.max = Some(time_index::Entry { timestamp: header.max_timestamp, last_offset });
        }
        if position - at.last_position <= self.interval_bytes {
            return;
        }
        let Some(entry) = (offset_index::Entry { last_offset, position }).encode(at.base) else { return };
        self.offsets.extend_from_slice(&entry);
        at.last_position = position;
        let max = at.max.expect("set above");
        if max.timestamp > at.last_time
            && let Some(entry) = max.encode(at.base)
        {
            self.times.extend_from_slice(&entry);
            at.last_time = max.timestamp;
        }
    }

    /// How far the indexes go once these entries are written, with the log's end at `position`.
    fn indexed(&self, position: u64) -> Indexed {
        Indexed {
            position,
            offsets_len: self.at.offsets_len + self.offsets.len() as u64,
            times_len: self.at.times_len + self.times.len() as u64,
            ..self.at.clone()
        }
    }

    /// Adds the entries to files that end where they begin.
    fn append(&self, [times, offsets]: &Files) -> IoResult<()> {
        let new = [(times, &self.times, self.at.times_len), (offsets, &self.offsets, self.at.offsets_len)];
        let mut new = new.into_iter().filter(|(_, bytes, _)| !bytes.is_empty());
        new.try_for_each(|(file, bytes, at)| file.write_at(bytes, at))
    }

    /// Writes the entries behind those that are kept. Whether some are for what may be durable already.
    fn store(&self, storage: &dyn Storage, dir: &Path, kept: &Kept, for_durable: bool) -> IoResult<()> {
        let put = |path: &Path, bytes: &[u8], at: u64| {
            let file = storage.open(path, OpenMode::Create)?;
            if file.len()? != at {
                file.set_len(at)?;
            }
            file.write_at(bytes, at)?;
            Ok::<_, std::io::Error>(file)
        };
        let times = put(&time_index_path(dir, self.at.base), &self.times, kept.times_len)?;
        if for_durable {
            // An offset index that outlives a power cut must not come with fewer times than it had.
            times.sync_data()?;
        }
        put(&index_path(dir, self.at.base), &self.offsets, kept.offsets_len)?;
        Ok(())
    }
}

/// The indexes of a segment that is written whole, made as its batches come and kept in memory until then.
pub struct NewIndexes(Entries);

impl NewIndexes {
    /// Of a segment without a batch.
    #[must_use]
    pub fn new(base: Offset) -> NewIndexes {
        NewIndexes(Entries::after(base, &Kept::default(), INDEX_INTERVAL_BYTES))
    }

    /// The next batch stands at `position`.
    pub fn add(&mut self, position: u64, header: &Header) {
        self.0.add((position, *header));
    }

    /// Writes and syncs both, each as a whole.
    pub fn store(&self, storage: &dyn Storage, offsets: &Path, times: &Path) -> IoResult<()> {
        for (path, bytes) in [(times, &self.0.times), (offsets, &self.0.offsets)] {
            let file = storage.open(path, OpenMode::Create)?;
            file.set_len(bytes.len() as u64)?;
            file.write_at(bytes, 0)?;
            file.sync_data()?;
        }
        Ok(())
    }
}

/// Where to begin looking for `offset`: the begin of a batch at or before the one that holds it.
pub(super) fn before_offset(
    storage: &dyn Storage,
    dir: &Path,
    base: Offset,
    log: &dyn File,
    end: u64,
    offset: Offset,
) -> IoResult<u64> {
    for rebuilt in [false, true] {
        if end <= u64::from(INDEX_INTERVAL_BYTES) {
            break; // too short to have an entry
        }
        if let Some(index) = open(storage, &index_path(dir, base))? {
            let entries = count(&*index, offset_index::ENTRY_BYTES)?;
            let n = search(entries, |n| {
                let entry = offset_index::entry(&*index, base, n)?;
                Ok(entry.last_offset <= offset && entry.position < end)
            })?;
            let first = offset_index::Entry { last_offset: base, position: 0 };
            let entry = match n.checked_sub(1) {
                Some(n) => offset_index::entry(&*index, base, n)?,
                None => first,
            };
            // Zeros that a power cut left among the entries point to the first batch; what it took leaves a long way to walk.
            let is_true = n == 0 || (n == 1 || entry.position > 0) && points_at(log, &entry, end)?;
            let is_long = n == entries && end - entry.position > WALK_BYTES_MAX;
            if is_true && (rebuilt || !is_long) {
                return Ok(entry.position);
            }
            if rebuilt {
                break;
            }
            let _alone = change();
            super::drop_indexes(storage, dir, base)?;
        }
        if !rebuilt {
            rebuild(storage, dir, base, log, end)?;
        }
    }
    Ok(0)
}

/// The last entry with a timestamp at or below `timestamp`: no record before its batch has one that is larger.
pub(super) fn before_time(
    storage: &dyn Storage,
    dir: &Path,
    base: Offset,
    log: &dyn File,
    end: u64,
    timestamp: i64,
) -> IoResult<Option<time_index::Entry>> {
    if end <= u64::from(INDEX_INTERVAL_BYTES) {
        return Ok(None); // too short to have an entry
    }
    let path = time_index_path(dir, base);
    let times = match open(storage, &path)? {
        Some(times) => times,
        None => {
            rebuild(storage, dir, base, log, end)?;
            let Some(times) = open(storage, &path)? else { return Ok(None) };
            times
        }
    };
    let entries = count(&*times, time_index::ENTRY_BYTES)?;
    let n = search(entries, |n| Ok(time_index::entry(&*times, base, n)?.timestamp <= timestamp))?;
    n.checked_sub(1).map(|n| time_index::entry(&*times, base, n)).transpose()
}

/// Number of the first entry for which `before` does not hold.
fn search(count: u64, before: impl Fn(u64) -> IoResult<bool>) -> IoResult<u64> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle)? { low = middle + 1 } else { high = middle }
    }
    Ok(low)
}

/// Whole entries in the file.
fn count(file: &dyn File, entry_bytes: usize) -> IoResult<u64> {
    Ok(file.len()? / entry_bytes as u64)
}

fn open(storage: &dyn Storage, path: &Path) -> IoResult<Option<Arc<dyn File>>> {
    match storage.open(path, OpenMode::Read) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}
