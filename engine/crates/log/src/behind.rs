//! Write-behind: durable batches leave the journal for Kafka's files, in large pieces.
//!
//! A job takes only elements whose commit is durable. It cuts what stands behind the last one's end and writes. What is
//! written can be read, but the journal keeps it: a job that is also to sync syncs every file that was touched since the last
//! such job, and every name that was made; only then is the new flushed mark journaled. After a crash nothing behind that
//! mark is believed, so a job may fail or be lost anywhere: the same bytes are written again.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Result as IoResult};
use std::path::PathBuf;

use io::{AlignedBuf, Job, Storage};
use journal::rules::{Rule, off};
use journal::{Bytes, Flushed, Journal, Record};
use model::{Epoch, GroupId, LogIndex, Offset, TopicId};

use crate::log::Log;
use crate::read::{Piece, piece};
use crate::segment::{self, Aborted, Indexed};
use crate::segments::holding;

/// Bytes between index entries, Kafka's `index.interval.bytes` default.
const INDEX_INTERVAL_BYTES: u32 = 4096;

/// Batches for one segment.
struct Part {
    base: Offset,
    /// Where they go; `None`: behind the last batch before `first`, wherever that ends.
    position: Option<u64>,
    first: Offset,
    pieces: Vec<Piece>,
    aborted: Vec<Aborted>,
}

impl Part {
    fn new(base: Offset, position: Option<u64>, first: Offset) -> Part {
        Part { base, position, first, pieces: Vec::new(), aborted: Vec::new() }
    }
}

/// See the module.
pub struct WriteBehind {
    group: GroupId,
    generation: u32,
    topic: TopicId,
    dir: PathBuf,
    parts: Vec<Part>,
    /// How far the files hold everything before and after.
    from: Flushed,
    end: LogIndex,
    /// Segments that earlier jobs wrote to and did not sync.
    unsynced: BTreeSet<Offset>,
    sync: bool,
    /// The only segments that may be there; `None`: no need to look.
    keep: Option<BTreeSet<Offset>>,
    new_dir: bool,
    /// Names that earlier jobs made or took away are not synced.
    names_changed: bool,
    epochs: Vec<(Epoch, Offset)>,
    indexed: Option<Indexed>,
    /// One write takes at most so much.
    pub(crate) piece_bytes: usize,
    /// What large pieces are gathered in: an earlier job's, or made when it is needed.
    pub(crate) buffer: Option<AlignedBuf>,
}

/// How far the files now hold everything.
pub struct WroteBehind {
    /// Whose.
    pub group: GroupId,
    generation: u32,
    tidied: bool,
    result: IoResult<Wrote>,
    pub(crate) buffer: Option<AlignedBuf>,
}

impl WroteBehind {
    /// Whether everything that it wrote is durable.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.result.as_ref().is_ok_and(|wrote| wrote.is_synced)
    }
}

struct Wrote {
    mark: Flushed,
    is_synced: bool,
    names_changed: bool,
    indexed: Option<Indexed>,
    /// Segments whose transaction index has entries.
    with_aborted: Vec<Offset>,
}

impl Log {
    /// How far the files hold everything, as long as the machine stays up.
    pub(crate) fn written(&self) -> Flushed {
        self.unsynced.filter(|mark| mark.index > self.flushed.index).unwrap_or(self.flushed)
    }

