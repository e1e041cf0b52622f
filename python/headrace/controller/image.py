"""Cluster metadata as of one place in the controller's log: what `apply` made of every record so far.

Only `apply` changes an image, and it is total: whatever is in the log has been decided and happens. What is handed out
(`TopicState`, `PartitionState`) is never changed afterwards, a new one takes its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from headrace.wire.messages.metadata_records import (
    ClientQuotaRecord,
    ConfigRecord,
    EntityData,
    FeatureLevelRecord,
    PartitionRecord,
    ProducerIdsRecord,
    RemoveTopicRecord,
    RemoveUserScramCredentialRecord,
    SnapshotBeginRecord,
    SnapshotEndRecord,
    TopicRecord,
    UserScramCredentialRecord,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from headrace.wire.schema import Message

METADATA_TOPIC: Final = "__cluster_metadata"
METADATA_TOPIC_ID: Final = bytes(15) + b"\x01"
"""Kafka's reserved id AAAAAAAAAAAAAAAAAAAAAQ."""
METADATA_GROUP: Final = 0

OFFSETS_TOPIC: Final = "__consumer_offsets"
TRANSACTIONS_TOPIC: Final = "__transaction_state"
SHARE_TOPIC: Final = "__share_group_state"
INTERNAL_TOPICS: Final = frozenset({OFFSETS_TOPIC, TRANSACTIONS_TOPIC, SHARE_TOPIC})


class ResourceType:
    """What a configuration belongs to (Kafka, `ConfigResource.Type`)."""

    TOPIC: Final = 2
    BROKER: Final = 4
    BROKER_LOGGER: Final = 8
    CLIENT_METRICS: Final = 16
    GROUP: Final = 32


class PartitionState(Struct, frozen=True, gc=False):
    """A partition as clients are told of it. There are many, so the collector does not look at them."""

    number: int
    group: int
    """Its Raft group: unique for ever."""
    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    leader: int
    leader_epoch: int


class TopicState(NamedTuple):
    """A topic and its partitions, by number."""

    name: str
    topic_id: bytes
    partitions: Sequence[PartitionState]

    @property
    def internal(self) -> bool:
        return self.name in INTERNAL_TOPICS

    @property
    def groups(self) -> list[int]:
        """The Raft group of each partition, by number."""
        return [partition.group for partition in self.partitions]

    def partition(self, number: int) -> PartitionState | None:
        return self.partitions[number] if 0 <= number < len(self.partitions) else None


