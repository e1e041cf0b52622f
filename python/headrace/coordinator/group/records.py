"""The records of `__consumer_offsets`, byte for byte Kafka's.

A key begins with its kind as int16: 0 and 1 an offset, 2 a classic group, what `MODULES` hold is of modern groups. Values are written in the newest version without tagged
fields, as Kafka 4 does (offsets v3, or v1 when they carry their own expiry; groups v3), and read in every version. A null
value removes what the key names. Offsets of a transaction are the same records in batches of its producer.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headrace.coordinator.runtime.effects import (
    EndOfTransaction,
    Entry,
    InTransaction,
    RottenRecordError,
)
from headrace.engine.port import Marker, Producer, Record, Stored
from headrace.wire.codec import WireError, decode, decode_stored, encode, encode_stored
from headrace.wire.messages import consumer_group_records, share_group_records, streams_group_records
from headrace.wire.messages.group_records import (
    GroupMetadataKey,
    GroupMetadataValue,
    OffsetCommitKey,
    OffsetCommitValue,
)
from headrace.wire.schema import Message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

OFFSET_KINDS: Final = (0, 1)
GROUP_KIND: Final = 2
OFFSET_VERSION: Final = 3
OFFSET_VERSION_WITH_EXPIRY: Final = 1
GROUP_VERSION: Final = 3
MODERN_VERSION: Final = 0

MODULES: Final = (consumer_group_records, share_group_records, streams_group_records)
"""What is generated of the modern groups' records: classes `...Key` and `...Value`, a pair for each kind of key."""

# Offsets are most of what a broker's coordinators write, so the usual ones are packed here, three times as fast as by
# the codec; a test holds both against each other.
_OFFSET_KIND: Final = b"\0\1"
_OFFSET_HEAD: Final = struct.Struct(">hqi")
_INT16: Final = struct.Struct(">h")
_INT32: Final = struct.Struct(">i")
_INT64: Final = struct.Struct(">q")


class OffsetStored(NamedTuple):
    """The offset that a group committed for a partition; None: forgotten."""

    group_id: str
    topic: str
    partition: int
    value: OffsetCommitValue | None
    producer: Producer | None = None
    """Whose transaction it is part of."""


class TransactionEnded(NamedTuple):
    """A marker: the offsets that the producer's transaction brought are committed, or dropped."""

    producer: Producer
    marker: Marker


class GroupStored(NamedTuple):
    """A group as of its latest generation; None: deleted."""

    group_id: str
    value: GroupMetadataValue | None


class ModernStored(NamedTuple):
    """One of the records that make a modern group; None: removed."""

    key: Any
    """One of the generated keys; each names its group as `group_id`."""
    value: Any
    """The generated value that belongs to the key."""


GroupRecord = OffsetStored | GroupStored | ModernStored | TransactionEnded


def _pairs(module: ModuleType) -> Iterator[tuple[int, tuple[type[Message], type[Message]]]]:
    for name, found in vars(module).items():
        if name.endswith("Key") and isinstance(found, type) and issubclass(found, Message):
            yield found.API_KEY, (found, getattr(module, name.removesuffix("Key") + "Value"))


MODERN: Final = dict(pair for module in MODULES for pair in _pairs(module))
"""Key and value, by kind of key."""


def encode_record(record: GroupRecord) -> Entry:
    if isinstance(record, OffsetStored):
        group_id, topic, partition, value, producer = record
        key = _OFFSET_KIND + _string(group_id) + _string(topic) + _INT32.pack(partition)
        stored = Record(key, None if value is None else _offset_value(value))
        return stored if producer is None else InTransaction(stored, producer)
    if isinstance(record, TransactionEnded):
        return EndOfTransaction(record.producer, record.marker)
    if isinstance(record, ModernStored):
        key = record.key.API_KEY.to_bytes(2, "big") + encode(record.key, 0)
        return Record(key, None if record.value is None else encode_stored(record.value, MODERN_VERSION))
    key = GROUP_KIND.to_bytes(2, "big") + encode(GroupMetadataKey(group=record.group_id), 0)
    return Record(key, None if record.value is None else encode_stored(record.value, GROUP_VERSION))


def _offset_value(value: OffsetCommitValue) -> bytes:
    if value.expire_timestamp != -1:
        return encode_stored(value, OFFSET_VERSION_WITH_EXPIRY)
    head = _OFFSET_HEAD.pack(OFFSET_VERSION, value.offset, value.leader_epoch)
    return head + _string(value.metadata) + _INT64.pack(value.commit_timestamp)


def _string(text: str) -> bytes:
    data = text.encode()
    return _INT16.pack(len(data)) + data


def decode_record(stored: Stored) -> GroupRecord | None:
    """None for kinds of keys that a later version may bring. Raises `RottenRecordError`."""
    if stored.marker is not None:
        assert stored.producer is not None, "a marker is a producer's"
        return TransactionEnded(stored.producer, stored.marker)
    if stored.key is None:
        raise RottenRecordError(f"offset {stored.offset} has no key")
    try:
        (kind,) = struct.unpack_from(">h", stored.key)
        if kind in OFFSET_KINDS:
            offset_key = decode(OffsetCommitKey, 0, stored.key[2:])
            value = None if stored.value is None else decode_stored(OffsetCommitValue, stored.value)
            return OffsetStored(
                offset_key.group, offset_key.topic, offset_key.partition, value, stored.producer
            )
        if kind == GROUP_KIND:
            group_key = decode(GroupMetadataKey, 0, stored.key[2:])
            return GroupStored(
                group_key.group,
                None if stored.value is None else decode_stored(GroupMetadataValue, stored.value),
            )
        if (pair := MODERN.get(kind)) is not None:
            return ModernStored(
                decode(pair[0], 0, stored.key[2:]),
                None if stored.value is None else decode_stored(pair[1], stored.value),
            )
    except (WireError, struct.error) as error:
        raise RottenRecordError(f"offset {stored.offset}: {error}") from error
    return None
