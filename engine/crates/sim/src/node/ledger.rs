//! The checker: what clients were told, and whether a broker may say what they are told next.
//!
//! It knows nothing but requests and answers. An offset that was acknowledged or read holds one record for ever; a record of
//! an idempotent producer stands at one offset; ends never move back; starts move only where somebody asked for it. Who reads
//! committed records is given those of transactions that were to be committed, all of them, and no others.

use std::collections::BTreeMap;

use io::{Rng, SplitMix};
use model::TopicId;

/// Bytes that name a record at the front of its value.
pub(super) const ID_BYTES: usize = 8;

/// Nothing, or what must not be.
pub(super) type Checked<T = ()> = Result<T, String>;

/// One partition of one topic in one of its lives: topics that come back under an old name get new ones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Slot(pub u16);

/// A record: who sent it where, and which one it was.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct RecordId {
    pub producer: u16,
    pub slot: Slot,
    pub n: u32,
}

impl RecordId {
    fn to_bits(self) -> u64 {
        u64::from(self.producer) << 48 | u64::from(self.slot.0) << 32 | u64::from(self.n)
    }

    fn from_bits(bits: u64) -> RecordId {
        RecordId { producer: (bits >> 48) as u16, slot: Slot((bits >> 32) as u16), n: bits as u32 }
    }

    /// The record's value: its name, and bytes that follow from it.
    pub fn value(self, len: usize) -> Vec<u8> {
        let bits = self.to_bits();
        let mut value = Vec::with_capacity(len.max(ID_BYTES) + ID_BYTES);
        value.extend_from_slice(&bits.to_be_bytes());
        let mut filler = SplitMix(bits);
        while value.len() < len {
            // Half of it repeats, so that codecs find something to do.
            let word = filler.next_u64() & 0xffff_ffff;
            value.extend_from_slice(&word.to_be_bytes());
        }
        value.truncate(len.max(ID_BYTES));
        value
    }
}

/// How a transaction is to end; told to the ledger before it is told to the node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    Undecided,
    Commit,
    Abort,
}

/// Stands in a partition's list of records for a marker.
const MARKER: RecordId = RecordId { producer: u16::MAX, slot: Slot(u16::MAX), n: 0 };

struct Sent {
    /// The transaction that it is part of.
    transaction: Option<u32>,
    timestamp: i64,
    len: u32,
    /// Where it stands, if that is known; of a producer without idempotence, the last place.
    offset: Option<i64>,
}

#[derive(Default)]
struct Stream {
    idempotent: bool,
    records: Vec<Sent>,
}

/// What is known of a partition.
pub(super) struct Part {
    pub topic: String,
    pub topic_id: TopicId,
    pub index: i32,
    /// Its topic is being deleted, or is.
    pub dead: bool,
    /// Whether the broker may move the start by itself.
    retention: bool,
    at: Vec<Option<RecordId>>,
    /// One past the last record that somebody knows of, and when that became known.
    ends: Vec<(u64, i64)>,
    /// The same for the last stable offset.
    stables: Vec<(u64, i64)>,
    start_asked: i64,
    start_acked: i64,
}

/// What a client knows when it sends a request: the answer must not fall behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub end: i64,
    pub stable: i64,
    pub start: i64,
}

/// Everything that clients know together.
#[derive(Default)]
pub(super) struct Ledger {
    parts: Vec<Part>,
    streams: BTreeMap<(u16, Slot), Stream>,
    fates: BTreeMap<u32, Fate>,
    pub acked: u64,
    pub read: u64,
}

impl Part {
    fn end(&self) -> i64 {
        self.ends.last().map_or(0, |(_, end)| *end)
    }

    /// The end that was known at a moment.
    fn end_at(&self, ns: u64) -> i64 {
        let before = self.ends.partition_point(|(at, _)| *at <= ns);
        before.checked_sub(1).map_or(0, |last| self.ends[last].1)
    }

    fn raise(&mut self, now_ns: u64, end: i64) {
        if end > self.end() {
            self.ends.push((now_ns, end));
        }
    }

