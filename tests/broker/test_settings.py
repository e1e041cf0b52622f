"""A setting of the engine's that is given at the start is the one that it goes by."""

from __future__ import annotations

import pytest
from confluent_kafka import Producer

from headrace.testing import Broker
from headrace.wire.messages.k03_metadata import MetadataRequest
from tests.broker.raw import Raw

WAIT_S = 20.0
MIB = 1 << 20


def test_the_journal_is_as_large_as_it_was_said() -> None:
    settings = {"headrace.journal.file.bytes": 2 * MIB, "headrace.journal.files.max": 3}
    with Broker(durable=True, settings=settings) as broker:
        producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "linger.ms": 0})
        for _ in range(40):
            producer.produce("filled", bytes(900_000))
            assert producer.flush(WAIT_S) == 0
        files = list((broker.data_dir / "journal/0").iterdir())
        sizes = [file.stat().st_size for file in files if file.stat().st_size]
    assert 0 < len(sizes) <= 3
    assert max(sizes) == 2 * MIB


def test_a_node_may_have_the_number_0_and_keeps_it() -> None:
    with Broker(durable=True, settings={"node.id": 0}) as broker:
        for _ in range(2):
            with Raw(broker.bootstrap_servers) as raw:
                brokers = raw.ask(MetadataRequest(topics=[]), 9).brokers
            assert [found.node_id for found in brokers] == [0]
            broker.restart()


def test_a_frame_beyond_the_limit_that_was_said_ends_its_connection() -> None:
    with Broker(settings={"socket.request.max.bytes": 1000}) as broker, Raw(broker.bootstrap_servers) as raw:
        request = MetadataRequest(topics=[])
        raw.ask(request, 9)
        with pytest.raises((EOFError, ConnectionError)):
            raw.ask(request, 9, behind=bytes(1000))
