"""The records of `__share_group_state`, byte for byte Kafka's (KIP-932).

A key begins with its kind as int16: 0 a snapshot, 1 an update; both name group, topic id and partition. An update is merged
into what the snapshot before it says; a snapshot without a value removes the share-partition.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from headrace.coordinator.runtime.effects import RottenRecordError
from headrace.engine.port import Record, Stored
from headrace.wire.codec import WireError, decode, decode_stored, encode, encode_stored
from headrace.wire.messages.share_state_records import (
    ShareSnapshotKey,
    ShareSnapshotValue,
    ShareSnapshotValueStateBatch,
    ShareUpdateKey,
    ShareUpdateValue,
    ShareUpdateValueStateBatch,
)

SNAPSHOT_KIND: Final = 0
UPDATE_KIND: Final = 1
VALUE_VERSION: Final = 0
NO_COUNT: Final = -1
"""The number of records that are done with is not known."""


class ShareKey(NamedTuple):
    """A share-partition: one group's view of one partition."""

    group_id: str
    topic_id: bytes
    partition: int


class StateBatch(NamedTuple):
    """Neighbouring records in the same state."""

    first_offset: int
    last_offset: int
    delivery_state: int
    """0 available, 2 acknowledged, 4 archived: `RecordState`'s numbers."""
    delivery_count: int


class ShareState(NamedTuple):
    """A share-partition as it is stored."""

    snapshot_epoch: int = 0
    """Counts snapshots."""
    state_epoch: int = 0
    """Counts initializations; a share-partition leader that knows an older one is fenced."""
    leader_epoch: int = 0
    start_offset: int = -1
    """-1: to be found by `share.auto.offset.reset`."""
    delivery_complete_count: int = NO_COUNT
    """Records from the start offset on that are done with."""
    batches: tuple[StateBatch, ...] = ()
    created_ms: int = 0
    written_ms: int = 0


class SnapshotStored(NamedTuple):
    """All that is known of a share-partition; None: it is removed."""

    key: ShareKey
    state: ShareState | None


class UpdateStored(NamedTuple):
    """What changed since the last snapshot or update. The start offset is -1 where it did not."""

    key: ShareKey
    state: ShareState


ShareRecord = SnapshotStored | UpdateStored


def encode_record(record: ShareRecord) -> Record:
    key, state = record
    if isinstance(record, UpdateStored):
        update = ShareUpdateValue(
            snapshot_epoch=record.state.snapshot_epoch,
            leader_epoch=record.state.leader_epoch,
            start_offset=record.state.start_offset,
            delivery_complete_count=record.state.delivery_complete_count,
            state_batches=[ShareUpdateValueStateBatch(*batch) for batch in record.state.batches],
        )
        stored_key = UPDATE_KIND.to_bytes(2, "big") + encode(ShareUpdateKey(*key), 0)
        return Record(stored_key, encode_stored(update, VALUE_VERSION))
    stored_key = SNAPSHOT_KIND.to_bytes(2, "big") + encode(ShareSnapshotKey(*key), 0)
    if state is None:
        return Record(stored_key, None)
    snapshot = ShareSnapshotValue(
        snapshot_epoch=state.snapshot_epoch,
        state_epoch=state.state_epoch,
        leader_epoch=state.leader_epoch,
        start_offset=state.start_offset,
        delivery_complete_count=state.delivery_complete_count,
        create_timestamp=state.created_ms,
        write_timestamp=state.written_ms,
        state_batches=[ShareSnapshotValueStateBatch(*batch) for batch in state.batches],
    )
    return Record(stored_key, encode_stored(snapshot, VALUE_VERSION))


def decode_record(stored: Stored) -> ShareRecord | None:
    """None for kinds of keys that are not ours. Raises `RottenRecordError`."""
    if stored.marker is not None:
        return None
    if stored.key is None:
        raise RottenRecordError(f"offset {stored.offset} has no key")
    try:
        (kind,) = struct.unpack_from(">h", stored.key)
        if kind == SNAPSHOT_KIND:
            key = decode(ShareSnapshotKey, 0, stored.key[2:])
            state = None if stored.value is None else decode_stored(ShareSnapshotValue, stored.value)
            return SnapshotStored(_key(key), None if state is None else _snapshot(state))
        if kind == UPDATE_KIND:
            update_key = decode(ShareUpdateKey, 0, stored.key[2:])
            if stored.value is None:
                raise RottenRecordError(f"offset {stored.offset}: an update without a value")
            return UpdateStored(_key(update_key), _update(decode_stored(ShareUpdateValue, stored.value)))
    except (WireError, struct.error) as error:
        raise RottenRecordError(f"offset {stored.offset}: {error}") from error
    return None


def _key(key: ShareSnapshotKey | ShareUpdateKey) -> ShareKey:
    return ShareKey(key.group_id, key.topic_id, key.partition)


def _snapshot(value: ShareSnapshotValue) -> ShareState:
    return ShareState(
        value.snapshot_epoch,
        value.state_epoch,
        value.leader_epoch,
        value.start_offset,
        value.delivery_complete_count,
        _batches(value.state_batches),
        value.create_timestamp,
        value.write_timestamp,
    )


def _update(value: ShareUpdateValue) -> ShareState:
    return ShareState(
        snapshot_epoch=value.snapshot_epoch,
        leader_epoch=value.leader_epoch,
        start_offset=value.start_offset,
        delivery_complete_count=value.delivery_complete_count,
        batches=_batches(value.state_batches),
    )


def _batches(
    found: list[ShareSnapshotValueStateBatch] | list[ShareUpdateValueStateBatch],
) -> tuple[StateBatch, ...]:
    return tuple(StateBatch(b.first_offset, b.last_offset, b.delivery_state, b.delivery_count) for b in found)
