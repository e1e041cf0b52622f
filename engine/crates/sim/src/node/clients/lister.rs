//! A client that asks for offsets: the ends, the start, and where a time begins.

use model::ErrorCode;
use wire::keys::LIST_OFFSETS;
use wire::list_offsets::{EARLIEST, LATEST};

use super::{Ground, is_unknown};
use crate::node::clock::NS_PER_MS;
use crate::node::frames::{self, by_topic};
use crate::node::ledger::{Checked, Known, Slot};
use crate::node::link::Link;
use crate::node::trace;

const PATIENCE_NS: u64 = 30_000 * NS_PER_MS;

struct Asked {
    correlation: i32,
    version: i16,
    slot: Slot,
    timestamp: i64,
    before: Known,
    sent_ns: u64,
}

/// The lister.
#[derive(Default)]
pub(in crate::node) struct Lister {
    link: Link,
    asked: Option<Asked>,
}

impl Lister {
    pub fn link(&self) -> &Link {
        &self.link
    }

    pub fn is_done(&self) -> bool {
        self.asked.is_none()
    }

    pub fn step(&mut self, ground: &mut Ground<'_>) -> Checked {
        if !self.link.poll(ground.wires) {
            self.asked = None;
        }
        while let Some(frame) = self.link.frame() {
            let Some(asked) = self.asked.take() else { return Err("a list of nothing".to_owned()) };
            answered(ground, &asked, &frame)?;
        }
        if let Some(asked) = &self.asked
            && ground.now_ns > asked.sent_ns + PATIENCE_NS
        {
            return Err(format!("ListOffsets of slot {} is not answered", asked.slot.0));
        }
        if !ground.connected(&mut self.link) || self.asked.is_some() || ground.settling || !ground.chance(30)
        {
            return Ok(());
        }
        let stable = ground.topics.stable_slots();
        if stable.is_empty() {
            return Ok(());
        }
        let slot = ground.pick(&stable);
        let time = ground.wall_ms - ground.below(2_000) as i64;
        let timestamp = ground.pick(&[LATEST, LATEST, EARLIEST, time]);
        let version = 1 + ground.below(11) as i16;
        let correlation = self.link.next_correlation();
        let before = ground.ledger.known(slot);
        let named = [(ground.topic_name(slot), (ground.ledger.part(slot).index, timestamp))];
        let frame = frames::list_offsets(version, correlation, &by_topic(named));
        self.link.send(ground.wires, &frame);
        self.asked = Some(Asked { correlation, version, slot, timestamp, before, sent_ns: ground.now_ns });
        Ok(())
    }
}

fn answered(ground: &mut Ground<'_>, asked: &Asked, frame: &[u8]) -> Checked {
    let (correlation, reader) = frames::answer(LIST_OFFSETS, asked.version, frame)?;
    let listed = frames::listed(asked.version, reader)?;
    let [listed] = listed[..] else { return Err("ListOffsets is answered for other partitions".to_owned()) };
    if correlation != asked.correlation {
        return Err("ListOffsets is answered out of order".to_owned());
    }
    trace::note("listed", asked.slot.0.into(), i64::from(listed.error), listed.offset);
    let slot = asked.slot;
    if is_unknown(listed.error) {
        return Ok(());
    }
    if listed.error == ErrorCode::KAFKA_STORAGE_ERROR.0 && ground.reads_may_fail {
        *ground.refused_reads += 1;
        return Ok(());
    }
    if listed.error != 0 {
        return Err(format!("ListOffsets of slot {} failed with error {}", slot.0, listed.error));
    }
    match asked.timestamp {
        LATEST => ground.ledger.saw_end(ground.now_ns, slot, listed.offset, asked.before),
        EARLIEST => ground.ledger.saw_start(slot, listed.offset, asked.before),
        // A search by time believes the headers that it passes: damage to one of them may hide its batch.
        _ if ground.reads_may_fail => Ok(()),
        time => ground.ledger.listed_for(slot, time, listed.timestamp, listed.offset, asked.before),
    }
}
