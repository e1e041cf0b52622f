//! [`Log`]: what one replica's log is made of, and how it changes.
//!
//! Every change is recorded in the journal's turn at once and holds when that turn's commit is durable
//! ([`Log::durable_index`]). Invariant: `base <= flushed_durable <= flushed <= written <= durable <= end`, in indexes, but that
//! a log start may have passed `base` beyond `flushed`.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use batch::Header;
use journal::rules::{Rule, off};
use journal::{Flushed, GroupMark, Journal, Marker, Place, Record, Segment, State};
use model::{Epoch, GroupId, LogIndex, Offset, PartitionIndex, TopicId};

use crate::aborted::InMemory;
use crate::cleaning::Cleaning;
use crate::compact::Swap;
use crate::markers::Markers;
use crate::order::Standing;
use crate::segment::Indexed;
use crate::segments::{self, holding};
use crate::tail::{Tail, TailBatch};

pub use crate::segments::SegmentLimits;

/// One replica's log. Idle it holds no file and no descriptor.
pub struct Log {
    /// The directory that all logs stand in.
    topics: Arc<Path>,
    pub(crate) group: GroupId,
    pub(crate) topic: TopicId,
    pub(crate) partition: PartitionIndex,
    pub(crate) mark: GroupMark,
    pub(crate) term: Epoch,
    pub(crate) vote: Option<i32>,
    pub(crate) markers: Markers,
    pub(crate) start: Offset,
    pub(crate) end: LogIndex,
    pub(crate) end_offset: Offset,
    pub(crate) segments: Vec<Segment>,
    pub(crate) limits: SegmentLimits,
    /// Compaction takes batches out of it: what is missing between two is no damage.
    pub(crate) compacts: bool,
    /// The next batch begins a segment whatever its size.
    pub(crate) roll_next: bool,
    pub(crate) tail: Tail,
    pub(crate) aborted: InMemory,
    /// Elements below this are durable.
    pub(crate) durable: LogIndex,
    /// Ends of commits that are not durable yet: at most one in flight and one in the turn.
    pub(crate) pending: VecDeque<(u64, LogIndex)>,
    /// How far the files can be trusted, as recorded.
    pub(crate) flushed: Flushed,
    /// The same, as durable in the journal.
    pub(crate) flushed_durable: LogIndex,
    /// How far the files hold everything while the machine stays up, if that is further.
    pub(crate) unsynced: Option<Flushed>,
    /// Flushed marks that are recorded and not durable.
    pub(crate) flushed_pending: VecDeque<(u64, LogIndex)>,
    /// A mark that is true but found no room in the journal yet.
    pub(crate) flushed_unrecorded: Option<Flushed>,
    /// How far the newest segment's indexes go, if the last write-behind found out and nothing was cut since.
    pub(crate) indexed: Option<Indexed>,
    /// Rises with every truncation: results of older file jobs count for nothing.
    pub(crate) generation: u32,
    /// Rises when files go: a read that misses one of them may just have come too late.
    pub(crate) files_gone: u32,
    /// Rises when a compaction replaces segments: what was read from the old ones meanwhile may not be what stands there.
    pub(crate) replacements: u32,
    /// A job works on this log's files.
    pub(crate) busy: bool,
    /// Until this commit is durable no file may be cut or overwritten (0: nothing to wait for).
    pub(crate) files_wait: u64,
    /// The directory may hold files that nothing names: the next write-behind looks.
    pub(crate) tidy: bool,
    /// The directory is known to be there, durably.
    pub(crate) has_dir: bool,
    /// Names in it were made or taken away since it was last synced.
    pub(crate) names_unsynced: bool,
    /// Segments that the log start passed, each with the commit that allows the unlink.
    pub(crate) doomed: Vec<(u64, Offset)>,
    pub(crate) swap: Option<Box<Swap>>,
    /// A compaction between two slices.
    pub(crate) cleaning: Option<Box<Cleaning>>,
    /// How far compaction has been through it; `None`: it never took anything.
    pub(crate) cleaned: Option<Offset>,
    /// Its newest segment is not what it was: nothing can be written behind any more.
    pub(crate) damaged: bool,
    /// A compaction met damage: the next one would, too.
    pub(crate) uncompactable: bool,
    /// Somebody was told of damage.
    pub(crate) told: bool,
    /// What the checkpoint knows of it.
    pub(crate) standing: Standing,
}

