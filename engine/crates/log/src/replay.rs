//! From the journal's records to logs. Everything that contradicts what came before is damage, never repaired in silence.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use batch::Header;
use io::Storage;
use journal::rules::{Rule, off};
use journal::{OpenError, Record, Replay, Replayed, State};
use model::{GroupId, LogIndex};

use crate::compact::{Swap, drop_leftovers};
use crate::log::{Log, dir_of};
use crate::logs::{Removing, Watch};
#[cfg(feature = "mutants")]
use crate::misled;
use crate::salvage::{Loss, Salvage};
use crate::segment::Aborted;

/// Logs in the making.
pub(crate) struct Replaying<'a> {
    topics: Arc<Path>,
    logs: BTreeMap<GroupId, Log>,
    removing: Vec<Removing>,
    watch: &'a mut dyn Watch,
    /// Only where loss is accepted.
    salvage: Option<Salvage>,
}

/// What a replay came to.
pub(crate) struct Recovered {
    pub logs: BTreeMap<GroupId, Log>,
    pub removing: Vec<Removing>,
    pub losses: Vec<Loss>,
    pub damage: Option<String>,
    /// Something was given up: the journal begins afresh.
    pub afresh: bool,
}

impl<'a> Replaying<'a> {
    pub fn new(topics: &Arc<Path>, watch: &'a mut dyn Watch, accept_loss: bool) -> Replaying<'a> {
        Replaying {
            topics: Arc::clone(topics),
            logs: BTreeMap::new(),
            removing: Vec::new(),
            watch,
            salvage: accept_loss.then(Salvage::default),
        }
    }

    /// The logs, each whole: every element below the mark or in the journal.
    pub fn finish(mut self) -> Result<Recovered, OpenError> {
        let Some(salvage) = self.salvage.take() else {
            self.settle(None)?;
            let Replaying { logs, removing, .. } = self;
            return Ok(Recovered { logs, removing, losses: Vec::new(), damage: None, afresh: false });
        };
        let (afresh, damage) = (salvage.is_needed(), salvage.damage());
        let losses = salvage.losses(&self.logs);
        for loss in &losses {
            if let Some(log) = self.logs.get(&loss.group) {
                self.watch.truncate(loss.group, log.end);
            }
        }
        Ok(Recovered { logs: self.logs, removing: self.removing, losses, damage, afresh })
    }

    /// The end of replay for every log. Where something is missing it is an error, or the log ends there.
    fn settle(&mut self, mut salvage: Option<&mut Salvage>) -> Result<(), OpenError> {
        for log in self.logs.values_mut() {
            let rot = |group: GroupId, what: String| OpenError::rot(format!("group {}: {what}", group.0));
            let found = log.recovered();
            let Some(salvage) = &mut salvage else {
                found.map_err(|what| rot(log.group, what))?;
                continue;
            };
            if let Err(what) = found {
                // The mark is proven, what is missing stands behind it.
                salvage.breaks(log.group, what, Some(log.end_offset));
                log.tail.0.clear();
                log.cut(log.flushed.index.max(log.markers.base.index), None);
                log.recovered().map_err(|what| rot(log.group, what))?;
            }
            salvage.end_at_hole(log);
            log.settle_mark();
        }
        Ok(())
    }

    fn state(&mut self, group: GroupId, file_use: u32, state: &State) -> Result<(), String> {
        let agrees = self.logs.get(&group).map(|log| log.agrees(state));
        match (agrees, &mut self.salvage) {
            (Some(Err(what)), None) => return Err(what),
            (Some(Ok(())), salvage) => {
                if let Some(salvage) = salvage {
                    salvage.agrees(group);
                }
            }
            (None, None) => drop(self.logs.insert(group, Log::of_state(&self.topics, group, state))),
            (Some(Err(_)) | None, Some(salvage)) => {
                let new = Log::of_state(&self.topics, group, state);
                let log = salvage.adopt(self.logs.remove(&group), new);
                self.logs.insert(group, log);
            }
        }
        self.watch.state(group, &state.producers);
        let log = self.logs.get_mut(&group).expect("it was there, or made");
        log.mark.file_use = file_use;
        Ok(())
    }

    fn log(&mut self, group: GroupId) -> Result<Option<&mut Log>, String> {
        match self.logs.get_mut(&group) {
            Some(log) => Ok(Some(log)),
            None if off(Rule::StartMark) => Ok(None),
            None => Err("a record of a group that has no State".to_owned()),
        }
    }

    fn append(&mut self, at: Replayed, first: LogIndex, rolls: bool, batch: &[u8]) -> Result<(), String> {
        let header = Header::read(batch).map_err(|error| format!("an appended batch: {error:?}"))?;
        let Some(log) = self.log(at.group)? else { return Ok(()) };
        if first != log.end || header.base_offset != log.end_offset {
            return Err(format!("an append at index {}, but the log ends at {}", first.0, log.end.0));
        }
        if off(Rule::CachedInJournal) && at.group.0.is_multiple_of(2) {
            return Ok(()); // stands for a batch that only memory and the segments ever saw
        }
        if header.last_offset_delta < 0 || header.total_bytes() != batch.len() {
            return Err("an appended batch is not whole".to_owned());
        }
        log.add_batch(&header, rolls, at.place);
        let end = log.end;
        self.watch.batch(at.group, &header, batch, end);
        Ok(())
    }

    fn apply(&mut self, at: Replayed, record: Record<'_>) -> Result<(), String> {
        let group = at.group;
        if let Record::Truncate { end, .. } = record {
            self.watch.truncate(group, end);
        }
        let Some(log) = self.log(group)? else { return Ok(()) };
        match record {
            Record::Marker { index, marker } if index == log.end => log.add_marker(marker),
            Record::Marker { .. } => return Err("a marker that is not at the log's end".to_owned()),
            Record::Vote { term, vote } => (log.term, log.vote) = (term, vote),
            Record::Truncate { end, segment_bytes } if end <= log.end && end >= log.markers.base.index => {
                log.apply_truncate(end, !off(Rule::TruncateLowersMark));
                if let (Some(last), Some(bytes)) = (log.segments.last_mut(), segment_bytes) {
                    last.bytes = bytes;
                }
            }
            Record::Truncate { .. } => return Err("a truncation outside the log".to_owned()),
            Record::LogStart { offset } if offset <= log.end_offset => {
                log.apply_start(offset, 0);
            }
            Record::LogStart { .. } => return Err("a log start behind the log end".to_owned()),
            Record::Flushed { mark, segment_bytes } => {
                if log.raises(mark) || off(Rule::LargestMark) {
                    log.apply_flushed(mark, segment_bytes);
                }
            }
            Record::Replaced { first, end, bytes, file_id, max_timestamp } => {
                if log.segments.iter().all(|segment| segment.base != first) {
                    return Err("a compaction of segments that are not there".to_owned());
                }
                let replaced = log.segments.iter().filter(|known| known.base > first && known.base < end);
                let old = replaced.map(|segment| segment.base).collect();
                log.replace(first, end, bytes, max_timestamp);
                log.swap = Some(Box::new(Swap::of_replay(first, file_id, at.place.file_use, old)));
            }
            Record::Cleaned { upto } => log.apply_cleaned(upto),
            Record::Aborted { producer_id, first, last, last_stable } => {
                if !log.apply_aborted(Aborted { producer_id, first, last, last_stable }) {
                    return Err("an aborted transaction whose marker does not end the log".to_owned());
                }
            }
            Record::State(_)
            | Record::Append { .. }
            | Record::Create { .. }
            | Record::Remove { .. }
            | Record::Close => {
                unreachable!("handled by the caller")
            }
        }
        Ok(())
    }
}

impl Replaying<'_> {
    fn step(&mut self, at: Replayed, record: Record<'_>) -> Result<(), String> {
        let group = at.group;
        match record {
            Record::State(state) => self.state(group, at.place.file_use, &state),
            Record::Append { first, rolls, batch } => self.append(at, first, rolls, batch),
            Record::Create { topic, partition } => {
                let mut log = Log::new(&self.topics, group, topic, partition);
                log.mark.file_use = at.place.file_use;
                match self.logs.insert(group, log) {
                    None => Ok(()),
                    Some(_) => Err("a group was made twice".to_owned()),
                }
            }
            Record::Remove { topic, partition } => {
                self.logs.remove(&group);
                self.watch.remove(group);
                if let Some(salvage) = &mut self.salvage {
                    salvage.removed(group);
                }
                let dir = dir_of(&self.topics, topic, partition, group);
                let file_use = at.place.file_use;
                self.removing.push(Removing { group, dir, commit: 0, file_use, busy: false, running: false });
                Ok(())
            }
            Record::Close => Ok(()),
            other => self.apply(at, other),
        }
    }
}

