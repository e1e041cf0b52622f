"""Makes on one broker what worlds want, many objects with each request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from headrace.model.errors import Error
from headrace.wire.messages.k00_produce import PartitionProduceData, ProduceRequest, TopicProduceData
from headrace.wire.messages.k02_list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from headrace.wire.messages.k03_metadata import MetadataRequest, MetadataRequestTopic
from headrace.wire.messages.k08_offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from headrace.wire.messages.k09_offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup
from headrace.wire.messages.k10_find_coordinator import FindCoordinatorRequest
from headrace.wire.messages.k19_create_topics import CreatableTopic, CreatableTopicConfig, CreateTopicsRequest
from headrace.wire.messages.k22_init_producer_id import InitProducerIdRequest
from headrace.wire.messages.k24_add_partitions_to_txn import (
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnTopic,
)
from tests.differential.world import (
    BATCHES,
    EMPTY,
    FILLED,
    GROUP,
    NO_ID,
    OPEN,
    PRODUCER,
    RECORDS_A_BATCH,
    WIDE,
    batch,
    kinds,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from headrace.wire.schema import Message
    from tests.differential.line import Line
    from tests.differential.world import World

AT_ONCE: Final = 50
"""Topics in one request."""
PARTITIONS: Final = {FILLED: 1, WIDE: 3, EMPTY: 1}
LATEST: Final = -1
NOT_YET: Final = {
    Error.COORDINATOR_LOAD_IN_PROGRESS,
    Error.COORDINATOR_NOT_AVAILABLE,
    Error.NOT_COORDINATOR,
    Error.UNKNOWN_TOPIC_OR_PARTITION,
    Error.NOT_LEADER_OR_FOLLOWER,
}
TRIES_MAX: Final = 1_000
ASK_AGAIN_S: Final = 0.02
GROUPS_LOADED: Final = 20
"""So many names fall on every partition of the offsets' topic."""
TRANSACTION, SHARE = 1, 2
"""Kinds of coordinators."""
SETTLE_TRIES: Final = 100
"""A broker that has no such coordinator says so each time."""


async def make(lines: Sequence[Line], worlds: Iterable[World]) -> None:
    """Makes all that these worlds want, over these connections to one broker."""
    by_name = {name: world for world in worlds for name in world.wanted}
    wanted = {name: world.wanted[name] for name, world in by_name.items()}
    await _settle(lines[0])
    topics = [name for name, kind in wanted.items() if kind in PARTITIONS]

    async def make_topics(line: Line, names: list[str]) -> None:
        await _create(line, {name: PARTITIONS[wanted[name]] for name in names})
        await learn(line, {name: by_name[name] for name in names})
        filled = [name for name in names if wanted[name] == FILLED]
        for n in range(BATCHES if filled else 0):
            await _produce(line, filled, batch(n * RECORDS_A_BATCH, RECORDS_A_BATCH))

    async def make_groups(line: Line, names: list[str]) -> None:
        for name in names:
            await commit(line, name, by_name[name].prefix)

    async def make_producers(line: Line, names: list[str]) -> None:
        for name in names:
            await _initialize(line, name, by_name[name], opens=wanted[name] == OPEN)

    await _spread(lines, topics, make_topics)
    await _spread(lines, kinds(wanted, GROUP), make_groups)
    await _spread(lines, kinds(wanted, PRODUCER) + kinds(wanted, OPEN), make_producers)


async def learn(line: Line, topics: dict[str, World]) -> None:
    """Wait until topics have leaders that answer for them, and tell their worlds their ids."""
    asked = [MetadataRequestTopic(topic_id=NO_ID, name=name) for name in topics]
    for _ in range(TRIES_MAX):
        answer = await line.ask(MetadataRequest(topics=asked, allow_auto_topic_creation=False), 12)
        if all(
            topic.error_code == Error.NONE and all(part.leader_id >= 0 for part in topic.partitions)
            for topic in answer.topics
        ):
            break
        await asyncio.sleep(ASK_AGAIN_S)
    else:
        raise TimeoutError(f"{', '.join(topics)}: not there")
    for topic in answer.topics:
        topics[topic.name].learn_id(topic.name, topic.topic_id)
    # Kafka tells who leads before the leader knows of it.
    latest = [
        ListOffsetsTopic(
            name=topic.name,
            partitions=[
                ListOffsetsPartition(part.partition_index, timestamp=LATEST) for part in topic.partitions
            ],
        )
        for topic in answer.topics
    ]
    request = ListOffsetsRequest(replica_id=-1, topics=latest)
    await taken(
        line,
        request,
        3,
        lambda said: max(part.error_code for topic in said.topics for part in topic.partitions),
    )


