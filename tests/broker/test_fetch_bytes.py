"""What a client says it can take bounds the answer, wherever the records lie: in memory, in files, on other shards."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer

from headrace.client.blocking import create_topic
from headrace.testing import Broker
from headrace.wire.messages.k01_fetch import FetchPartition, FetchRequest, FetchTopic
from tests.broker.raw import Raw

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT_S = 20.0
PARTITIONS = 12
RECORD_BYTES = 300_000
FETCH_VERSION = 12


@pytest.fixture(params=["1", "3"])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """A broker that was started again and has little in memory. The reads of other shards and of files are the ones that wait."""
    settings = {"headrace.tail.bytes.max": 1 << 20, "headrace.journal.file.bytes": 2 << 20}
    with Broker(arguments=["--cores", request.param], settings=settings) as broker:
        create_topic(broker.bootstrap_servers, "wide", partitions=PARTITIONS)
        producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
        for number in range(PARTITIONS):
            producer.produce("wide", bytes(RECORD_BYTES), partition=number)
        assert producer.flush(WAIT_S) == 0
        broker.stop()
        yield broker.start()


def fetched(broker: Broker, bytes_max: int, partition_bytes_max: int) -> list[int]:
    """Bytes of records that one Fetch of all partitions brings, by partition."""
    wanted = [
        FetchPartition(partition=number, fetch_offset=0, partition_max_bytes=partition_bytes_max)
        for number in range(PARTITIONS)
    ]
    request = FetchRequest(
        max_wait_ms=5000,
        min_bytes=1,
        max_bytes=bytes_max,
        session_epoch=-1,
        topics=[FetchTopic(topic="wide", partitions=wanted)],
    )
    with Raw(broker.bootstrap_servers) as raw:
        (topic,) = raw.ask(request, FETCH_VERSION).responses
    found = {row.partition_index: row for row in topic.partitions}
    assert len(found) == PARTITIONS
    assert {row.error_code for row in found.values()} == {0}
    return [len(found[number].records or b"") for number in range(PARTITIONS)]


@pytest.mark.parametrize("partition_bytes_max", [400_000, 4_000_000])
def test_an_answer_is_as_large_as_asked_for(broker: Broker, partition_bytes_max: int) -> None:
    first = fetched(broker, 1_000_000, partition_bytes_max)
    assert [size > 0 for size in first].count(True) == 3
    assert sum(first) <= 1_000_000
    assert all(size > 0 for size in fetched(broker, 50_000_000, partition_bytes_max))


def test_one_batch_comes_even_if_it_is_larger_than_asked_for(broker: Broker) -> None:
    found = fetched(broker, 1_000, 1_000)
    assert [size > RECORD_BYTES for size in found].count(True) == 1
    assert found.count(0) == PARTITIONS - 1


def test_a_fetch_that_waits_for_more_than_files_hold_is_woken(broker: Broker) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "linger.ms": 0})
    create_topic(broker.bootstrap_servers, "newer", partitions=PARTITIONS)
    for number in [*range(PARTITIONS)] * 3:  # what lies in the wide topic leaves the memory of every shard
        producer.produce("newer", bytes(RECORD_BYTES), partition=number)
    assert producer.flush(WAIT_S) == 0
    for number in range(PARTITIONS):
        wanted = FetchPartition(partition=number, fetch_offset=0, partition_max_bytes=4_000_000)
        request, enough = (
            FetchRequest(
                max_wait_ms=int(WAIT_S * 1000),
                min_bytes=bytes_min,
                max_bytes=4_000_000,
                session_epoch=-1,
                topics=[FetchTopic(topic="wide", partitions=[wanted])],
            )
            for bytes_min in (RECORD_BYTES + 1_000, 1)
        )
        with Raw(broker.bootstrap_servers) as raw, Raw(broker.bootstrap_servers) as other:
            began = time.monotonic()
            raw.send(request, FETCH_VERSION)
            for _ in range(3):  # when others have read the same file, this one has, and waits
                other.ask(enough, FETCH_VERSION)
            producer.produce("wide", bytes(2_000), partition=number)
            assert producer.flush(WAIT_S) == 0
            (topic,) = raw.receive(request, FETCH_VERSION).responses
            assert len(topic.partitions[0].records) > RECORD_BYTES
            assert time.monotonic() < began + WAIT_S / 2, "it was not woken"


def test_readers_that_do_not_read_hold_only_so_much_together() -> None:
    """Each of them asks for the largest answer there is; what is held is bounded, and who comes then has less at once."""
    records, largest, readers = 60, 50 << 20, 12
    with Broker(arguments=["--cores", "1"]) as broker, contextlib.ExitStack() as stack:
        create_topic(broker.bootstrap_servers, "long")
        producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
        for _ in range(records):
            producer.produce("long", bytes(900_000))
            assert producer.flush(WAIT_S) == 0
        wanted = FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=largest)
        request = FetchRequest(
            max_wait_ms=5000,
            min_bytes=1,
            max_bytes=largest,
            session_epoch=-1,
            topics=[FetchTopic(topic="long", partitions=[wanted])],
        )
        for _ in range(readers):
            held = stack.enter_context(Raw(broker.bootstrap_servers))
            for _ in range(8):
                held.send(request, FETCH_VERSION)
            held.receive_length()
        with Raw(broker.bootstrap_servers) as raw:
            (topic,) = raw.ask(request, FETCH_VERSION).responses
            assert 0 < len(topic.partitions[0].records) <= 1 << 20
            stack.close()
