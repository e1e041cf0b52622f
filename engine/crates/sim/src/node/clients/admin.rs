//! The client that makes topics, deletes them, and deletes records. Its requests go through the handoff to the control plane
//! (see [`crate::node::control`]), under the keys that Kafka has for them; their bodies are between the two.

use model::TopicId;
use wire::Reader;

use super::Ground;
use crate::node::clock::NS_PER_MS;
use crate::node::control::{CREATE_TOPICS, DELETE_RECORDS, DELETE_TOPICS, VERSION};
use crate::node::frames::{Writer, malformed};
use crate::node::ledger::{Checked, Slot};
use crate::node::link::Link;
use crate::node::trace;

const PATIENCE_NS: u64 = 30_000 * NS_PER_MS;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wish {
    Create { topic: usize },
    Delete { topic: usize, id: TopicId },
    DeleteRecords { slot: Slot, before: i64 },
}

/// The admin client.
#[derive(Default)]
pub(in crate::node) struct Admin {
    link: Link,
    wish: Option<Wish>,
    /// The request in flight for it.
    asked: Option<(i32, u64)>,
    pause_until_ns: u64,
}

impl Admin {
    pub fn link(&self) -> &Link {
        &self.link
    }

    pub fn is_done(&self) -> bool {
        self.wish.is_none()
    }

    pub fn step(&mut self, ground: &mut Ground<'_>) -> Checked {
        if !self.link.poll(ground.wires) {
            self.asked = None;
        }
        while let Some(frame) = self.link.frame() {
            self.answered(ground, &frame)?;
        }
        if self.wish.is_none() {
            self.wish = wish(ground);
        }
        if let Some((_, sent_ns)) = self.asked
            && ground.now_ns > sent_ns + PATIENCE_NS
        {
            return Err(format!("{:?} is not answered", self.wish));
        }
        if !ground.connected(&mut self.link) || self.asked.is_some() || ground.now_ns < self.pause_until_ns {
            return Ok(());
        }
        if let Some(wish) = self.wish {
            self.ask(ground, wish);
        }
        Ok(())
    }

    fn ask(&mut self, ground: &mut Ground<'_>, wish: Wish) {
        let key = match wish {
            Wish::Create { .. } => CREATE_TOPICS,
            Wish::Delete { .. } => DELETE_TOPICS,
            Wish::DeleteRecords { .. } => DELETE_RECORDS,
        };
        let correlation = self.link.next_correlation();
        let mut out = Writer::begin(key, VERSION, correlation);
        match wish {
            Wish::Create { topic } => {
                let topic = &ground.topics.0[topic];
                out.int64(i64::try_from(topic.partitions).expect("few"));
                out.int64(topic.segment_bytes.cast_signed());
                out.int64(topic.retention_bytes);
                out.int64(topic.retention_ms);
                out.raw(topic.name.as_bytes());
            }
            Wish::Delete { id, .. } => out.raw(&id.0),
            Wish::DeleteRecords { slot, before } => {
                let part = ground.ledger.part(slot);
                let (id, index) = (part.topic_id, part.index);
                ground.ledger.delete_asked(slot, before);
                out.raw(&id.0);
                out.int32(index);
                out.int64(before);
            }
        }
        self.link.send(ground.wires, &out.end());
        self.asked = Some((correlation, ground.now_ns));
    }

    fn answered(&mut self, ground: &mut Ground<'_>, frame: &[u8]) -> Checked {
        let (Some(wish), Some((asked, _))) = (self.wish, self.asked.take()) else {
            return Err("the admin client got an answer to nothing".to_owned());
        };
        let mut reader = Reader::new(frame);
        let correlation = reader.int32().map_err(malformed)?;
        if correlation != asked {
            return Err(format!("{wish:?} got the answer to another request"));
        }
        let error = reader.int16().map_err(malformed)?;
        trace::note("admin answered", i64::from(correlation), i64::from(error), 0);
        if error != 0 {
            self.pause_until_ns = ground.now_ns + ground.below(20) * NS_PER_MS;
            return self.refused(ground, wish, error);
        }
        self.wish = None;
        match wish {
            Wish::Create { topic } => {
                let id = TopicId(reader.uuid().map_err(malformed)?);
                let topic = &mut ground.topics.0[topic];
                topic.id = Some(id);
                topic.slots = (0..topic.partitions)
                    .map(|index| {
                        let index = i32::try_from(index).expect("few");
                        ground.ledger.add(&topic.name, id, index, topic.has_retention())
                    })
                    .collect();
            }
            Wish::Delete { .. } => {}
            Wish::DeleteRecords { slot, before } => {
                let start = reader.int64().map_err(malformed)?;
                if start < before {
                    return Err(format!("{wish:?} was answered with log start {start}"));
                }
                trace::note("records are deleted (slot, before)", slot.0.into(), before, start);
                ground.ledger.delete_acked(slot, before);
            }
        }
        Ok(())
    }

    /// Everything may be tried again, but a refusal must be one that this request can have.
    fn refused(&mut self, ground: &Ground<'_>, wish: Wish, error: i16) -> Checked {
        if let Wish::DeleteRecords { slot, .. } = wish
            && ground.ledger.part(slot).dead
        {
            self.wish = None;
            return Ok(());
        }
        let retriable = [3, 14, 19].contains(&error);
        if retriable { Ok(()) } else { Err(format!("{wish:?} was refused with error {error}")) }
    }
}

/// What to do next: first all topics are made.
fn wish(ground: &mut Ground<'_>) -> Option<Wish> {
    if let Some(topic) = ground.topics.0.iter().position(|topic| topic.id.is_none()) {
        return Some(Wish::Create { topic });
    }
    if ground.settling || !ground.chance(150) {
        return None;
    }
    if ground.chance(4)
        && let Some(topic) = ground.topics.0.iter().position(|topic| topic.mortal)
    {
        // From here on nobody may rely on it.
        let mortal = &mut ground.topics.0[topic];
        let id = mortal.id.take().expect("all topics are made");
        for slot in mortal.slots.drain(..) {
            ground.ledger.kill(slot);
        }
        return Some(Wish::Delete { topic, id });
    }
    let slots = ground.topics.slots();
    let slot = ground.pick(&slots);
    let end = ground.ledger.known(slot).end;
    let before = ground.below(end.cast_unsigned() + 1).cast_signed();
    (before > 0).then_some(Wish::DeleteRecords { slot, before })
}
