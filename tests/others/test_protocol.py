"""What broke clients of other Kafka-compatible brokers: versions, headers, and what is advertised.

Each test's number is its place in a list of what teams ran into, with where they said so. Against Kafka itself:
pytest tests/others --headrace-bootstrap=HOST:PORT
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import pytest

from headrace.model.errors import Error
from headrace.wire.messages.k00_produce import ProduceRequest
from headrace.wire.messages.k02_list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from headrace.wire.messages.k18_api_versions import ApiVersionsRequest
from headrace.wire.messages.k22_init_producer_id import InitProducerIdRequest
from tests.broker.raw import Raw
from tests.broker.transactions import until
from tests.hostile.batches import Batch, record

if TYPE_CHECKING:
    from tests.broker.transactions import Transactional

CONTROLLERS_ONLY: Final = {4, 5, 6, 7, 52, 53, 54, 56, 58, 59, 62, 63, 67, 70, 73, 82}
OLDEST: Final = {2: 1, 3: 0, 8: 2, 9: 1, 10: 0, 11: 0, 12: 0, 13: 0, 14: 0, 18: 0, 19: 2}
"""First versions that old clients speak and Kafka 4 still knows."""
MODERN: Final = {0: 9, 1: 15, 2: 8, 3: 12}
RAW_HEADER: Final = struct.Struct(">hhi")
SPECIAL_TIMES: Final = {-1: 1, -2: 1, -3: 7, -4: 8, -5: 9}
"""ListOffsets' timestamps that mean a place, with the first version that knows them."""


def versions(raw: Raw) -> dict[int, tuple[int, int]]:
    request = ApiVersionsRequest(client_software_name="others", client_software_version="1")
    answer = raw.ask(request, 3)
    assert answer.error_code == 0
    return {row.api_key: (row.min_version, row.max_version) for row in answer.api_keys}


def test_01_an_unknown_version_of_api_versions_is_answered_in_version_0(raw: Raw) -> None:
    """redpanda 296: librdkafka says "ApiArrayCnt -1" when the answer is in another version."""
    raw.send_frame(RAW_HEADER.pack(18, 99, 7) + b"\xff\xff\x00")
    answer = raw.receive_bytes()
    correlation, error, count = struct.unpack_from(">ihi", answer)
    assert (correlation, error) == (7, Error.UNSUPPORTED_VERSION)
    rows = [struct.unpack_from(">hhh", answer, 10 + 6 * number) for number in range(count)]
    assert rows == [(18, 0, 4)]
    assert len(answer) == 10 + 6 * count


def test_02_the_answer_to_api_versions_has_the_oldest_header(raw: Raw) -> None:
    """kop 176, 688, 153: with tagged fields behind the correlation id clients lose their place."""
    request = ApiVersionsRequest(client_software_name="others", client_software_version="1")
    raw.send(request, 3)
    _, error, rows = struct.unpack_from(">ihB", raw.receive_bytes())
    assert error == 0
    assert rows > 1, "a compact array's length stands where a header with tagged fields has its count, 0"


def test_03_what_only_controllers_speak_is_not_advertised(raw: Raw) -> None:
    """librdkafka 4203: "No viable ProduceRequest ApiVersions"; and it gives up compression unless Produce is known from 0."""
    found = versions(raw)
    assert not CONTROLLERS_ONLY & found.keys()
    assert found[0][0] == 0


def test_04_a_version_that_is_not_advertised_closes_the_connection(bootstrap: str) -> None:
    """redpanda 17581: Sarama pins versions and saw the end of the connection: so do we and Kafka, hence the full ranges."""
    for key, version in ((0, 2), (3, 99), (32, 0)):
        with Raw(bootstrap) as raw:
            raw.send_frame(RAW_HEADER.pack(key, version, 1) + b"\xff\xff" + bytes(8))
            with pytest.raises(EOFError):
                raw.receive_bytes()


def test_05_an_idempotent_producer_gets_its_id(raw: Raw) -> None:
    """redpanda 4283, deephaven 2970: Java's producer is idempotent unless it is told otherwise."""
    first, second = (until_answered(raw, InitProducerIdRequest(None, 1_000)) for _ in range(2))
    assert first[0] >= 0
    assert second[0] > first[0]
    assert first[1] == second[1] == 0


def until_answered(raw: Raw, request: InitProducerIdRequest) -> tuple[int, int]:
    answer = until(lambda: raw.ask(request, 4), lambda a: a.error_code != Error.COORDINATOR_LOAD_IN_PROGRESS)
    assert answer.error_code == 0
    return answer.producer_id, answer.producer_epoch


def test_06_what_a_transactional_producer_needs_is_advertised_and_works(
    raw: Raw, topic: str, transaction: Transactional
) -> None:
    """event-hubs 209, 252: producers failed late, at AddPartitionsToTxn."""
    assert {22, 24, 25, 26, 28} <= versions(raw).keys()
    _, *who = transaction.begin()
    assert transaction.add((who[0], who[1]), topic) == [Error.NONE]
    assert transaction.produce((who[0], who[1]), topic, b"value", 0, 11) is Error.NONE
    assert transaction.end((who[0], who[1]), commit=True, version=4).error is Error.NONE


def test_08_headers_and_old_timestamps_are_no_reason_to_refuse(raw: Raw, topic: str) -> None:
    """franz-go 144: UNSUPPORTED_FOR_MESSAGE_FORMAT for a record with headers, or of 1970."""
    header = record(0, b"value", headers=1)[1:] + b"\x02k\x02v"
    shaped = bytes([2 * len(header)]) + header
    for section, timestamp in ((shaped, 1_700_000_000_000), (record(0, b"value"), 0)):
        answer = raw.produce(topic, Batch(section, timestamp=timestamp).encode())
        assert answer.error_code == 0, Error(answer.error_code)


def test_23_each_place_that_list_offsets_may_name_works_from_its_first_version(raw: Raw, topic: str) -> None:
    """redpanda 4473: a range was advertised that was not meant."""
    low, high = versions(raw)[2]
    raw.produce(topic, Batch(record(0, b"value")).encode())
    for timestamp, since in SPECIAL_TIMES.items():
        for version in range(low, high + 1):
            partition = ListOffsetsPartition(timestamp=timestamp)
            request = ListOffsetsRequest(
                replica_id=-1, topics=[ListOffsetsTopic(topic, partitions=[partition])]
            )
            [found] = raw.ask(request, version).topics[0].partitions
            expected = Error.NONE if version >= since else Error.UNSUPPORTED_VERSION
            assert (timestamp, version, Error(found.error_code)) == (timestamp, version, expected)


def test_24_a_client_that_speaks_only_new_versions_can(raw: Raw) -> None:
    """platformatic/kafka 51."""
    found = versions(raw)
    assert all(found[key][1] >= version for key, version in MODERN.items())


def test_27_a_client_may_have_no_name(raw: Raw, topic: str) -> None:
    """rskafka 171: a client id of null, in a header with tagged fields and without."""
    for version in (8, 9):
        partition = ProduceRequest(acks=1, timeout_ms=1_000)
        raw.send(partition, version, client=None)
        assert raw.receive(partition, version).responses == []


def test_28_old_clients_find_their_versions(raw: Raw) -> None:
    """aiokafka 945: ranges that begin too late."""
    found = versions(raw)
    assert {key: found[key][0] for key in OLDEST} == OLDEST
