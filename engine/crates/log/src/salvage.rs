//! A start that accepts loss: what can be proven stays, what cannot is given up and named.
//!
//! Behind a gap in the journal a group's records count again from the first that proves that nothing of the group is missing:
//! an element of the same epoch right where the log ends (no two elements share index and epoch), or a State. Everything
//! else of the group is given up. Segments that are missing or shorter than their mark end the log there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{ErrorKind, Result as IoResult};
use std::sync::Arc;

use batch::Header;
use io::{File, OpenMode, Storage};
use journal::{Flushed, Record};
use model::{GroupId, LogIndex, Offset, PartitionIndex, TopicId};

use crate::compact::swap_path;
use crate::log::Log;
use crate::segment;
use crate::tail::Tail;

/// What was given up of one log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loss {
    /// Whose.
    pub group: GroupId,
    /// Its topic and partition, if anything of the group could be proven.
    pub of: Option<(TopicId, PartitionIndex)>,
    /// First offset that is given up.
    pub from: Offset,
    /// One past the last offset that is known to have been; `None`: there may have been none, or more.
    pub upto: Option<Offset>,
    /// What is damaged.
    pub why: String,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of {
            Some((topic, partition)) => {
                write!(f, "partition {} of topic {topic} (group {})", partition.0, self.group.0)?;
            }
            None => write!(f, "group {}", self.group.0)?,
        }
        match self.upto {
            Some(upto) => write!(f, ": offsets {} to {} are given up", self.from, upto.plus(-1))?,
            None => write!(f, ": offsets from {} on are given up, if there were any", self.from)?,
        }
        write!(f, ": {}", self.why)
    }
}

/// Why a log ends earlier than it did.
struct Broken {
    why: String,
    /// One past the largest offset that what was given up speaks of; `None`: there may be more of it than is known.
    upto: Option<Offset>,
}

/// What is not proven.
#[derive(Default)]
pub(crate) struct Salvage {
    /// The damage, once a gap was met.
    gap: Option<String>,
    /// Groups that nothing was proven of since.
    suspects: BTreeSet<GroupId>,
    broken: BTreeMap<GroupId, Broken>,
    /// Beginnings that are gone: first offset, and the new log start.
    beginnings: Vec<(GroupId, Offset, Offset)>,
}

