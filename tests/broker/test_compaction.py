"""A compacted topic through librdkafka: the newest value of each key at its offset, also after the broker was killed."""

from __future__ import annotations

import re
import threading
import time
import urllib.request
from typing import TYPE_CHECKING

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from headrace.testing import Broker

if TYPE_CHECKING:
    from collections.abc import Callable

WAIT_S = 30.0
KEYS = 20
ROUNDS = 40
TOPIC = "latest"
NOW_MS = int(time.time() * 1000)
SETTINGS = {"log.cleaner.backoff.ms": 50}
CONFIG = {
    "cleanup.policy": "compact",
    "min.cleanable.dirty.ratio": "0.01",
    "segment.ms": "1",
    "delete.retention.ms": "86400000",
}


def make(broker: Broker, config: dict[str, str]) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    admin.create_topics([NewTopic(TOPIC, 1, 1, config=config)])[TOPIC].result(WAIT_S)


def alter(broker: Broker, name: str, value: str) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, TOPIC, incremental_configs=[entry])
    admin.incremental_alter_configs([resource])[resource].result(WAIT_S)


def write(
    broker: Broker, rounds: range, value: Callable[[int, int], bytes | None], newest: dict[bytes, int]
) -> None:
    """Each round is a batch of all keys, and a segment of its own; notes where each key's newest record is."""
    settings = {
        "bootstrap.servers": broker.bootstrap_servers,
        "enable.idempotence": True,
        "linger.ms": 100,
        "compression.type": "lz4",
    }
    producer = Producer(settings)

    def note(error: object, message: object) -> None:
        assert error is None
        newest[message.key()] = message.offset()  # type: ignore[attr-defined]

    for n in rounds:
        for key in range(KEYS):
            name = f"key-{key}".encode()
            at = NOW_MS - 100_000 + n * 10
            producer.produce(
                TOPIC, value(n, key), name, timestamp=at, headers={"round": str(n)}, on_delivery=note
            )
        assert producer.flush(WAIT_S) == 0


def read(broker: Broker) -> list[tuple[int, bytes, bytes | None, str]]:
    """Everything there is, in order: offset, key, value, header."""
    settings = {
        "bootstrap.servers": broker.bootstrap_servers,
        "group.id": "reader",
        "enable.partition.eof": True,
    }
    consumer = Consumer(settings)
    consumer.assign([TopicPartition(TOPIC, 0, OFFSET_BEGINNING)])
    records = []
    while (message := consumer.poll(WAIT_S)) is not None:
        if message.error():
            break
        headers = dict(message.headers())
        records.append((message.offset(), message.key(), message.value(), headers["round"].decode()))
    consumer.close()
    return records


def until(
    broker: Broker, holds: Callable[[list[tuple[int, bytes, bytes | None, str]]], bool]
) -> list[tuple[int, bytes, bytes | None, str]]:
    """Read again until it is so."""
    nothing, deadline = threading.Event(), time.monotonic() + WAIT_S
    while not holds(records := read(broker)):
        assert time.monotonic() < deadline, f"{len(records)} records are left"
        nothing.wait(0.1)
    return records


def metric(broker: Broker, name: str) -> float:
    with urllib.request.urlopen(f"{broker.admin_url}/metrics", timeout=WAIT_S) as answer:
        found = re.search(rf"^{name} (\S+)$", answer.read().decode(), re.MULTILINE)
    assert found is not None
    return float(found[1])


def check(records: list[tuple[int, bytes, bytes | None, str]], newest: dict[bytes, int]) -> None:
    offsets = [offset for offset, *_ in records]
    assert offsets == sorted(set(offsets))
    assert set(newest.values()) <= set(offsets), "the newest of each key is there, where it was"
    for offset, key, value, header in records:
        if newest[key] == offset:
            assert header == str(ROUNDS - 1)
            assert value is None or value == f"{key.decode()} in {header}".encode()


def test_the_newest_value_of_each_key_is_left_and_survives_a_kill() -> None:
    newest: dict[bytes, int] = {}

    def value(n: int, key: int) -> bytes | None:
        return None if n == ROUNDS - 1 and key == 0 else f"key-{key} in {n}".encode()

    with Broker(durable=True, settings=SETTINGS) as broker:
        make(broker, CONFIG)
        write(broker, range(ROUNDS // 2), value, newest)
        broker.kill()
        broker.start()
        write(broker, range(ROUNDS // 2, ROUNDS), value, newest)
        # The active segment and the one that was written last hold a round each.
        few = 4 * KEYS
        check(until(broker, lambda records: len(records) <= few), newest)
        assert metric(broker, "headrace_compactions_total") > 0
        before, after = (
            metric(broker, f"headrace_compaction_{name}_bytes_total") for name in ("before", "after")
        )
        assert after < before
        for restart in (broker.kill, broker.stop):
            restart()
            broker.start()
            records = read(broker)
            assert len(records) <= few, "what was compacted stays so"
            check(records, newest)


def test_settings_of_compaction_take_effect_while_the_broker_runs() -> None:
    newest: dict[bytes, int] = {}

    def value(n: int, key: int) -> bytes | None:
        return None if key == 0 else f"key-{key} in {n}".encode()

    with Broker(settings=SETTINGS) as broker:
        make(broker, {**CONFIG, "cleanup.policy": "delete", "retention.ms": "-1"})
        write(broker, range(ROUNDS), value, newest)
        every = KEYS * ROUNDS
        assert len(read(broker)) == every
        alter(broker, "min.compaction.lag.ms", "86400000")
        alter(broker, "cleanup.policy", "compact")
        assert len(read(broker)) == every
        assert metric(broker, "headrace_compactions_total") == 0
        alter(broker, "min.cleanable.dirty.ratio", "1.0")
        alter(broker, "min.compaction.lag.ms", "0")
        alter(broker, "delete.retention.ms", "0")
        assert len(read(broker)) == every, "never dirtier than dirty"
        alter(broker, "max.compaction.lag.ms", "1000")
        until(broker, lambda records: len(records) < every // 2)
        # What was noted as gone soon goes when there is something new to look at.
        alter(broker, "min.cleanable.dirty.ratio", "0.01")
        write(broker, range(ROUNDS, ROUNDS + 3), lambda n, key: f"{key}-{n}".encode(), newest)
        until(broker, lambda records: all(value is not None for _, _, value, _ in records))
