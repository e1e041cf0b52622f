//! Consumers: long polls with and without sessions, that read on, read again from an earlier place, and at the end read
//! everything.

use std::collections::{BTreeMap, BTreeSet};

use model::ErrorCode;
use model::limits::BATCH_DECOMPRESSED_BYTES_MAX;
use wire::keys::{FETCH, LIST_OFFSETS};
use wire::list_offsets::EARLIEST;

use super::{Ground, is_unknown};
use crate::node::clock::NS_PER_MS;
use crate::node::frames::{self, FetchFrom, FetchHead, FetchedPart, TOPIC_IDS_FROM, by_topic};
use crate::node::ledger::{Checked, Known, Slot};
use crate::node::link::Link;
use crate::node::net::Wires;
use crate::node::trace;

/// An answer may come so much later than the longest wait asked for: streams and jobs are late too.
const LATE_NS: u64 = 20_000 * NS_PER_MS;
/// What was acknowledged so long before a fetch's time was over must have ended it.
const NOTICE_NS: u64 = 200 * NS_PER_MS;

struct Sent {
    correlation: i32,
    sent_ns: u64,
    wait_ns: u64,
    bytes_min: i32,
    /// Of every partition that the broker is to look at: where from, and what was known.
    wanted: BTreeMap<Slot, (i64, Known)>,
}

enum Asked {
    Fetch(Sent),
    Start { correlation: i32, slot: Slot, before: Known, sent_ns: u64 },
}

/// A consumer.
pub(in crate::node) struct Consumer {
    number: i64,
    version: i16,
    with_session: bool,
    /// It reads committed records.
    committed: bool,
    /// It reads everything once, from the start, and then is done.
    drains: bool,
    link: Link,
    session: (i32, i32),
    /// Where each partition stands for this client; `None`: at the start, wherever that is.
    positions: BTreeMap<Slot, Option<i64>>,
    /// What the session has of it.
    told: BTreeMap<Slot, i64>,
    /// Where a drain began, and whether it is over.
    begun: BTreeMap<Slot, i64>,
    drained: BTreeMap<Slot, bool>,
    asked: Option<Asked>,
    pause_until_ns: u64,
}

impl Consumer {
    pub fn new(number: i64, version: i16, with_session: bool, committed: bool, drains: bool) -> Consumer {
        Consumer {
            number,
            version,
            with_session: with_session && version >= 7,
            committed,
            drains,
            link: Link::default(),
            session: (0, 0),
            positions: BTreeMap::new(),
            told: BTreeMap::new(),
            begun: BTreeMap::new(),
            drained: BTreeMap::new(),
            asked: None,
            pause_until_ns: 0,
        }
    }

    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Lets the connection go.
    pub fn end(mut self, wires: &mut Wires) {
        self.link.close(wires);
    }

    /// Whether nothing is asked; of one that drains, whether it has read everything.
    pub fn is_done(&self) -> bool {
        if self.drains {
            return self.drained.len() == self.positions.len() && !self.positions.is_empty();
        }
        self.asked.is_none()
    }

    pub fn describe(&self) -> String {
        format!("consumer {} stands at {:?}, drained {:?}", self.number, self.positions, self.drained)
    }

    pub fn step(&mut self, ground: &mut Ground<'_>) -> Checked {
        if !self.link.poll(ground.wires) {
            self.asked = None;
            self.session = (0, 0);
            self.told.clear();
        }
        while let Some(frame) = self.link.frame() {
            match self.asked.take() {
                None => return Err(format!("consumer {} got an answer to nothing", self.number)),
                Some(Asked::Fetch(sent)) => self.fetched(ground, &sent, &frame)?,
                Some(Asked::Start { correlation, slot, before, .. }) => {
                    self.listed(ground, correlation, slot, before, &frame)?;
                }
            }
        }
        self.check_patience(ground)?;
        if !ground.connected(&mut self.link) || self.asked.is_some() || ground.now_ns < self.pause_until_ns {
            return Ok(());
        }
        if !self.drains && (ground.settling || !ground.chance(3)) {
            return Ok(());
        }
        self.follow_topics(ground);
        let starts = self.positions.iter().find(|(_, position)| position.is_none());
        match starts.map(|(slot, _)| *slot) {
            Some(slot) => self.ask_start(ground, slot),
            None if !self.positions.is_empty() && !self.is_done() || !self.drains => self.ask(ground),
            None => {}
        }
        Ok(())
    }

