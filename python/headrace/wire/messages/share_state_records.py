"""Keys and values of `__share_group_state`.

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import NULL_UUID, Field, Message, Part


class ShareSnapshotKey(Message):
    group_id: str = ""
    topic_id: bytes = NULL_UUID
    partition: int = 0
    API_KEY: ClassVar[int] = 0
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 32767
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 0)),
        Field("topic_id", "uuid", (0, 0)),
        Field("partition", "int32", (0, 0)),
    )


class ShareSnapshotValueStateBatch(Part):
    first_offset: int = 0
    last_offset: int = 0
    delivery_state: int = 0
    delivery_count: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("first_offset", "int64", (0, 32767)),
        Field("last_offset", "int64", (0, 32767)),
        Field("delivery_state", "int8", (0, 32767)),
        Field("delivery_count", "int16", (0, 32767)),
    )


class ShareSnapshotValue(Message):
    snapshot_epoch: int = 0
    state_epoch: int = 0
    leader_epoch: int = 0
    start_offset: int = 0
    delivery_complete_count: int = -1
    create_timestamp: int = 0
    write_timestamp: int = 0
    state_batches: list[ShareSnapshotValueStateBatch] = []
    API_KEY: ClassVar[int] = 0
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("snapshot_epoch", "int32", (0, 32767)),
        Field("state_epoch", "int32", (0, 32767)),
        Field("leader_epoch", "int32", (0, 32767)),
        Field("start_offset", "int64", (0, 32767)),
        Field("delivery_complete_count", "int32", (0, 32767), tag=0, tagged=(0, 32767)),
        Field("create_timestamp", "int64", (0, 32767)),
        Field("write_timestamp", "int64", (0, 32767)),
        Field("state_batches", "struct", (0, 32767), array=True, of=ShareSnapshotValueStateBatch),
    )


class ShareUpdateKey(Message):
    group_id: str = ""
    topic_id: bytes = NULL_UUID
    partition: int = 0
    API_KEY: ClassVar[int] = 1
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 32767
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 0)),
        Field("topic_id", "uuid", (0, 0)),
        Field("partition", "int32", (0, 0)),
    )


class ShareUpdateValueStateBatch(Part):
    first_offset: int = 0
    last_offset: int = 0
    delivery_state: int = 0
    delivery_count: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("first_offset", "int64", (0, 32767)),
        Field("last_offset", "int64", (0, 32767)),
        Field("delivery_state", "int8", (0, 32767)),
        Field("delivery_count", "int16", (0, 32767)),
    )


class ShareUpdateValue(Message):
    snapshot_epoch: int = 0
    leader_epoch: int = 0
    start_offset: int = 0
    delivery_complete_count: int = -1
    state_batches: list[ShareUpdateValueStateBatch] = []
    API_KEY: ClassVar[int] = 1
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("snapshot_epoch", "int32", (0, 32767)),
        Field("leader_epoch", "int32", (0, 32767)),
        Field("start_offset", "int64", (0, 32767)),
        Field("delivery_complete_count", "int32", (0, 32767), tag=0, tagged=(0, 32767)),
        Field("state_batches", "struct", (0, 32767), array=True, of=ShareUpdateValueStateBatch),
    )
