//! Reading: from memory at once, else a job that reads the journal file or the segments.

use std::io::{ErrorKind, Result as IoResult};
use std::path::PathBuf;

use io::{Job, Storage};
use journal::{Bytes, ColdRead, Journal, Place};
use model::{GroupId, LogIndex, Offset};

use crate::aborted::{Asked, Found};
use crate::compact::swap_path;
use crate::log::Log;
use crate::segment;
use crate::segments::holding;
use crate::tail::TailBatch;

/// What a read finds without waiting.
pub enum Read {
    /// Whole batches, the first of which holds the offset asked for, and their bytes in all.
    Ready(Vec<Bytes>, usize),
    /// The bytes are on disk.
    Cold(ReadJob),
    /// Nothing there yet, or less fits than one batch.
    Empty,
}

/// What is read from one segment's file, and how far the file counts.
#[derive(Clone)]
pub(crate) struct Stretch {
    pub base: Offset,
    pub end: End,
    /// The new file of a swap that is not over.
    pub swap: Option<PathBuf>,
}

/// How far a segment's file counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    At(u64),
    /// As far as the batch that ends at this offset: after a truncation into flushed data.
    Before(Offset),
    /// All of it: it was written and synced whole, by compaction.
    File,
}

enum Source {
    Journal(Vec<ColdRead>),
    Segments {
        dir: PathBuf,
        stretches: Vec<Stretch>,
        from: Offset,
        upto: Offset,
        bytes_max: usize,
        at_least_one: bool,
        compacts: bool,
    },
}

/// A read that has to touch a file.
pub struct ReadJob {
    group: GroupId,
    generation: u32,
    files_gone: u32,
    replacements: u32,
    source: Source,
    /// For readers of committed records.
    pub(crate) aborted: Option<Box<Asked>>,
}

/// What a [`ReadJob`] brought; [`Log::read_done`] says whether it still counts.
pub struct ReadDone {
    /// Whose.
    pub group: GroupId,
    generation: u32,
    files_gone: u32,
    replacements: u32,
    places: Vec<Place>,
    result: IoResult<Vec<Bytes>>,
    pub(crate) aborted: Found,
}

impl Job for ReadJob {
    type Done = ReadDone;

    fn run(self, storage: &dyn Storage) -> ReadDone {
        let (group, generation, files_gone) = (self.group, self.generation, self.files_gone);
        let replacements = self.replacements;
        let in_files = matches!(self.source, Source::Segments { .. });
        let (places, mut result) = self.source.read(storage);
        let mut aborted = Found::default();
        if let (Ok(read), Some(asked)) = (&result, self.aborted) {
            let upto = asked.upto();
            match asked.find(storage, in_files, end_of(read).unwrap_or(upto)) {
                Ok(found) => aborted = found,
                Err(error) => result = Err(error),
            }
        }
        ReadDone { group, generation, files_gone, replacements, places, result, aborted }
    }
}

/// Where what was read ends.
fn end_of(read: &[Bytes]) -> Option<Offset> {
    let (header, _) = batch::split(read.last()?).filter_map(Result::ok).last()?;
    Some(header.next_offset())
}

impl Source {
    /// What is to hold in the journal if it is to count, and what was read.
    fn read(self, storage: &dyn Storage) -> (Vec<Place>, IoResult<Vec<Bytes>>) {
        match self {
            Source::Journal(reads) => {
                let places = reads.iter().map(ColdRead::place).collect();
                (places, reads.iter().map(read_journal).collect())
            }
            Source::Segments { dir, stretches, from, upto, bytes_max, at_least_one, compacts } => {
                let read = read_stretches(storage, &dir, &stretches, from, upto, bytes_max, at_least_one);
                let result = read.and_then(|read| {
                    if !compacts {
                        without_gap(&read, from, at_least_one)?;
                    }
                    Ok(read)
                });
                (Vec::new(), result)
            }
        }
    }
}

