"""What consumers of the classic protocol put into JoinGroup and get from SyncGroup (`ConsumerProtocolSubscription` v0-3 and
`ConsumerProtocolAssignment` v0-3), which the coordinator reads and writes for them when their group is a consumer group.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.coordinator.group.modern.assignment import Assignment
    from headrace.coordinator.group.modern.cluster import ClusterImage

VERSION_MAX: Final = 3
VERSION_OWNED: Final = 1
VERSION_GENERATION: Final = 2
VERSION_RACK: Final = 3

Named = dict[str, frozenset[int]]
"""Partitions by topic name."""


class MalformedError(Exception):
    """These bytes are not what they should be."""


class Subscription(NamedTuple):
    topics: frozenset[str]
    owned: Named
    rack_id: str | None


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, kind: str) -> int:
        try:
            (found,) = struct.unpack_from(kind, self._data, self._at)
        except struct.error as error:
            raise MalformedError("cut short") from error
        self._at += struct.calcsize(kind)
        return int(found)

    def count(self) -> int:
        count = self.number(">i")
        if not 0 <= count <= len(self._data) - self._at:
            raise MalformedError("a length that cannot be")
        return count

    def raw(self, length: int) -> bytes:
        found = self._data[self._at : self._at + length]
        if length < 0 or len(found) != length:
            raise MalformedError("cut short")
        self._at += length
        return found

    def text(self, length: int) -> str:
        try:
            return self.raw(length).decode()
        except UnicodeDecodeError as error:
            raise MalformedError("not UTF-8") from error

    def partitions(self) -> Named:
        found: Named = {}
        for _ in range(self.count()):
            name = self.text(self.number(">h"))
            found[name] = frozenset(self.number(">i") for _ in range(self.count()))
        return found

    def nullable_bytes(self) -> bytes | None:
        length = self.number(">i")
        return None if length < 0 else self.raw(length)


def read_subscription(metadata: bytes) -> Subscription:
    """Raises `MalformedError`."""
    reader = _Reader(metadata)
    version = _version(reader)
    topics = frozenset(reader.text(reader.number(">h")) for _ in range(reader.count()))
    reader.nullable_bytes()
    owned = reader.partitions() if version >= VERSION_OWNED else {}
    if version >= VERSION_GENERATION:
        reader.number(">i")
    rack_length = reader.number(">h") if version >= VERSION_RACK else -1
    return Subscription(topics, owned, None if rack_length < 0 else reader.text(rack_length))


def read_assignment(data: bytes) -> tuple[Named, bool]:
    """Partitions, and whether an assignor has put something of its own beside them. Raises `MalformedError`."""
    reader = _Reader(data)
    _version(reader)
    partitions = reader.partitions()
    return partitions, bool(reader.nullable_bytes())


def _version(reader: _Reader) -> int:
    version = reader.number(">h")
    if version < 0:
        raise MalformedError("no such version")
    return min(version, VERSION_MAX)


def write_assignment(assignment: Assignment, cluster: ClusterImage, metadata: bytes) -> bytes:
    """In the version of the member's own metadata; topics that are gone are left out."""
    version = _version(_Reader(metadata))
    named = [
        (topic.name, assignment[id_]) for id_ in sorted(assignment) if (topic := cluster.topic_by_id(id_))
    ]
    data = struct.pack(">hi", version, len(named))
    for name, numbers in named:
        text = name.encode()
        data += struct.pack(">h", len(text)) + text
        data += struct.pack(f">i{len(numbers)}i", len(numbers), *sorted(numbers))
    return data + struct.pack(">i", -1)


def by_id(named: Mapping[str, frozenset[int]], cluster: ClusterImage) -> dict[bytes, frozenset[int]]:
    """Without topics that are not there."""
    return {
        topic.topic_id: numbers
        for name, numbers in named.items()
        if numbers and (topic := cluster.topic(name)) is not None
    }