impl Salvage {
    /// Commits are missing here.
    pub fn gap<'a>(&mut self, what: &str, groups: impl Iterator<Item = &'a GroupId>) {
        self.gap = Some(what.to_owned());
        self.suspects.extend(groups);
    }

    /// Whether a record of a group may be applied to its log, if there is one.
    pub fn counts(&mut self, group: GroupId, log: Option<&Log>, record: &Record<'_>) -> bool {
        let broken = self.broken.contains_key(&group);
        let Some(log) = log else {
            self.spoken_of(group, record);
            return matches!(record, Record::Create { .. });
        };
        if broken {
            self.spoken_of(group, record);
            return matches!(record, Record::Vote { .. } | Record::Remove { .. });
        }
        let proves = match record {
            Record::Append { first, batch, .. } => {
                let epoch = Header::read(batch).ok().map(|header| header.epoch);
                *first == log.end && epoch == Some(log.epoch())
            }
            Record::Marker { index, marker } => *index == log.end && marker.epoch() == log.epoch(),
            Record::Flushed { mark, .. } => {
                // Not an element, but it speaks of some.
                let known = mark.index <= log.end;
                if !known {
                    self.give_up(group, record);
                }
                return known;
            }
            _ => return true,
        };
        if self.suspects.contains(&group) && !proves {
            self.give_up(group, record);
            return false;
        }
        self.suspects.remove(&group);
        true
    }

    fn give_up(&mut self, group: GroupId, record: &Record<'_>) {
        let why = self.gap.clone().unwrap_or_else(|| "its records contradict each other".to_owned());
        self.suspects.remove(&group);
        self.breaks(group, why, None);
        self.spoken_of(group, record);
    }

    /// A group's log ends where it is now; what is given up ends before `upto`, unless it is not known where it ends.
    pub fn breaks(&mut self, group: GroupId, why: String, upto: Option<Offset>) {
        let broken = self.broken.entry(group).or_insert(Broken { why, upto });
        broken.upto = broken.upto.zip(upto).map(|(known, upto)| known.max(upto));
    }

    /// What a record tells of a log that is given up.
    fn spoken_of(&mut self, group: GroupId, record: &Record<'_>) {
        let (Some(why), Record::Append { batch, .. }) = (&self.gap, record) else { return };
        let Ok(header) = Header::read(batch) else { return };
        self.suspects.remove(&group);
        let broken = self.broken.entry(group).or_insert_with(|| Broken { why: why.clone(), upto: None });
        broken.upto = broken.upto.max(Some(header.next_offset()));
    }

    /// A State says that the log is as it was: nothing of the group is missing.
    pub fn agrees(&mut self, group: GroupId) {
        self.suspects.remove(&group);
        self.broken.remove(&group);
    }

    pub fn removed(&mut self, group: GroupId) {
        self.suspects.remove(&group);
        self.broken.remove(&group);
    }

    /// A State that does not follow from what came before: the log is as it says, with the batches that are known. Where
    /// some are missing is only known at the end: a later mark may say that they are flushed.
    pub fn adopt(&mut self, old: Option<Log>, mut new: Log) -> Log {
        self.agrees(new.group);
        let Some(old) = old else { return new };
        let common = old.end.min(new.end).max(old.markers.base.index).max(new.markers.base.index);
        if old.markers.epoch_before(common) == new.markers.epoch_before(common) {
            let batches = old.tail.0.iter().filter(|batch| batch.end_index() <= common);
            new.tail = Tail(batches.copied().collect());
            new.aborted.take_over(old.aborted, new.markers.offset_of(common));
        }
        new
    }

    /// Ends a recovered log where something is missing.
    pub fn end_at_hole(&mut self, log: &mut Log) {
        let mut next = None;
        let mut tail = log.tail.0.iter().peekable();
        let hole = loop {
            let Some(batch) = tail.peek() else { break next.filter(|(_, offset)| *offset < log.end_offset) };
            match next {
                Some((index, offset)) if batch.offset != offset => break Some((index, offset)),
                _ => next = Some((batch.end_index(), batch.end_offset())),
            }
            tail.next();
        };
        if let Some((index, _)) = hole {
            let why = self.gap.clone().unwrap_or_else(|| "its records contradict each other".to_owned());
            self.breaks(log.group, why, Some(log.end_offset));
            log.cut(index, None);
        }
    }

    /// Compares a log's files with what the journal says of them.
    pub fn check_files(&mut self, storage: &dyn Storage, log: &mut Log) -> IoResult<()> {
        if let Some(base) = compacted_since(storage, log)? {
            // The journal does not know it, and what the new file replaced may be among what is given up.
            let why = "a compaction's record is missing".to_owned();
            self.breaks(log.group, why, Some(log.end_offset));
            self.beginnings.push((log.group, base, log.end_offset));
            let (offset, position) = whole_until(storage, log, base, u64::MAX)?;
            let index = log.markers.index_of(offset.max(log.start).max(log.markers.base.offset));
            log.cut(index, Some((base, position)));
            return Ok(());
        }
        let dir = log.dir();
        let flushed: Vec<_> =
            log.segments.iter().copied().filter(|s| s.base <= log.flushed.segment).collect();
        let mut leading = true;
        for (at, segment) in flushed.iter().enumerate() {
            let last = segment.base == log.flushed.segment;
            let want = if last { log.flushed.position.unwrap_or(0) } else { segment.bytes };
            let len = open(storage, log, segment.base)?.map_or(0, |(_, len)| len);
            if len >= want {
                leading = false;
                continue;
            }
            if len == 0 && leading && !last {
                let next = flushed[at + 1].base;
                self.beginnings.push((log.group, log.start, next));
                log.apply_start(next.max(log.start), 0);
                continue;
            }
            if len == 0
                && leading
                && let Some(next) = log.segments.iter().map(|s| s.base).find(|base| *base > segment.base)
                && let Some(first) = log.tail.0.iter().find(|batch| batch.offset == next)
            {
                // What a log start took whose record is missing; what follows stands in the journal.
                let mark = Flushed { index: first.index, segment: next, position: Some(0) };
                self.beginnings.push((log.group, log.start, next));
                log.apply_start(next.max(log.start), 0);
                (log.flushed, log.flushed_durable) = (mark, mark.index);
                while log.tail.0.front().is_some_and(|batch| batch.end_index() <= mark.index) {
                    log.tail.0.pop_front();
                }
                break;
            }
            let why = format!(
                "{} is {len} bytes long, not {want}",
                segment::log_path(&dir, segment.base).display()
            );
            self.breaks(log.group, why, Some(log.end_offset));
            let (offset, position) = whole_until(storage, log, segment.base, len)?;
            let index = log.markers.index_of(offset.max(log.start).max(log.markers.base.offset));
            log.cut(index, (offset >= log.start).then_some((segment.base, position)));
            break;
        }
        Ok(())
    }

    /// What was given up, by group.
    pub fn losses(self, logs: &BTreeMap<GroupId, Log>) -> Vec<Loss> {
        let of = |group: &GroupId| logs.get(group).map(|log| (log.topic, log.partition));
        let end = |group: &GroupId| logs.get(group).map_or(Offset::ZERO, |log| log.end_offset);
        let gap = self.gap.unwrap_or_default();
        let mut losses = Vec::new();
        for (group, from, upto) in &self.beginnings {
            let why = "its oldest segments are missing or hold newer records".to_owned();
            losses.push(Loss { group: *group, of: of(group), from: *from, upto: Some(*upto), why });
        }
        for (group, broken) in self.broken {
            let from = end(&group);
            let upto = broken.upto.filter(|upto| *upto > from);
            losses.push(Loss { group, of: of(&group), from, upto, why: broken.why });
        }
        for group in self.suspects {
            losses.push(Loss { group, of: of(&group), from: end(&group), upto: None, why: gap.clone() });
        }
        losses
    }

    /// What is wrong with the journal itself.
    pub fn damage(&self) -> Option<String> {
        self.gap.clone()
    }

    pub fn is_needed(&self) -> bool {
        self.gap.is_some() || !self.broken.is_empty() || !self.beginnings.is_empty()
    }
}