    fn stable(&self) -> i64 {
        self.stables.last().map_or(0, |(_, stable)| *stable)
    }

    fn name(&self) -> String {
        format!("{}-{} ({})", self.topic, self.index, self.topic_id)
    }
}

impl Ledger {
    pub fn add(&mut self, topic: &str, topic_id: TopicId, index: i32, retention: bool) -> Slot {
        let slot = Slot(u16::try_from(self.parts.len()).expect("partitions are few"));
        self.parts.push(Part {
            topic: topic.to_owned(),
            topic_id,
            index,
            dead: false,
            retention,
            at: Vec::new(),
            ends: Vec::new(),
            stables: Vec::new(),
            start_asked: 0,
            start_acked: 0,
        });
        slot
    }

    pub fn part(&self, slot: Slot) -> &Part {
        &self.parts[usize::from(slot.0)]
    }

    fn part_mut(&mut self, slot: Slot) -> &mut Part {
        &mut self.parts[usize::from(slot.0)]
    }

    pub fn kill(&mut self, slot: Slot) {
        self.part_mut(slot).dead = true;
    }

    pub fn known(&self, slot: Slot) -> Known {
        let part = self.part(slot);
        Known { end: part.end(), stable: part.stable(), start: part.start_acked }
    }

    /// The end that was known at a moment.
    pub fn end_at(&self, slot: Slot, ns: u64) -> i64 {
        self.part(slot).end_at(ns)
    }

    /// The last stable offset that was known at a moment.
    pub fn stable_at(&self, slot: Slot, ns: u64) -> i64 {
        let stables = &self.part(slot).stables;
        let before = stables.partition_point(|(at, _)| *at <= ns);
        before.checked_sub(1).map_or(0, |last| stables[last].1)
    }

    /// How a transaction ends.
    pub fn decide(&mut self, transaction: u32, fate: Fate) {
        self.fates.insert(transaction, fate);
    }

    /// Whether a record at this offset may be gone.
    pub fn may_be_gone(&self, slot: Slot, offset: i64) -> bool {
        let part = self.part(slot);
        part.dead || part.retention || offset < part.start_asked
    }

    /// A producer made a record.
    pub fn sent(&mut self, id: RecordId, idempotent: bool, timestamp: i64, len: usize) {
        let stream = self.streams.entry((id.producer, id.slot)).or_default();
        stream.idempotent = idempotent;
        assert_eq!(stream.records.len(), id.n as usize, "records are made in order");
        let len = u32::try_from(len).expect("records are small");
        stream.records.push(Sent { transaction: None, timestamp, len, offset: None });
    }

    /// The record that was made last is part of a transaction.
    pub fn is_part_of(&mut self, id: RecordId, transaction: u32) {
        let stream = self.streams.get_mut(&(id.producer, id.slot)).expect("just made");
        stream.records.last_mut().expect("just made").transaction = Some(transaction);
        self.fates.entry(transaction).or_insert(Fate::Undecided);
    }

    fn fate_of(&self, id: RecordId) -> Option<Fate> {
        let sent = &self.streams.get(&(id.producer, id.slot))?.records[id.n as usize];
        sent.transaction.map(|transaction| self.fates[&transaction])
    }

    /// A marker was read.
    pub fn saw_marker(&mut self, now_ns: u64, slot: Slot, offset: i64) -> Checked {
        let part = self.part_mut(slot);
        let at = usize::try_from(offset).map_err(|_| format!("a marker at offset {offset}"))?;
        if part.at.len() <= at {
            part.at.resize(at + 1, None);
        }
        match part.at[at].replace(MARKER) {
            Some(known) if known != MARKER => {
                Err(format!("offset {offset} of {} held {known:?} and holds a marker", part.name()))
            }
            _ => {
                part.raise(now_ns, offset + 1);
                Ok(())
            }
        }
    }

