"""What the differential test must see, planted one by one, and what it must not."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

import pytest

from headrace.wire.messages.k00_produce import (
    PartitionProduceResponse,
    ProduceResponse,
    TopicProduceResponse,
)
from headrace.wire.messages.k01_fetch import (
    FetchableTopicResponse,
    FetchResponse,
    PartitionData,
)
from headrace.wire.messages.k03_metadata import (
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from headrace.wire.messages.k11_join_group import JoinGroupResponse, JoinGroupResponseMember
from headrace.wire.messages.k32_describe_configs import (
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
    DescribeConfigsSynonym,
)
from tests.differential.tree import differences, tree
from tests.differential.world import World, batch

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.wire.schema import Message

WORLD: Final = World("k3v12")
WORLD.names[b"a" * 16] = WORLD.filled
WORLD.names[b"b" * 16] = WORLD.wide
WORLD.capture("a", "diff-1")
WORLD.capture("b", "diff-2")
WORLD.capture("pid", 77)


def metadata() -> MetadataResponse:
    parts = [MetadataResponsePartition(0, n, 1, 0, [1], [1], []) for n in range(3)]
    topics = [
        MetadataResponseTopic(0, WORLD.filled, b"a" * 16, False, parts[:1]),
        MetadataResponseTopic(0, WORLD.wide, b"b" * 16, False, parts),
    ]
    return MetadataResponse(
        brokers=[MetadataResponseBroker(1, "127.0.0.1", 9092)], cluster_id="c", controller_id=1, topics=topics
    )


def fetched() -> FetchResponse:
    parts = [PartitionData(n, 0, 15, 15, 0, records=b"records") for n in range(2)]
    return FetchResponse(session_id=7, responses=[FetchableTopicResponse(WORLD.filled, partitions=parts)])


def batched() -> FetchResponse:
    """Two good batches, the second of a producer that the broker drew."""
    data = batch(0, 3) + batch(3, 3, (77, 0, 0))
    parts = [PartitionData(0, 0, 6, 6, 0, records=data)]
    return FetchResponse(responses=[FetchableTopicResponse(WORLD.filled, partitions=parts)])


def records(change_of: Callable[[bytes], bytes]) -> Callable[[Message], None]:
    """Changes the records of `batched`."""

    def apply(answer: Message) -> None:
        part = at(answer, "responses.0.partitions.0")
        part.records = change_of(part.records)

    return apply


def byte(position: int, value: int) -> Callable[[Message], None]:
    """Sets one byte of the records."""
    return records(lambda data: data[:position] + bytes([value]) + data[position + 1 :])


def produced() -> ProduceResponse:
    parts = [PartitionProduceResponse(n, 0, 5, -1, 0) for n in range(2)]
    return ProduceResponse(responses=[TopicProduceResponse(WORLD.filled, partition_responses=parts)])


def joined() -> JoinGroupResponse:
    members = [JoinGroupResponseMember(name, None, b"m") for name in ("diff-1", "diff-2")]
    return JoinGroupResponse(leader="diff-1", member_id="diff-1", members=members)


def described() -> DescribeConfigsResponse:
    configs = [
        DescribeConfigsResourceResult(
            name, "1", config_source=5, synonyms=[DescribeConfigsSynonym("log." + name, "1", 5)]
        )
        for name in ("retention.ms", "segment.bytes")
    ]
    return DescribeConfigsResponse(results=[DescribeConfigsResult(0, "", 2, WORLD.filled, configs)])


def at(answer: Message, path: str) -> Any:
    """What a path of attributes and indexes names."""
    part: Any = answer
    for step in path.split(".") if path else ():
        part = part[int(step)] if step.isdecimal() else getattr(part, step)
    return part


def change(path: str, value: Any) -> Callable[[Message], None]:
    """Sets what a path names."""
    way, _, last = path.rpartition(".")
    return lambda answer: setattr(at(answer, way), last, value)


def without(path: str, index: int) -> Callable[[Message], None]:
    """Takes an item out of the array that a path names."""
    return lambda answer: at(answer, path).pop(index)


def twice(path: str) -> Callable[[Message], None]:
    """Puts an array's first item into it once more."""
    return lambda answer: at(answer, path).append(copy.deepcopy(at(answer, path)[0]))


def turned(path: str) -> Callable[[Message], None]:
    """Turns an array around."""
    return lambda answer: at(answer, path).reverse()


