"""Fetch and Produce where Kafka's protocol does not say what happens: the same tests pass against Kafka 4.2.

pytest tests/broker/test_fetch_as_kafka.py --headrace-bootstrap=HOST:PORT
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import pytest

from headrace.client.blocking import create_topic
from headrace.model.errors import Error
from headrace.testing import Broker
from headrace.testing.plugin import topic_name
from headrace.wire.messages.k00_produce import PartitionProduceData, ProduceRequest, TopicProduceData
from headrace.wire.messages.k01_fetch import FetchPartition, FetchRequest, FetchTopic
from tests.broker.raw import PRODUCE_VERSION, Raw
from tests.hostile.batches import Batch, record

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMED: Final = 12
"""The last version of Fetch that names topics."""
OLD: Final = 6
"""A version of Fetch without sessions."""
NO_SESSION: Final = -1
NEW_SESSION: Final = 0


@pytest.fixture(scope="module")
def bootstrap(pytestconfig: pytest.Config) -> Iterator[str]:
    """Kafka if it is named, else a broker that is as durable as one in production."""
    if named := pytestconfig.getoption("--headrace-bootstrap"):
        yield named
        return
    with Broker(durable=True) as broker:
        yield broker.bootstrap_servers


@pytest.fixture
def raw(bootstrap: str) -> Iterator[Raw]:
    with Raw(bootstrap) as connection:
        yield connection


@pytest.fixture
def topic(request: pytest.FixtureRequest, bootstrap: str, raw: Raw) -> str:
    """A topic of this test's own with two partitions and three records in the first."""
    name = topic_name(request.node.name)
    create_topic(bootstrap, name, 2)
    raw.produce(name, batch(3))
    return name


def batch(records: int) -> bytes:
    section = b"".join(record(number, b"value") for number in range(records))
    now_ms = time.time_ns() // 1_000_000
    return Batch(section, records=records, last_offset_delta=records - 1, timestamp=now_ms).encode()


def fetch(raw: Raw, version: int, partitions: dict[str, list[FetchPartition]], **other: int) -> Any:
    topics = [FetchTopic(topic=name, partitions=asked) for name, asked in partitions.items()]
    said: dict[str, Any] = {
        "max_wait_ms": 0,
        "min_bytes": 0,
        "session_epoch": NO_SESSION,
        "max_bytes": 1 << 20,
    }
    return raw.ask(FetchRequest(topics=topics, **(said | other)), version)


def part(number: int = 0, offset: int = 0, bytes_max: int = 1 << 20) -> FetchPartition:
    return FetchPartition(
        partition=number, fetch_offset=offset, partition_max_bytes=bytes_max, current_leader_epoch=-1
    )


def parts_of(answer: Any) -> list[tuple[int, int]]:
    return [(p.partition_index, p.error_code) for topic in answer.responses for p in topic.partitions]


def test_the_last_word_about_a_partition_counts_at_the_place_of_the_first(raw: Raw, topic: str) -> None:
    answer = fetch(raw, NAMED, {topic: [part(0, 999), part(1), part(0, 3)]})
    assert parts_of(answer) == [(0, Error.NONE), (1, Error.NONE)]


def test_partitions_that_are_not_there_come_after_those_that_are(raw: Raw, topic: str) -> None:
    answer = fetch(raw, NAMED, {topic: [part(7), part(0)]})
    assert parts_of(answer) == [(0, Error.NONE), (7, Error.UNKNOWN_TOPIC_OR_PARTITION)]
    assert answer.responses[0].partitions[1].aborted_transactions == []


@pytest.mark.parametrize("version", [OLD, NAMED])
def test_a_strange_isolation_level_is_an_error_for_every_partition(
    raw: Raw, topic: str, version: int
) -> None:
    answer = fetch(raw, version, {topic: [part(0), part(1)]}, isolation_level=2)
    assert parts_of(answer) == [(0, Error.UNKNOWN_SERVER_ERROR), (1, Error.UNKNOWN_SERVER_ERROR)]
    assert answer.error_code == (Error.UNKNOWN_SERVER_ERROR if version == NAMED else Error.NONE)
    # Where there is nothing to read nobody looks at the level.
    answer = fetch(raw, version, {topic: [part(7)]}, isolation_level=2)
    assert parts_of(answer) == [(7, Error.UNKNOWN_TOPIC_OR_PARTITION)]


def test_a_request_that_fails_opens_no_session(raw: Raw, topic: str) -> None:
    answer = fetch(raw, NAMED, {topic: [part(0)]}, session_epoch=NEW_SESSION, isolation_level=2)
    assert (answer.error_code, answer.session_id) == (Error.UNKNOWN_SERVER_ERROR, 0)
    answer = fetch(raw, NAMED, {topic: [part(0)]}, session_epoch=NEW_SESSION)
    assert answer.session_id > 0