    /// Somebody who reads committed records was given the record at `offset`, or was told to leave it out.
    pub fn judged(&self, slot: Slot, offset: i64, given: bool) -> Checked {
        let part = self.part(slot);
        let id = part.at[usize::try_from(offset).expect("just read")].expect("just read");
        match (self.fate_of(id), given) {
            (Some(Fate::Commit) | None, true) | (Some(Fate::Abort), false) => Ok(()),
            (fate, _) => Err(format!(
                "a reader of committed records is {} {id:?} at {offset} of {}: {fate:?}",
                if given { "given" } else { "not given" },
                part.name()
            )),
        }
    }

    /// An answer named the last stable offset.
    pub fn saw_stable(&mut self, now_ns: u64, slot: Slot, stable: i64, before: Known) -> Checked {
        let part = self.part_mut(slot);
        if stable < before.stable && !part.dead {
            return Err(format!(
                "{} is stable to {stable}, and was stable to {} before",
                part.name(),
                before.stable
            ));
        }
        if stable > part.stable() {
            part.stables.push((now_ns, stable));
        }
        Ok(())
    }

    fn learn(&mut self, offset: i64, id: RecordId) -> Checked {
        let part = &mut self.parts[usize::from(id.slot.0)];
        let at = usize::try_from(offset).map_err(|_| format!("a record at offset {offset}"))?;
        if part.at.len() <= at {
            part.at.resize(at + 1, None);
        }
        match part.at[at] {
            Some(known) if known != id => {
                return Err(format!("offset {offset} of {} held {known:?} and holds {id:?}", part.name()));
            }
            Some(_) => return Ok(()),
            None => part.at[at] = Some(id),
        }
        let name = part.name();
        let stream = self.streams.get_mut(&(id.producer, id.slot));
        let stream = stream.ok_or_else(|| format!("{name} holds {id:?}, which nobody sent"))?;
        let idempotent = stream.idempotent;
        let sent = stream.records.get_mut(id.n as usize);
        let sent = sent.ok_or_else(|| format!("{name} holds {id:?}, which nobody sent"))?;
        if let Some(first) = sent.offset.filter(|first| idempotent && *first != offset) {
            return Err(format!("{id:?} stands twice in {name}, at {first} and {offset}"));
        }
        sent.offset = Some(offset);
        Ok(())
    }

    /// A batch of `count` records was acknowledged. `first` is its first record, `before` what was known when it was first
    /// sent: it must stand behind that.
    pub fn acked(&mut self, now_ns: u64, first: RecordId, count: u32, base: i64, before: Known) -> Checked {
        if base < before.end {
            let part = self.part(first.slot);
            return Err(format!(
                "{first:?} was acknowledged at offset {base} of {}, which ended at {} before it was sent",
                part.name(),
                before.end
            ));
        }
        for n in 0..count {
            self.learn(base + i64::from(n), RecordId { n: first.n + n, ..first })?;
        }
        self.part_mut(first.slot).raise(now_ns, base + i64::from(count));
        self.acked += u64::from(count);
        Ok(())
    }

    /// A record was read.
    pub fn read(
        &mut self,
        now_ns: u64,
        slot: Slot,
        offset: i64,
        timestamp: i64,
        value: Option<&[u8]>,
    ) -> Checked {
        let name = || self.part(slot).name();
        let value = value.ok_or_else(|| format!("offset {offset} of {} has no value", name()))?;
        let bits = value.first_chunk::<ID_BYTES>();
        let bits = bits.ok_or_else(|| format!("offset {offset} of {} has a short value", name()))?;
        let id = RecordId::from_bits(u64::from_be_bytes(*bits));
        if id.slot != slot {
            return Err(format!("offset {offset} of {} holds {id:?} of another partition", name()));
        }
        self.learn(offset, id)?;
        let sent = &self.streams[&(id.producer, slot)].records[id.n as usize];
        if sent.timestamp != timestamp || id.value(sent.len as usize) != value {
            return Err(format!(
                "{id:?} at offset {offset} of {} is not what was sent",
                self.part(slot).name()
            ));
        }
        self.part_mut(slot).raise(now_ns, offset + 1);
        self.read += 1;
        Ok(())
    }

