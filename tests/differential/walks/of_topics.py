"""Moves about topics, their configurations and their records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headrace.model.errors import Error
from headrace.wire.messages.k02_list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from headrace.wire.messages.k03_metadata import MetadataRequest, MetadataRequestTopic
from tests.differential.golden.configs import APPEND, DELETE, SET, TOPIC, altered, changed, configs_asked
from tests.differential.golden.records import (
    EARLIEST,
    LATEST,
    MAX_TIMESTAMP,
    epoch_asked,
    fetched,
    listed,
    produced,
    producer_id,
    producers_asked,
    records_deleted,
)
from tests.differential.golden.topics import created, deleted, grown, metadata_asked, partitions_asked
from tests.differential.walks.moves import PRODUCERS, Doer, Doing, Draws, Settle, in_version, state, topic
from tests.differential.world import NO_ID, T0_MS, World, batch

if TYPE_CHECKING:
    from headrace.wire.schema import Message

KEPT: Final = {"retention.ms": "-1", "segment.ms": str((1 << 63) - 1)}
"""Of every topic: the records are of long ago. With a marker of now behind them Kafka would begin a segment, and answer a Fetch
from one segment at a time."""


NOBODY: Final = 1 << 40
"""The id of a producer that has not asked for one."""


def leads(name: str, partitions: int) -> Settle:
    """Until a topic's partitions are led."""
    parts = [ListOffsetsPartition(n, timestamp=LATEST) for n in range(partitions)]
    request = ListOffsetsRequest(replica_id=-1, topics=[ListOffsetsTopic(name=name, partitions=parts)])

    def done(answer: Any) -> bool:
        return all(part.error_code == Error.NONE for part in answer.topics[0].partitions)

    return Settle(request, 3, done)


def is_gone(name: str) -> Settle:
    """Until nobody leads a topic's first partition."""
    parts = [ListOffsetsPartition(0, timestamp=LATEST)]
    request = ListOffsetsRequest(replica_id=-1, topics=[ListOffsetsTopic(name=name, partitions=parts)])
    return Settle(
        request,
        3,
        lambda answer: answer.topics[0].partitions[0].error_code == Error.UNKNOWN_TOPIC_OR_PARTITION,
    )


def told(name: str, partitions: int) -> Settle:
    """Until Metadata says of a topic that it has so many partitions; of none, that it is not there."""
    request = MetadataRequest(
        topics=[MetadataRequestTopic(topic_id=NO_ID, name=name)], allow_auto_topic_creation=False
    )
    return Settle(request, 12, lambda answer: len(answer.topics[0].partitions) == partitions)


def making(w: World, draws: Draws) -> Doing:
    """CreateTopics."""
    name, count = topic(w, draws[0]), 1 + draws[1] % 3
    only_check = draws[2] % 8 == 0
    configs: dict[str, str | None] = {**KEPT}
    configs |= [{}, {"delete.retention.ms": "86400000"}, {"cleanup.policy": "delete"}][draws[3] % 3]
    request = created(name, partitions=count, only_check=only_check, configs=configs)
    answer = yield in_version(request, draws[4], low=2)
    if answer.topics[0].error_code == Error.NONE and not only_check:
        yield from _there(w, name, count)


def _there(w: World, name: str, count: int) -> Doing:
    answer = yield told(name, count)
    w.learn_id(name, answer.topics[0].topic_id)
    state(w, "topics", {})[name] = count
    yield leads(name, count)


def unmaking(w: World, draws: Draws) -> Doing:
    """DeleteTopics."""
    name = topic(w, draws[0])
    answer = yield in_version(deleted(w, name, by_id=False), draws[1])
    if answer.responses[0].error_code == Error.NONE:
        yield told(name, 0)
        yield is_gone(name)
        w.ids.pop(name, None)
        state(w, "topics", {}).pop(name, None)


def growing(w: World, draws: Draws) -> Doing:
    """CreatePartitions."""
    name = topic(w, draws[0])
    count = state(w, "topics", {}).get(name, 1) + [1, 0, -1, 1][draws[1] % 4]
    answer = yield in_version(grown(count, name, only_check=draws[2] % 4 == 0), draws[3])
    if answer.results[0].error_code == Error.NONE and draws[2] % 4:
        yield from _there(w, name, count)


def telling(w: World, draws: Draws) -> Doing:
    """Metadata."""
    yield in_version(metadata_asked(w, topic(w, draws[0]), topic(w, draws[1])), draws[2], low=4)


def describing(w: World, draws: Draws) -> Doing:
    """DescribeTopicPartitions."""
    yield in_version(partitions_asked(topic(w, draws[0]), topic(w, draws[1]), limit=1 + draws[2] % 4), 0)


def partition(w: World, name: str, draw: int) -> int:
    """A partition, mostly one that is there."""
    return draw % (state(w, "topics", {}).get(name, 1) + (draw % 16 == 0))


def producing(w: World, draws: Draws) -> Doing:
    """Produce, nobody's batch."""
    name = topic(w, draws[0])
    records = batch(draws[2] % 20, 1 + draws[3] % 3)
    request = produced(
        w, name, acks=[-1, -1, 1][draws[4] % 3], at=(partition(w, name, draws[1]),), records=records
    )
    yield in_version(request, draws[5], low=3)


