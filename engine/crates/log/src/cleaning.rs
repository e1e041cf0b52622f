//! A compaction's work on files, in slices: each reads about a megabyte, so no job holds a thread, the log's files or the disk
//! for long, and whoever paces them decides when the next one comes.
//!
//! ```text
//! learn: the dirty part, oldest first -> where each key's newest record is, as far as memory goes (`end`)
//! keep:  all segments that begin before `end`, in groups: each group becomes one new segment
//! ```
//! A group of one segment in which everything stays is only read. What stays is decided by a [`Compactor`] of the partition's,
//! which also says whose entries the transaction index keeps.

use std::io::Result as IoResult;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use batch::{BatchError, Header, split};
use io::storage::read_exact_at;
use io::{File, Job, OpenMode, Storage};
use model::{GroupId, Offset};

use crate::aborted::Asked;
use crate::segment::{self, Aborted, NewIndexes, txn_index};

/// What a compactor has taken in of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Learned {
    /// All of it.
    Whole,
    /// Its memory is full: nothing from this offset on.
    Before(Offset),
}

/// What stays of a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kept {
    /// All, as it is.
    Whole,
    /// This instead: same offsets.
    Changed(Vec<u8>),
    /// Nothing.
    Gone,
}

/// Decides what stays. Batches come in order, each once for each question.
pub trait Compactor: Send {
    /// The aborted transactions with records in what is looked at; comes first.
    fn aborted(&mut self, transactions: Vec<Aborted>);
    /// A batch that ends behind the first dirty offset.
    fn learn(&mut self, header: &Header, bytes: &[u8]) -> Result<Learned, BatchError>;
    /// Nothing more will be learned: everything before `end` is known.
    fn learned(&mut self, end: Offset);
    /// A batch of the whole log's beginning, from its first one on.
    fn keep(&mut self, header: &Header, bytes: &[u8]) -> Result<Kept, BatchError>;
    /// The aborted transactions whose marker came since the last call, in order, but for those whose records were all gone
    /// before: nobody need be told of them any more, and nothing might end them for a reader once their marker goes.
    fn take_aborted(&mut self) -> Vec<Aborted>;
}

/// What a compaction is to go through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CleanPlan {
    /// The first offset whose key has not been looked at.
    pub from: Offset,
    /// Base of the first segment that it must leave alone.
    pub upto: Offset,
    /// Segments are put together while they are not larger than this in all.
    pub group_bytes_max: u64,
    /// Names new files; never used before.
    pub file_id: u64,
    /// Bytes that one slice reads; a batch that is larger is read alone.
    pub slice_bytes: usize,
}

/// A segment as it stood when it was planned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Source {
    pub base: Offset,
    pub bytes: u64,
}

/// Where a compaction is.
pub(crate) enum Step {
    /// The next batch to learn is there.
    Learn { segment: Offset, position: u64 },
    /// The next group begins with the first segment at or behind this offset.
    Next(Offset),
    /// A group is read and written.
    Group(Box<Group>),
    /// The new file is there, synced; the journal is to say so.
    Written(Box<Group>),
}

/// One compaction.
pub(crate) struct Cleaning {
    pub plan: CleanPlan,
    compactor: Box<dyn Compactor>,
    pub step: Step,
    /// Everything before was learned.
    pub end: Offset,
    /// Of the log, when it began.
    pub generation: u32,
    /// Its compactor was told of aborted transactions, whose markers stand here.
    pub markers: Option<Vec<Offset>>,
    /// A slice failed: it is given up.
    pub failed: bool,
    pub before: u64,
    pub after: u64,
}

impl Cleaning {
    pub fn new(plan: CleanPlan, first: Offset, generation: u32, compactor: Box<dyn Compactor>) -> Cleaning {
        let step = Step::Learn { segment: first, position: 0 };
        Cleaning {
            plan,
            compactor,
            step,
            end: plan.from,
            generation,
            markers: None,
            failed: false,
            before: 0,
            after: 0,
        }
    }
}

/// Segments that become one.
pub(crate) struct Group {
    pub sources: Vec<Source>,
    /// One past their last offset.
    pub end: Offset,
    /// Where reading goes on: segment and byte.
    at: usize,
    position: u64,
    output: Output,
    indexes: NewIndexes,
    /// What its transaction index will hold.
    aborted: Vec<Aborted>,
    /// Of the records that stay, -1 if there are none.
    pub max_timestamp: i64,
}

