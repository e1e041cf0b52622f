"""A topic that is deleted is gone from the disk, also when the broker dies between the record of it and the deed."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from headrace.testing import Broker

if TYPE_CHECKING:
    from pathlib import Path

WAIT_S = 20.0
BATCHES_MAX = 200
DIES_BETWEEN = """
import os, signal, sys
from headrace.engine.native import NativeEngine
tell = NativeEngine.topics
def topics(self, changed, removed):
    if removed:
        os.kill(os.getpid(), signal.SIGKILL)
    return tell(self, changed, removed)
NativeEngine.topics = topics
from headrace.cli.__main__ import main
sys.exit(main())
"""
"""A broker that has recorded the end of a topic and dies before its engine hears of it."""


def fill(broker: Broker, topic: str) -> Path:
    """Make a topic and write to it until records leave the journal for its directory; gives that."""
    settings = {"bootstrap.servers": broker.bootstrap_servers}
    producer = Producer(settings)
    producer.produce(topic, b"first", partition=0)
    assert producer.flush(WAIT_S) == 0
    admin = AdminClient(settings)
    described = admin.describe_topics(TopicCollection([topic]))[topic].result(WAIT_S)
    name = str(described.topic_id).translate(str.maketrans("+/", "-_"))
    for _ in range(BATCHES_MAX):
        if found := list((broker.data_dir / "topics" / name).glob("0-*")):
            return found[0]
        producer.produce(topic, bytes(900_000), partition=0)
        assert producer.flush(WAIT_S) == 0
    raise AssertionError("nothing left the journal")


def delete(bootstrap: str, topic: str) -> None:
    """Ask for it, whatever comes of it."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    asked = admin.delete_topics([topic], request_timeout=2)[topic]
    with pytest.raises(KafkaException):
        asked.result(WAIT_S)


def gone(path: Path) -> bool:
    """Whether it goes in time."""
    nothing, deadline = threading.Event(), time.monotonic() + WAIT_S
    while path.exists() and time.monotonic() < deadline:
        nothing.wait(0.01)
    return not path.exists()


def test_a_topic_whose_deletion_was_recorded_leaves_the_disk_after_a_crash() -> None:
    with Broker(durable=True, settings={"log.segment.bytes": 1 << 20}) as broker:
        kept, doomed = fill(broker, "kept"), fill(broker, "doomed")
        kept_end = _end(broker, "kept")
        broker.stop()
        words = ["start", "--dev", "--data-dir", str(broker.data_dir)]
        words += ["--kafka", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
        with subprocess.Popen(
            [sys.executable, "-c", DIES_BETWEEN, *words], stdout=subprocess.PIPE, text=True
        ) as dying:
            assert dying.stdout is not None
            ready = dict(word.split("=", 1) for word in dying.stdout.readline().split()[2:])
            delete(ready["kafka"], "doomed")
            assert dying.wait(WAIT_S) == -signal.SIGKILL
        assert doomed.exists()
        broker.start()
        assert gone(doomed)
        assert kept.exists()
        producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
        assert "doomed" not in producer.list_topics(timeout=WAIT_S).topics
        broker.restart()
        assert kept.exists()
        assert not doomed.exists()
        assert _end(broker, "kept") == kept_end


def _end(broker: Broker, topic: str) -> int:
    consumer = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "reader"})
    _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), WAIT_S)
    consumer.close()
    return end
