//! What must be found: the logs as plain lists.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use batch::Header;
use io::{Job, Storage};
use journal::{Journal, Marker};
use log::{Log, Logs, Read};
use model::{Epoch, GroupId, LogIndex, Offset};

use super::world::TOPICS_DIR;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Element {
    Batch(Arc<Vec<u8>>),
    Marker(Marker),
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Group {
    pub term: Epoch,
    pub start: Offset,
    pub end: LogIndex,
    pub end_offset: Offset,
    /// Index, offset, and what stands there.
    pub elements: Vec<(LogIndex, Offset, Element)>,
}

/// All groups.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Want(pub BTreeMap<GroupId, Group>);

impl Group {
    pub fn append(&mut self, bytes: Arc<Vec<u8>>) {
        let header = Header::read(&bytes).expect("a built batch");
        self.elements.push((self.end, self.end_offset, Element::Batch(bytes)));
        self.end = self.end.plus(u64::try_from(header.record_count).expect("positive"));
        self.end_offset = self.end_offset.plus(i64::from(header.record_count));
    }

    pub fn marker(&mut self, marker: Marker) {
        self.term = self.term.max(marker.epoch());
        self.elements.push((self.end, self.end_offset, Element::Marker(marker)));
        self.end = self.end.plus(1);
    }

    pub fn truncate(&mut self, at: usize) {
        let (index, offset, _) = self.elements[at];
        self.elements.truncate(at);
        (self.end, self.end_offset) = (index, offset);
    }
}

impl Want {
    /// Whether this is what was recovered; else what differs.
    pub fn check(&self, logs: &Logs, journal: &Journal, storage: &dyn Storage) -> Result<(), String> {
        let found: Vec<GroupId> = logs.iter().map(Log::group).collect();
        let wanted: Vec<GroupId> = self.0.keys().copied().collect();
        if found != wanted {
            return Err(format!("groups {found:?}, not {wanted:?}"));
        }
        let known = logs.directories();
        for topic in storage.list(Path::new(TOPICS_DIR)).map_err(|error| error.to_string())? {
            let there = storage.list(&topic).map_err(|error| error.to_string())?;
            if let Some(orphan) = there.iter().find(|dir| !known.contains(dir)) {
                return Err(format!("{} belongs to no group", orphan.display()));
            }
        }
        for (group, want) in &self.0 {
            let log = logs.get(*group).expect("listed");
            want.check(log, journal, storage).map_err(|what| format!("group {}: {what}", group.0))?;
        }
        Ok(())
    }
}

impl Group {
    /// End of what both have.
    pub fn common(&self, other: &Group) -> LogIndex {
        let same = self.elements.iter().zip(&other.elements).take_while(|(a, b)| a == b).count();
        let ends =
            [self, other].map(|group| group.elements.get(same).map_or(group.end, |(index, ..)| *index));
        ends[0].min(ends[1])
    }

    fn check(&self, log: &Log, journal: &Journal, storage: &dyn Storage) -> Result<(), String> {
        let found = (log.term_vote().0, log.start(), log.end_index(), log.end());
        let wanted = (self.term, self.start, self.end, self.end_offset);
        if found != wanted {
            return Err(format!("term, start, end {found:?}, not {wanted:?}"));
        }
        let kept = |offset: Offset| offset >= self.start;
        let found: Vec<_> = log.markers().filter(|(_, offset, _)| kept(*offset)).cloned().collect();
        let wanted = self.elements.iter().filter_map(|(index, offset, element)| match element {
            Element::Marker(marker) if kept(*offset) => Some((*index, *offset, marker.clone())),
            _ => None,
        });
        let wanted: Vec<_> = wanted.collect();
        if wanted != found {
            return Err(format!("markers {found:?}, not {wanted:?}"));
        }
        let found = bytes_of(log, journal, storage)?;
        let mut wanted = Vec::new();
        for (_, offset, element) in &self.elements {
            if let Element::Batch(bytes) = element {
                let header = Header::read(bytes).expect("a built batch");
                if offset.plus(i64::from(header.record_count)) > self.start {
                    wanted.extend_from_slice(bytes);
                }
            }
        }
        if found == wanted {
            return Ok(());
        }
        let at = found.iter().zip(&wanted).take_while(|(a, b)| a == b).count();
        Err(format!(
            "its batches differ at byte {at}: {}; not {}; {}",
            outline(&found),
            outline(&wanted),
            log.describe()
        ))
    }
}

/// Offset and length of each batch.
fn outline(bytes: &[u8]) -> String {
    let batches = batch::split(bytes).flatten();
    batches
        .map(|(header, bytes)| format!("{}+{}", header.base_offset, bytes.len()))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Everything from start to end, as a consumer would read it.
fn bytes_of(log: &Log, journal: &Journal, storage: &dyn Storage) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut from = log.start();
    while from < log.end() {
        let read = match log.read(journal, from, log.end(), 10_000, true) {
            Read::Ready(list, _) => list,
            Read::Cold(job) => {
                let read = log.read_done(journal, job.run(storage)).ok_or("a read that is stale at once")?;
                read.map_err(|error| format!("reading from offset {}: {error}; {}", from.0, log.describe()))?
            }
            Read::Empty => return Err(format!("nothing at offset {}; {}", from.0, log.describe())),
        };
        let before = from;
        for bytes in read {
            for item in batch::split(&bytes) {
                let (header, bytes) = item.map_err(|error| format!("at offset {}: {error:?}", from.0))?;
                batch::check_crc(&header, bytes)
                    .map_err(|error| format!("at offset {}: {error:?}", from.0))?;
                out.extend_from_slice(bytes);
                from = header.next_offset();
            }
        }
        if from == before {
            return Err(format!("no batch at offset {}", from.0));
        }
    }
    Ok(out)
}
