//! The client with transactions: batches for several partitions, one request in flight, then all of it committed or aborted.
//! What is cut off is said again until it is answered, the end too.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use batch::{Builder, Codec};
use model::ErrorCode;
use wire::Reader;
use wire::keys::PRODUCE;

use super::{Ground, is_unknown};
use crate::node::clock::NS_PER_MS;
use crate::node::control::{END_TXN, VERSION};
use crate::node::frames::{self, TOPIC_IDS_FROM, Writer, by_topic, malformed};
use crate::node::ledger::{Checked, Fate, Known, RecordId, Slot};
use crate::node::link::Link;
use crate::node::trace;

/// Its name in records, apart from the other producers'.
const NUMBER: u16 = 900;
const PRODUCER_ID: i64 = 5_000;
/// How long an answer may take; a verification that nobody answers ends the wait for it.
const PATIENCE_NS: u64 = 90_000 * NS_PER_MS;

struct Batch {
    slot: Slot,
    first: u32,
    count: u32,
    bytes: Rc<Vec<u8>>,
    before: Option<Known>,
}

/// What is in flight.
enum Asked {
    /// Slot and first record of each batch.
    Produce {
        version: i16,
        parts: Vec<(Slot, u32)>,
    },
    End,
}

#[derive(Default)]
struct Transaction {
    number: u32,
    slots: BTreeSet<Slot>,
    /// Requests still to make.
    left: u64,
    unacked: Vec<Batch>,
    fate: Option<Fate>,
}

/// See the module.
#[derive(Default)]
pub(in crate::node) struct Transactor {
    link: Link,
    /// Records made for each partition.
    made: BTreeMap<Slot, u32>,
    open: Option<Transaction>,
    begun: u32,
    asked: Option<(i32, u64, Asked)>,
    pause_until_ns: u64,
}

impl Transactor {
    pub fn link(&self) -> &Link {
        &self.link
    }

    pub fn is_done(&self) -> bool {
        self.open.is_none()
    }

    /// Whether the node was told of a transaction that is not over.
    pub fn is_open(&self) -> bool {
        self.open.as_ref().is_some_and(|open| !open.slots.is_empty())
    }

    pub fn describe(&self) -> String {
        let Some(open) = &self.open else { return "no transaction".to_owned() };
        format!(
            "transaction {} of {:?}: {} batches to go, {:?}, asked {}",
            open.number,
            open.slots,
            open.unacked.len(),
            open.fate,
            self.asked.is_some()
        )
    }

    pub fn step(&mut self, ground: &mut Ground<'_>) -> Checked {
        if !self.link.poll(ground.wires) {
            self.asked = None;
        }
        while let Some(frame) = self.link.frame() {
            self.answered(ground, &frame)?;
        }
        if let Some(open) = &mut self.open {
            open.unacked.retain(|batch| !ground.ledger.part(batch.slot).dead);
            open.slots.retain(|slot| !ground.ledger.part(*slot).dead);
        }
        if let Some((_, sent_ns, _)) = self.asked
            && ground.now_ns > sent_ns + PATIENCE_NS
        {
            return Err(format!("{} is not answered", self.describe()));
        }
        if !ground.connected(&mut self.link) || self.asked.is_some() || ground.now_ns < self.pause_until_ns {
            return Ok(());
        }
        let Some(open) = &mut self.open else {
            if !ground.settling && !ground.lull && !ground.topics.slots().is_empty() && ground.chance(10) {
                self.begun += 1;
                let left = 1 + ground.below(4);
                self.open = Some(Transaction { number: self.begun, left, ..Transaction::default() });
            }
            return Ok(());
        };
        if open.unacked.is_empty() && open.left > 0 && !ground.settling {
            if !ground.chance(4) {
                return Ok(());
            }
            open.left -= 1;
            self.make(ground);
        }
        let open = self.open.as_ref().expect("it is not over");
        if !open.unacked.is_empty() {
            self.produce(ground);
        } else if open.left == 0 || ground.settling {
            self.end(ground);
        }
        Ok(())
    }

    fn make(&mut self, ground: &mut Ground<'_>) {
        let live = ground.topics.slots();
        let wanted: BTreeSet<Slot> = (0..1 + ground.below(3))
            .filter_map(|_| match live.is_empty() {
                true => None,
                false => Some(ground.pick(&live)),
            })
            .collect();
        let open = self.open.as_mut().expect("records belong to a transaction");
        for slot in wanted {
            let next = self.made.entry(slot).or_default();
            let (first, count) = (*next, 1 + ground.below(3) as u32);
            *next += count;
            let sequence = i32::try_from(first).expect("runs are short");
            let mut builder = Builder::new().producer(PRODUCER_ID, 0, sequence).transactional();
            for n in first..first + count {
                let id = RecordId { producer: NUMBER, slot, n };
                let len = 8 + ground.below(if n == first { 4_000 } else { 200 }) as usize;
                let timestamp = ground.wall_ms - ground.below(50) as i64;
                ground.ledger.sent(id, true, timestamp, len);
                ground.ledger.is_part_of(id, open.number);
                builder.push(timestamp, None, Some(&id.value(len)), &[]);
            }
            let bytes = Rc::new(builder.finish(Codec::None));
            open.unacked.push(Batch { slot, first, count, bytes, before: None });
        }
    }