    fn check_patience(&self, ground: &Ground<'_>) -> Checked {
        let due = match &self.asked {
            None => return Ok(()),
            Some(Asked::Fetch(sent)) => sent.sent_ns + sent.wait_ns + LATE_NS,
            Some(Asked::Start { sent_ns, .. }) => sent_ns + LATE_NS,
        };
        if ground.now_ns <= due { Ok(()) } else { Err(format!("{} and waits too long", self.describe())) }
    }

    /// Takes up partitions that are new, forgets those that are gone.
    fn follow_topics(&mut self, ground: &mut Ground<'_>) {
        self.positions.retain(|slot, _| !ground.ledger.part(*slot).dead);
        let by_name = self.version < TOPIC_IDS_FROM;
        let slots = if by_name { ground.topics.stable_slots() } else { ground.topics.slots() };
        for slot in slots {
            let number = u64::try_from(self.number).expect("positive");
            // Each follows a part of them, so that sessions and waits differ.
            if self.drains || (u64::from(slot.0) + number) % 3 != 0 {
                self.positions.entry(slot).or_insert(if self.drains { None } else { Some(0) });
            }
        }
    }

    fn ask_start(&mut self, ground: &mut Ground<'_>, slot: Slot) {
        let correlation = self.link.next_correlation();
        let before = ground.ledger.known(slot);
        let named = [(ground.topic_name(slot), (ground.ledger.part(slot).index, EARLIEST))];
        self.link.send(ground.wires, &frames::list_offsets(5, correlation, &by_topic(named)));
        self.asked = Some(Asked::Start { correlation, slot, before, sent_ns: ground.now_ns });
    }

    fn listed(
        &mut self,
        ground: &mut Ground<'_>,
        asked: i32,
        slot: Slot,
        before: Known,
        frame: &[u8],
    ) -> Checked {
        let (correlation, reader) = frames::answer(LIST_OFFSETS, 5, frame)?;
        let listed = frames::listed(5, reader)?;
        let [listed] = listed[..] else { return Err("a start of other partitions".to_owned()) };
        if correlation != asked {
            return Err(format!("consumer {} got answers out of order", self.number));
        }
        if listed.error != 0 {
            self.pause_until_ns = ground.now_ns + 5 * NS_PER_MS;
            let fine = is_unknown(listed.error);
            return if fine { Ok(()) } else { Err(format!("the start is refused: {}", listed.error)) };
        }
        // The name may mean another life of the topic by now: only stable ones are held against what is known.
        if ground.topics.is_stable(slot) {
            ground.ledger.saw_start(slot, listed.offset, before)?;
        }
        self.positions.insert(slot, Some(listed.offset));
        self.begun.insert(slot, listed.offset);
        Ok(())
    }

    fn ask(&mut self, ground: &mut Ground<'_>) {
        let mut wanted: BTreeMap<Slot, (i64, Known)> = BTreeMap::new();
        for (slot, position) in &self.positions {
            if !self.drained.contains_key(slot) {
                let position = position.expect("starts are asked for first");
                wanted.insert(*slot, (position, ground.ledger.known(*slot)));
            }
        }
        if wanted.is_empty() {
            return;
        }
        let correlation = self.link.next_correlation();
        let wait_ms = if self.drains { 1 } else { ground.pick(&[0, 5, 40, 400, 5_000]) };
        let roomy = ground.chance(2);
        let bytes_max = if roomy { 1 << 20 } else { 1 + ground.below(20_000) as i32 };
        let bytes_min = if self.drains || !ground.chance(5) { 1 } else { ground.pick(&[0, 700, 6_000]) };
        let (session_id, session_epoch) = if self.with_session { self.session } else { (0, -1) };
        let incremental = session_id != 0;
        let mut told = Vec::new();
        for (slot, (offset, _)) in &wanted {
            if incremental && self.told.get(slot) == Some(offset) {
                continue;
            }
            let part_bytes = if roomy { 1 << 20 } else { 1 + ground.below(9_000) as i32 };
            let from =
                FetchFrom { index: ground.ledger.part(*slot).index, offset: *offset, bytes_max: part_bytes };
            told.push((ground.topic_name(*slot), from));
            self.told.insert(*slot, *offset);
        }
        let mut forgotten = Vec::new();
        if incremental {
            let gone: Vec<Slot> =
                self.told.keys().filter(|slot| !wanted.contains_key(slot)).copied().collect();
            for slot in gone {
                self.told.remove(&slot);
                forgotten.push((ground.topic_name(slot), ground.ledger.part(slot).index));
            }
        }
        let head = FetchHead {
            version: self.version,
            correlation,
            wait_ms,
            bytes_min,
            bytes_max,
            committed: self.committed,
            session_id,
            session_epoch,
        };
        let frame = frames::fetch(&head, &by_topic(told), &by_topic(forgotten));
        self.link.send(ground.wires, &frame);
        let wait_ns = wait_ms.cast_unsigned() as u64 * NS_PER_MS;
        trace::note("fetch", self.number, wanted.len() as i64, i64::from(wait_ms));
        self.asked =
            Some(Asked::Fetch(Sent { correlation, sent_ns: ground.now_ns, wait_ns, bytes_min, wanted }));
    }