    /// An answer named the high watermark; `before` is what was known when its request was sent.
    pub fn saw_end(&mut self, now_ns: u64, slot: Slot, end: i64, before: Known) -> Checked {
        let part = self.part_mut(slot);
        if end < before.end && !part.dead {
            return Err(format!("{} ends at {end}, and ended at {} before", part.name(), before.end));
        }
        part.raise(now_ns, end);
        Ok(())
    }

    /// An answer named the log start.
    pub fn saw_start(&self, slot: Slot, start: i64, before: Known) -> Checked {
        let part = self.part(slot);
        if start > part.start_asked && !part.retention && !part.dead {
            return Err(format!(
                "{} begins at {start}, and nobody asked for more than {}",
                part.name(),
                part.start_asked
            ));
        }
        if start < before.start && !part.dead {
            return Err(format!("{} begins at {start}, but {} was deleted to", part.name(), before.start));
        }
        Ok(())
    }

    /// Somebody asks for everything before `start` to be deleted.
    pub fn delete_asked(&mut self, slot: Slot, start: i64) {
        let part = self.part_mut(slot);
        part.start_asked = part.start_asked.max(start);
    }

    /// It is.
    pub fn delete_acked(&mut self, slot: Slot, start: i64) {
        let part = self.part_mut(slot);
        part.start_acked = part.start_acked.max(start);
    }

    /// `offset` (or none, -1) was listed as the first whose record is as late as `time`; `before` is what was known when it was
    /// asked for.
    pub fn listed_for(&self, slot: Slot, time: i64, timestamp: i64, offset: i64, before: Known) -> Checked {
        let part = self.part(slot);
        let end = if offset < 0 { before.end } else { offset.min(before.end) };
        let late = |at: &i64| self.timestamp_at(slot, *at).is_some_and(|at| at >= time);
        // Where retention is at work the first one may be gone.
        let first = (part.start_asked..end).find(late).filter(|_| !part.retention && !part.dead);
        if let Some(first) = first {
            return Err(format!(
                "offset {offset} of {} is listed for time {time}, but {first} has {:?}",
                part.name(),
                self.timestamp_at(slot, first)
            ));
        }
        let own = self.timestamp_at(slot, offset);
        if offset >= 0 && (timestamp < time || own.is_some_and(|own| own != timestamp)) {
            return Err(format!(
                "offset {offset} of {} is listed with {timestamp} for time {time}, and has {own:?}",
                part.name()
            ));
        }
        Ok(())
    }

    /// The timestamp of the record at an offset, if that is known.
    fn timestamp_at(&self, slot: Slot, offset: i64) -> Option<i64> {
        let id = self.part(slot).at.get(usize::try_from(offset).ok()?).copied().flatten()?;
        if id == MARKER {
            return None;
        }
        Some(self.streams[&(id.producer, slot)].records[id.n as usize].timestamp)
    }

    /// Everything from `start` to `end` was read, and there is no more: nothing may be missing, and order must hold.
    pub fn drained(&self, slot: Slot, start: i64, end: i64) -> Checked {
        let part = self.part(slot);
        if end < part.end() {
            return Err(format!("{} ends at {end} at last, and ended at {} before", part.name(), part.end()));
        }
        self.saw_start(slot, start, self.known(slot))?;
        let mut last: BTreeMap<u16, u32> = BTreeMap::new();
        for offset in start..end {
            let id = part.at[usize::try_from(offset).expect("offsets are positive")];
            let id = id.ok_or_else(|| format!("offset {offset} of {} was never read", part.name()))?;
            if id == MARKER || !self.streams[&(id.producer, slot)].idempotent {
                continue;
            }
            if let Some(before) = last.insert(id.producer, id.n)
                && id.n != before + 1
            {
                return Err(format!(
                    "at offset {offset} of {} record {} of producer {} follows its record {before}",
                    part.name(),
                    id.n,
                    id.producer
                ));
            }
        }
        Ok(())
    }
}