    /// The next batches to write, at most about `bytes_max`, and, if asked for, a sync of all that was written; `None` if
    /// there are none, or a job works on the files.
    pub fn write_behind(&mut self, journal: &Journal, bytes_max: usize, sync: bool) -> Option<WriteBehind> {
        if self.damaged
            || self.busy
            || self.files_wait > 0
            || self.flushed_unrecorded.is_some()
            || self.swap.is_some()
        {
            return None;
        }
        let durable = if off(Rule::WriteBehindDurable) { self.end } else { self.durable };
        let from = self.written();
        let first = self.tail.at_index(from.index);
        let mut parts: Vec<Part> = Vec::new();
        let (mut bytes, mut end) = (0, from.index);
        let lost_position = from.position.is_none();
        if lost_position {
            // After a truncation into flushed data: this job also finds where the segment now ends, so it takes no other.
            let first = self.written_upto();
            parts.push(Part::new(from.segment, None, first));
        }
        for batch in self.tail.0.range(first..) {
            if batch.end_index() > durable || bytes >= bytes_max {
                break;
            }
            let piece = piece(journal, batch).expect("a batch that is not flushed is in the journal");
            let at = holding(&self.segments, batch.offset).expect("a batch stands in a segment");
            let base = self.segments[at].base;
            if lost_position && base != from.segment {
                break;
            }
            if parts.last().is_none_or(|part| part.base != base) {
                let position = if base == from.segment { from.position } else { Some(0) };
                parts.push(Part::new(base, position, batch.offset));
            }
            let part = parts.last_mut().expect("pushed");
            part.pieces.push(piece);
            part.aborted.extend(self.aborted.ended_at(batch.offset));
            bytes += batch.place.len as usize;
            end = batch.end_index();
        }
        let is_unsynced = from.index > self.flushed.index;
        if parts.is_empty() && !(sync && is_unsynced) {
            return None;
        }
        // A segment that nothing more comes to has its index synced too, which it was spared before.
        let is_over = parts.first().is_some_and(|part| part.base != from.segment);
        let touched = self.flushed.segment..=from.segment;
        let unsynced = self
            .segments
            .iter()
            .map(|segment| segment.base)
            .filter(|base| is_unsynced && touched.contains(base) || is_over && *base == from.segment);
        let unsynced = unsynced.collect();
        self.busy = true;
        // A segment that the log start passed goes only when that is durable, by its own job.
        let doomed = self.doomed.iter().map(|(_, base)| *base);
        let bases = self.segments.iter().map(|segment| segment.base).chain(doomed);
        Some(WriteBehind {
            group: self.group,
            generation: self.generation,
            topic: self.topic,
            dir: self.dir(),
            parts,
            from,
            end,
            unsynced,
            sync: sync || lost_position,
            keep: self.tidy.then(|| bases.collect()),
            new_dir: !self.has_dir,
            names_changed: self.names_unsynced,
            epochs: self.markers.epochs(),
            indexed: self.indexed.take(),
            piece_bytes: segment::PIECE_BYTES_MAX,
            buffer: None,
        })
    }

    /// Takes a write-behind's result in, and journals the new mark, if there is one. An error is the disk's (full, broken):
    /// the mark stays, the journal keeps the bytes, and the caller tries again later.
    pub fn wrote_behind(
        &mut self,
        journal: &mut Journal,
        done: WroteBehind,
        producers: &dyn Fn() -> Vec<u8>,
    ) -> IoResult<()> {
        self.busy = false;
        if done.generation != self.generation && !off(Rule::FlushedGeneration) {
            self.tidy = true;
            if done.result.is_err() {
                self.distrust_files();
            }
            return Ok(());
        }
        let wrote = match done.result {
            Ok(wrote) => wrote,
            Err(error) => {
                self.tidy = true;
                self.distrust_files();
                // To try again would find the same: a file is not what it was when it was synced.
                self.damaged |= error.kind() == ErrorKind::InvalidData;
                return Err(error);
            }
        };
        if done.tidied {
            self.tidy = false;
        }
        self.indexed = wrote.indexed;
        self.aborted.wrote(&wrote.with_aborted);
        self.names_unsynced = wrote.names_changed && !wrote.is_synced;
        if wrote.is_synced {
            self.has_dir = true;
            self.flushed_unrecorded = Some(wrote.mark);
            self.record_flushed(journal, producers);
        } else {
            self.unsynced = Some(wrote.mark);
        }
        Ok(())
    }

    /// A job on the log's files failed: the disk may have lost what was written and not synced, and said so only this once.
    /// It is written again, and whoever reads it just now may miss it.
    pub(crate) fn distrust_files(&mut self) {
        if self.unsynced.take().is_some() {
            self.generation += 1;
        }
    }

    /// Journals a mark that is true, as soon as there is room.
    pub(crate) fn record_flushed(&mut self, journal: &mut Journal, producers: &dyn Fn() -> Vec<u8>) {
        let Some(flushed) = self.flushed_unrecorded else { return };
        if !journal.takes_note(&self.mark, 64) {
            return;
        }
        self.flushed_unrecorded = None;
        if !self.raises(flushed) {
            return;
        }
        self.record_mark(journal, flushed, producers);
    }

    /// Records a mark, with the exact size of its segment.
    pub(crate) fn record_mark(
        &mut self,
        journal: &mut Journal,
        mark: Flushed,
        producers: &dyn Fn() -> Vec<u8>,
    ) {
        let segment_bytes = self.segment_bytes(mark);
        self.record(journal, &Record::Flushed { mark, segment_bytes }, producers);
        self.apply_flushed(mark, segment_bytes);
        self.flushed_pending.push_back((journal.turn_commit(), mark.index));
    }

