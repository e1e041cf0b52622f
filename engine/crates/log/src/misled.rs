//! What recovery must never do, done when a test switches the rule off that forbids it.

use std::io::Result as IoResult;

use batch::Header;
use io::{OpenMode, Storage};
use journal::Place;
use model::Offset;

use crate::log::Log;
use crate::logs::Removing;
use crate::segment;

/// Without [`journal::rules::Rule::RewriteBeforeFiles`]: cuts and unlinks at once what the replayed records allow.
pub(crate) fn act(storage: &dyn Storage, log: &Log) -> IoResult<()> {
    let dir = log.dir();
    for base in segment::bases(storage, &dir)? {
        if base > log.flushed.segment || log.segments.iter().all(|segment| segment.base != base) {
            segment::unlink(storage, &dir, base)?;
        }
    }
    let Some(len) = there(storage, log) else { return Ok(()) };
    let base = log.flushed.segment;
    let position = match log.flushed.position {
        Some(position) => position,
        None => segment::end_before(storage, &dir, base, log.written_upto())?,
    };
    if len > position { segment::cut(storage, &dir, base, position) } else { Ok(()) }
}

/// As [`act`], for a removed group.
pub(crate) fn forget(storage: &dyn Storage, removing: &Removing) -> IoResult<()> {
    storage.remove_dir_all(&removing.dir)
}

/// Length of the file that the mark stands in.
fn there(storage: &dyn Storage, log: &Log) -> Option<u64> {
    let path = segment::log_path(&log.dir(), log.flushed.segment);
    storage.open(&path, OpenMode::Read).ok()?.len().ok()
}

/// Without [`journal::rules::Rule::NothingBehindMark`]: believes whole batches behind the mark, as far as they go on where
/// it stands. They count in place of the journal's, and as new ones behind the log's end.
pub(crate) fn believe(storage: &dyn Storage, log: &mut Log) {
    let dir = log.dir();
    let (mut base, mut position) = (log.flushed.segment, log.flushed.position.unwrap_or(u64::MAX));
    loop {
        let next = log.markers.offset_of(log.flushed.index.max(log.markers.base.index)).max(log.start);
        let batch = read(storage, &dir, base, position, next).or_else(|| {
            let first = read(storage, &dir, next, 0, next)?;
            (base, position) = (next, 0);
            Some(first)
        });
        let Some((header, len)) = batch else { return };
        if next >= log.end_offset {
            // It looks as if the log went on here.
            let place = Place { commit: 0, file_use: u32::MAX, position: 0, len };
            log.add_batch(&header, log.segments.last().is_none_or(|last| last.base < base), place);
        }
        position += u64::from(len);
        log.flushed.index = log.markers.index_of(header.next_offset());
        (log.flushed.segment, log.flushed.position) = (base, Some(position));
    }
}

/// The whole batch at a position, if it begins at `offset`.
fn read(
    storage: &dyn Storage,
    dir: &std::path::Path,
    base: Offset,
    position: u64,
    offset: Offset,
) -> Option<(Header, u32)> {
    let file = storage.open(&segment::log_path(dir, base), OpenMode::Read).ok()?;
    let len = file.len().ok()?;
    let (at, header) = segment::scan(&*file, position, len).next()?.ok()?;
    let mut bytes = vec![0; header.total_bytes()];
    io::storage::read_exact_at(&*file, &mut bytes, at).ok()?;
    let sound = header.base_offset == offset && batch::check_crc(&header, &bytes).is_ok();
    sound.then(|| (header, u32::try_from(bytes.len()).expect("batches are far smaller")))
}
