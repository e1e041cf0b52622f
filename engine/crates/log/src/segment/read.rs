//! Batches out of a segment.

use std::io::Result as IoResult;
use std::path::Path;

use batch::{HEADER_BYTES, Header};
use io::storage::read_exact_at;
use io::{File, OpenMode, Storage};
use model::Offset;

use super::scan::scan;
use super::{indexes, log_path, rot};

/// Position of the batch that holds `offset`, or of the first one behind it; `end` if there is none.
pub fn find(storage: &dyn Storage, dir: &Path, base: Offset, end: u64, offset: Offset) -> IoResult<u64> {
    let file = open(storage, dir, base, end)?;
    find_in(storage, dir, base, &*file, end, offset)
}

pub(super) fn open(
    storage: &dyn Storage,
    dir: &Path,
    base: Offset,
    end: u64,
) -> IoResult<std::sync::Arc<dyn File>> {
    let file = storage.open(&log_path(dir, base), OpenMode::Read)?;
    if file.len()? < end {
        return Err(rot("a segment is shorter than its flushed mark"));
    }
    Ok(file)
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
    for stored in scan(file, from, end) {
        let (position, header) = stored?;
        if header.next_offset() > offset {
            return Ok(position);
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
    let file = open(storage, dir, base, end)?;
    let position = find_in(storage, dir, base, &*file, end, from)?;
    let left = usize::try_from(end - position).unwrap_or(usize::MAX);
    let mut out = vec![0; left.min(bytes_max.max(if at_least_one { HEADER_BYTES } else { 0 }))];
    read_exact_at(&*file, &mut out, position)?;
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
                read_exact_at(&*file, &mut out[have..], position + have as u64)?;
                whole = len;
            }
            break;
        }
        whole += len;
    }
    out.truncate(whole);
    Ok(out)
}