impl Log {
    pub(crate) fn new(topics: &Arc<Path>, group: GroupId, topic: TopicId, partition: PartitionIndex) -> Log {
        let mut markers = Markers::default();
        markers.base.epoch = Epoch::NONE;
        Log {
            topics: Arc::clone(topics),
            group,
            topic,
            partition,
            mark: GroupMark::default(),
            term: Epoch::NONE,
            vote: None,
            markers,
            start: Offset::ZERO,
            end: LogIndex(0),
            end_offset: Offset::ZERO,
            segments: Vec::new(),
            limits: SegmentLimits::default(),
            compacts: true,
            roll_next: false,
            tail: Tail::default(),
            aborted: InMemory::default(),
            durable: LogIndex(0),
            pending: VecDeque::new(),
            flushed: Flushed { position: Some(0), ..Flushed::default() },
            unsynced: None,
            flushed_durable: LogIndex(0),
            flushed_pending: VecDeque::new(),
            flushed_unrecorded: None,
            indexed: None,
            generation: 0,
            files_gone: 0,
            replacements: 0,
            busy: false,
            files_wait: 0,
            tidy: false,
            has_dir: false,
            names_unsynced: false,
            doomed: Vec::new(),
            swap: None,
            cleaning: None,
            cleaned: None,
            damaged: false,
            uncompactable: false,
            told: false,
            standing: Standing::default(),
        }
    }

    /// A log that did not exist: recorded in the journal.
    pub(crate) fn create(
        journal: &mut Journal,
        topics: &Arc<Path>,
        group: GroupId,
        topic: TopicId,
        partition: PartitionIndex,
    ) -> Log {
        let mut log = Log::new(topics, group, topic, partition);
        log.record(journal, &Record::Create { topic, partition }, &Vec::new);
        log
    }

    /// Its group.
    #[must_use]
    pub fn group(&self) -> GroupId {
        self.group
    }

    /// Its newest segment is not what it was: what is appended would stay in the journal for ever.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// Its topic and partition.
    #[must_use]
    pub fn topic_partition(&self) -> (TopicId, PartitionIndex) {
        (self.topic, self.partition)
    }

    /// First offset that may be read.
    #[must_use]
    pub fn start(&self) -> Offset {
        self.start
    }

    /// Offset of the next record.
    #[must_use]
    pub fn end(&self) -> Offset {
        self.end_offset
    }

    /// Index of the next element.
    #[must_use]
    pub fn end_index(&self) -> LogIndex {
        self.end
    }