/// A changed byte in a header may lead a search past the batch that it is for: then what it finds is not what was asked for.
fn without_gap(read: &[Bytes], from: Offset, at_least_one: bool) -> IoResult<()> {
    let damaged = || segment::rot("a stored batch is missing, or not where its offset says");
    let mut next = None;
    for item in read.iter().flat_map(|bytes| batch::split(bytes)) {
        let (header, _) = item.map_err(|_| damaged())?;
        let (base, end) = (header.base_offset, header.next_offset());
        let follows = next.map_or(base <= from && from < end, |next| base == next);
        if !follows {
            return Err(damaged());
        }
        next = Some(end);
    }
    if next.is_none() && at_least_one { Err(damaged()) } else { Ok(()) }
}

fn read_stretches(
    storage: &dyn Storage,
    dir: &std::path::Path,
    stretches: &[Stretch],
    from: Offset,
    upto: Offset,
    bytes_max: usize,
    at_least_one: bool,
) -> IoResult<Vec<Bytes>> {
    for stretch in stretches {
        let bytes = stretch.read(storage, dir, from.max(stretch.base), upto, bytes_max, at_least_one)?;
        if !bytes.is_empty() {
            return Ok(vec![Bytes::from(bytes)]);
        }
        // A compacted segment may end before the next one begins: then the next one goes on. But only where one batch of any
        // size is taken does nothing mean that there is none; else it is there and does not fit.
        if !at_least_one {
            break;
        }
    }
    Ok(Vec::new())
}

impl Stretch {
    fn end(&self, storage: &dyn Storage, dir: &std::path::Path) -> IoResult<u64> {
        match self.end {
            End::At(position) => Ok(position),
            End::Before(offset) => segment::end_before(storage, dir, self.base, offset),
            End::File => Ok(u64::MAX),
        }
    }

    pub fn read(
        &self,
        storage: &dyn Storage,
        dir: &std::path::Path,
        from: Offset,
        upto: Offset,
        bytes_max: usize,
        at_least_one: bool,
    ) -> IoResult<Vec<u8>> {
        let end = self.end(storage, dir)?;
        if let Some(swap) = &self.swap {
            match segment::read_file(storage, swap, end, from, upto, bytes_max, at_least_one) {
                Err(error) if error.kind() == ErrorKind::NotFound => {} // renamed by now
                read => return read,
            }
        }
        segment::read(storage, dir, self.base, end, from, upto, bytes_max, at_least_one)
    }

    fn find_time(
        &self,
        storage: &dyn Storage,
        dir: &std::path::Path,
        start: Offset,
        timestamp: i64,
    ) -> IoResult<Option<(Offset, i64)>> {
        if let Some(swap) = &self.swap {
            match segment::find_time_in_file(storage, swap, start, timestamp) {
                Err(error) if error.kind() == ErrorKind::NotFound => {} // renamed by now
                found => return found,
            }
        }
        segment::find_time(storage, dir, self.base, self.end(storage, dir)?, start, timestamp)
    }
}

impl Log {
    /// Whole batches from the one that holds `from`, while they end at or before `upto` and fit into `bytes_max`; the first
    /// one always, if `at_least_one`.
    #[must_use]
    pub fn read(
        &self,
        journal: &Journal,
        from: Offset,
        upto: Offset,
        bytes_max: usize,
        at_least_one: bool,
    ) -> Read {
        let upto = upto.min(self.end_offset);
        if from >= upto || from < self.start {
            return Read::Empty;
        }
        let Some(at) = self.tail.at_offset(from) else {
            return self.read_segments(from, upto, bytes_max, at_least_one);
        };
        let mut bytes = 0;
        let fits = |batch: &&TailBatch| {
            let len = batch.place.len as usize;
            let fits = bytes + len <= bytes_max || bytes == 0 && at_least_one;
            bytes += len;
            fits && batch.end_offset() <= upto
        };
        let wanted: Vec<&TailBatch> = self.tail.0.range(at..).take_while(fits).collect();
        let Some(first) = wanted.first() else { return Read::Empty };
        let ready: Vec<Bytes> = wanted.iter().map_while(|batch| journal.bytes(batch.place)).collect();
        if !ready.is_empty() {
            let bytes = ready.iter().map(|bytes| bytes.len()).sum();
            return Read::Ready(ready, bytes);
        }
        if first.end_index() <= self.written().index {
            return self.read_segments(from, upto, bytes_max, at_least_one);
        }
        let cold = wanted.iter().take_while(|batch| journal.bytes(batch.place).is_none());
        let reads = cold.map_while(|batch| journal.cold(batch.place)).collect();
        Read::Cold(self.read_job(Source::Journal(reads)))
    }

