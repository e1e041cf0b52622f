"""A disk that is full: records are refused with a sentence, and what makes room works over the protocol."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import pytest

from headrace.client.blocking import create_topic
from headrace.model.errors import Error
from headrace.testing import Broker
from headrace.wire.messages.k19_create_topics import CreatableTopic, CreateTopicsRequest
from headrace.wire.messages.k20_delete_topics import DeleteTopicsRequest
from tests.broker.raw import Raw
from tests.crash.disk import CutDisk, why_not
from tests.hostile.batches import Batch, record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DISK_BYTES: Final = 96 << 20
"""Room for the journal, and for some segments."""
BATCHES: Final = [Batch(record(0, bytes(size))).encode() for size in (200_000, 2_000, 1)]
BATCHES_MAX: Final = 2_000
TOPICS_REFUSED: Final = 200
"""More than there would be room for beside what is kept for deletions."""
TOPICS_MADE_MAX: Final = 20
ANSWER_S_MAX: Final = 10.0
ROOM_S_MAX: Final = 30.0
KEEPS: Final = {"retention.ms": "-1"}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker on a small disk of its own."""
    if why := why_not(tmp_path):
        pytest.skip(why)
    disk = CutDisk(tmp_path, DISK_BYTES)
    settings = {"headrace.journal.file.bytes": 2 << 20}
    try:
        with Broker(
            durable=True, data_dir=disk.data_dir, settings=settings, arguments=["--cores", "1"]
        ) as running:
            yield running
    finally:
        disk.close()


def fill(raw: Raw, topic: str) -> None:
    """Write until nothing finds room, not even the smallest batch."""
    for batch in BATCHES:
        for _ in range(BATCHES_MAX):
            began = time.monotonic()
            answer = raw.produce(topic, batch)
            assert time.monotonic() - began < ANSWER_S_MAX
            if answer.error_code:
                assert answer.error_code == Error.NOT_ENOUGH_REPLICAS
                assert "the disk is full" in answer.error_message
                break
        else:
            raise AssertionError(f"the disk takes {BATCHES_MAX} batches of {len(batch)} bytes")


def created(raw: Raw, topic: str) -> Error:
    """Make a topic, or not."""
    request = CreateTopicsRequest(timeout_ms=10_000, topics=[CreatableTopic(topic, 1, 1)])
    return Error(raw.ask(request, 5).topics[0].error_code)


def until_there_is_room(raw: Raw, topic: str) -> None:
    """Write until it is taken."""
    deadline = time.monotonic() + ROOM_S_MAX
    while raw.produce(topic, BATCHES[0]).error_code:
        assert time.monotonic() < deadline, f"no room after {ROOM_S_MAX:.0f} s"


def test_records_can_be_deleted_and_that_makes_room(broker: Broker) -> None:
    create_topic(broker.bootstrap_servers, "records", 1, KEEPS)
    with Raw(broker.bootstrap_servers) as raw:
        fill(raw, "records")
        assert "files cannot be written: No space left on device" in broker.log_path.read_text()
        assert raw.delete_records("records", -1).error_code == Error.NONE
        until_there_is_room(raw, "records")


def test_topics_can_be_deleted_and_made_and_that_makes_room(broker: Broker) -> None:
    create_topic(broker.bootstrap_servers, "old", 1, KEEPS)
    with Raw(broker.bootstrap_servers) as raw:
        fill(raw, "old")
        made = refused = 0
        while refused < TOPICS_REFUSED:
            if created(raw, f"refused-{made}") == Error.KAFKA_STORAGE_ERROR:
                refused += 1
                continue
            # The little that a journal file held has found space on the disk, and made the file free.
            made += 1
            assert made < TOPICS_MADE_MAX
            fill(raw, "old")
        delete = DeleteTopicsRequest(timeout_ms=10_000, topic_names=["old"])
        assert raw.ask(delete, 5).responses[0].error_code == Error.NONE
        deadline = time.monotonic() + ROOM_S_MAX
        while created(raw, "new"):
            assert time.monotonic() < deadline, f"no room after {ROOM_S_MAX:.0f} s"
        until_there_is_room(raw, "new")