    fn fetched(&mut self, ground: &mut Ground<'_>, sent: &Sent, frame: &[u8]) -> Checked {
        let (correlation, reader) = frames::answer(FETCH, self.version, frame)?;
        if correlation != sent.correlation {
            return Err(format!("consumer {} got answers out of order", self.number));
        }
        let fetched = frames::fetched(self.version, reader)?;
        if fetched.error != 0 {
            let session = [70, 71, 106].contains(&fetched.error);
            if !session || !self.with_session {
                return Err(format!("consumer {}: a fetch failed with error {}", self.number, fetched.error));
            }
            self.session = (0, 0);
            self.told.clear();
            return Ok(());
        }
        if self.with_session {
            let opened = self.session.0 == 0;
            let epoch = if fetched.session_id == 0 { 0 } else { self.session.1 + 1 };
            self.session = (fetched.session_id, if opened && epoch > 0 { 1 } else { epoch });
        }
        let (mut bytes, mut failed, mut stops_short) = (0, false, false);
        for part in &fetched.parts {
            let named = sent.wanted.iter().find(|(slot, _)| self.is_named(ground, part, **slot));
            let Some((slot, (from, before))) = named else {
                return Err(format!("consumer {} got a partition that it did not ask for", self.number));
            };
            let (slot, from, before) = (*slot, *from, *before);
            bytes += part.records.len();
            failed |= part.error != 0;
            stops_short |= next_offset(part.records).is_some_and(|next| next < self.end_of(part));
            self.part(ground, slot, from, before, part)?;
        }
        trace::note("fetched", self.number, fetched.parts.len() as i64, bytes as i64);
        // More of a partition may lie in another place than what was read: then waiting brings nothing.
        if !failed && !stops_short && bytes < usize::try_from(sent.bytes_min).unwrap_or(0) {
            self.waited_out(ground, sent, bytes)?;
        }
        Ok(())
    }

    /// How far it may see.
    fn end_of(&self, part: &FetchedPart<'_>) -> i64 {
        if self.committed { part.last_stable } else { part.high_watermark }
    }

    fn is_named(&self, ground: &Ground<'_>, part: &FetchedPart<'_>, slot: Slot) -> bool {
        let known = ground.ledger.part(slot);
        let named = if self.version >= TOPIC_IDS_FROM {
            known.topic_id == part.topic.id
        } else {
            known.topic == part.topic.name
        };
        named && known.index == part.index
    }

    /// The fetch ended with less than it asked for. Then its time was over, and there was no more: one batch of any size is
    /// given, so a fetch that asks for one byte comes back with nothing only where there is nothing.
    fn waited_out(&self, ground: &Ground<'_>, sent: &Sent, bytes: usize) -> Checked {
        let ended_ns = sent.sent_ns + sent.wait_ns;
        if ground.now_ns < ended_ns {
            // Only a node on its way down does that.
            if ground.stopping {
                return Ok(());
            }
            return Err(format!("consumer {}: a fetch came back early with {bytes} bytes", self.number));
        }
        if sent.bytes_min != 1 || sent.wait_ns < 2 * NOTICE_NS {
            return Ok(());
        }
        for (slot, (from, _)) in &sent.wanted {
            let at_ns = ended_ns - NOTICE_NS;
            let ledger = &*ground.ledger;
            let end =
                if self.committed { ledger.stable_at(*slot, at_ns) } else { ledger.end_at(*slot, at_ns) };
            if end > *from && !ground.ledger.part(*slot).dead {
                return Err(format!(
                    "consumer {} waited for slot {} from {from} until its time was over, though the log went to {end}: \
                     a wake-up was lost",
                    self.number, slot.0
                ));
            }
        }
        Ok(())
    }

