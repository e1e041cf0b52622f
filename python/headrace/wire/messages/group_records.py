"""Keys and values of `__consumer_offsets` for classic groups and offsets.

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import NULL_UUID, Field, Message, Part


class OffsetCommitKey(Message):
    group: str = ""
    topic: str = ""
    partition: int = 0
    API_KEY: ClassVar[int] = 1
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 32767
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group", "string", (0, 0)),
        Field("topic", "string", (0, 0)),
        Field("partition", "int32", (0, 0)),
    )


class OffsetCommitValue(Message):
    offset: int = 0
    leader_epoch: int = -1
    metadata: str = ""
    commit_timestamp: int = 0
    expire_timestamp: int = -1
    topic_id: bytes = NULL_UUID
    API_KEY: ClassVar[int] = 1
    VERSIONS: ClassVar[tuple[int, int]] = (0, 4)
    FLEXIBLE_FROM: ClassVar[int] = 4
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("offset", "int64", (0, 32767)),
        Field("leader_epoch", "int32", (3, 32767), ignorable=True),
        Field("metadata", "string", (0, 32767)),
        Field("commit_timestamp", "int64", (0, 32767)),
        Field("expire_timestamp", "int64", (1, 1), ignorable=True),
        Field("topic_id", "uuid", (4, 32767), tag=0, tagged=(4, 32767), ignorable=True),
    )


class GroupMetadataKey(Message):
    group: str = ""
    API_KEY: ClassVar[int] = 2
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 32767
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group", "string", (0, 0)),
    )


class MemberMetadata(Part):
    member_id: str = ""
    group_instance_id: str | None = None
    client_id: str = ""
    client_host: str = ""
    rebalance_timeout: int = -1
    session_timeout: int = 0
    subscription: bytes = b""
    assignment: bytes = b""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("member_id", "string", (0, 32767)),
        Field("group_instance_id", "string", (3, 32767), nullable=(3, 32767), ignorable=True),
        Field("client_id", "string", (0, 32767)),
        Field("client_host", "string", (0, 32767)),
        Field("rebalance_timeout", "int32", (1, 32767), ignorable=True),
        Field("session_timeout", "int32", (0, 32767)),
        Field("subscription", "bytes", (0, 32767)),
        Field("assignment", "bytes", (0, 32767)),
    )


class GroupMetadataValue(Message):
    protocol_type: str = ""
    generation: int = 0
    protocol: str | None = ""
    leader: str | None = ""
    current_state_timestamp: int = -1
    members: list[MemberMetadata] = []
    API_KEY: ClassVar[int] = 2
    VERSIONS: ClassVar[tuple[int, int]] = (0, 4)
    FLEXIBLE_FROM: ClassVar[int] = 4
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("protocol_type", "string", (0, 32767)),
        Field("generation", "int32", (0, 32767)),
        Field("protocol", "string", (0, 32767), nullable=(0, 32767)),
        Field("leader", "string", (0, 32767), nullable=(0, 32767)),
        Field("current_state_timestamp", "int64", (2, 32767), ignorable=True),
        Field("members", "struct", (0, 32767), array=True, of=MemberMetadata),
    )