PLANTED: Final[list[tuple[Callable[[], Message], int, Callable[[Message], None]]]] = [
    (metadata, 12, change("topics.0.error_code", 3)),
    (metadata, 13, change("error_code", -1)),
    (metadata, 12, change("topics.1.name", None)),
    (metadata, 12, change("topics.1.topic_id", bytes(16))),
    (metadata, 12, change("topics.1.is_internal", True)),
    (metadata, 12, change("topics.1.partitions.2.leader_id", -1)),
    (metadata, 12, change("topics.1.partitions.2.isr_nodes", [])),
    (metadata, 12, change("topics.1.partitions.2.offline_replicas", [1])),
    (metadata, 12, change("brokers.0.rack", "")),
    (metadata, 12, change("brokers.0.port", 0)),
    (metadata, 12, change("topics", None)),
    (metadata, 12, without("topics", 0)),
    (metadata, 12, without("topics.1.partitions", 1)),
    (metadata, 12, twice("topics")),
    (fetched, 12, change("session_id", 0)),
    (fetched, 12, change("responses.0.partitions.1.high_watermark", 14)),
    (fetched, 12, change("responses.0.partitions.1.records", b"record")),
    (fetched, 12, change("responses.0.partitions.1.records", None)),
    (fetched, 12, change("responses.0.partitions.1.aborted_transactions", None)),
    (fetched, 12, turned("responses.0.partitions")),
    (batched, 12, byte(7, 1)),
    (batched, 12, byte(15, 1)),
    (batched, 12, byte(22, 8)),
    (batched, 12, byte(20, 0)),
    (batched, 12, byte(70, 0)),
    (batched, 12, records(lambda data: data[:-1])),
    (batched, 12, records(lambda data: data[: len(data) // 2])),
    (batched, 12, records(lambda data: batch(0, 3) + batch(3, 3, (78, 0, 0)))),
    (produced, 9, change("responses.0.partition_responses.1.base_offset", 6)),
    (produced, 9, change("responses.0.partition_responses.1.log_append_time_ms", 1_700_000_000_000)),
    (joined, 9, change("leader", "diff-2")),
    (joined, 9, change("members.1.member_id", "diff-3")),
    (produced, 9, change("responses.0.partition_responses.1.error_message", "why")),
    (described, 4, change("results.0.configs.1.config_source", 1)),
    (described, 4, change("results.0.configs.1.synonyms.0.value", "2")),
    (described, 4, without("results.0.configs", 0)),
]
FREE: Final[list[tuple[Callable[[], Message], int, Callable[[Message], None]]]] = [
    (metadata, 12, turned("topics")),
    (metadata, 12, turned("topics.1.partitions")),
    (metadata, 12, change("brokers.0.port", 9093)),
    (metadata, 11, change("error_code", 3)),
    (fetched, 12, change("session_id", 8)),
    (produced, 9, turned("responses.0.partition_responses")),
    (described, 4, turned("results.0.configs")),
    (joined, 9, turned("members")),
]


def found(made: Callable[[], Message], version: int, by: Callable[[Message], None]) -> list[str]:
    changed = made()
    by(changed)
    pair = [tree(answer, version, WORLD) for answer in (made(), changed)]
    return [difference.field_path for difference in differences(*pair)]


@pytest.mark.parametrize("number", range(len(PLANTED)))
def test_a_planted_difference_is_reported(number: int) -> None:
    assert found(*PLANTED[number])


@pytest.mark.parametrize("number", range(len(FREE)))
def test_what_a_broker_is_free_to_choose_is_not(number: int) -> None:
    assert found(*FREE[number]) == []


def test_a_difference_names_its_place_and_its_field() -> None:
    changed = metadata()
    changed.topics[1].partitions[2].leader_id = -1
    (one,) = differences(tree(metadata(), 12, WORLD), tree(changed, 12, WORLD))
    assert one.path == "topics[~wide].partitions[2].leader_id"
    assert (one.field_path, one.kafka, one.headrace) == ("topics.partitions.leader_id", 1, -1)


def test_a_configuration_of_our_own_is_no_difference() -> None:
    more = described()
    more.results[0].configs.append(DescribeConfigsResourceResult("write.caching", "false"))
    assert differences(tree(described(), 4, WORLD), tree(more, 4, WORLD)) == []


def test_what_the_clock_says_is_not_compared() -> None:
    one, other = produced(), produced()
    one.responses[0].partition_responses[0].log_append_time_ms = 1_800_000_000_000
    other.responses[0].partition_responses[0].log_append_time_ms = 1_800_000_000_001
    assert differences(tree(one, 9, WORLD), tree(other, 9, WORLD)) == []
    other.responses[0].partition_responses[0].log_append_time_ms = -1
    assert differences(tree(one, 9, WORLD), tree(other, 9, WORLD))


def test_partition_0_has_a_key_too() -> None:
    changed = produced()
    changed.responses[0].partition_responses[0].error_code = 3
    (one,) = differences(tree(produced(), 9, WORLD), tree(changed, 9, WORLD))
    assert one.field_path == "responses.partition_responses.error_code"