    fn part(
        &mut self,
        ground: &mut Ground<'_>,
        slot: Slot,
        from: i64,
        before: Known,
        part: &FetchedPart<'_>,
    ) -> Checked {
        if ground.ledger.part(slot).dead {
            return Ok(());
        }
        if part.error != 0 {
            return self.part_failed(ground, slot, from, part.error);
        }
        ground.ledger.saw_end(ground.now_ns, slot, part.high_watermark, before)?;
        if part.last_stable > part.high_watermark {
            return Err(format!("slot {} is stable to {} and ends before", slot.0, part.last_stable));
        }
        // What is stable only since the log starts there moves with the start, which is not for ever until it is durable.
        if part.log_start.is_some_and(|start| start < part.last_stable) {
            ground.ledger.saw_stable(ground.now_ns, slot, part.last_stable, before)?;
        }
        if part.aborted.is_some() != self.committed {
            return Err(format!("consumer {} is told of {:?}", self.number, part.aborted));
        }
        if let Some(start) = part.log_start {
            ground.ledger.saw_start(slot, start, before)?;
        }
        let next = read_batches(ground, slot, from, part, self.end_of(part))?;
        if self.drains && part.records.is_empty() && from >= self.end_of(part) {
            if part.last_stable < part.high_watermark {
                return Err(format!("slot {} is stable to {} and no further", slot.0, part.last_stable));
            }
            ground.ledger.drained(slot, self.begun[&slot], from)?;
            self.drained.insert(slot, true);
            return Ok(());
        }
        let back = !self.drains && ground.chance(60);
        let next = if back { ground.below(next.cast_unsigned() + 1).cast_signed() } else { next };
        self.positions.insert(slot, Some(next.max(if back { before.start } else { 0 })));
        Ok(())
    }

    fn part_failed(&mut self, ground: &mut Ground<'_>, slot: Slot, from: i64, error: i16) -> Checked {
        self.pause_until_ns = ground.now_ns + ground.below(20) * NS_PER_MS;
        if is_unknown(error) {
            return Ok(());
        }
        if error == ErrorCode::KAFKA_STORAGE_ERROR.0 && ground.reads_may_fail {
            *ground.refused_reads += 1;
            return Ok(());
        }
        if error == ErrorCode::OFFSET_OUT_OF_RANGE.0 && ground.ledger.may_be_gone(slot, from) {
            self.positions.insert(slot, None);
            return Ok(());
        }
        let topic = &ground.ledger.part(slot).topic;
        Err(format!("consumer {}: {topic} from offset {from} failed with error {error}", self.number))
    }
}

/// Where the records of a part end; nothing if there are none.
fn next_offset(records: &[u8]) -> Option<i64> {
    batch::split(records).flatten().last().map(|(header, _)| header.next_offset().0)
}

/// Reads what a partition had, record by record; gives where to read on.
fn read_batches(
    ground: &mut Ground<'_>,
    slot: Slot,
    from: i64,
    part: &FetchedPart<'_>,
    upto: i64,
) -> Checked<i64> {
    let mut next = from;
    // As Kafka's client does it: an aborted producer's records count for nothing from the offset named to its marker.
    let mut aborted = part.aborted.clone().unwrap_or_default();
    aborted.sort_unstable_by_key(|(_, first)| *first);
    let mut left_out: BTreeSet<i64> = BTreeSet::new();
    let mut section = Vec::new();
    let name = format!("slot {} from offset {from}", slot.0);
    for (number, item) in batch::split(part.records).enumerate() {
        let wrong = |error| format!("{name}: a batch that was served is broken: {error:?}");
        let (header, bytes) = item.map_err(wrong)?;
        batch::check_crc(&header, bytes).map_err(wrong)?;
        let (base, end) = (header.base_offset.0, header.next_offset().0);
        let goes_on = if number == 0 { base <= next && next < end } else { base == next };
        if !goes_on {
            return Err(format!(
                "{name}: offsets {base} to {end} where {next} is next, of {:?} to {}",
                part.log_start, part.high_watermark
            ));
        }
        if end > upto {
            return Err(format!("{name}: offset {end} is served above {upto}"));
        }
        let begun = aborted.partition_point(|(_, first)| *first < end);
        left_out.extend(aborted.drain(..begun).map(|(id, _)| id));
        if let Some(marker) = batch::end_marker(&header, bytes) {
            if marker.kind == batch::ControlKind::Abort {
                left_out.remove(&header.producer_id);
            }
            ground.ledger.saw_marker(ground.now_ns, slot, base)?;
            next = end;
            continue;
        }
        let given = !(header.attributes.is_transactional() && left_out.contains(&header.producer_id));
        section.clear();
        batch::decompress(&header, bytes, &mut section, BATCH_DECOMPRESSED_BYTES_MAX).map_err(wrong)?;
        for record in batch::records(&header, &section) {
            let record = record.map_err(wrong)?;
            let offset = record.offset.0;
            ground.ledger.read(ground.now_ns, slot, offset, record.timestamp, record.value)?;
            if part.aborted.is_some() {
                ground.ledger.judged(slot, offset, given)?;
            }
        }
        next = end;
    }
    Ok(next)
}