    fn produce(&mut self, ground: &mut Ground<'_>) {
        let open = self.open.as_mut().expect("it has batches");
        let stable = open.unacked.iter().all(|batch| ground.topics.is_stable(batch.slot));
        let lowest = if stable { 3 } else { TOPIC_IDS_FROM };
        let version = lowest + ground.below((14 - lowest).cast_unsigned().into()) as i16;
        let correlation = self.link.next_correlation();
        let mut parts = Vec::new();
        for batch in &mut open.unacked {
            let known = ground.ledger.known(batch.slot);
            batch.before.get_or_insert(known);
            open.slots.insert(batch.slot);
            parts.push((batch.slot, batch.first));
            trace::note(
                "transaction (slot, record)",
                open.number.into(),
                batch.slot.0.into(),
                batch.first.into(),
            );
        }
        let named = open.unacked.iter().map(|batch| {
            let index = ground.ledger.part(batch.slot).index;
            (ground.topic_name(batch.slot), (index, batch.bytes.as_slice()))
        });
        let frame = frames::produce(version, correlation, -1, 30_000, Some("pay"), &by_topic(named));
        self.link.send(ground.wires, &frame);
        self.asked = Some((correlation, ground.now_ns, Asked::Produce { version, parts }));
    }

    fn end(&mut self, ground: &mut Ground<'_>) {
        let open = self.open.as_mut().expect("it is not over");
        if open.slots.is_empty() {
            self.open = None;
            return;
        }
        let fate = *open.fate.get_or_insert(if ground.chance(2) { Fate::Abort } else { Fate::Commit });
        ground.ledger.decide(open.number, fate);
        trace::note("transaction ends", open.number.into(), i64::from(fate == Fate::Commit), 0);
        let correlation = self.link.next_correlation();
        let mut out = Writer::begin(END_TXN, VERSION, correlation);
        out.int64(PRODUCER_ID);
        out.int64(i64::from(fate == Fate::Commit));
        out.int32(i32::try_from(open.slots.len()).expect("few"));
        for slot in &open.slots {
            let part = ground.ledger.part(*slot);
            out.raw(&part.topic_id.0);
            out.int32(part.index);
        }
        self.link.send(ground.wires, &out.end());
        self.asked = Some((correlation, ground.now_ns, Asked::End));
    }

    fn answered(&mut self, ground: &mut Ground<'_>, frame: &[u8]) -> Checked {
        let Some((correlation, _, asked)) = self.asked.take() else {
            return Err("a transaction got an answer to nothing".to_owned());
        };
        match asked {
            Asked::Produce { version, parts } => {
                let (answered, reader) = frames::answer(PRODUCE, version, frame)?;
                let produced = frames::produced(version, reader)?;
                if answered != correlation || produced.len() != parts.len() {
                    return Err("a transaction got the answer to another request".to_owned());
                }
                for ((slot, first), part) in parts.into_iter().zip(produced) {
                    trace::note("  (slot, error)", slot.0.into(), part.error.into(), part.base_offset);
                    self.part_answered(ground, slot, first, part.error, part.base_offset)?;
                }
                Ok(())
            }
            Asked::End => {
                let mut reader = Reader::new(frame);
                let (answered, error) =
                    (reader.int32().map_err(malformed)?, reader.int16().map_err(malformed)?);
                if answered != correlation {
                    return Err("a transaction got the answer to another request".to_owned());
                }
                match error {
                    0 => self.open = None,
                    14 | 19 | 56 => self.pause_until_ns = ground.now_ns + ground.below(20) * NS_PER_MS,
                    error => return Err(format!("{} was refused with {error}", self.describe())),
                }
                Ok(())
            }
        }
    }

    fn part_answered(
        &mut self,
        ground: &mut Ground<'_>,
        slot: Slot,
        first: u32,
        error: i16,
        base: i64,
    ) -> Checked {
        let open = self.open.as_mut().expect("it is not over");
        let at = open.unacked.iter().position(|batch| batch.slot == slot && batch.first == first);
        let Some(at) = at.filter(|_| !ground.ledger.part(slot).dead) else { return Ok(()) };
        if error == 0 {
            let batch = open.unacked.remove(at);
            let id = RecordId { producer: NUMBER, slot, n: first };
            let before = batch.before.expect("it was sent");
            return ground.ledger.acked(ground.now_ns, id, batch.count, base, before);
        }
        self.pause_until_ns = ground.now_ns + ground.below(20) * NS_PER_MS;
        let retriable =
            [ErrorCode::REQUEST_TIMED_OUT, ErrorCode::NOT_ENOUGH_REPLICAS, ErrorCode::KAFKA_STORAGE_ERROR];
        if is_unknown(error) || retriable.iter().any(|code| code.0 == error) {
            return Ok(());
        }
        Err(format!("{}: slot {} refused record {first} with error {error}", self.describe(), slot.0))
    }
}