/// The first segment whose file holds records of later segments: a compaction that the journal does not tell of.
fn compacted_since(storage: &dyn Storage, log: &Log) -> IoResult<Option<Offset>> {
    for pair in log.segments.windows(2).filter(|pair| pair[0].base < log.flushed.segment) {
        let Some((file, len)) = open(storage, log, pair[0].base)? else { continue };
        let beyond = |stored: IoResult<(u64, Header)>| {
            stored.is_ok_and(|(_, header)| header.base_offset >= pair[1].base)
        };
        // As long as the journal says, it is the file that the journal means: to read all of each would take hours.
        if len != pair[0].bytes && segment::scan(&*file, 0, len).any(beyond) {
            return Ok(Some(pair[0].base));
        }
    }
    Ok(None)
}

/// A segment's file: until a compaction is over, the new one under its own name.
fn open(storage: &dyn Storage, log: &Log, base: Offset) -> IoResult<Option<(Arc<dyn File>, u64)>> {
    let swap = log.swap.as_ref().filter(|swap| swap.first == base);
    let swap = swap.map(|swap| swap_path(&log.dir(), base, swap.file_id));
    for path in swap.into_iter().chain([segment::log_path(&log.dir(), base)]) {
        match storage.open(&path, OpenMode::Read) {
            Ok(file) => return file.len().map(|len| Some((file, len))),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Where the whole batches of a segment end that stand before the log's end: offset and position.
fn whole_until(storage: &dyn Storage, log: &Log, base: Offset, len_max: u64) -> IoResult<(Offset, u64)> {
    let mut end = (base, 0);
    let Some((file, len)) = open(storage, log, base)? else { return Ok(end) };
    for stored in segment::scan(&*file, 0, len.min(len_max)) {
        let Ok((position, header)) = stored else { break };
        let mut bytes = vec![0; header.total_bytes()];
        io::storage::read_exact_at(&*file, &mut bytes, position)?;
        if batch::check_crc(&header, &bytes).is_err() || header.next_offset() > log.end_offset {
            break;
        }
        end = (header.next_offset(), position + bytes.len() as u64);
    }
    Ok(end)
}

impl Log {
    /// What was compacted up to a segment's beginning was flushed, also if the record that said so is missing.
    pub(crate) fn was_flushed(&mut self, upto: Offset) {
        if upto <= self.end_offset && upto > self.markers.base.offset {
            let mark = Flushed { index: self.markers.index_of(upto), segment: upto, position: Some(0) };
            if mark.index > self.flushed.index {
                self.flushed = mark;
            }
        }
    }

    /// A mark at the beginning of a segment that is gone stands at the end of the one before: that is where it goes on.
    pub(crate) fn settle_mark(&mut self) {
        let known = self.segments.iter().any(|segment| segment.base == self.flushed.segment);
        if let Some(last) = self.segments.last().filter(|last| !known && last.base < self.flushed.segment) {
            (self.flushed.segment, self.flushed.position) = (last.base, Some(last.bytes));
        }
    }

    /// Gives up elements from `end` on. `place`: where its last segment now ends, if that is not the flushed mark's place.
    pub(crate) fn cut(&mut self, end: LogIndex, place: Option<(Offset, u64)>) {
        let mark = self.flushed;
        self.apply_truncate(end, true);
        match place {
            Some((segment, position)) => {
                self.segments.retain(|known| known.base < segment || known.base == segment && position > 0);
                self.flushed = Flushed { index: end, segment, position: Some(position) };
            }
            // Everything below was gone already: it goes on in a segment of its own.
            None if mark.index > end => {
                self.segments.clear();
                self.flushed = Flushed { index: end, segment: self.end_offset, position: Some(0) };
            }
            None => {}
        }
        self.settle_mark();
        self.flushed_durable = self.flushed.index;
        for at in 0..self.segments.len() {
            let base = self.segments[at].base;
            if base < self.flushed.segment {
                continue;
            }
            let next = self.segments.get(at + 1).map_or(Offset(i64::MAX), |next| next.base);
            let unflushed = self.tail.0.range(self.tail.at_index(self.flushed.index)..);
            let unflushed = unflushed.filter(|batch| batch.offset >= base && batch.offset < next);
            let flushed = if base == self.flushed.segment { self.flushed.position.unwrap_or(0) } else { 0 };
            self.segments[at].bytes =
                flushed + unflushed.map(|batch| u64::from(batch.place.len)).sum::<u64>();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_up_has_a_known_end_only_if_every_sign_of_it_has() {
        let upto = |signs: &[Option<i64>]| {
            let mut salvage = Salvage::default();
            for sign in signs {
                salvage.breaks(GroupId(1), "damage".to_owned(), sign.map(Offset));
            }
            salvage.losses(&BTreeMap::new())[0].upto
        };
        assert_eq!(upto(&[Some(7), Some(9), Some(8)]), Some(Offset(9)));
        assert_eq!(upto(&[None, Some(9)]), None);
        assert_eq!(upto(&[Some(9), None]), None);
    }
}
