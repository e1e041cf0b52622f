//! Batches out of a segment.

use std::io::Result as IoResult;
use std::path::Path;
use std::sync::Arc;

use batch::{HEADER_BYTES, Header};
use io::storage::read_exact_at;
use io::{File, OpenMode, Storage};
use model::Offset;

use super::scan::scan;
use super::{indexes, log_path, rot};

/// Position of the batch that holds `offset`, or of the first one behind it; `end` if there is none.
pub fn find(storage: &dyn Storage, dir: &Path, base: Offset, end: u64, offset: Offset) -> IoResult<u64> {
    let (file, end) = open(storage, &log_path(dir, base), end)?;
    if offset <= base {
        return Ok(0);
    }
    find_in(storage, dir, base, &*file, end, offset)
}

/// A file to read and how far; an `end` of `u64::MAX` says that all of it counts.
pub(super) fn open(storage: &dyn Storage, path: &Path, end: u64) -> IoResult<(Arc<dyn File>, u64)> {
    let file = storage.open(path, OpenMode::Read)?;
    let len = file.len()?;
    if end == u64::MAX {
        return Ok((file, len));
    }
    if len < end { Err(rot("a segment is shorter than its flushed mark")) } else { Ok((file, end)) }
}

pub(super) fn find_in(
    storage: &dyn Storage,
    dir: &Path,
    base: Offset,
    file: &dyn File,
    end: u64,
    offset: Offset,
) -> IoResult<u64> {
    let from = indexes::before_offset(storage, dir, base, file, end, offset)?;
    first_at(file, from, end, offset)
}

fn first_at(file: &dyn File, from: u64, end: u64, offset: Offset) -> IoResult<u64> {
    for stored in scan(file, from, end) {
        let (position, header) = stored?;
        if header.next_offset() > offset {
            return Ok(position);
        }
        if header.next_offset() == offset {
            // What follows need not be looked at: at the end of what counts it may be torn.
            return Ok(position + header.total_bytes() as u64);
        }
    }
    Ok(end)
}

/// Whole batches from the one that holds `from` while they end at or before `upto` and fit into `bytes_max` (the first one
/// always, if `at_least_one`).
#[allow(clippy::too_many_arguments)] // each is a bound of its own, and none has a partner that it always comes with
pub fn read(
    storage: &dyn Storage,
    dir: &Path,
    base: Offset,
    end: u64,
    from: Offset,
    upto: Offset,
    bytes_max: usize,
    at_least_one: bool,
) -> IoResult<Vec<u8>> {
    let (file, end) = open(storage, &log_path(dir, base), end)?;
    let position = find_in(storage, dir, base, &*file, end, from)?;
    read_at(&*file, position, end, upto, bytes_max, at_least_one)
}

/// As [`read`], from a file that has no indexes (yet).
pub fn read_file(
    storage: &dyn Storage,
    path: &Path,
    end: u64,
    from: Offset,
    upto: Offset,
    bytes_max: usize,
    at_least_one: bool,
) -> IoResult<Vec<u8>> {
    let (file, end) = open(storage, path, end)?;
    let position = first_at(&*file, 0, end, from)?;
    read_at(&*file, position, end, upto, bytes_max, at_least_one)
}

/// Whole batches from `position`, where one begins, while they fit into `bytes_max`; one in any case.
pub(crate) fn read_batches(file: &dyn File, position: u64, end: u64, bytes_max: usize) -> IoResult<Vec<u8>> {
    read_at(file, position, end, Offset(i64::MAX), bytes_max, true)
}

/// What was written once may have changed on the disk since: it is better refused than served.
pub(crate) fn undamaged(header: &Header, bytes: &[u8]) -> IoResult<()> {
    batch::check_crc(header, bytes).map_err(|_| rot("a stored batch does not match its checksum"))
}

fn read_at(
    file: &dyn File,
    position: u64,
    end: u64,
    upto: Offset,
    bytes_max: usize,
    at_least_one: bool,
) -> IoResult<Vec<u8>> {
    let left = usize::try_from(end - position).unwrap_or(usize::MAX);
    let mut out = vec![0; left.min(bytes_max.max(if at_least_one { HEADER_BYTES } else { 0 }))];
    read_exact_at(file, &mut out, position)?;
    let mut whole = 0;
    while let Some(head) = out.get(whole..whole + HEADER_BYTES) {
        let header = Header::read(head).map_err(|_| rot("a stored batch has no header"))?;
        let len = header.total_bytes();
        if len > left - whole {
            return Err(rot("a stored batch is out of place"));
        }
        if header.next_offset() > upto {
            break;
        }
        if whole + len > bytes_max.min(out.len()) {
            if whole == 0 && at_least_one {
                let have = out.len().min(len);
                out.resize(len, 0);
                read_exact_at(file, &mut out[have..], position + have as u64)?;
                undamaged(&header, &out)?;
                whole = len;
            }
            break;
        }
        undamaged(&header, &out[whole..whole + len])?;
        whole += len;
    }
    out.truncate(whole);
    Ok(out)
}
