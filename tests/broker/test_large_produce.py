"""A Produce that is large beside a journal file is taken whatever is left of the file in use."""

from __future__ import annotations

from headrace.client.blocking import create_topic
from headrace.model.errors import Error
from headrace.testing import Broker
from tests.broker.raw import Raw
from tests.hostile.batches import Batch, record

LARGE = Batch(record(0, b"x" * 600_000)).encode()
SMALL = Batch(record(0, b"s")).encode()


def test_a_large_produce_never_waits_for_room_that_nobody_makes() -> None:
    settings = {"headrace.journal.file.bytes": 1 << 20}
    with Broker(durable=True, settings=settings, arguments=["--cores", "1"]) as broker:
        create_topic(broker.bootstrap_servers, "large", 1, {"retention.ms": "-1"})
        with Raw(broker.bootstrap_servers) as raw:
            # Each small one takes a block of a file: before one of the large ones exactly half of a file is left.
            for small in range(60, 150):
                for records in [LARGE, *[SMALL] * small, LARGE]:
                    assert raw.produce("large", records).error_code == Error.NONE
