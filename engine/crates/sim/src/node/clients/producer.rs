//! Producers: several requests in flight, the same batches again after a cut or an error, in order.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use batch::{Builder, Codec};
use model::ErrorCode;
use wire::keys::PRODUCE;

use super::{Ground, is_unknown};
use crate::node::clock::NS_PER_MS;
use crate::node::frames::{self, TOPIC_IDS_FROM, by_topic};
use crate::node::ledger::{Checked, Known, RecordId, Slot};
use crate::node::link::Link;
use crate::node::trace;

/// Requests in flight (Kafka's number for idempotent producers).
const IN_FLIGHT_MAX: usize = 5;
/// How long an answer may take while the node is up and the disk moves.
const PATIENCE_NS: u64 = 60_000 * NS_PER_MS;

/// How a producer is.
#[derive(Clone, Copy, Debug)]
pub(in crate::node) struct Habits {
    pub number: u16,
    pub idempotent: bool,
    pub acks: i16,
    pub codec: Codec,
    pub timeout_ms: i32,
    /// Value bytes of a large record.
    pub bytes_max: usize,
    /// How eager it is: one request in so many steps.
    pub one_in: u64,
}

struct Batch {
    number: usize,
    first: u32,
    count: u32,
    bytes: Rc<Vec<u8>>,
    /// What was known when it was first sent.
    before: Option<Known>,
    in_flight: bool,
}

#[derive(Default)]
struct Stream {
    next: u32,
    /// Batches made.
    made: usize,
    unacked: VecDeque<Batch>,
    /// Its first batch is acknowledged: until then it is alone, or a later one might be taken for the first.
    began: bool,
}

impl Stream {
    /// Whether the broker still remembers the oldest unacknowledged batch once it has one more.
    fn takes_more(&self) -> bool {
        let oldest = self.unacked.front();
        oldest.is_none_or(|oldest| self.began && self.made - oldest.number < IN_FLIGHT_MAX)
    }
}

struct Request {
    correlation: i32,
    version: i16,
    sent_ns: u64,
    /// Partition and first record of each batch, in the order of the request.
    parts: Vec<(Slot, u32)>,
}

/// A producer.
pub(in crate::node) struct Producer {
    habits: Habits,
    link: Link,
    streams: BTreeMap<Slot, Stream>,
    in_flight: VecDeque<Request>,
    /// After an error nothing is sent until everything in flight is answered, so that order holds.
    holding: bool,
    pause_until_ns: u64,
}

impl Producer {
    pub fn new(habits: Habits) -> Producer {
        Producer {
            habits,
            link: Link::default(),
            streams: BTreeMap::new(),
            in_flight: VecDeque::new(),
            holding: false,
            pause_until_ns: 0,
        }
    }

    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Whether everything it made is acknowledged.
    pub fn is_done(&self) -> bool {
        self.in_flight.is_empty() && self.streams.values().all(|stream| stream.unacked.is_empty())
    }

    pub fn describe(&self) -> String {
        let waiting: Vec<String> = self
            .streams
            .iter()
            .filter(|(_, stream)| !stream.unacked.is_empty())
            .map(|(slot, stream)| format!("{} batches for slot {}", stream.unacked.len(), slot.0))
            .collect();
        format!(
            "producer {}: {}, {} requests in flight",
            self.habits.number,
            waiting.join(", "),
            self.in_flight.len()
        )
    }

    pub fn step(&mut self, ground: &mut Ground<'_>) -> Checked {
        self.streams.retain(|slot, _| !ground.ledger.part(*slot).dead);
        if !self.link.poll(ground.wires) {
            self.disconnected();
        }
        while let Some(frame) = self.link.frame() {
            self.answered(ground, &frame)?;
        }
        if !ground.connected(&mut self.link) {
            return Ok(());
        }
        if let Some(oldest) = self.in_flight.front()
            && ground.now_ns > oldest.sent_ns + PATIENCE_NS
        {
            return Err(format!("{} waits for an answer", self.describe()));
        }
        if self.holding && self.in_flight.is_empty() {
            self.holding = false;
            self.pause_until_ns = ground.now_ns + ground.below(20) * NS_PER_MS;
        }
        if !self.holding && self.in_flight.len() < IN_FLIGHT_MAX && ground.now_ns >= self.pause_until_ns {
            self.send(ground);
        }
        Ok(())
    }

    fn disconnected(&mut self) {
        self.in_flight.clear();
        self.holding = false;
        for batch in self.streams.values_mut().flat_map(|stream| &mut stream.unacked) {
            batch.in_flight = false;
        }
    }

