"""What Kafka 4.2 does where its protocol does not say it: the same tests pass against both.

pytest tests/broker/test_as_kafka.py --headrace-bootstrap=HOST:PORT
"""

from __future__ import annotations

import gzip
import struct
import time
from typing import TYPE_CHECKING, Final

import pytest

from headrace.client.blocking import create_topic
from headrace.model.errors import Error
from headrace.testing import Broker
from headrace.testing.plugin import topic_name
from headrace.wire.messages.k00_produce import ProduceRequest
from headrace.wire.messages.k01_fetch import FetchRequest
from headrace.wire.messages.k02_list_offsets import ListOffsetsRequest
from headrace.wire.messages.k03_metadata import MetadataRequest
from headrace.wire.messages.k18_api_versions import ApiVersionsRequest
from headrace.wire.messages.k60_describe_cluster import DescribeClusterRequest
from tests.broker.raw import Raw
from tests.hostile.batches import Batch, crc32c, record, zigzag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.wire.schema import Message

HOUR_MS: Final = 3_600_000
GOOD: Final = b"".join(record(number, b"value") for number in range(3))


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
def topic(request: pytest.FixtureRequest, bootstrap: str) -> str:
    """A topic of this test's own, with segments as small as Kafka allows."""
    name = topic_name(request.node.name)
    create_topic(bootstrap, name, 1, {"segment.bytes": str(1 << 20)})
    return name


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def batch_at(timestamps: list[int], *, compressed: bool = False, claimed: int | None = None) -> bytes:
    """A batch of records with these timestamps; its header claims `claimed` as their largest."""
    section = b""
    for number, timestamp in enumerate(timestamps):
        body = (
            b"\x00" + zigzag(timestamp - timestamps[0]) + zigzag(number) + zigzag(-1) + zigzag(-1) + zigzag(0)
        )
        section += zigzag(len(body)) + body
    if compressed:
        section = gzip.compress(section)
    largest = max(timestamps) if claimed is None else claimed
    count = len(timestamps)
    rest = struct.pack(">hiqqqhii", int(compressed), count - 1, timestamps[0], largest, -1, -1, -1, count)
    rest += section
    return struct.pack(">qiibI", 0, 9 + len(rest), -1, 2, crc32c(rest)) + rest


REQUESTS: Final[list[tuple[Message, int]]] = [
    (ProduceRequest(acks=-1), 7),
    (ProduceRequest(acks=-1), 9),
    (FetchRequest(), 11),
    (FetchRequest(), 12),
    (ListOffsetsRequest(replica_id=-1), 5),
    (ListOffsetsRequest(replica_id=-1), 9),
    (MetadataRequest(topics=[]), 8),
    (MetadataRequest(topics=[]), 13),
    (ApiVersionsRequest(), 0),
    (ApiVersionsRequest(client_software_name="raw", client_software_version="1"), 3),
    (DescribeClusterRequest(), 0),
]


@pytest.mark.parametrize(("request_", "version"), REQUESTS)
def test_bytes_behind_a_request_are_not_looked_at(raw: Raw, request_: Message, version: int) -> None:
    for behind in (b"\x00", b"\x00\x00\x00", b"rubbish" * 20):
        raw.ask(request_, version, behind)


BROKEN: Final = {
    "nothing": (b"", 1),
    "one byte short": (GOOD[:-1], 3),
    "fewer than counted": (record(0, b"v"), 3),
    "more than counted": (GOOD, 1),
    "bytes behind": (GOOD + b"xyz", 3),
    "a header that is not there": (record(0, b"v", headers=5), 1),
    "a negative number of headers": (record(0, b"v", headers=-1), 1),
}


@pytest.mark.parametrize("name", BROKEN)
def test_records_that_cannot_be_read_are_refused_although_header_and_checksum_are_right(
    raw: Raw, topic: str, name: str
) -> None:
    section, count = BROKEN[name]
    batch = Batch(section, records=count, last_offset_delta=count - 1, timestamp=now_ms())
    assert raw.produce(topic, batch.encode()).error_code == Error.INVALID_RECORD
    assert raw.offset(topic, -1).offset == 0
    good = Batch(GOOD, records=3, last_offset_delta=2, timestamp=now_ms()).encode()
    assert raw.produce(topic, good).base_offset == 0


def test_a_record_from_the_future_is_refused_although_the_header_knows_of_none(raw: Raw, topic: str) -> None:
    now = now_ms()
    answer = raw.produce(topic, batch_at([now, now + 2 * HOUR_MS], claimed=now))
    assert answer.error_code == Error.INVALID_TIMESTAMP
    assert [error.batch_index for error in answer.record_errors] == [1]


def test_a_header_that_claims_a_later_time_than_its_records_misleads_nobody(raw: Raw, topic: str) -> None:
    now = now_ms()
    assert raw.produce(topic, batch_at([now, now], claimed=now + 1_000)).error_code == 0
    assert raw.produce(topic, batch_at([now + 500])).error_code == 0
    found = raw.offset(topic, now + 400)
    assert (found.offset, found.timestamp) == (2, now + 500)
    found = raw.offset(topic, -3)
    assert (found.offset, found.timestamp) == (2, now + 500)


def test_offsets_by_time_are_those_of_the_first_record_that_is_late_enough(raw: Raw, topic: str) -> None:
    begin = now_ms() - 10_000_000
    written: list[int] = []

    def write(timestamps: list[int], *, compressed: bool = False) -> None:
        answer = raw.produce(topic, batch_at(timestamps, compressed=compressed))
        assert (answer.error_code, answer.base_offset) == (0, len(written))
        written.extend(timestamps)

    write([begin, begin + 5, begin + 3])
    write([begin + 100, begin + 50, begin + 75], compressed=True)
    for step in range(1, 60):
        mixed = [begin + 1000 * step + (number * 7919) % 1800 - 900 for number in range(20)]
        write(mixed, compressed=step % 3 == 0)
    write([begin + 500_000, begin + 5], compressed=True)
    write([begin + 10])
    write([begin + 500_000])
    for timestamp in [0, *(begin + step * 997 for step in range(62)), begin + 50, begin + 500_000]:
        found = raw.offset(topic, timestamp)
        expected = next((at, time_) for at, time_ in enumerate(written) if time_ >= timestamp)
        assert (found.offset, found.timestamp) == expected
    nothing = raw.offset(topic, begin + 500_001)
    assert (nothing.error_code, nothing.offset, nothing.timestamp, nothing.leader_epoch) == (0, -1, -1, -1)
    latest, earliest, largest, local, tiered = (raw.offset(topic, -special) for special in range(1, 6))
    assert (latest.offset, latest.timestamp) == (len(written), -1)
    assert (earliest.offset, local.offset, tiered.offset) == (0, 0, -1)
    assert (largest.offset, largest.timestamp) == (written.index(begin + 500_000), begin + 500_000)