/// How far the new file is.
enum Output {
    /// What was read stays as it is: there is no file.
    Same,
    /// The first change came at `upto`: what stands before it is copied, then comes `change`.
    Copying {
        written: u64,
        upto: u64,
        change: Vec<u8>,
    },
    Writing {
        written: u64,
    },
}

impl Group {
    pub fn new(sources: Vec<Source>, end: Offset) -> Group {
        let indexes = NewIndexes::new(sources[0].base);
        let output = if sources.len() > 1 { Output::Writing { written: 0 } } else { Output::Same };
        let aborted = Vec::new();
        Group { sources, end, at: 0, position: 0, output, indexes, aborted, max_timestamp: -1 }
    }

    pub fn first(&self) -> Offset {
        self.sources[0].base
    }

    /// Size of the new file; `None`: there is none, everything stays.
    pub fn written(&self) -> Option<u64> {
        match self.output {
            Output::Same => None,
            Output::Copying { written, .. } | Output::Writing { written } => Some(written),
        }
    }

    fn is_read(&self) -> bool {
        self.at == self.sources.len() && !matches!(self.output, Output::Copying { .. })
    }

    /// Its records stay as they are, but not its transaction index: then the swap takes both.
    fn copies_for_index(&mut self, markers: &[Offset]) {
        let (from, upto) = (self.first(), self.end);
        let had = markers.iter().filter(|marker| (from..upto).contains(marker)).count();
        if matches!(self.output, Output::Same) && self.aborted.len() < had {
            self.output = Output::Copying { written: 0, upto: self.sources[0].bytes, change: Vec::new() };
        }
    }

    /// A batch stands in the new segment.
    fn stands(&mut self, position: u64, header: &Header) {
        self.indexes.add(position, header);
        if header.record_count > 0 {
            self.max_timestamp = self.max_timestamp.max(header.max_timestamp);
        }
    }
}

/// The names of a new segment's files until they are renamed.
pub(crate) struct SwapPaths {
    pub log: PathBuf,
    pub offsets: PathBuf,
    pub times: PathBuf,
    pub aborted: PathBuf,
}

impl SwapPaths {
    pub fn new(dir: &Path, first: Offset, file_id: u64) -> SwapPaths {
        let path = |kind: &str| dir.join(format!("{:020}.{kind}.{file_id}.swap", first.0));
        let (offsets, times) = (path("index"), path("timeindex"));
        SwapPaths { log: path("log"), offsets, times, aborted: path("txnindex") }
    }

    pub fn all(&self) -> [&PathBuf; 4] {
        [&self.log, &self.offsets, &self.times, &self.aborted]
    }
}

/// A slice of a compaction, or the end of one that is given up.
pub struct CleanJob {
    pub(crate) group: GroupId,
    pub(crate) dir: PathBuf,
    pub(crate) what: What,
}

pub(crate) enum What {
    /// For learning: the dirty segments from the current one on.
    Slice(Box<Cleaning>, Vec<Source>, Option<Box<Asked>>),
    /// Files that will not be used.
    Discard(Vec<PathBuf>),
}

/// What came of a slice.
pub struct CleanDone {
    /// Whose.
    pub group: GroupId,
    pub(crate) cleaning: Option<Box<Cleaning>>,
    /// Bytes read and written.
    pub(crate) result: IoResult<u64>,
}

impl CleanDone {
    /// Bytes read and written.
    #[must_use]
    pub fn io_bytes(&self) -> u64 {
        *self.result.as_ref().unwrap_or(&0)
    }
}

impl Job for CleanJob {
    type Done = CleanDone;

    fn run(self, storage: &dyn Storage) -> CleanDone {
        let group = self.group;
        match self.what {
            What::Slice(mut cleaning, dirty, asked) => {
                let told = asked.map_or(Ok(()), |asked| cleaning.tell_aborted(storage, *asked));
                let result = told.and_then(|()| cleaning.slice(storage, &self.dir, &dirty));
                CleanDone { group, cleaning: Some(cleaning), result }
            }
            What::Discard(paths) => {
                let result = paths.iter().try_for_each(|path| storage.unlink(path)).map(|()| 0);
                CleanDone { group, cleaning: None, result }
            }
        }
    }
}

