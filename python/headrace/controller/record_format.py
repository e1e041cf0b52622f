"""Records of group 0 as bytes: Kafka's frame of a metadata record (`MetadataRecordSerde`), so that Kafka's own tools read
them: varint frame version 1, varint key, varint version, then the message.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from headrace.wire.codec import WireError, decode_from, encode
from headrace.wire.messages import metadata_records as records
from headrace.wire.varint import read_uvarint, uvarint

if TYPE_CHECKING:
    from headrace.wire.schema import Message

FRAME_VERSION: Final = 1

KINDS: Final[dict[int, type[Message]]] = {
    kind.API_KEY: kind
    for kind in (
        records.TopicRecord,
        records.PartitionRecord,
        records.RemoveTopicRecord,
        records.ConfigRecord,
        records.ProducerIdsRecord,
        records.FeatureLevelRecord,
        records.UserScramCredentialRecord,
        records.RemoveUserScramCredentialRecord,
        records.ClientQuotaRecord,
        records.SnapshotBeginRecord,
        records.SnapshotEndRecord,
    )
}


def write_record(record: Message, version: int = 0) -> bytes:
    """The record's bytes, in the oldest version: nothing of the later ones is used."""
    return _head(record.API_KEY, version) + encode(record, version)


@cache
def _head(key: int, version: int) -> bytes:
    return uvarint(FRAME_VERSION) + uvarint(key) + uvarint(version)


def read_record(data: bytes) -> Message:
    """The record that `write_record` wrote.

    Raises `WireError`: not a record, or one of a kind or version that this release does not know.
    """
    try:
        frame_version, position = read_uvarint(data, 0)
        key, position = read_uvarint(data, position)
        version, position = read_uvarint(data, position)
    except IndexError:
        raise WireError("a metadata record is cut short") from None
    if frame_version != FRAME_VERSION:
        raise WireError(f"a metadata record has frame version {frame_version}")
    kind = KINDS.get(key)
    if kind is None or not kind.VERSIONS[0] <= version <= kind.VERSIONS[1]:
        raise WireError(f"a metadata record has unknown key {key} version {version}")
    record, end = decode_from(kind, version, data, position)
    if end != len(data):
        raise WireError(f"{len(data) - end} bytes after a metadata record")
    return record
