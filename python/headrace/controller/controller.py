"""The driver of the controller's log, group 0: the one writer of cluster metadata.

Changes are made one after the other: decide on the image -> append the records as one batch -> committed -> apply ->
tell the engine -> answer. So the image holds only what is committed, and a crash between any two steps loses nothing
that was answered. After an append whose outcome is not known the log is read anew before anything else is decided.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.config.topic import effective
from headrace.controller.decide_configs import ConfigResult, ResourceChange, decide_configs
from headrace.controller.decide_features import (
    FeatureUpdate,
    decide_features,
    features,
    first_records,
)
from headrace.controller.decide_quotas import QuotaChange, QuotaResult, decide_quotas
from headrace.controller.decide_scram import Deletion, ScramResult, Upsertion, decide_scram
from headrace.controller.decide_topics import (
    Decision,
    Defaults,
    MorePartitions,
    NewTopic,
    TopicResult,
    decide_delete,
    decide_more_partitions,
    deciding_create,
)
from headrace.controller.image import (
    METADATA_GROUP,
    METADATA_TOPIC,
    METADATA_TOPIC_ID,
    OFFSETS_TOPIC,
    SHARE_TOPIC,
    TRANSACTIONS_TOPIC,
    Image,
    ResourceType,
    TopicState,
)
from headrace.controller.metadata_entries import MetadataEntries
from headrace.controller.metadata_log import MetadataLog
from headrace.controller.mutation_quotas import UNLIMITED, MutationQuota, MutationQuotas
from headrace.controller.producer_ids import BLOCK, ProducerIds
from headrace.engine.port import Partition, Topic
from headrace.engine.slices import in_slices, run_in_slices
from headrace.model.errors import Refusal
from headrace.model.failure import ExitCode, Failure
from headrace.wire.messages.metadata_records import ProducerIdsRecord

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence

    from headrace.config.broker import BrokerConfig
    from headrace.engine.port import Engine
    from headrace.wire.schema import Message

METADATA_CONFIGS: Final = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "max.message.bytes": str(8 << 20),
}
"""Group 0 keeps everything until a snapshot record set makes its past superfluous."""


class InternalTopicSettings(NamedTuple):
    """How an internal topic is made. The first two are names of broker settings."""

    partitions: str
    segment_bytes: str
    configs: Mapping[str, str]


INTERNAL_TOPICS: Final = {
    OFFSETS_TOPIC: InternalTopicSettings(
        "offsets.topic.num.partitions", "offsets.topic.segment.bytes", {"compression.type": "producer"}
    ),
    TRANSACTIONS_TOPIC: InternalTopicSettings(
        "transaction.state.log.num.partitions",
        "transaction.state.log.segment.bytes",
        {
            "compression.type": "uncompressed",
            "min.insync.replicas": "1",  # `transaction.state.log.min.isr` replicas there are not on one node
            "unclean.leader.election.enable": "false",
        },
    ),
    SHARE_TOPIC: InternalTopicSettings(
        "share.coordinator.state.topic.num.partitions",
        "share.coordinator.state.topic.segment.bytes",
        # What changed is an update to the record before it: nothing of it may be compacted. Its coordinator prunes it.
        {"cleanup.policy": "delete", "compression.type": "producer", "retention.ms": "-1"},
    ),
}


TOPIC_WEIGHT: Final = 10
"""What telling the engine of a topic costs beside its partitions, in partitions."""


class Node(NamedTuple):
    """A broker as clients reach it over one listener."""

    node_id: int
    host: str
    port: int
    rack: str | None


class Controller:
    """Cluster metadata: `image` to read, methods to change it."""

    def __init__(
        self,
        engine: Engine,
        config: BrokerConfig,
        rng: Callable[[int], bytes],
        *,
        node_id: int,
        cluster_id: str,
        addresses: Sequence[tuple[str, int]],
        keep_unnamed: bool = False,
    ) -> None:
        """`rng`: n random bytes, for topic ids. `addresses`: in use by the listeners, in the configuration's order.

        `keep_unnamed`: records may be lost, so that a partition which no topic names may be one that lost its name.
        """
        self.node_id = node_id
        self.entries = MetadataEntries()
        self.mutations = MutationQuotas(config)
        self.cluster_id = cluster_id
        self._engine = engine
        self._config = config
        config.set_node_id(node_id)
        self._rng = rng
        self._addresses = list(addresses)
        self._keep_unnamed = keep_unnamed
        self._log = MetadataLog(engine)
        self._turn = asyncio.Lock()
        self._ids = ProducerIds()
        self._on_removed: list[Callable[[Sequence[TopicState]], None]] = []

    @property
    def image(self) -> Image:
        """All metadata, as of the last committed change."""
        return self._log.image

    async def load(self) -> None:
        """Fold the log and tell the engine of everything in it. Raises `Failure`: the log cannot be read."""
        metadata = Topic(
            METADATA_TOPIC_ID, METADATA_TOPIC, [Partition(METADATA_GROUP, 0)], True, METADATA_CONFIGS
        )
        await self._engine.topics([metadata], [])
        async with self._turn:
            await self._catch_up()
            # A topic's end is recorded here first; a crash may have come before the engine removed its partitions. A log
            # that never gave a number away says nothing about those that there are.
            if self.image.next_group > METADATA_GROUP + 1 and not self._keep_unnamed:
                self._engine.remove_unnamed()
            await self._write_first_records()

    # -- reading ------------------------------------------------------------------------------------------------------

    def topic(self, name: str) -> TopicState | None:
        return self.image.topics.get(name)

    def topic_by_id(self, topic_id: bytes) -> TopicState | None:
        return self.image.ids.get(topic_id)

    def topic_names(self) -> Iterable[str]:
        return self.image.topics

    @property
    def topics_version(self) -> int:
        return self.image.topics_version

    def group_config(self, group_id: str) -> Mapping[str, str]:
        """What was set for this group."""
        return self.image.config_of(ResourceType.GROUP, group_id)

    def nodes(self, listener: int) -> list[Node]:
        """The brokers as clients of this listener reach them."""
        advertised = self._config.listeners[listener].advertised
        port = advertised.port or self._addresses[listener][1]
        return [Node(self.node_id, advertised.host, port, self._config.text("broker.rack"))]

    def on_topics_removed(self, listener: Callable[[Sequence[TopicState]], None]) -> None:
        """Call `listener` with topics once they are gone for good."""
        self._on_removed.append(listener)

    # -- changing -----------------------------------------------------------------------------------------------------

    async def create_topics(
        self,
        wanted: Sequence[NewTopic],
        quota: MutationQuota = UNLIMITED,
        *,
        validate_only: bool = False,
    ) -> list[TopicResult]:
        """Make topics; `quota` is charged for them. Raises `Refusal`."""
        ids = [self._new_topic_id() for _ in wanted]
        defaults = Defaults(
            self.node_id,
            self._config.integer("num.partitions"),
            self._config.integer("default.replication.factor"),
        )
        return await self._change_topics(
            lambda image: run_in_slices(deciding_create(image, wanted, ids, defaults, quota.charge)),
            validate_only=validate_only,
        )

    async def delete_topics(
        self, topics: Sequence[TopicState], quota: MutationQuota = UNLIMITED
    ) -> list[TopicResult]:
        """Delete topics and their records for ever; `quota` is charged for them. Raises `Refusal`."""

        async def decide(image: Image) -> Decision:
            return decide_delete(image, topics, quota.charge)

        return await self._change_topics(decide)

    async def create_partitions(
        self,
        wanted: Sequence[MorePartitions],
        quota: MutationQuota = UNLIMITED,
        *,
        validate_only: bool = False,
    ) -> list[TopicResult]:
        """Give topics more partitions; `quota` is charged for them. Raises `Refusal`."""

        async def decide(image: Image) -> Decision:
            return decide_more_partitions(image, wanted, self.node_id, quota.charge)

        return await self._change_topics(decide, validate_only=validate_only)

    async def alter_configs(
        self, wanted: Sequence[ResourceChange], *, validate_only: bool = False
    ) -> list[ConfigResult]:
        """Change configurations. Raises `Refusal`."""
        async with self._turn:
            await self._catch_up()
            decision = decide_configs(self.image, self._config, self.node_id, wanted)
            if decision.records and not validate_only:
                await self._log.append(decision.records)
                kinds = {resource.resource_type for resource in wanted}
                if ResourceType.BROKER in kinds:
                    self._use_broker_configs()
                    changed = list(self.image.topics.values())
                else:
                    names = [r.resource_name for r in wanted if r.resource_type == ResourceType.TOPIC]
                    changed = [self.image.topics[name] for name in names if name in self.image.topics]
                await self._tell(changed, [])
                await self._log.snapshot_if_due()
            return decision.results

    async def update_features(self, wanted: Sequence[FeatureUpdate], *, validate_only: bool = False) -> None:
        """Change the levels of features, all or none. Raises `Refusal`."""
        async with self._turn:
            await self._catch_up()
            records = decide_features(self.image, self._config, self.node_id, wanted)
            if records and not validate_only:
                await self._log.append(records)
                await self._tell_everything()
                await self._log.snapshot_if_due()

    async def alter_scram(
        self, deletions: Sequence[Deletion], upsertions: Sequence[Upsertion]
    ) -> list[ScramResult]:
        """Store and delete SCRAM credentials. Raises `Refusal`."""
        async with self._turn:
            await self._catch_up()
            decision = decide_scram(self.image, deletions, upsertions)
            await self._append(decision.records)
            return decision.results

    async def alter_quotas(
        self, wanted: Sequence[QuotaChange], unresolved: Collection[str], *, validate_only: bool = False
    ) -> list[QuotaResult]:
        """Change clients' quotas; `unresolved`: names of hosts that have no address. Raises `Refusal`."""
        async with self._turn:
            await self._catch_up()
            decision = decide_quotas(self.image, wanted, unresolved)
            if not validate_only:
                await self._append(decision.records)
            return decision.results

    async def producer_id(self) -> int:
        """A producer id that nobody ever had. Raises `Refusal`."""
        while (found := self._ids.take()) is None:
            async with self._turn:
                if (found := self._ids.take()) is not None:
                    return found
                await self._catch_up()
                first = self.image.next_producer_id
                await self._log.append([ProducerIdsRecord(self.node_id, -1, first + BLOCK)])
                self._ids.refill(first)
        return found

    async def ensure_internal_topic(self, name: str) -> list[int]:
        """The Raft group of each partition of an internal topic, made now if this is its first use. Raises `Refusal`."""
        topic = self.topic(name)
        if topic is None:
            settings = INTERNAL_TOPICS[name]
            configs = {
                "cleanup.policy": "compact",
                "segment.bytes": str(self._config.integer(settings.segment_bytes)),
                **settings.configs,
            }
            wanted = NewTopic(name, self._config.integer(settings.partitions), 1, configs=configs)
            await self.create_topics([wanted])
            topic = self.topic(name)
            assert topic is not None, "it was made just now, or by somebody else at the same time"
        return topic.groups

    async def _append(self, records: Sequence[Message]) -> None:
        """Append what the engine need not be told of."""
        if records:
            await self._log.append(records)
            await self._log.snapshot_if_due()

    async def _catch_up(self) -> None:
        """Fold the log anew if the image may be behind it, and tell the engine what came of it."""
        if not self._log.stale:
            return
        before = self.image.ids
        await self._log.load()
        gone = [topic for topic_id, topic in before.items() if topic_id not in self.image.ids]
        await self._tell_everything(gone)
        if gone:
            self._say_removed(gone)

    async def _write_first_records(self) -> None:
        records = first_records(self.image, self._config, self.node_id)
        if not records:
            return
        try:
            await self._log.append(records)
        except Refusal as refusal:
            raise Failure(
                "cannot write the cluster's metadata",
                str(refusal.message),
                "see the log above",
                ExitCode.DATA_DIRECTORY,
            ) from None
        await self._tell_everything()

    async def _tell_everything(self, gone: Sequence[TopicState] = ()) -> None:
        """Tell the engine of all that the image holds, and of topics that are gone."""
        self._engine.set_features(self._log.features_offset, features(self.image))
        self._use_broker_configs()
        await self._tell(list(self.image.topics.values()), gone)

    async def _change_topics(
        self, decide: Callable[[Image], Awaitable[Decision]], *, validate_only: bool = False
    ) -> list[TopicResult]:
        async with self._turn:
            await self._catch_up()
            decision = await decide(self.image)
            if decision.records and not validate_only:
                await self._log.append(decision.records)
                await self._tell_of(decision.results)
                await self._log.snapshot_if_due()
            return decision.results

    async def _tell_of(self, results: Sequence[TopicResult]) -> None:
        topics = [result.topic for result in results if result.topic is not None and not result.error]
        gone = [topic for topic in topics if topic.topic_id not in self.image.ids]
        await self._tell([topic for topic in topics if topic.topic_id in self.image.ids], gone)
        if gone:
            self._say_removed(gone)

    def _say_removed(self, gone: Sequence[TopicState]) -> None:
        for listener in self._on_removed:
            listener(gone)

    async def _tell(self, changed: Sequence[TopicState], gone: Sequence[TopicState]) -> None:
        """Tell the engine of topics as they are now."""
        async for part in in_slices(gone, _weight):
            await self._engine.topics([], [topic.topic_id for topic in part])
        usual = effective({}, self._config)
        async for part in in_slices(changed, _weight):
            await self._engine.topics([self._told(topic, usual) for topic in part], [])

    def _told(self, topic: TopicState, usual: Mapping[str, str]) -> Topic:
        """`usual`: the settings of a topic that sets nothing by itself."""
        partitions = [Partition(partition.group, partition.number) for partition in topic.partitions]
        configs = {**usual, **self.image.config_of(ResourceType.TOPIC, topic.name)}
        return Topic(topic.topic_id, topic.name, partitions, topic.internal, configs)

    def _use_broker_configs(self) -> None:
        cluster: Mapping[str, str] = self.image.config_of(ResourceType.BROKER, "")
        own: Mapping[str, str] = self.image.config_of(ResourceType.BROKER, str(self.node_id))
        self._config.set_dynamic(cluster, own)
        self._engine.set_values(self._config.effective())

    def _new_topic_id(self) -> bytes:
        """A random UUID (version 4) whose text does not begin with `-`, which a command line would take for an option."""
        while True:
            raw = bytearray(self._rng(16))
            raw[6] = raw[6] & 0x0F | 0x40
            raw[8] = raw[8] & 0x3F | 0x80
            if raw[0] >> 2 != _BASE64_DASH and bytes(raw) not in self.image.ids:
                return bytes(raw)


def _weight(topic: TopicState) -> int:
    return TOPIC_WEIGHT + len(topic.partitions)


_BASE64_DASH: Final = 62
"""The six bits that URL-safe base64 writes as `-`."""
