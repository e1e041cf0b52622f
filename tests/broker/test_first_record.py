"""One record through the whole house: shard, handoff, Metadata, Produce, journal, Fetch; and what a crash leaves of it."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from headrace.testing import Broker

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT_S = 20.0
HEADRACE_START = [
    sys.executable,
    "-m",
    "headrace.cli",
    "start",
    "--dev",
    "--kafka",
    "127.0.0.1:0",
    "--admin",
    "127.0.0.1:0",
]


@pytest.fixture
def broker() -> Iterator[Broker]:
    with Broker(durable=True) as running:
        yield running


def produce(broker: Broker, topic: str, values: list[bytes], **settings: object) -> list[int]:
    """Produce and give the acknowledged offsets, in the order of the values."""
    offsets: list[int] = []

    def acknowledged(error: object, message: object) -> None:
        assert error is None
        offsets.append(message.offset())

    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "linger.ms": 0, **settings})
    for value in values:
        producer.produce(topic, value, partition=0, on_delivery=acknowledged)
    assert producer.flush(WAIT_S) == 0
    return offsets


def consume(broker: Broker, topic: str, count: int) -> list[tuple[int, bytes]]:
    """Read from the beginning until there are so many."""
    consumer = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "reader"})
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    found: list[tuple[int, bytes]] = []
    while len(found) < count:
        message = consumer.poll(WAIT_S)
        assert message is not None, f"only {len(found)} of {count} records came"
        assert message.error() is None, message.error()
        found.append((message.offset(), message.value()))
    consumer.close()
    return found


def test_a_record_comes_back(broker: Broker) -> None:
    assert produce(broker, "hello", [b"world"]) == [0]
    assert consume(broker, "hello", 1) == [(0, b"world")]


def test_what_is_acknowledged_survives_kill_9(broker: Broker) -> None:
    values = [f"{number}".encode() for number in range(1000)]
    assert produce(broker, "kept", values, **{"enable.idempotence": True}) == list(range(1000))
    broker.restart()
    assert consume(broker, "kept", 1000) == list(enumerate(values))
    assert produce(broker, "kept", [b"after"]) == [1000]


def test_a_clean_stop_and_start_go_on_where_they_were(broker: Broker) -> None:
    produce(broker, "kept", [b"one", b"two"])
    assert broker.stop() == 0
    broker.start()
    assert produce(broker, "kept", [b"three"]) == [2]
    assert consume(broker, "kept", 3) == [(0, b"one"), (1, b"two"), (2, b"three")]


def test_many_crashes_lose_nothing(broker: Broker) -> None:
    expected: list[tuple[int, bytes]] = []
    for round_number in range(5):
        values = [f"{round_number}/{number}".encode() for number in range(100)]
        offsets = produce(broker, "rounds", values)
        expected.extend(zip(offsets, values, strict=True))
        broker.restart()
    assert consume(broker, "rounds", 500) == expected
    assert [offset for offset, _ in expected] == list(range(500))


def test_a_group_goes_on_from_its_committed_offset_after_a_crash(broker: Broker) -> None:
    produce(broker, "grouped", [b"0", b"1", b"2", b"3"])
    settings = {
        "bootstrap.servers": broker.bootstrap_servers,
        "group.id": "workers",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }
    consumer = Consumer(settings)
    consumer.subscribe(["grouped"])
    for expected in (b"0", b"1"):
        message = consumer.poll(WAIT_S)
        assert message is not None
        assert message.value() == expected
        consumer.commit(message, asynchronous=False)
    consumer.close()
    broker.restart()
    consumer = Consumer(settings)
    consumer.subscribe(["grouped"])
    message = consumer.poll(WAIT_S)
    assert message is not None
    assert message.value() == b"2"
    consumer.close()


def test_a_stop_in_the_middle_of_a_start_ends_the_process(broker: Broker) -> None:
    produce(broker, "kept", [b"one"])
    broker.kill()
    starting = subprocess.Popen(
        [*HEADRACE_START, "--data-dir", str(broker.data_dir)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    starting.send_signal(signal.SIGTERM)
    starting.communicate(timeout=WAIT_S)
    # Before the handler stands the signal's default ends it; afterwards the clean stop does. Either way it ends.
    assert starting.returncode in {0, -signal.SIGTERM}


def test_a_transactional_producer_needs_nothing_to_be_made_first(broker: Broker) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "transactional.id": "orders"})
    producer.init_transactions(WAIT_S)
    producer.begin_transaction()
    producer.produce("orders", b"1")
    producer.commit_transaction(WAIT_S)
