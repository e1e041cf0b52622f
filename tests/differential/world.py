"""What both brokers are given before they are asked: topics, records and groups of one pair's own, under the same names.

What a broker itself chose (topic ids) is known by name afterwards, so that requests can name it and answers be compared.
"""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, Any, Final

from headrace.model.errors import Error
from headrace.wire.messages.k00_produce import PartitionProduceData, ProduceRequest, TopicProduceData
from headrace.wire.messages.k03_metadata import MetadataRequest, MetadataRequestTopic
from headrace.wire.messages.k08_offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from headrace.wire.messages.k10_find_coordinator import FindCoordinatorRequest
from headrace.wire.messages.k19_create_topics import CreatableTopic, CreatableTopicConfig, CreateTopicsRequest
from headrace.wire.messages.k22_init_producer_id import InitProducerIdRequest
from tests.hostile.batches import crc32c, zigzag

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.wire.schema import Message
    from tests.differential.line import Line

NO_ID: Final = bytes(16)
STRANGE_ID: Final = bytes(range(1, 17))
T0_MS: Final = 1_700_000_000_000
"""The first record's time, so that the same bytes are said in every run."""
BATCHES: Final = 5
RECORDS_A_BATCH: Final = 3
VICTIMS: Final = 40
TOPICS_AT_ONCE: Final = 40
NOT_YET: Final = {
    Error.COORDINATOR_LOAD_IN_PROGRESS,
    Error.COORDINATOR_NOT_AVAILABLE,
    Error.NOT_COORDINATOR,
    Error.UNKNOWN_TOPIC_OR_PARTITION,
    Error.NOT_LEADER_OR_FOLLOWER,
}
TRIES_MAX: Final = 1_000
ASK_AGAIN_S: Final = 0.02