    /// Epoch of the last element.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.markers.epoch_before(self.end)
    }

    /// Highest term seen, and this node's vote in it.
    #[must_use]
    pub fn term_vote(&self) -> (Epoch, Option<i32>) {
        (self.term, self.vote)
    }

    /// Bytes of all its batches.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Elements below this are durable here.
    #[must_use]
    pub fn durable_index(&self) -> LogIndex {
        self.durable
    }

    /// Whether everything that it recorded is durable.
    #[must_use]
    pub fn is_settled(&self, journal: &Journal) -> bool {
        journal.is_durable(self.mark.commit)
    }

    /// Elements below this are in segment files, synced, and the journal says so durably.
    #[must_use]
    pub fn flushed_index(&self) -> LogIndex {
        self.flushed_durable
    }

    /// Offset of the record at or behind an index.
    #[must_use]
    pub fn offset_of(&self, index: LogIndex) -> Offset {
        self.markers.offset_of(index)
    }

    /// Index of the record with an offset.
    #[must_use]
    pub fn index_of(&self, offset: Offset) -> LogIndex {
        self.markers.index_of(offset)
    }

    /// The largest epoch not above `epoch` and the offset where it ends (OffsetsForLeaderEpoch).
    #[must_use]
    pub fn epoch_end(&self, epoch: Epoch) -> (Epoch, Offset) {
        self.markers.epoch_end(epoch, self.end_offset)
    }

    /// Epoch of the record at an offset.
    #[must_use]
    pub fn epoch_at(&self, offset: Offset) -> Epoch {
        self.markers.epoch_at(offset)
    }

    /// Markers that are not folded away: index, offset of the record that follows, marker.
    pub fn markers(&self) -> impl Iterator<Item = &(LogIndex, Offset, Marker)> {
        self.markers.list.iter()
    }

    /// Logical segments, oldest first; the last is the active one.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = &Segment> {
        self.segments.iter()
    }

    /// Sets `segment.bytes` and `segment.ms` for boundaries to come.
    pub fn configure(&mut self, limits: SegmentLimits) {
        self.limits = limits;
    }

    /// Says whether compaction takes batches out of this log. Until it is said nobody reads.
    pub fn set_compacts(&mut self, compacts: bool) {
        self.compacts = compacts;
    }

    /// The next batch begins a new segment (retention by time of an active segment, compaction).
    pub fn roll(&mut self) {
        self.roll_next = !self.segments.is_empty();
    }

    /// Bytes of journal that a record of this group needs beyond its batch: what [`Journal::takes`] wants to know.
    #[must_use]
    pub fn takes(&self, journal: &mut Journal, bytes: usize) -> bool {
        journal.takes(&self.mark, bytes)
    }

    /// As [`takes`](Self::takes), for what makes room: [`Journal::takes_relief`].
    #[must_use]
    pub fn takes_relief(&self, journal: &mut Journal, bytes: usize) -> bool {
        journal.takes_relief(&self.mark, bytes)
    }

    /// The directory of its files; it is made with the first of them.
    #[must_use]
    pub fn dir(&self) -> PathBuf {
        dir_of(&self.topics, self.topic, self.partition, self.group)
    }

    /// State as of now.
    pub(crate) fn state(&self, producers: Vec<u8>) -> State {
        let markers = if off(Rule::StateMarkers) { Vec::new() } else { self.markers.list.clone() };
        State {
            topic: self.topic,
            partition: self.partition,
            term: self.term,
            vote: self.vote,
            base: self.markers.base,
            start: self.start,
            end: self.end,
            end_offset: self.end_offset,
            epoch: self.epoch(),
            markers,
            flushed: self.flushed,
            segments: self.segments.clone(),
            producers,
            cleaned: self.cleaned,
        }
    }

    pub(crate) fn record(
        &mut self,
        journal: &mut Journal,
        record: &Record<'_>,
        producers: &dyn Fn() -> Vec<u8>,
    ) -> Place {
        let mut mark = self.mark;
        let place = journal.record(self.group, &mut mark, &|| self.state(producers()), record);
        self.mark = mark;
        place
    }

    /// Appends a batch as it came: `header` has its offset and epoch in the log, which are stamped onto the only copy that is
    /// made. Returns the new end index. `producers` is asked for the partition's snapshot, as of before this batch, when a new
    /// journal file needs it.
    ///
    /// # Panics
    /// If the batch does not begin at the log's end, or the journal has no room ([`Log::takes`]).
    pub fn append_batch(
        &mut self,
        journal: &mut Journal,
        header: &Header,
        bytes: &[u8],
        producers: &dyn Fn() -> Vec<u8>,
    ) -> LogIndex {
        assert_eq!(header.base_offset, self.end_offset, "a batch begins where the log ends");
        debug_assert_eq!(header.total_bytes(), bytes.len(), "one whole batch");
        let rolls = self.roll_next || segments::rolls(&self.segments, self.limits, header, bytes.len());
        let record = Record::Append { first: self.end, rolls, batch: bytes };
        let place = self.record(journal, &record, producers);
        let stored = journal.turn_bytes_mut(place);
        batch::stamp(stored, header.base_offset, header.epoch);
        let (from, crc) = batch::stored_crc(stored);
        journal.knows(place, from, crc);
        self.add_batch(header, rolls, place);
        self.pend(journal.turn_commit());
        self.end
    }

    /// Appends a marker; returns the new end index.
    pub fn append_marker(
        &mut self,
        journal: &mut Journal,
        marker: Marker,
        producers: &dyn Fn() -> Vec<u8>,
    ) -> LogIndex {
        let record = Record::Marker { index: self.end, marker: marker.clone() };
        self.record(journal, &record, producers);
        self.add_marker(marker);
        self.pend(journal.turn_commit());
        self.end
    }

    /// Records a term and the vote given in it.
    pub fn set_vote(
        &mut self,
        journal: &mut Journal,
        term: Epoch,
        vote: Option<i32>,
        producers: &dyn Fn() -> Vec<u8>,
    ) {
        assert!(term >= self.term, "terms never fall");
        self.record(journal, &Record::Vote { term, vote }, producers);
        (self.term, self.vote) = (term, vote);
    }

    /// Raises the first offset that may be read. Segments wholly before it are unlinked once that is durable.
    pub fn set_start(&mut self, journal: &mut Journal, offset: Offset, producers: &dyn Fn() -> Vec<u8>) {
        assert!(offset <= self.end_offset, "the log start never passes the log end");
        if offset <= self.start {
            return;
        }
        self.record(journal, &Record::LogStart { offset }, producers);
        let commit = if off(Rule::UnlinkAfterCommit) { 0 } else { journal.turn_commit() };
        self.apply_start(offset, commit);
        if let Some(mark) = self.mark_past_start() {
            self.generation += 1;
            self.flushed_unrecorded = None;
            self.record_mark(journal, mark, producers);
        }
    }

    /// What is recorded next brings a State with it, whatever stands in the journal's file already.
    pub fn state_anew(&mut self) {
        self.mark.file_use = GroupMark::default().file_use;
    }

    /// Drops elements from `end` on, which must be a batch's or a marker's beginning, and not committed.
    pub fn truncate(&mut self, journal: &mut Journal, end: LogIndex, producers: &dyn Fn() -> Vec<u8>) {
        assert!(end <= self.end && end >= self.markers.base.index, "a truncation stays inside the log");
        let segment_bytes = self.bytes_kept(end);
        self.record(journal, &Record::Truncate { end, segment_bytes }, producers);
        self.apply_truncate(end, true);
        self.files_wait = journal.turn_commit();
    }

    /// Bytes that the last segment has after a truncation to `end`. Unknown when it cuts flushed data: the file knows.
    fn bytes_kept(&self, end: LogIndex) -> Option<u64> {
        let end_offset = self.markers.offset_of(end);
        let last = self.segments.iter().rev().find(|segment| segment.base < end_offset)?;
        let unknown = last.base == self.flushed.segment && self.flushed.position.is_none();
        if self.flushed.index > end || unknown {
            return None;
        }
        let next = self.segments.iter().map(|segment| segment.base).find(|base| *base > last.base);
        let dropped = self.tail.0.range(self.tail.at_index(end)..);
        let dropped = dropped.take_while(|batch| next.is_none_or(|next| batch.offset < next));
        Some(last.bytes - dropped.map(|batch| u64::from(batch.place.len)).sum::<u64>())
    }

    // ---- the same changes without the record, for replay too

    pub(crate) fn add_batch(&mut self, header: &Header, rolls: bool, place: Place) {
        segments::add(&mut self.segments, rolls, header, place.len as usize);
        self.roll_next = false;
        let records = u32::try_from(header.last_offset_delta + 1).expect("a checked batch has a record");
        self.tail.0.push_back(TailBatch {
            index: self.end,
            offset: self.end_offset,
            records,
            max_timestamp: header.max_timestamp,
            place,
        });
        self.end = self.end.plus(u64::from(records));
        self.end_offset = self.end_offset.plus(i64::from(records));
    }

    pub(crate) fn add_marker(&mut self, marker: Marker) {
        self.term = self.term.max(marker.epoch());
        self.markers.list.push((self.end, self.end_offset, marker));
        self.end = self.end.plus(1);
    }

    pub(crate) fn apply_start(&mut self, offset: Offset, commit: u64) {
        self.start = offset;
        self.markers.fold(offset);
        // What no record is left of goes whole, the active segment too: a quiet log would hold its space for ever.
        let ends = self.segments.iter().skip(1).map(|next| next.base).chain([self.end_offset]);
        let passed = ends.take_while(|end| *end <= offset).count().min(self.segments.len());
        self.files_gone += u32::from(passed > 0);
        self.doomed.extend(self.segments.drain(..passed).map(|segment| (commit, segment.base)));
    }

    /// The flushed mark moved over segments that the log start passed before they were written, if there are any.
    fn mark_past_start(&self) -> Option<Flushed> {
        let Some(first) = self.segments.first().map(|segment| segment.base) else {
            // The next batch begins the next segment.
            let none = Flushed { index: self.end, segment: self.end_offset, position: Some(0) };
            return (self.flushed.segment < none.segment).then_some(none);
        };
        if self.flushed.segment >= first {
            return None;
        }
        let batch = self.tail.0.iter().find(|batch| batch.offset >= first)?;
        let passed = self.flushed.index < batch.index;
        passed.then_some(Flushed { index: batch.index, segment: first, position: Some(0) })
    }

    pub(crate) fn apply_truncate(&mut self, end: LogIndex, lower_mark: bool) {
        let end_offset = self.markers.offset_of(end);
        while let Some(last) = self.tail.0.back() {
            if last.end_index() <= end {
                break;
            }
            assert!(last.index >= end, "a truncation cuts between batches");
            let at = holding(&self.segments, last.offset).expect("a batch stands in a segment");
            self.segments[at].bytes = self.segments[at].bytes.saturating_sub(u64::from(last.place.len));
            self.tail.0.pop_back();
        }
        self.segments.retain(|segment| segment.base < end_offset);
        self.cleaned = self.cleaned.map(|cleaned| cleaned.min(end_offset));
        self.markers.truncate(end);
        (self.end, self.end_offset) = (end, end_offset);
        self.durable = self.durable.min(end);
        if !off(Rule::AckGeneration) {
            for (_, pending) in &mut self.pending {
                *pending = (*pending).min(end);
            }
        }
        for (_, pending) in &mut self.flushed_pending {
            *pending = (*pending).min(end);
        }
        self.flushed_durable = self.flushed_durable.min(end);
        if lower_mark && self.flushed.index > end {
            let segment = self.segments.last().map_or(end_offset, |segment| segment.base);
            let position = if self.segments.is_empty() { Some(0) } else { None };
            self.flushed = Flushed { index: end, segment, position };
        }
        self.generation += 1;
        self.unsynced = None;
        self.indexed = None;
        self.aborted.truncate(end_offset);
        self.tidy = true;
        if !off(Rule::FlushedGeneration) {
            self.flushed_unrecorded = None;
        }
    }

    fn pend(&mut self, commit: u64) {
        match self.pending.back_mut() {
            Some((last, end)) if *last == commit => *end = self.end,
            _ => self.pending.push_back((commit, self.end)),
        }
    }

    /// A commit of the journal is durable. Whether that moves the flushed mark or cuts the log.
    pub fn committed(&mut self, commit: u64) -> bool {
        let flushed = self.flushed_durable;
        while let Some(&(number, end)) = self.pending.front() {
            if number > commit {
                break;
            }
            self.durable = self.durable.max(end);
            self.pending.pop_front();
        }
        while let Some(&(number, index)) = self.flushed_pending.front() {
            if number > commit {
                break;
            }
            self.flushed_durable = self.flushed_durable.max(index);
            self.flushed_pending.pop_front();
        }
        let truncated = (1..=commit).contains(&self.files_wait);
        if truncated {
            self.files_wait = 0;
        }
        truncated || self.flushed_durable > flushed
    }

    /// Forgets batches that are flushed and have left memory.
    pub(crate) fn trim(&mut self, journal: &Journal) {
        while let Some(first) = self.tail.0.front() {
            let flushed = first.end_index() <= self.flushed_durable;
            if !flushed || journal.bytes(first.place).is_some() {
                break;
            }
            self.tail.0.pop_front();
        }
        if self.has_aborted() {
            self.aborted.trim(self.tail.0.front().map_or(self.end_offset, |first| first.offset));
        }
    }

    /// Whether it has files to unlink or to swap, or a mark that found no room in the journal.
    pub(crate) fn has_files_waiting(&self) -> bool {
        !self.doomed.is_empty() || self.swap.is_some() || self.flushed_unrecorded.is_some()
    }

    /// Where the oldest batch stands in the journal that is not flushed durably.
    pub(crate) fn oldest_unflushed(&self) -> Option<Place> {
        let at = self.tail.at_index(self.flushed_durable);
        self.tail.0.get(at).map(|batch| batch.place)
    }

    /// Where the oldest batch stands in the journal that is not synced to the files, as far as is recorded.
    pub(crate) fn oldest_unsynced(&self) -> Option<Place> {
        let at = self.tail.at_index(self.flushed.index);
        self.tail.0.get(at).map(|batch| batch.place)
    }

    /// Where the oldest batch stands in the journal that is not in the files.
    pub(crate) fn oldest_unwritten(&self) -> Option<Place> {
        let at = self.tail.at_index(self.written().index);
        self.tail.0.get(at).map(|batch| batch.place)
    }
}

/// `topics/TOPICID/PARTITION-GROUP`: by identity, so that a topic made again never meets its past.
#[must_use]
pub fn dir_of(topics: &Path, topic: TopicId, partition: PartitionIndex, group: GroupId) -> PathBuf {
    let group = if off(Rule::DirectoryIdentity) { GroupId(0) } else { group };
    topics.join(topic.to_string()).join(format!("{}-{}", partition.0, group.0))
}