def test_a_session_may_begin_without_partitions_and_ends_when_it_has_none(raw: Raw) -> None:
    opened = fetch(raw, NAMED, {}, session_epoch=NEW_SESSION)
    assert opened.session_id > 0
    for error in (Error.NONE, Error.FETCH_SESSION_ID_NOT_FOUND):
        again = fetch(raw, NAMED, {}, session_id=opened.session_id, session_epoch=1)
        assert (again.error_code, again.session_id) == (error, 0)


def test_ids_and_epochs_of_sessions_that_no_broker_gives(raw: Raw) -> None:
    nobodys = fetch(raw, NAMED, {}, session_id=0, session_epoch=-2)
    assert nobodys.error_code == Error.FETCH_SESSION_ID_NOT_FOUND
    for strange in (2**31 - 1, -(2**31)):
        answer = fetch(raw, NAMED, {}, session_id=strange)
        assert (answer.error_code, answer.session_id) == (Error.UNKNOWN_SERVER_ERROR, strange)


def test_whoever_says_that_it_is_a_replica_is_told_to_ask_the_leader(raw: Raw, topic: str) -> None:
    answer = fetch(raw, NAMED, {topic: [part(0)]}, replica_id=7)
    assert parts_of(answer) == [(0, Error.NOT_LEADER_OR_FOLLOWER)]


def test_less_than_nothing_is_an_error_where_there_is_something(raw: Raw, topic: str) -> None:
    answer = fetch(raw, NAMED, {topic: [part(0, 0, -1), part(0, 3, -1)]})
    assert parts_of(answer) == [(0, Error.NONE)]
    for asked, bytes_max in ((part(0, 0, -1), 1 << 20), (part(0), -1)):
        answer = fetch(raw, NAMED, {topic: [asked]}, max_bytes=bytes_max)
        assert parts_of(answer) == [(0, Error.UNKNOWN_SERVER_ERROR)]


def produce(raw: Raw, topics: list[tuple[str, list[tuple[int, bytes]]]], acks: int = -1) -> Any:
    data = [
        TopicProduceData(name=name, partition_data=[PartitionProduceData(n, b) for n, b in parts])
        for name, parts in topics
    ]
    return raw.ask(ProduceRequest(acks=acks, timeout_ms=5_000, topic_data=data), PRODUCE_VERSION)


def told(answer: Any) -> list[tuple[int, int, int]]:
    return sorted(
        (part.index, part.error_code, part.base_offset)
        for topic in answer.responses
        for part in topic.partition_responses
    )


def test_of_two_batches_for_one_partition_the_last_is_appended(raw: Raw, topic: str) -> None:
    answer = produce(raw, [(topic, [(0, batch(5)), (1, batch(1)), (0, batch(2))])])
    assert told(answer) == [(0, 0, 3), (1, 0, 0)]
    assert raw.offset(topic, -1).offset == 5
    answer = produce(raw, [(topic, [(0, batch(5))]), (topic, [(0, batch(1))])])
    assert len(answer.responses) == 1
    assert told(answer) == [(0, 0, 5)]
    assert raw.offset(topic, -1).offset == 6


def test_topics_without_partitions_are_not_answered(raw: Raw, topic: str) -> None:
    answer = produce(raw, [("nothing", []), (topic, [(0, batch(1))])])
    assert [found.name for found in answer.responses] == [topic]


def test_a_partition_is_looked_for_before_the_acks_are_judged(raw: Raw, topic: str) -> None:
    answer = produce(raw, [(topic, [(0, batch(1)), (7, batch(1))])], acks=5)
    assert told(answer) == [
        (0, Error.INVALID_REQUIRED_ACKS, -1),
        (7, Error.UNKNOWN_TOPIC_OR_PARTITION, -1),
    ]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({16: 0}, Error.INVALID_RECORD),
        ({16: 1}, Error.INVALID_RECORD),
        ({16: 3}, Error.CORRUPT_MESSAGE),
        ({11: 255}, Error.INVALID_RECORD),
        ({8: 255}, Error.CORRUPT_MESSAGE),
    ],
    ids=["format 0", "format 1", "format 3", "longer than it is", "shorter than nothing"],
)
def test_what_is_no_batch_of_format_2_has_kafkas_error(
    raw: Raw, topic: str, change: dict[int, int], error: Error
) -> None:
    bytes_ = bytearray(batch(1))
    for at, value in change.items():
        bytes_[at] = value
    assert told(produce(raw, [(topic, [(0, bytes(bytes_))])])) == [(0, error, -1)]