class World:
    """One pair's names on one broker."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.filled = f"{prefix}-filled"
        """One partition, with records."""
        self.wide = f"{prefix}-wide"
        """Three partitions, empty."""
        self.absent = f"{prefix}-absent"
        self.group = f"{prefix}-group"
        """Has committed an offset of `filled`, and one of the last partition of `wide`; no members."""
        self.ids: dict[str, bytes] = {}
        self.names: dict[bytes, str] = {}
        self._made = self._killed = self._groups = 0

    def id(self, name: str) -> bytes:
        """The id that this broker gave a topic."""
        return self.ids.get(name, STRANGE_ID)

    def fresh(self) -> str:
        """A topic name that was never used."""
        self._made += 1
        return f"{self.prefix}-new-{self._made}"

    def victim(self) -> str:
        """A topic that can be deleted."""
        self._killed += 1
        return f"{self.prefix}-victim-{self._killed}"

    @property
    def new_group(self) -> str:
        """A group that was never used."""
        self._groups += 1
        return f"{self.prefix}-group-{self._groups}"

    @staticmethod
    def time_of(record: int) -> int:
        """When this record of `filled` was made."""
        return T0_MS + record * 1_000

    def topics(self, victims: int) -> dict[str, int]:
        """Every topic that must be there, and its partitions."""
        doomed = {f"{self.prefix}-victim-{n + 1}": 1 for n in range(victims)}
        return {self.filled: 1, self.wide: 3, **doomed}


def batch(
    first: int, count: int, producer: tuple[int, int, int] = (-1, -1, -1), attributes: int = 0
) -> bytes:
    """A batch of records numbered from `first`, a second apart."""
    section = b""
    for n in range(count):
        value = b"value-%d" % (first + n)
        body = b"\x00" + zigzag(n * 1_000) + zigzag(n) + zigzag(4) + b"key%d" % ((first + n) % 3)
        body += zigzag(len(value)) + value + zigzag(0)
        section += zigzag(len(body)) + body
    begin = World.time_of(first)
    rest = struct.pack(">hiqq", attributes, count - 1, begin, begin + (count - 1) * 1_000)
    rest += struct.pack(">qhii", *producer, count) + section
    return struct.pack(">qiibI", 0, 9 + len(rest), -1, 2, crc32c(rest)) + rest


def batch_now() -> bytes:
    """What a case produces: the same bytes always."""
    return batch(100, RECORDS_A_BATCH)


async def make(line: Line, worlds: dict[str, tuple[World, int]]) -> None:
    """Makes the worlds on one broker. Each with how many victims it needs."""
    # Kafka's first producer id may take a moment.
    await _taken(line, InitProducerIdRequest(None, 60_000), 4, lambda answer: answer.error_code)
    wanted = [item for world, victims in worlds.values() for item in world.topics(victims).items()]
    for at in range(0, len(wanted), TOPICS_AT_ONCE):
        await _create(line, dict(wanted[at : at + TOPICS_AT_ONCE]))
    for world, victims in worlds.values():
        await _learn(line, world, list(world.topics(victims)))
        for n in range(BATCHES):
            await _produce(line, world.filled, batch(n * RECORDS_A_BATCH, RECORDS_A_BATCH))
        await _commit(line, world)


async def _create(line: Line, topics: dict[str, int]) -> None:
    forever = [CreatableTopicConfig(name="retention.ms", value="-1")]
    made = [
        CreatableTopic(name=name, num_partitions=count, replication_factor=1, configs=list(forever))
        for name, count in topics.items()
    ]
    answer = await line.ask(CreateTopicsRequest(topics=made, timeout_ms=30_000), 7)
    for topic in answer.topics:
        assert topic.error_code == Error.NONE, f"{topic.name}: {topic.error_message}"


async def _learn(line: Line, world: World, names: list[str]) -> None:
    asked = [MetadataRequestTopic(topic_id=NO_ID, name=name) for name in names]
    for _ in range(TRIES_MAX):
        answer = await line.ask(MetadataRequest(topics=asked, allow_auto_topic_creation=False), 12)
        if all(
            topic.error_code == Error.NONE and all(part.leader_id >= 0 for part in topic.partitions)
            for topic in answer.topics
        ):
            for topic in answer.topics:
                world.ids[topic.name] = topic.topic_id
                world.names[topic.topic_id] = topic.name
            return
        await asyncio.sleep(ASK_AGAIN_S)
    raise TimeoutError(f"{world.prefix}: its topics are not there")


async def _produce(line: Line, topic: str, records: bytes) -> None:
    data = TopicProduceData(name=topic, partition_data=[PartitionProduceData(records=records)])
    request = ProduceRequest(acks=-1, timeout_ms=5_000, topic_data=[data])
    await _taken(line, request, 9, lambda answer: answer.responses[0].partition_responses[0].error_code)


async def _commit(line: Line, world: World) -> None:
    def at(topic: str, partition: int) -> OffsetCommitRequestTopic:
        part = OffsetCommitRequestPartition(
            partition_index=partition,
            committed_offset=2,
            committed_metadata="here",
            committed_leader_epoch=0,
        )
        return OffsetCommitRequestTopic(name=topic, partitions=[part])

    # No case deletes the second: the group stays.
    topics = [at(world.filled, 0), at(world.wide, 2)]
    request = OffsetCommitRequest(group_id=world.group, generation_id_or_member_epoch=-1, topics=topics)
    # Makes Kafka make the offsets topic.
    await line.ask(FindCoordinatorRequest(coordinator_keys=[world.group]), 4)
    await _taken(line, request, 8, lambda answer: answer.topics[0].partitions[0].error_code)


async def _taken(line: Line, request: Message, version: int, error_of: Callable[[Any], int]) -> None:
    """Ask until it is done, as long as Kafka says that it is not ready."""
    for _ in range(TRIES_MAX):
        error = error_of(await line.ask(request, version))
        if error == Error.NONE:
            return
        assert error in NOT_YET, f"{request}: error {error}"
        await asyncio.sleep(ASK_AGAIN_S)
    raise TimeoutError(f"{request}: never ready")
