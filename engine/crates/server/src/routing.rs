//! Which group, on which shard, a topic's partition is: the shard's copy of what the controller says.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{ErrorCode, GroupId, PartitionIndex, TopicId};
use partition::TopicConfig;

/// A topic as the controller tells every shard of it.
#[derive(Debug)]
pub struct Topic {
    /// Its id.
    pub id: TopicId,
    /// Its name.
    pub name: Arc<str>,
    /// Whether only the node itself writes to it (`__consumer_offsets`).
    pub internal: bool,
    /// Its effective configuration.
    pub config: TopicConfig,
    /// The group of each partition, by partition number.
    pub groups: Vec<GroupId>,
}

/// How a request names a topic.
#[derive(Clone, Debug)]
pub enum TopicKey {
    /// By name; kept as the client wrote it when the topic is unknown.
    Name(Arc<str>),
    /// By id.
    Id(TopicId),
}

impl TopicKey {
    /// As an answer names it.
    #[must_use]
    pub fn as_wire(&self) -> wire::TopicRef<'_> {
        match self {
            TopicKey::Name(name) => wire::TopicRef::Name(name),
            TopicKey::Id(id) => wire::TopicRef::Id(*id),
        }
    }
}

/// All topics, by name and by id.
#[derive(Default)]
pub struct Routing {
    by_name: BTreeMap<Arc<str>, Arc<Topic>>,
    by_id: BTreeMap<TopicId, Arc<Topic>>,
}

impl Routing {
    /// Adds a topic or replaces what was known of it.
    pub fn put(&mut self, topic: Arc<Topic>) {
        self.by_name.insert(Arc::clone(&topic.name), Arc::clone(&topic));
        self.by_id.insert(topic.id, topic);
    }

    /// Forgets a topic. Another of the same name stays.
    pub fn remove(&mut self, id: TopicId) -> Option<Arc<Topic>> {
        let topic = self.by_id.remove(&id)?;
        if self.by_name.get(&topic.name).is_some_and(|named| named.id == id) {
            self.by_name.remove(&topic.name);
        }
        Some(topic)
    }

    /// The topic of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Arc<Topic>> {
        self.by_name.get(name)
    }

    /// The topic of this id.
    #[must_use]
    pub fn with_id(&self, id: TopicId) -> Option<&Arc<Topic>> {
        self.by_id.get(&id)
    }
}

impl Topic {
    /// The group of a partition.
    pub fn group(&self, partition: PartitionIndex) -> Result<GroupId, ErrorCode> {
        let place = usize::try_from(partition.0).ok();
        place.and_then(|place| self.groups.get(place).copied()).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)
    }
}