class Image:
    """All of it, with the indexes that readers want.

    Invariant: `topics` and `ids` hold the same topics; every group number ever given is below `next_group`.
    """

    def __init__(self) -> None:
        self.version = 0
        """Rises with every record; keys of caches hold it."""
        self.topics_version = 0
        """`version` when a topic was last made, grew or was deleted."""
        self.topics: dict[str, TopicState] = {}
        self.ids: dict[bytes, TopicState] = {}
        self.configs: dict[tuple[int, str], dict[str, str]] = {}
        """What was set, by resource type and name; the empty name of a broker is every broker."""
        self.features: dict[str, int] = {}
        """Finalized level by name (KIP-584); a feature at level 0 is not here."""
        self.scram: dict[tuple[str, int], UserScramCredentialRecord] = {}
        """Credentials by user and mechanism."""
        self.quotas: dict[tuple[tuple[str, str | None], ...], dict[str, float]] = {}
        """By entity: (type, name) of each of its parts, the name None for the default of the type."""
        self.next_group = METADATA_GROUP + 1
        self.next_producer_id = 0
        self._collisions: dict[str, frozenset[str]] = {}
        self._snapshot: Image | None = None
        self._growing: tuple[TopicState, list[PartitionState]] | None = None
        """A topic that is given partitions, within one `apply_all`."""

    def apply(self, record: Message) -> None:
        """Change this image by one record of the log."""
        match record:
            case SnapshotBeginRecord():
                self._snapshot = Image()
                self._snapshot.next_group = record.next_group
                self._snapshot.next_producer_id = record.next_producer_id
            case SnapshotEndRecord():
                if record.complete and self._snapshot is not None:
                    self._become(self._snapshot)
                self._snapshot = None
            case _ if self._snapshot is not None:
                self._snapshot.apply(record)
                return
            case TopicRecord():
                self._put(TopicState(record.name, record.topic_id, ()))
            case PartitionRecord():
                self._grow(record)
                self._settle()
                return
            case RemoveTopicRecord():
                self._remove(record.topic_id)
            case ConfigRecord():
                self._apply_config(record)
            case ProducerIdsRecord():
                self.next_producer_id = record.next_producer_id
            case FeatureLevelRecord():
                self._apply_feature(record)
            case UserScramCredentialRecord():
                self.scram[record.name, record.mechanism] = record
            case RemoveUserScramCredentialRecord():
                self.scram.pop((record.name, record.mechanism), None)
            case ClientQuotaRecord():
                self._apply_quota(record)
            case _:
                raise AssertionError(f"{type(record).__name__} is read but not applied")
        self.version += 1
        if isinstance(record, TopicRecord | RemoveTopicRecord | SnapshotEndRecord):
            self.topics_version = self.version

    def apply_all(self, records: Iterable[Message]) -> None:
        """`apply` each; a topic takes its place once with all its partitions, not once for each of them."""
        for record in records:
            image = self if self._snapshot is None else self._snapshot
            if isinstance(record, PartitionRecord):
                image._grow(record)
            else:
                image._settle()
                self.apply(record)
        (self if self._snapshot is None else self._snapshot)._settle()

    def fork(self) -> Image:
        """A copy that many records can be applied to, slice by slice, while readers have the whole of this one."""
        assert self._snapshot is None, "a snapshot record set is read whole before anything else is written"
        other = Image()
        other.version, other.topics_version = self.version, self.topics_version
        other.topics, other.ids = dict(self.topics), dict(self.ids)
        other.configs, other._collisions = dict(self.configs), dict(self._collisions)
        other.features = dict(self.features)
        other.scram, other.quotas = dict(self.scram), dict(self.quotas)
        other.next_group, other.next_producer_id = self.next_group, self.next_producer_id
        return other

    @property
    def in_snapshot(self) -> bool:
        """Whether the log, read so far, ends inside a snapshot record set."""
        return self._snapshot is not None

    def config_of(self, resource_type: int, name: str) -> dict[str, str]:
        """What was set on a resource; not to be changed."""
        return self.configs.get((resource_type, name), {})

    def colliding(self, name: str) -> str | None:
        """Another topic with the same metric name."""
        others = self._collisions.get(metric_name(name), frozenset()) - {name}
        return min(others) if others else None

    def records(self) -> Iterator[Message]:
        """What makes an empty image into this one; the middle of a snapshot record set."""
        for feature, level in self.features.items():
            yield FeatureLevelRecord(feature, level)
        yield from self.scram.values()
        for entity, quotas in self.quotas.items():
            parts = [EntityData(*part) for part in entity]
            for key, rate in quotas.items():
                yield ClientQuotaRecord(parts, key, rate)
        for topic in self.topics.values():
            yield TopicRecord(topic.name, topic.topic_id)
            for state in topic.partitions:
                yield partition_record(topic.topic_id, state)
        for (resource_type, resource_name), values in self.configs.items():
            for name, value in values.items():
                yield ConfigRecord(resource_type, resource_name, name, value)

    def _become(self, other: Image) -> None:
        self.topics, self.ids, self.configs = other.topics, other.ids, other.configs
        self.next_group, self.next_producer_id = other.next_group, other.next_producer_id
        self._collisions = other._collisions
        self.features, self.scram, self.quotas = other.features, other.scram, other.quotas

    def _put(self, topic: TopicState) -> None:
        self.topics[topic.name] = topic
        self.ids[topic.topic_id] = topic
        metric = metric_name(topic.name)
        self._collisions[metric] = self._collisions.get(metric, frozenset()) | {topic.name}

    def _grow(self, record: PartitionRecord) -> None:
        if self._growing is None or self._growing[0].topic_id != record.topic_id:
            self._settle()
            topic = self.ids[record.topic_id]
            self._growing = (topic, [*topic.partitions])
        _, partitions = self._growing
        state = PartitionState(
            record.partition_id,
            record.group,
            tuple(record.replicas),
            tuple(record.isr),
            record.leader,
            record.leader_epoch,
        )
        if record.partition_id == len(partitions):
            partitions.append(state)
        else:
            partitions[record.partition_id] = state
        self.next_group = max(self.next_group, record.group + 1)
        self.version += 1

    def _settle(self) -> None:
        if self._growing is not None:
            topic, partitions = self._growing
            self._growing = None
            self._put(topic._replace(partitions=tuple(partitions)))
            self.topics_version = self.version

    def _remove(self, topic_id: bytes) -> None:
        topic = self.ids.pop(topic_id)
        del self.topics[topic.name]
        self.configs.pop((ResourceType.TOPIC, topic.name), None)
        metric = metric_name(topic.name)
        if names := self._collisions[metric] - {topic.name}:
            self._collisions[metric] = names
        else:
            del self._collisions[metric]

    def _apply_feature(self, record: FeatureLevelRecord) -> None:
        if record.feature_level:
            self.features[record.name] = record.feature_level
        else:
            self.features.pop(record.name, None)

    def _apply_quota(self, record: ClientQuotaRecord) -> None:
        entity = tuple((part.entity_type, part.entity_name) for part in record.entity)
        values = dict(self.quotas.get(entity, {}))
        if record.remove:
            values.pop(record.key, None)
        else:
            values[record.key] = record.value
        if values:
            self.quotas[entity] = values
        else:
            self.quotas.pop(entity, None)

    def _apply_config(self, record: ConfigRecord) -> None:
        key = (record.resource_type, record.resource_name)
        values = dict(self.configs.get(key, {}))
        if record.value is None:
            values.pop(record.name, None)
        else:
            values[record.name] = record.value
        if values:
            self.configs[key] = values
        else:
            self.configs.pop(key, None)


def partition_record(topic_id: bytes, state: PartitionState) -> PartitionRecord:
    return PartitionRecord(
        partition_id=state.number,
        topic_id=topic_id,
        replicas=list(state.replicas),
        isr=list(state.isr),
        leader=state.leader,
        leader_epoch=state.leader_epoch,
        partition_epoch=0,
        group=state.group,
    )


def metric_name(topic: str) -> str:
    """Kafka's metrics write dots as underscores, so two topics must not differ in those alone."""
    return topic.replace(".", "_")