    fn read_job(&self, source: Source) -> ReadJob {
        let (group, generation) = (self.group, self.generation);
        let (files_gone, replacements) = (self.files_gone, self.replacements);
        ReadJob { group, generation, files_gone, replacements, source, aborted: None }
    }

    fn read_segments(&self, from: Offset, upto: Offset, bytes_max: usize, at_least_one: bool) -> Read {
        let stretches = self.stretches(from);
        if stretches.is_empty() {
            return Read::Empty;
        }
        let dir = self.dir();
        let upto = upto.min(self.written_upto());
        let compacts = self.compacts || self.cleaned.is_some();
        let source = Source::Segments { dir, stretches, from, upto, bytes_max, at_least_one, compacts };
        Read::Cold(self.read_job(source))
    }

    /// Offset of the first record that is not in the files: they may hold another past behind it.
    pub(crate) fn written_upto(&self) -> Offset {
        let first = self.tail.0.get(self.tail.at_index(self.written().index));
        first.map_or(self.end_offset, |batch| batch.offset)
    }

    /// The segments from `from` on, as far as they are written.
    pub(crate) fn stretches(&self, from: Offset) -> Vec<Stretch> {
        let Some(first) = holding(&self.segments, from) else { return Vec::new() };
        let mark = self.written();
        let written = self.segments[first..].iter().take_while(|s| s.base <= mark.segment);
        let stretch = |segment: &journal::Segment| {
            let active = segment.base == mark.segment;
            let swap = self.swap.as_ref().filter(|swap| swap.first == segment.base);
            Stretch {
                base: segment.base,
                end: match (active, swap) {
                    (true, _) => mark.position.map_or(End::Before(self.written_upto()), End::At),
                    (false, Some(_)) => End::File,
                    (false, None) => End::At(segment.bytes),
                },
                swap: swap.map(|swap| swap_path(&self.dir(), swap.first, swap.file_id)),
            }
        };
        written.map(stretch).filter(|stretch| stretch.end != End::At(0)).collect()
    }

    /// The bytes that a job read. `None`: what they were read from is gone or changed; read again.
    pub fn read_done(&self, journal: &Journal, done: ReadDone) -> Option<IoResult<Vec<Bytes>>> {
        if done.generation != self.generation || done.places.iter().any(|place| !journal.holds(*place)) {
            return None;
        }
        // It may have met a new file where it looked for an old one, or have gone past what had been moved there.
        if done.replacements != self.replacements {
            return None;
        }
        match done.result {
            Err(error) if error.kind() == ErrorKind::NotFound && done.files_gone != self.files_gone => None,
            result => Some(result),
        }
    }

    /// Looks for the first record from `start` on at or behind a timestamp; `None` if no record is so late. The partition may
    /// know of a later start than the log does.
    #[must_use]
    pub fn find_time(&self, journal: &Journal, start: Offset, timestamp: i64) -> Option<TimeJob> {
        let at = self.segments.iter().position(|segment| segment.max_timestamp >= timestamp)?;
        let base = self.segments[at].base;
        let stretches = self.stretches(base);
        let unwritten = self.tail.0.range(self.tail.at_index(self.written().index)..);
        let late = unwritten.filter(|batch| {
            batch.offset >= base && batch.end_offset() > start && batch.max_timestamp >= timestamp
        });
        let tail = late.take(LATE_BATCHES_MAX).filter_map(|batch| piece(journal, batch)).collect();
        Some(TimeJob {
            group: self.group,
            generation: self.generation,
            replacements: self.replacements,
            dir: self.dir(),
            start,
            written_upto: self.written_upto(),
            stretches,
            tail,
            timestamp,
        })
    }

