//! Batches into a segment.

use std::io::Result as IoResult;
use std::ops::Range;
use std::path::Path;

use io::aligned::HUGE_PAGE_BYTES;
use io::{AlignedBuf, File, OpenMode, Storage};
use model::Offset;
use model::limits::JOURNAL_BLOCK_BYTES as BLOCK;

use super::indexes::{self, Indexed, Stored};
use super::{Aborted, log_path, rot, txn_index};

/// Small batches are gathered into writes of about this size.
const WRITE_BYTES: usize = 1 << 20;
/// From this size on the whole blocks of an append go past the page cache: a page that is new to the cache costs several
/// times the CPU of the write itself, and what is written behind is read from memory for a while.
const DIRECT_BYTES: usize = 256 << 10;
/// The largest pieces of such an append: each costs a wait.
pub const PIECE_BYTES_MAX: usize = HUGE_PAGE_BYTES / 2;

/// Where batches go.
pub struct Appending<'a> {
    /// The log's directory.
    pub dir: &'a Path,
    /// The segment.
    pub base: Offset,
    /// Where they begin in its file.
    pub position: u64,
    /// One write takes at most so much: whole blocks, [`PIECE_BYTES_MAX`] at most.
    pub piece_bytes: usize,
    /// Offset of the first of them.
    pub first: Offset,
    /// Transactions that they abort.
    pub aborted: &'a [Aborted],
}

/// Batches stand in a segment.
pub struct Appended {
    /// Where they end.
    pub end: u64,
    /// Whether the segment's transaction index has entries.
    pub has_aborted: bool,
    /// For the next append.
    pub indexed: Option<Indexed>,
}

/// Writes whole batches, cutting what stands behind their position first, with index entries every `index_interval_bytes`.
/// Durable only after a [`sync`] and, for a new segment, a sync of the directory. A file shorter than the position is
/// an error: something that was durable is gone. `indexed` is what the last append gave, if nothing else was done to the
/// segment since. `buffer` is used, and made, if there is much to write.
pub fn append(
    storage: &dyn Storage,
    to: &Appending<'_>,
    chunks: &[&[u8]],
    index_interval_bytes: u32,
    indexed: Option<Indexed>,
    buffer: &mut Option<AlignedBuf>,
) -> IoResult<Appended> {
    let Appending { dir, base, position, piece_bytes, first, aborted } = *to;
    let file = storage.open(&log_path(dir, base), OpenMode::Create)?;
    shorten(&*file, position)?;
    let mut end = position;
    let mut stored: Vec<Stored> = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        for batch in batch::split(chunk) {
            let (header, bytes) = batch.map_err(|_| rot("bytes to store are not whole batches"))?;
            stored.push((end, header));
            end += bytes.len() as u64;
        }
    }
    let whole_blocks = position.next_multiple_of(BLOCK as u64)..end - end % BLOCK as u64;
    if whole_blocks.end < whole_blocks.start + DIRECT_BYTES as u64 {
        write(&*file, position, chunks)?;
    } else {
        let direct = storage.open(&log_path(dir, base), OpenMode::CreateDirect)?;
        let buffer = buffer.get_or_insert_with(|| AlignedBuf::zeroed(HUGE_PAGE_BYTES));
        let mut pieces = Pieces { chunks: Bytes { chunks, at: 0 }, buffer, at: 0 };
        write_direct(&*file, &*direct, position..end, whole_blocks, piece_bytes, &mut pieces)?;
    }
    let range = (position, end);
    let indexed =
        indexes::extend(storage, (dir, base), &*file, range, &stored, index_interval_bytes, indexed)?;
    let has_aborted = txn_index::replace_from(storage, dir, base, first, aborted)?;
    Ok(Appended { end, has_aborted, indexed })
}

/// Syncs a segment's files (not its directory): what of an index must be there when the file counts, or all of it, where
/// nothing more will come.
pub fn sync(storage: &dyn Storage, dir: &Path, base: Offset, is_whole: bool) -> IoResult<()> {
    indexes::sync(storage, dir, base, is_whole)?;
    txn_index::sync(storage, dir, base)?;
    storage.open(&log_path(dir, base), OpenMode::ReadWrite)?.sync_data()
}

fn write(file: &dyn File, mut position: u64, chunks: &[&[u8]]) -> IoResult<()> {
    let mut gathered = Vec::new();
    for chunk in chunks {
        if !gathered.is_empty() && gathered.len() + chunk.len() > WRITE_BYTES {
            file.write_at(&gathered, position)?;
            position += gathered.len() as u64;
            gathered.clear();
        }
        if chunk.len() >= WRITE_BYTES {
            file.write_at(chunk, position)?;
            position += chunk.len() as u64;
        } else {
            gathered.extend_from_slice(chunk);
        }
    }
    if gathered.is_empty() { Ok(()) } else { file.write_at(&gathered, position) }
}

/// Writes whole blocks through `direct`, and what stands before and behind them through `file`.
fn write_direct(
    file: &dyn File,
    direct: &dyn File,
    all: Range<u64>,
    whole_blocks: Range<u64>,
    piece_bytes: usize,
    pieces: &mut Pieces<'_>,
) -> IoResult<()> {
    let mut position = all.start;
    while position < all.end {
        let (to, end) = if position < whole_blocks.start {
            (file, whole_blocks.start)
        } else if position < whole_blocks.end {
            (direct, whole_blocks.end.min(position + piece_bytes as u64))
        } else {
            (file, all.end)
        };
        let len = usize::try_from(end - position).expect("a piece fits its buffer");
        to.write_at(pieces.next(len), position)?;
        position = end;
    }
    Ok(())
}

/// Chunks put together, a piece at a time, each beside the last one in the buffer: a disk that is served by another core
/// took the last piece's memory over to it, and to write there at once costs twice.
struct Pieces<'a> {
    chunks: Bytes<'a>,
    buffer: &'a mut [u8],
    at: usize,
}

impl Pieces<'_> {
    fn next(&mut self, len: usize) -> &[u8] {
        if self.at + len > self.buffer.len() {
            self.at = 0;
        }
        let piece = &mut self.buffer[self.at..self.at + len];
        self.at = (self.at + len).next_multiple_of(BLOCK);
        self.chunks.fill(piece);
        piece
    }
}

/// Chunks as one run of bytes.
struct Bytes<'a> {
    chunks: &'a [&'a [u8]],
    at: usize,
}

impl Bytes<'_> {
    fn fill(&mut self, mut out: &mut [u8]) {
        while !out.is_empty() {
            let rest = &self.chunks[0][self.at..];
            let n = rest.len().min(out.len());
            io::stream::copy(&mut out[..n], &rest[..n]);
            out = &mut out[n..];
            self.at += n;
            if n == rest.len() {
                (self.chunks, self.at) = (&self.chunks[1..], 0);
            }
        }
    }
}

/// Cuts a segment at `position`, where a batch begins or the last one ends, with its indexes. Durable after a sync of each.
pub fn cut(storage: &dyn Storage, dir: &Path, base: Offset, position: u64) -> IoResult<()> {
    let file = storage.open(&log_path(dir, base), OpenMode::ReadWrite)?;
    shorten(&*file, position)?;
    indexes::cut(storage, dir, base, &*file, position)
}

fn shorten(file: &dyn File, position: u64) -> IoResult<()> {
    let len = file.len()?;
    if len < position {
        return Err(rot("a segment is shorter than its flushed mark"));
    }
    if len > position { file.set_len(position) } else { Ok(()) }
}
