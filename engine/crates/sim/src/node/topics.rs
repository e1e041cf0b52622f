//! Which topics there are, as clients know from each other: what the answers to their requests said.

use model::TopicId;

use super::ledger::Slot;

/// How a topic is made, and how it was last made.
pub(super) struct Topic {
    pub name: String,
    pub partitions: usize,
    pub segment_bytes: u64,
    pub retention_bytes: i64,
    pub retention_ms: i64,
    /// It is deleted and made again now and then.
    pub mortal: bool,
    /// Its present life.
    pub id: Option<TopicId>,
    pub slots: Vec<Slot>,
}

impl Topic {
    /// Whether its start moves without anybody asking.
    pub fn has_retention(&self) -> bool {
        self.retention_bytes >= 0 || self.retention_ms >= 0
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct Topics(pub Vec<Topic>);

impl Topics {
    /// Partitions that live now.
    pub fn slots(&self) -> Vec<Slot> {
        self.0.iter().flat_map(|topic| topic.slots.iter().copied()).collect()
    }

    /// Partitions of topics that are never deleted: what goes by name goes to them.
    pub fn stable_slots(&self) -> Vec<Slot> {
        self.0.iter().filter(|topic| !topic.mortal).flat_map(|topic| topic.slots.iter().copied()).collect()
    }

    pub fn is_stable(&self, slot: Slot) -> bool {
        self.0.iter().any(|topic| !topic.mortal && topic.slots.contains(&slot))
    }
}
