"""Transactions through librdkafka, which speaks the first protocol; the same against Kafka with --headrace-bootstrap."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from headrace.testing.plugin import topic_name

if TYPE_CHECKING:
    from headrace.testing import Broker

WAIT_S_MAX: Final = 30.0


def producer(broker: Broker, transactional_id: str, **settings: Any) -> Producer:
    found = Producer(
        {
            "bootstrap.servers": broker.bootstrap_servers,
            "transactional.id": transactional_id,
            "transaction.timeout.ms": 10_000,
            **settings,
        }
    )
    found.init_transactions(WAIT_S_MAX)
    return found


def consumer(broker: Broker, group: str, isolation: str = "read_committed") -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": broker.bootstrap_servers,
            "group.id": group,
            "isolation.level": isolation,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )


def read(broker: Broker, topic: str, count: int, isolation: str = "read_committed") -> list[bytes]:
    """The values of a topic's partition 0, at least `count` of them, and whatever comes within a moment more."""
    reader = consumer(broker, topic_name("reader"), isolation)
    reader.assign([TopicPartition(topic, 0, 0)])
    found: list[bytes] = []
    deadline = time.monotonic() + WAIT_S_MAX
    while len(found) < count and time.monotonic() < deadline:
        found += [message.value() for message in reader.consume(100, 0.2) if not message.error()]
    found += [message.value() for message in reader.consume(100, 0.5) if not message.error()]
    reader.close()
    return found


def test_what_is_committed_is_seen_whole_and_what_is_aborted_never(
    headrace_broker: Broker, headrace_topic: str
) -> None:
    writer = producer(headrace_broker, topic_name("writer"))
    expected = []
    for number in range(6):
        writer.begin_transaction()
        values = [b"%d/%d" % (number, part) for part in range(5)]
        for value in values:
            writer.produce(headrace_topic, value)
        writer.flush()
        if number % 2:
            writer.abort_transaction(WAIT_S_MAX)
        else:
            writer.commit_transaction(WAIT_S_MAX)
            expected += values
    assert read(headrace_broker, headrace_topic, len(expected)) == expected
    assert len(read(headrace_broker, headrace_topic, 30, "read_uncommitted")) == 30


def test_a_second_producer_fences_the_first(headrace_broker: Broker, headrace_topic: str) -> None:
    name = topic_name("writer")
    old = producer(headrace_broker, name)
    old.begin_transaction()
    old.produce(headrace_topic, b"old")
    old.flush()
    new = producer(headrace_broker, name)
    with pytest.raises(KafkaException) as fenced:
        old.commit_transaction(WAIT_S_MAX)
    assert fenced.value.args[0].fatal()
    new.begin_transaction()
    new.produce(headrace_topic, b"new")
    new.commit_transaction(WAIT_S_MAX)
    assert read(headrace_broker, headrace_topic, 1) == [b"new"]


def test_consume_transform_produce(headrace_broker: Broker, headrace_topic: str) -> None:
    """Offsets and records are committed together, or neither."""
    source = headrace_topic
    target = topic_name("target")
    feed = Producer({"bootstrap.servers": headrace_broker.bootstrap_servers})
    for number in range(10):
        feed.produce(source, b"%d" % number)
    feed.flush()
    group = topic_name("group")
    writer = producer(headrace_broker, topic_name("writer"))
    reader = consumer(headrace_broker, group)
    reader.subscribe([source])
    done = 0
    rounds = 0
    deadline = time.monotonic() + WAIT_S_MAX
    while done < 10 and time.monotonic() < deadline:
        messages = [message for message in reader.consume(3, 1.0) if not message.error()]
        if not messages:
            continue
        rounds += 1
        writer.begin_transaction()
        for message in messages:
            writer.produce(target, b"x" + message.value())
        writer.send_offsets_to_transaction(
            reader.position(reader.assignment()), reader.consumer_group_metadata(), WAIT_S_MAX
        )
        if rounds == 2:
            writer.abort_transaction(WAIT_S_MAX)
            for place in reader.committed(reader.assignment(), WAIT_S_MAX):
                reader.seek(TopicPartition(place.topic, place.partition, place.offset))
        else:
            writer.commit_transaction(WAIT_S_MAX)
            done += len(messages)
    [committed] = reader.committed(reader.assignment(), WAIT_S_MAX)
    assert committed.offset == 10
    reader.close()
    assert read(headrace_broker, target, 10) == [b"x%d" % number for number in range(10)]