impl Cleaning {
    fn tell_aborted(&mut self, storage: &dyn Storage, asked: Asked) -> IoResult<()> {
        let found = asked.find(storage, true, self.plan.upto)?;
        self.markers = Some(found.list.iter().map(|aborted| aborted.last).collect());
        self.compactor.aborted(found.list);
        Ok(())
    }

    fn slice(&mut self, storage: &dyn Storage, dir: &Path, dirty: &[Source]) -> IoResult<u64> {
        match &mut self.step {
            Step::Learn { .. } => self.learn(storage, dir, dirty),
            Step::Group(group) => {
                let paths = SwapPaths::new(dir, group.first(), self.plan.file_id);
                let slice_bytes = self.plan.slice_bytes;
                let compactor = &mut *self.compactor;
                let markers = self.markers.as_deref().unwrap_or_default();
                let mut worker = Worker { storage, dir, paths, compactor, markers, slice_bytes, io_bytes: 0 };
                worker.work(group)?;
                let io_bytes = worker.io_bytes;
                if group.is_read() {
                    self.before += group.sources.iter().map(|source| source.bytes).sum::<u64>();
                    self.after += group.written().unwrap_or(group.sources[0].bytes);
                    let Step::Group(group) = std::mem::replace(&mut self.step, Step::Next(self.end)) else {
                        unreachable!("matched above")
                    };
                    self.step =
                        if group.written().is_some() { Step::Written(group) } else { Step::Next(group.end) };
                }
                Ok(io_bytes)
            }
            Step::Next(_) | Step::Written(_) => unreachable!("no work for a thread"),
        }
    }

    fn learn(&mut self, storage: &dyn Storage, dir: &Path, dirty: &[Source]) -> IoResult<u64> {
        let Step::Learn { mut position, .. } = self.step else { unreachable!("matched by the caller") };
        let mut io_bytes = 0;
        for (source, next) in dirty.iter().zip(dirty.iter().skip(1).map(Some).chain([None])) {
            let file = open(storage, dir, source)?;
            while position < source.bytes {
                if io_bytes >= self.plan.slice_bytes as u64 {
                    self.step = Step::Learn { segment: source.base, position };
                    return Ok(io_bytes);
                }
                let chunk = segment::read_batches(&*file, position, source.bytes, self.plan.slice_bytes)?;
                for item in split(&chunk) {
                    let (header, bytes) = item.map_err(unreadable)?;
                    if header.next_offset() <= self.plan.from {
                        continue;
                    }
                    match self.compactor.learn(&header, bytes).map_err(unreadable)? {
                        Learned::Whole => self.end = header.next_offset(),
                        Learned::Before(offset) => {
                            self.end = offset;
                            self.is_learned();
                            return Ok(io_bytes);
                        }
                    }
                }
                position += chunk.len() as u64;
                io_bytes += chunk.len() as u64;
            }
            // Behind a segment's last batch there may be offsets that compaction took.
            self.end = next.map_or(self.plan.upto, |next| next.base);
            position = 0;
        }
        self.is_learned();
        Ok(io_bytes)
    }

    fn is_learned(&mut self) {
        self.compactor.learned(self.end);
        self.step = Step::Next(Offset::ZERO);
    }
}

fn open(storage: &dyn Storage, dir: &Path, source: &Source) -> IoResult<Arc<dyn File>> {
    let file = storage.open(&segment::log_path(dir, source.base), OpenMode::Read)?;
    if file.len()? < source.bytes {
        return Err(segment::rot("a segment is shorter than its flushed mark"));
    }
    Ok(file)
}

fn unreadable(error: BatchError) -> std::io::Error {
    segment::rot(&format!("a stored batch can not be read: {error}"))
}

/// What a slice works with.
struct Worker<'a> {
    storage: &'a dyn Storage,
    dir: &'a Path,
    paths: SwapPaths,
    compactor: &'a mut dyn Compactor,
    /// Of the transactions that have entries in indexes.
    markers: &'a [Offset],
    slice_bytes: usize,
    io_bytes: u64,
}