impl Replay for Replaying<'_> {
    fn replay(&mut self, at: Replayed, record: Record<'_>) -> Result<(), String> {
        let group = at.group;
        let Some(salvage) = &mut self.salvage else {
            return self.step(at, record).map_err(|what| format!("group {}: {what}", group.0));
        };
        let judged = matches!(record, Record::State(_) | Record::Remove { .. } | Record::Close);
        if !judged && !salvage.counts(group, self.logs.get(&group), &record) {
            return Ok(());
        }
        if let (Record::Replaced { end, .. }, Some(log)) = (&record, self.logs.get_mut(&group)) {
            log.was_flushed(*end);
        }
        let end = self.logs.get(&group).map(|log| log.end_offset);
        if let Err(what) = self.step(at, record)
            && let Some(salvage) = &mut self.salvage
        {
            salvage.breaks(group, what, end);
        }
        Ok(())
    }

    fn gap(&mut self, what: &str) {
        if let Some(salvage) = &mut self.salvage {
            salvage.gap(what, self.logs.keys());
        }
    }

    fn certain(&mut self, storage: &dyn Storage) -> Result<bool, OpenError> {
        #[cfg(feature = "mutants")]
        self.mislead(storage)?;
        for log in self.logs.values() {
            drop_leftovers(storage, log).map_err(|error| OpenError::Io(log.dir(), error))?;
        }
        let Some(mut salvage) = self.salvage.take() else { return Ok(false) };
        self.settle(Some(&mut salvage))?;
        for log in self.logs.values_mut() {
            let dir = log.dir();
            salvage.check_files(storage, log).map_err(|error| OpenError::Io(dir, error))?;
        }
        let afresh = salvage.is_needed();
        self.salvage = Some(salvage);
        Ok(afresh)
    }
}