    /// Sends what is to be sent again, else now and then something new.
    fn send(&mut self, ground: &mut Ground<'_>) {
        let mut again: Vec<Slot> = Vec::new();
        for (slot, stream) in &self.streams {
            if stream.unacked.iter().any(|batch| !batch.in_flight) {
                again.push(*slot);
            }
        }
        if again.is_empty() {
            let live = ground.topics.slots();
            if ground.settling || ground.lull || live.is_empty() || !ground.chance(self.habits.one_in) {
                return;
            }
            for _ in 0..1 + ground.below(2) {
                let slot = ground.pick(&live);
                let takes_more = self.streams.get(&slot).is_none_or(Stream::takes_more);
                if !again.contains(&slot) && takes_more {
                    self.make(ground, slot);
                    again.push(slot);
                }
            }
            if again.is_empty() {
                return;
            }
            // Slots are numbered by topic, so partitions of one topic stand together.
            again.sort_unstable();
        }
        again.truncate(2);
        let stable = again.iter().all(|slot| ground.topics.is_stable(*slot));
        let lowest = if stable { 3 } else { TOPIC_IDS_FROM };
        let version = lowest + ground.below((14 - lowest).cast_unsigned().into()) as i16;
        let correlation = self.link.next_correlation();
        let mut parts = Vec::new();
        let mut batches = Vec::new();
        for slot in again {
            let stream = self.streams.get_mut(&slot).expect("it has something to send");
            let next = stream.unacked.iter_mut().find(|batch| !batch.in_flight);
            let batch = next.expect("it has something to send");
            batch.in_flight = self.habits.acks != 0;
            let known = ground.ledger.known(slot);
            batch.before.get_or_insert(known);
            parts.push((slot, batch.first));
            batches.push((slot, Rc::clone(&batch.bytes)));
        }
        for (slot, first) in &parts {
            trace::note("produce", self.habits.number.into(), slot.0.into(), i64::from(*first));
        }
        let named = batches.iter().map(|(slot, bytes)| {
            (ground.topic_name(*slot), (ground.ledger.part(*slot).index, bytes.as_slice()))
        });
        let frame = frames::produce(
            version,
            correlation,
            self.habits.acks,
            self.habits.timeout_ms,
            None,
            &by_topic(named),
        );
        self.link.send(ground.wires, &frame);
        if self.habits.acks == 0 {
            // Nobody will say what became of it.
            for (slot, first) in parts {
                let stream = self.streams.get_mut(&slot).expect("just sent");
                stream.unacked.retain(|batch| batch.first != first);
            }
            return;
        }
        self.in_flight.push_back(Request { correlation, version, sent_ns: ground.now_ns, parts });
    }

    fn make(&mut self, ground: &mut Ground<'_>, slot: Slot) {
        let Habits { number, idempotent, codec, bytes_max, .. } = self.habits;
        let stream = self.streams.entry(slot).or_default();
        let (first, count) = (stream.next, 1 + ground.below(4) as u32);
        let mut builder = Builder::new();
        if idempotent {
            let sequence = i32::try_from(first).expect("runs are short");
            builder = builder.producer(1_000 + i64::from(number), 0, sequence);
        }
        for n in first..first + count {
            let id = RecordId { producer: number, slot, n };
            let large = n == first && ground.chance(5);
            let len = 8 + ground.below(if large { bytes_max as u64 } else { 300 }) as usize;
            let timestamp = ground.wall_ms - ground.below(50) as i64;
            ground.ledger.sent(id, idempotent, timestamp, len);
            builder.push(timestamp, None, Some(&id.value(len)), &[]);
        }
        stream.next += count;
        let bytes = Rc::new(builder.finish(codec));
        let number = stream.made;
        stream.made += 1;
        stream.unacked.push_back(Batch { number, first, count, bytes, before: None, in_flight: false });
    }

    fn answered(&mut self, ground: &mut Ground<'_>, frame: &[u8]) -> Checked {
        let Some(request) = self.in_flight.pop_front() else {
            return Err(format!("producer {} got an answer to nothing", self.habits.number));
        };
        let (correlation, reader) = frames::answer(PRODUCE, request.version, frame)?;
        if correlation != request.correlation {
            return Err(format!("producer {} got answer {correlation} out of order", self.habits.number));
        }
        let parts = frames::produced(request.version, reader)?;
        if parts.len() != request.parts.len() {
            return Err(format!("producer {} got an answer of another length", self.habits.number));
        }
        for ((slot, first), part) in request.parts.iter().zip(parts) {
            if part.index != ground.ledger.part(*slot).index {
                return Err(format!("producer {} got partitions out of order", self.habits.number));
            }
            trace::note(
                "produced (producer, record, error)",
                self.habits.number.into(),
                i64::from(*first),
                part.error.into(),
            );
            trace::note("  (slot, offset)", slot.0.into(), part.base_offset, 0);
            self.part_answered(ground, *slot, *first, part.error, part.base_offset)?;
        }
        Ok(())
    }

    fn part_answered(
        &mut self,
        ground: &mut Ground<'_>,
        slot: Slot,
        first: u32,
        error: i16,
        base_offset: i64,
    ) -> Checked {
        if ground.ledger.part(slot).dead {
            return Ok(());
        }
        let number = self.habits.number;
        let Some(stream) = self.streams.get_mut(&slot) else { return Ok(()) };
        let at = stream.unacked.iter().position(|batch| batch.first == first);
        let at = at.ok_or_else(|| format!("producer {number}: record {first} is answered twice"))?;
        if error == 0 {
            let batch = stream.unacked.remove(at).expect("just found");
            stream.began = true;
            let id = RecordId { producer: number, slot, n: first };
            let before = batch.before.expect("it was sent");
            return ground.ledger.acked(ground.now_ns, id, batch.count, base_offset, before);
        }
        stream.unacked[at].in_flight = false;
        self.holding = true;
        let retriable = is_unknown(error)
            || [
                ErrorCode::REQUEST_TIMED_OUT.0,
                ErrorCode::NOT_ENOUGH_REPLICAS.0,
                ErrorCode::KAFKA_STORAGE_ERROR.0,
            ]
            .contains(&error);
        // A batch behind one that failed cannot follow it.
        let behind = error == ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER.0 && at > 0 && self.habits.idempotent;
        if retriable || behind {
            return Ok(());
        }
        Err(format!(
            "producer {number}: record {first} for {} was refused with error {error}",
            ground.ledger.part(slot).topic
        ))
    }
}
