//! Where a segment ends, when only the offset is known: after a truncation into flushed data.

use std::io::Result as IoResult;
use std::path::Path;

use batch::{HEADER_BYTES, Header};
use io::storage::read_exact_at;
use io::{OpenMode, Storage};
use model::Offset;

use super::names::log_path;
use super::rot;

/// Position right behind the batch that ends at `offset`. Everything before it was durable once; what stands behind it is
/// not looked at, as it may be anything.
pub fn end_before(storage: &dyn Storage, dir: &Path, base: Offset, offset: Offset) -> IoResult<u64> {
    let file = storage.open(&log_path(dir, base), OpenMode::Read)?;
    let (mut position, mut next) = (0, base);
    while next < offset {
        let mut head = [0; HEADER_BYTES];
        read_exact_at(&*file, &mut head, position)?;
        let header = Header::read(&head).map_err(|_| rot("a stored batch has no header"))?;
        next = header.next_offset();
        if next > offset || header.base_offset < base {
            return Err(rot("a stored batch is not where its offset says"));
        }
        position += header.total_bytes() as u64;
    }
    Ok(position)
}