    /// The first record's own offset and timestamp, if there is one. `None`: where it was looked for changed; look again.
    pub fn time_found(&self, journal: &Journal, found: TimeFound) -> Option<IoResult<Option<(Offset, i64)>>> {
        let holds = found.places.iter().all(|place| journal.holds(*place));
        let same = found.generation == self.generation && found.replacements == self.replacements;
        (holds && same).then_some(found.result)
    }
}

/// Bytes of one batch, in memory or in a journal file.
pub(crate) enum Piece {
    Memory(Bytes),
    File(ColdRead),
}

impl Piece {
    fn file_place(&self) -> Option<Place> {
        match self {
            Piece::Memory(_) => None,
            Piece::File(read) => Some(read.place()),
        }
    }

    pub fn bytes(&self) -> IoResult<Bytes> {
        match self {
            Piece::Memory(bytes) => Ok(bytes.clone()),
            Piece::File(read) => read_journal(read),
        }
    }
}

/// A batch out of a journal file, which is not what was written if the disk has changed it since.
fn read_journal(read: &ColdRead) -> IoResult<Bytes> {
    let bytes = read.read()?;
    let header =
        batch::Header::read(&bytes).map_err(|_| segment::rot("a batch in the journal has no header"))?;
    segment::undamaged(&header, &bytes)?;
    Ok(bytes)
}

pub(crate) fn piece(journal: &Journal, batch: &TailBatch) -> Option<Piece> {
    let memory = journal.bytes(batch.place).map(Piece::Memory);
    memory.or_else(|| journal.cold(batch.place).map(Piece::File))
}

/// Batches in memory that a lookup by time opens at most. The first is the answer, unless its header names a timestamp that
/// none of its records has.
const LATE_BATCHES_MAX: usize = 64;

/// A lookup by time.
pub struct TimeJob {
    group: GroupId,
    generation: u32,
    replacements: u32,
    dir: PathBuf,
    start: Offset,
    written_upto: Offset,
    stretches: Vec<Stretch>,
    tail: Vec<Piece>,
    timestamp: i64,
}

/// What a lookup by time found; [`Log::time_found`] says whether it still counts.
pub struct TimeFound {
    /// Whose.
    pub group: GroupId,
    generation: u32,
    replacements: u32,
    places: Vec<Place>,
    result: IoResult<Option<(Offset, i64)>>,
}

impl Job for TimeJob {
    type Done = TimeFound;

    fn run(self, storage: &dyn Storage) -> TimeFound {
        let places = self.tail.iter().filter_map(Piece::file_place).collect();
        let (generation, replacements) = (self.generation, self.replacements);
        TimeFound { group: self.group, generation, replacements, places, result: self.find(storage) }
    }
}

impl TimeJob {
    fn find(&self, storage: &dyn Storage) -> IoResult<Option<(Offset, i64)>> {
        let readable = |found: &(Offset, i64)| found.0 >= self.start;
        for stretch in &self.stretches {
            let found = stretch.find_time(storage, &self.dir, self.start, self.timestamp)?;
            if let Some(found) = found.filter(readable).filter(|(offset, _)| *offset < self.written_upto) {
                return Ok(Some(found));
            }
        }
        for piece in &self.tail {
            if let Some(found) =
                segment::find_time_in(&piece.bytes()?, self.start, self.timestamp)?.filter(readable)
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

/// Where a log can be cut or read whole: used by `partition` to keep an index of what it knows.
impl Log {
    /// Index one past the last element before the batch that holds `index`.
    #[must_use]
    pub fn batch_start(&self, index: LogIndex) -> Option<LogIndex> {
        let at = self.tail.at_index(index);
        self.tail.0.get(at).filter(|batch| batch.index <= index).map(|batch| batch.index)
    }
}