    fn segment_bytes(&self, mark: Flushed) -> u64 {
        let next = self.segments.iter().map(|segment| segment.base).find(|base| *base > mark.segment);
        let next = next.unwrap_or(Offset(i64::MAX));
        let behind = self.tail.0.range(self.tail.at_index(mark.index)..);
        let bytes: u64 = behind.filter(|b| b.offset < next).map(|b| u64::from(b.place.len)).sum();
        mark.position.unwrap_or(0) + bytes
    }

    /// Whether a mark says more than the one there is.
    pub(crate) fn raises(&self, flushed: Flushed) -> bool {
        let found = self.flushed.position.is_none() && flushed.position.is_some();
        flushed.index > self.flushed.index || flushed.index == self.flushed.index && found
    }

    /// The mark moves.
    pub(crate) fn apply_flushed(&mut self, mark: Flushed, segment_bytes: u64) {
        self.flushed = mark;
        if let Some(segment) = self.segments.iter_mut().find(|segment| segment.base == mark.segment) {
            segment.bytes = segment_bytes;
        }
    }
}

impl Job for WriteBehind {
    type Done = WroteBehind;

    fn run(mut self, storage: &dyn Storage) -> WroteBehind {
        let mut buffer = self.buffer.take();
        let result = self.write(storage, &mut buffer);
        let tidied = self.keep.is_some();
        WroteBehind { group: self.group, generation: self.generation, tidied, result, buffer }
    }
}

impl WriteBehind {
    fn write(&mut self, storage: &dyn Storage, buffer: &mut Option<AlignedBuf>) -> IoResult<Wrote> {
        if self.new_dir {
            storage.create_dir_all(&self.dir)?;
        }
        let mut names_changed = self.new_dir || self.names_changed;
        if let Some(keep) = &self.keep {
            for base in segment::bases(storage, &self.dir)? {
                if !keep.contains(&base) {
                    segment::unlink(storage, &self.dir, base)?;
                    names_changed = true;
                }
            }
        }
        let mut indexed = self.indexed.take();
        let mut with_aborted = Vec::new();
        let mut mark = Flushed { index: self.end, ..self.from };
        for part in &self.parts {
            let position = self.position(storage, part)?;
            names_changed |= position == 0 || !part.aborted.is_empty();
            let pieces = part.pieces.iter().map(Piece::bytes).collect::<IoResult<Vec<Bytes>>>()?;
            let chunks: Vec<&[u8]> = pieces.iter().map(|piece| &**piece).collect();
            let piece_bytes = self.piece_bytes;
            let (first, aborted) = (part.first, &part.aborted[..]);
            let to =
                segment::Appending { dir: &self.dir, base: part.base, position, piece_bytes, first, aborted };
            let known = indexed.take();
            let wrote = segment::append(storage, &to, &chunks, INDEX_INTERVAL_BYTES, known, buffer)?;
            indexed = wrote.indexed;
            with_aborted.extend(wrote.has_aborted.then_some(part.base));
            (mark.segment, mark.position) = (part.base, Some(wrote.end));
        }
        if self.sync {
            self.sync(storage, names_changed)?;
        }
        Ok(Wrote { mark, is_synced: self.sync, names_changed, indexed, with_aborted })
    }

    fn position(&self, storage: &dyn Storage, part: &Part) -> IoResult<u64> {
        match part.position {
            Some(position) => Ok(position),
            None => segment::end_before(storage, &self.dir, part.base, part.first),
        }
    }

    fn sync(&self, storage: &dyn Storage, names_changed: bool) -> IoResult<()> {
        if off(Rule::SyncBeforeFlushed) {
            return Ok(());
        }
        let mut touched = self.unsynced.clone();
        touched.extend(self.parts.iter().map(|part| part.base));
        let skip = if off(Rule::SyncEverySegment) { touched.len().saturating_sub(1) } else { 0 };
        let active = touched.last().copied();
        for base in touched.into_iter().skip(skip) {
            segment::sync(storage, &self.dir, base, Some(base) != active)?;
        }
        if !names_changed || off(Rule::SyncDirectory) {
            return Ok(());
        }
        segment::write_descriptions(storage, &self.dir, self.topic, &self.epochs)?;
        storage.sync_dir(&self.dir)?;
        if self.new_dir {
            // The partition's name stands in the topic's directory, whose name stands in `topics`, which may be new too.
            for parent in self.dir.ancestors().skip(1).take(3) {
                storage.sync_dir(parent)?;
            }
        }
        Ok(())
    }
}
