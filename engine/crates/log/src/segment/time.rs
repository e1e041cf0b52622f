//! Offsets by timestamp (ListOffsets): down to the record's own offset.

use std::io::Result as IoResult;
use std::path::Path;

use batch::{Header, TimestampType};
use io::storage::read_exact_at;
use io::{File, Storage};
use model::Offset;
use model::limits::BATCH_DECOMPRESSED_BYTES_MAX;

use super::read::{find_in, open, undamaged};
use super::scan::scan;
use super::{indexes, log_path, rot};

/// The first record from `start` on with at least this timestamp: its offset and its timestamp. Under LogAppendTime the
/// batch's first.
pub fn find_time(
    storage: &dyn Storage,
    dir: &Path,
    base: Offset,
    end: u64,
    start: Offset,
    timestamp: i64,
) -> IoResult<Option<(Offset, i64)>> {
    let (file, end) = open(storage, &log_path(dir, base), end)?;
    let from = before_time(storage, dir, base, &*file, end, timestamp)?;
    walk(&*file, from, end, start, timestamp)
}

/// As [`find_time`], in a whole file that has no indexes (yet).
pub fn find_time_in_file(
    storage: &dyn Storage,
    path: &Path,
    start: Offset,
    timestamp: i64,
) -> IoResult<Option<(Offset, i64)>> {
    let (file, end) = open(storage, path, u64::MAX)?;
    walk(&*file, 0, end, start, timestamp)
}

fn walk(
    file: &dyn File,
    from: u64,
    end: u64,
    start: Offset,
    timestamp: i64,
) -> IoResult<Option<(Offset, i64)>> {
    for stored in scan(file, from, end) {
        let (position, header) = stored?;
        if header.max_timestamp < timestamp || header.next_offset() <= start {
            continue;
        }
        // The header's maximum is the producer's word: a batch without such a record is passed over.
        let found = first_at(&header, &batch_at(file, position, &header)?, start, timestamp)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// As [`find_time`], in batches that are in memory.
pub fn find_time_in(bytes: &[u8], start: Offset, timestamp: i64) -> IoResult<Option<(Offset, i64)>> {
    for item in batch::split(bytes) {
        let (header, bytes) = item.map_err(|_| rot("a stored batch has no header"))?;
        if header.max_timestamp >= timestamp
            && header.next_offset() > start
            && let Some(found) = first_at(&header, bytes, start, timestamp)?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The record with the largest timestamp, the first of them: its offset and its timestamp. `None` if no record has one.
pub fn max_timestamp(
    storage: &dyn Storage,
    dir: &Path,
    base: Offset,
    end: u64,
) -> IoResult<Option<(Offset, i64)>> {
    let (file, end) = open(storage, &log_path(dir, base), end)?;
    // Whatever is before the last entry's batch is not larger than it.
    let from = before_time(storage, dir, base, &*file, end, i64::MAX)?;
    let mut max: Option<(u64, Header)> = None;
    for stored in scan(&*file, from, end) {
        let stored = stored?;
        if max.is_none_or(|max| stored.1.max_timestamp > max.1.max_timestamp) {
            max = Some(stored);
        }
    }
    match max {
        Some((position, header)) if header.max_timestamp >= 0 => {
            let bytes = batch_at(&*file, position, &header)?;
            first_at(&header, &bytes, header.base_offset, header.max_timestamp)
        }
        _ => Ok(None),
    }
}

/// A position before which no record has a timestamp of `timestamp` or more; a batch begins there.
fn before_time(
    storage: &dyn Storage,
    dir: &Path,
    base: Offset,
    file: &dyn File,
    end: u64,
    timestamp: i64,
) -> IoResult<u64> {
    let Some(entry) = indexes::before_time(storage, dir, base, file, end, timestamp)? else { return Ok(0) };
    let position = find_in(storage, dir, base, file, end, entry.last_offset)?;
    // An entry that names another batch is stale: look at all of them.
    let holds = match scan(file, position, end).next().transpose()? {
        Some((_, header)) => {
            header.last_offset() == entry.last_offset && header.max_timestamp == entry.timestamp
        }
        None => false,
    };
    Ok(if holds { position } else { 0 })
}

fn batch_at(file: &dyn File, position: u64, header: &Header) -> IoResult<Vec<u8>> {
    let mut bytes = vec![0; header.total_bytes()]; // the scan has seen that so much is there
    read_exact_at(file, &mut bytes, position)?;
    undamaged(header, &bytes)?;
    Ok(bytes)
}

fn first_at(header: &Header, bytes: &[u8], start: Offset, timestamp: i64) -> IoResult<Option<(Offset, i64)>> {
    if header.attributes.timestamp_type() == TimestampType::LogAppendTime {
        return Ok(Some((header.base_offset.max(start), header.max_timestamp)));
    }
    let mut scratch = Vec::new();
    let section = batch::section(header, bytes, &mut scratch, BATCH_DECOMPRESSED_BYTES_MAX)
        .map_err(|_| rot("the records of a stored batch can not be read"))?;
    for record in batch::records(header, section) {
        let record = record.map_err(|_| rot("the records of a stored batch can not be read"))?;
        if record.offset >= start && record.timestamp >= timestamp {
            return Ok(Some((record.offset, record.timestamp)));
        }
    }
    Ok(None)
}