def numbering(w: World, draws: Draws) -> Doing:
    """InitProducerId without a transaction."""
    answer = yield in_version(producer_id(), draws[1])
    number = draws[0] % PRODUCERS
    w.symbols[f"p{number}"] = answer.producer_id
    # The partition goes on telling of the one before: each has a name of its own.
    w.names[answer.producer_id] = f"${{a producer, {len(w.names)}}}"
    state(w, "sequences", {})[number] = {}


def sending(w: World, draws: Draws) -> Doing:
    """Produce, an idempotent producer's batch: the next one mostly, the last again, or one too far."""
    name, number = topic(w, draws[0]), draws[1] % PRODUCERS
    at = partition(w, name, draws[2])
    sequences = state(w, "sequences", {}).setdefault(number, {})
    place = (w.id(name), at)
    after = sequences.get(place, 0)
    count = 1 + draws[3] % 2
    begins = {0: after + 3, 1: max(0, after - count), 2: max(0, after - 4 * count)}.get(draws[4] % 12, after)
    records = batch(begins, count, (w.symbol(f"p{number}", NOBODY), 0, begins))
    answer = yield in_version(produced(w, name, at=(at,), records=records), draws[5], low=3)
    if answer.responses[0].partition_responses[0].error_code == Error.NONE:
        sequences[place] = max(after, begins + count)


def reading(w: World, draws: Draws) -> Doing:
    """Fetch, without a session."""
    name = topic(w, draws[0])
    request = fetched(
        w,
        name,
        at=(partition(w, name, draws[1]),),
        offset=[0, 1, 3, 6, 10, 1_000][draws[2] % 6] if draws[2] % 3 else 0,
        isolation_level=draws[3] % 2,
        max_wait_ms=0,
    )
    yield in_version(request, draws[4])


def listing(w: World, draws: Draws) -> Doing:
    """ListOffsets."""
    name = topic(w, draws[0])
    at = partition(w, name, draws[2])
    time = [LATEST, EARLIEST, MAX_TIMESTAMP, T0_MS + 2_000, T0_MS + 9_000, T0_MS + 90_000][draws[1] % 6]
    if time == MAX_TIMESTAMP and (w.id(name), at) in state(w, "cut", set()):
        time = LATEST  # Kafka tells of the newest record also when it is deleted
    request = listed(name, time, at=(at,), isolation=draws[3] % 2)
    yield in_version(request, draws[4], low=2 if time != MAX_TIMESTAMP else 7)


def cutting(w: World, draws: Draws) -> Doing:
    """DeleteRecords."""
    name = topic(w, draws[0])
    offset, at = [0, 1, 2, 4, -1, 30][draws[1] % 6], partition(w, name, draws[2])
    state(w, "cut", set()).add((w.id(name), at))
    yield in_version(records_deleted(offset, name, at=(at,)), draws[3])


def dating(w: World, draws: Draws) -> Doing:
    """OffsetForLeaderEpoch."""
    name = topic(w, draws[0])
    yield in_version(epoch_asked(name, at=(partition(w, name, draws[1]),)), draws[2])


def naming(w: World, draws: Draws) -> Doing:
    """DescribeProducers."""
    name = topic(w, draws[0])
    yield in_version(producers_asked(name, at=(partition(w, name, draws[1]),)), 0)


def setting(w: World, draws: Draws) -> Doing:
    """IncrementalAlterConfigs or AlterConfigs, of what changes no other answer."""
    name = topic(w, draws[0])
    requests: list[Message] = [
        changed(TOPIC, name, ("delete.retention.ms", SET, str(80_000_000 + draws[2] % 9))),
        changed(TOPIC, name, ("delete.retention.ms", DELETE, None), ("flush.ms", SET, "70000")),
        changed(TOPIC, name, ("cleanup.policy", APPEND, "delete")),
        changed(TOPIC, name, ("flush.messages", SET, "0"), ("delete.retention.ms", SET, "5")),
        changed(TOPIC, name, ("delete.retention.ms", APPEND, "5")),
        altered(TOPIC, name, {**KEPT, "flush.ms": str(50_000 + draws[2] % 9)}),
        altered(TOPIC, name, {**KEPT}),
    ]
    yield in_version(requests[draws[1] % len(requests)], draws[3])


def asking(w: World, draws: Draws) -> Doing:
    """DescribeConfigs."""
    keys = ("cleanup.policy", "flush.ms", "delete.retention.ms", "retention.ms")
    yield in_version(configs_asked(TOPIC, topic(w, draws[0]), keys=keys), draws[1])


MOVES: Final[dict[str, tuple[int, Doer]]] = {
    "CreateTopics": (6, making),
    "DeleteTopics": (1, unmaking),
    "CreatePartitions": (2, growing),
    "Metadata": (3, telling),
    "DescribeTopicPartitions": (2, describing),
    "Produce": (16, producing),
    "InitProducerId": (2, numbering),
    "Produce, idempotent": (12, sending),
    "Fetch": (14, reading),
    "ListOffsets": (7, listing),
    "DeleteRecords": (2, cutting),
    "OffsetForLeaderEpoch": (2, dating),
    "DescribeProducers": (2, naming),
    "AlterConfigs": (3, setting),
    "DescribeConfigs": (2, asking),
}
"""By name: how often among all, and what is done."""