impl Worker<'_> {
    fn work(&mut self, group: &mut Group) -> IoResult<()> {
        while self.io_bytes < self.slice_bytes as u64 && !group.is_read() {
            if matches!(group.output, Output::Copying { .. }) {
                self.copy(group)?;
            } else {
                self.filter(group)?;
            }
        }
        if group.written().is_none() {
            return Ok(());
        }
        let file = self.new_file(group)?;
        if group.is_read() {
            group.indexes.store(self.storage, &self.paths.offsets, &self.paths.times)?;
            self.store_aborted(group)?;
        }
        // A little at a time: the commits that come meanwhile wait for little.
        file.sync_data()?;
        if group.is_read() { self.storage.sync_dir(self.dir) } else { Ok(()) }
    }

    /// The new segment's transaction index, which may be empty: it takes the place of those that there are.
    fn store_aborted(&self, group: &Group) -> IoResult<()> {
        let mut is_there = !group.aborted.is_empty();
        for source in &group.sources {
            is_there |= txn_index::is_there(self.storage, self.dir, source.base)?;
        }
        if !is_there {
            return Ok(());
        }
        txn_index::store(self.storage, &self.paths.aborted, &group.aborted)
    }

    fn new_file(&self, group: &Group) -> IoResult<Arc<dyn File>> {
        let file = self.storage.open(&self.paths.log, OpenMode::Create)?;
        let written = group.written().expect("there is a new file");
        if file.len()? != written {
            file.set_len(written)?; // what a slice that failed left behind
        }
        Ok(file)
    }

    /// Copies what stands before the first change, which needs no second look.
    fn copy(&mut self, group: &mut Group) -> IoResult<()> {
        let file = self.new_file(group)?;
        let Output::Copying { written, upto, change } = &mut group.output else {
            unreachable!("looked at by the caller")
        };
        let len = usize::try_from(*upto - *written).unwrap_or(usize::MAX).min(self.slice_bytes);
        if len > 0 {
            let source = open(self.storage, self.dir, &group.sources[0])?;
            let mut bytes = vec![0; len];
            read_exact_at(&*source, &mut bytes, *written)?;
            file.write_at(&bytes, *written)?;
            *written += len as u64;
            self.io_bytes += 2 * len as u64;
            return Ok(());
        }
        let (at, change) = (*upto, std::mem::take(change));
        if !change.is_empty() {
            file.write_at(&change, at)?;
            group.stands(at, &Header::read(&change).map_err(unreadable)?);
        }
        group.output = Output::Writing { written: at + change.len() as u64 };
        self.io_bytes += change.len() as u64;
        Ok(())
    }

    /// Reads the next batches and writes what stays of them.
    fn filter(&mut self, group: &mut Group) -> IoResult<()> {
        let source = group.sources[group.at];
        if group.position >= source.bytes {
            (group.at, group.position) = (group.at + 1, 0);
            if group.at == group.sources.len() {
                group.copies_for_index(self.markers);
            }
            return Ok(());
        }
        let file = open(self.storage, self.dir, &source)?;
        let chunk = segment::read_batches(&*file, group.position, source.bytes, self.slice_bytes)?;
        self.io_bytes += chunk.len() as u64;
        let mut out = Vec::new();
        for item in split(&chunk) {
            let (header, bytes) = item.map_err(unreadable)?;
            let at = group.position;
            let kept = self.compactor.keep(&header, bytes).map_err(unreadable)?;
            group.aborted.extend(self.compactor.take_aborted());
            group.position += bytes.len() as u64;
            match (&group.output, kept) {
                (Output::Same, Kept::Whole) => group.stands(at, &header),
                (Output::Same, kept) => {
                    let change = if let Kept::Changed(bytes) = kept { bytes } else { Vec::new() };
                    group.output = Output::Copying { written: 0, upto: at, change };
                    return Ok(());
                }
                (Output::Copying { .. }, _) => unreachable!("what is copied is not read"),
                (Output::Writing { .. }, Kept::Gone) => {}
                (Output::Writing { written }, Kept::Whole) => {
                    group.stands(written + out.len() as u64, &header);
                    out.extend_from_slice(bytes);
                }
                (Output::Writing { written }, Kept::Changed(bytes)) => {
                    let header = Header::read(&bytes).map_err(unreadable)?;
                    group.stands(written + out.len() as u64, &header);
                    out.extend_from_slice(&bytes);
                }
            }
        }
        if !out.is_empty() {
            let new = self.new_file(group)?;
            if let Output::Writing { written } = &mut group.output {
                new.write_at(&out, *written)?;
                *written += out.len() as u64;
                self.io_bytes += out.len() as u64;
            }
        }
        Ok(())
    }
}
