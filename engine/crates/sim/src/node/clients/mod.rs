//! Who uses the node: clients that speak Kafka's frames, choose by the seed, and tell the ledger what they are told.

mod admin;
mod consumer;
mod lister;
mod producer;
mod transactor;

pub(super) use admin::Admin;
pub(super) use consumer::Consumer;
pub(super) use lister::Lister;
pub(super) use producer::{Habits, Producer};
pub(super) use transactor::Transactor;

use io::{Rng, SplitMix};
use model::ErrorCode;

use super::frames::TopicName;
use super::ledger::{Ledger, Slot};
use super::link::Link;
use super::net::Wires;
use super::topics::Topics;

/// What a client's step may use of the world.
pub(super) struct Ground<'a> {
    pub wires: &'a mut Wires,
    pub ledger: &'a mut Ledger,
    pub topics: &'a mut Topics,
    pub rng: &'a mut SplitMix,
    pub now_ns: u64,
    pub wall_ms: i64,
    /// The node can be reached.
    pub up: bool,
    pub shards: usize,
    /// The node is on its way down, in order.
    pub stopping: bool,
    /// Producers make nothing new for a while.
    pub lull: bool,
    /// Nothing new is begun, what is begun is finished.
    pub settling: bool,
    /// Reads may be refused: a fault that explains it is about.
    pub reads_may_fail: bool,
    /// Refused reads.
    pub refused_reads: &'a mut u64,
}

impl Ground<'_> {
    pub fn chance(&mut self, one_in: u64) -> bool {
        self.rng.below(one_in) == 0
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.rng.below(n)
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.rng.below(of.len() as u64) as usize]
    }

    /// Connects a client that is not, now or a little later.
    pub fn connected(&mut self, link: &mut Link) -> bool {
        if !link.is_up() && self.up && self.chance(4) {
            let shard = self.below(self.shards as u64) as usize;
            let window = self.pick(&[700, 5_000, 60_000, 1 << 20]);
            link.connect(self.wires, shard, window);
        }
        link.is_up()
    }

    pub fn topic_name(&self, slot: Slot) -> TopicName {
        let part = self.ledger.part(slot);
        TopicName { name: part.topic.clone(), id: part.topic_id }
    }
}

/// Whether a topic or partition is not there: before the control plane has named it, or after it was deleted.
fn is_unknown(error: i16) -> bool {
    [ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0, ErrorCode::UNKNOWN_TOPIC_ID.0].contains(&error)
}