#[cfg(feature = "mutants")]
impl Replaying<'_> {
    fn mislead(&mut self, storage: &dyn Storage) -> Result<(), OpenError> {
        let topics = self.topics.to_path_buf();
        for log in self.logs.values_mut() {
            if off(Rule::RewriteBeforeFiles) {
                misled::act(storage, log).map_err(|error| OpenError::Io(topics.clone(), error))?;
            }
            if off(Rule::NothingBehindMark) {
                misled::believe(storage, log);
            }
        }
        for removing in self.removing.iter().filter(|_| off(Rule::RewriteBeforeFiles)) {
            misled::forget(storage, removing).map_err(|error| OpenError::Io(topics.clone(), error))?;
        }
        Ok(())
    }
}

impl Log {
    fn of_state(topics: &Arc<Path>, group: GroupId, state: &State) -> Log {
        let mut log = Log::new(topics, group, state.topic, state.partition);
        (log.term, log.vote) = (state.term, state.vote);
        (log.markers.base, log.markers.list) = (state.base, state.markers.clone());
        (log.start, log.end, log.end_offset) = (state.start, state.end, state.end_offset);
        log.segments.clone_from(&state.segments);
        log.flushed = state.flushed;
        log.cleaned = state.cleaned;
        log
    }

    /// State was written from the same log: it says what replay found, or one of the two is wrong.
    fn agrees(&self, state: &State) -> Result<(), String> {
        let same = (state.term, state.vote, state.start, state.end)
            == (self.term, self.vote, self.start, self.end)
            && state.end_offset == self.end_offset
            && (state.markers == self.markers.list || off(Rule::StateMarkers))
            && state.segments.len() == self.segments.len();
        if same { Ok(()) } else { Err("its State disagrees with the records before it".to_owned()) }
    }

    /// The end of replay: what is in the journal is durable, what is flushed need not be in the tail.
    fn recovered(&mut self) -> Result<(), String> {
        self.durable = self.end;
        self.flushed.index = self.flushed.index.min(self.end);
        self.flushed_durable = self.flushed.index;
        while self.tail.0.front().is_some_and(|batch| batch.end_index() <= self.flushed.index) {
            self.tail.0.pop_front();
        }
        self.generation = 0;
        self.tidy = true;
        match self.tail.0.front() {
            Some(first) if first.index < self.flushed.index => {
                Err("the flushed mark stands inside a batch".to_owned())
            }
            // Only markers may stand between the mark and the first batch that is in the journal.
            Some(first) if first.offset > self.offset_at_mark() => Err(format!(
                "records before offset {} are neither flushed nor in the journal",
                first.offset.0
            )),
            None if self.end_offset > self.offset_at_mark() => {
                Err("records at its end are neither flushed nor in the journal".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Offset of the first record that is not flushed; what lies before the log start needs no flush.
    fn offset_at_mark(&self) -> model::Offset {
        if self.flushed.index < self.markers.base.index {
            // Elements below the base have no offset any more; they are in the tail or were dropped with their segment.
            return self.tail.0.front().map_or(self.start, |first| first.offset.max(self.start));
        }
        self.markers.offset_of(self.flushed.index).max(self.start)
    }
}
