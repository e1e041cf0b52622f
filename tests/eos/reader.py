"""A reader of committed records of its own: raw Fetch requests, batches taken apart here, aborted ones left out as KIP-98 says.

It shares nothing with the clients under test, and nothing with the broker.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.model.errors import Error
from headrace.wire.messages.k01_fetch import FetchPartition, FetchRequest, FetchTopic
from headrace.wire.messages.k02_list_offsets import ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.broker.raw import Raw

FETCH_VERSION: Final = 11
"""The last one that names topics and has no sessions of which we would have to think."""
LIST_OFFSETS_VERSION: Final = 9
FETCH_BYTES: Final = 1 << 20
HEADER_BYTES: Final = 61
TRANSACTIONAL: Final = 1 << 4
CONTROL: Final = 1 << 5
ABORT: Final = 0
LATEST: Final = -1


class Batch(NamedTuple):
    """A batch's header, and its records' bytes."""

    base: int
    end: int
    attributes: int
    producer_id: int
    section: bytes
    count: int


class Partition(NamedTuple):
    """What a partition holds."""

    committed: list[tuple[int, bytes]]
    """Offset and value."""
    aborted: int
    """Records of aborted transactions."""
    high_watermark: int
    last_stable: int


def end(raw: Raw, topic: str, number: int, isolation: int) -> int:
    """The high watermark, or with isolation 1 the last stable offset."""
    asked = ListOffsetsPartition(partition_index=number, timestamp=LATEST)
    request = ListOffsetsRequest(-1, isolation, [ListOffsetsTopic(topic, [asked])])
    found = raw.ask(request, LIST_OFFSETS_VERSION).topics[0].partitions[0]
    assert found.error_code == Error.NONE, found
    return int(found.offset)


def read(raw: Raw, topic: str, number: int) -> Partition:
    """All of a partition that readers of committed records may see, from its start to its last stable offset."""
    high_watermark, last_stable = end(raw, topic, number, 0), end(raw, topic, number, 1)
    committed: list[tuple[int, bytes]] = []
    aborted, at = 0, 0
    while at < last_stable:
        part = FetchPartition(partition=number, fetch_offset=at, partition_max_bytes=FETCH_BYTES)
        request = FetchRequest(
            max_wait_ms=100,
            min_bytes=1,
            max_bytes=FETCH_BYTES,
            isolation_level=1,
            topics=[FetchTopic(topic=topic, partitions=[part])],
        )
        found = raw.ask(request, FETCH_VERSION).responses[0].partitions[0]
        assert found.error_code == Error.NONE, found
        begun = sorted((one.first_offset, one.producer_id) for one in found.aborted_transactions or ())
        hidden: set[int] = set()
        before = at
        for batch in batches(found.records or b""):
            while begun and begun[0][0] < batch.end:
                hidden.add(begun.pop(0)[1])
            if batch.attributes & CONTROL:
                if marker(batch) == ABORT:
                    hidden.discard(batch.producer_id)
            elif batch.attributes & TRANSACTIONAL and batch.producer_id in hidden:
                aborted += batch.count
            else:
                committed += [one for one in records(batch) if one[0] >= at]
            at = max(at, batch.end)
        assert at > before, f"{topic}-{number} gives nothing at {at} of {last_stable}"
    return Partition(committed, aborted, high_watermark, last_stable)


def batches(data: bytes) -> Iterator[Batch]:
    """The batches that are whole."""
    position = 0
    while position + HEADER_BYTES <= len(data):
        base, length = struct.unpack_from(">qi", data, position)
        if position + 12 + length > len(data):
            return
        attributes, last = struct.unpack_from(">hi", data, position + 21)
        (producer_id,) = struct.unpack_from(">q", data, position + 43)
        (count,) = struct.unpack_from(">i", data, position + 57)
        section = data[position + HEADER_BYTES : position + 12 + length]
        yield Batch(base, base + last + 1, attributes, producer_id, section, count)
        position += 12 + length


def marker(batch: Batch) -> int:
    """0: abort, 1: commit."""
    _, key, _ = next(_fields(batch))
    return int(struct.unpack_from(">hh", key)[1])


def records(batch: Batch) -> list[tuple[int, bytes]]:
    """Offset and value of each; none is compressed, and none has a null value."""
    return [(batch.base + delta, value) for delta, _, value in _fields(batch)]


def _fields(batch: Batch) -> Iterator[tuple[int, bytes, bytes]]:
    position = 0
    for _ in range(batch.count):
        length, position = _varint(batch.section, position)
        after = position + length
        _, position = _varint(batch.section, position + 1)
        delta, position = _varint(batch.section, position)
        size, position = _varint(batch.section, position)
        key = batch.section[position : position + max(size, 0)]
        size, position = _varint(batch.section, position + len(key))
        yield delta, key, batch.section[position : position + max(size, 0)]
        position = after


def _varint(data: bytes, position: int) -> tuple[int, int]:
    shift = found = 0
    while True:
        byte = data[position]
        position += 1
        found |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (found >> 1) ^ -(found & 1), position