async def commit(line: Line, group: str, prefix: str) -> None:
    """Commit a group's two offsets."""

    def at(topic: str, partition: int) -> OffsetCommitRequestTopic:
        part = OffsetCommitRequestPartition(
            partition_index=partition,
            committed_offset=2,
            committed_metadata="here",
            committed_leader_epoch=0,
        )
        return OffsetCommitRequestTopic(name=topic, partitions=[part])

    # No case deletes the second: the group stays.
    topics = [at(f"{prefix}-filled", 0), at(f"{prefix}-wide", 2)]
    request = OffsetCommitRequest(group_id=group, generation_id_or_member_epoch=-1, topics=topics)
    await taken(line, request, 8, lambda answer: answer.topics[0].partitions[0].error_code)


async def _initialize(line: Line, name: str, world: World, *, opens: bool) -> None:
    """Give a transactional id a producer and, if asked for, a transaction."""
    answer = await taken(line, InitProducerIdRequest(name, 600_000), 4, lambda said: said.error_code)
    world.symbols[f"producer of {name}"] = (answer.producer_id, answer.producer_epoch)
    if opens:
        topic = AddPartitionsToTxnTopic(name=world.inside(name), partitions=[0])
        request = AddPartitionsToTxnRequest(
            v3_and_below_transactional_id=name,
            v3_and_below_producer_id=answer.producer_id,
            v3_and_below_producer_epoch=answer.producer_epoch,
            v3_and_below_topics=[topic],
        )

        def error_of(said: Any) -> int:
            error: int = said.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code
            return error

        await taken(line, request, 3, error_of)


async def taken(line: Line, request: Message, version: int, error_of: Callable[[Any], int]) -> Any:
    """Ask until it is done, as long as Kafka says that it is not ready."""
    for _ in range(TRIES_MAX):
        answer = await line.ask(request, version)
        error = error_of(answer)
        if error == Error.NONE:
            return answer
        assert error in NOT_YET, f"{request}: error {error}"
        await asyncio.sleep(ASK_AGAIN_S)
    raise TimeoutError(f"{request}: never ready")


async def settle_again(line: Line, topics: dict[str, World]) -> None:
    """After a restart: wait until topics have leaders and groups are loaded."""
    for n in range(GROUPS_LOADED):
        group = OffsetFetchRequestGroup(group_id=f"settle {n}", topics=None, member_epoch=-1)
        request = OffsetFetchRequest(groups=[group])
        await taken(line, request, 8, lambda answer: answer.groups[0].error_code)
    if topics:
        await learn(line, topics)


async def _settle(line: Line) -> None:
    """Kafka makes its internal topics and its first producer id when they are asked for; that is not what is compared."""
    await taken(line, InitProducerIdRequest(None, 60_000), 4, lambda answer: answer.error_code)
    group = FindCoordinatorRequest(key_type=0, coordinator_keys=["settle"])
    await taken(line, group, 4, lambda answer: answer.coordinators[0].error_code)
    for kind, name in ((TRANSACTION, "settle"), (SHARE, "settle:AAAAAAAAAAAAAAAAAAAAAQ:0")):
        request = FindCoordinatorRequest(key_type=kind, coordinator_keys=[name])
        for _ in range(SETTLE_TRIES):
            if (await line.ask(request, 6)).coordinators[0].error_code == Error.NONE:
                break
            await asyncio.sleep(ASK_AGAIN_S)


async def _spread(
    lines: Sequence[Line], names: list[str], work: Callable[[Line, list[str]], Awaitable[None]]
) -> None:
    parts = [names[at : at + AT_ONCE] for at in range(0, len(names), AT_ONCE)]

    async def lane(line: Line) -> None:
        while parts:
            await work(line, parts.pop(0))

    await asyncio.gather(*(lane(line) for line in lines))


async def _create(line: Line, topics: dict[str, int]) -> None:
    forever = [CreatableTopicConfig(name="retention.ms", value="-1")]
    made = [
        CreatableTopic(name=name, num_partitions=count, replication_factor=1, configs=list(forever))
        for name, count in topics.items()
    ]
    answer = await line.ask(CreateTopicsRequest(topics=made, timeout_ms=30_000), 7)
    for topic in answer.topics:
        assert topic.error_code == Error.NONE, f"{topic.name}: {topic.error_message}"


async def _produce(line: Line, topics: list[str], records: bytes) -> None:
    data = [
        TopicProduceData(name=topic, partition_data=[PartitionProduceData(records=records)])
        for topic in topics
    ]
    answer = await line.ask(ProduceRequest(acks=-1, timeout_ms=5_000, topic_data=data), 9)
    for topic in answer.responses:
        # Never again: what was taken would be there twice. `learn` has waited for the leaders.
        assert topic.partition_responses[0].error_code == Error.NONE, f"{topic}"
