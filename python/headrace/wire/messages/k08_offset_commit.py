"""OffsetCommit (key 8, v2-10).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import NULL_UUID, Field, Message, Part


class OffsetCommitRequestPartition(Part):
    partition_index: int = 0
    committed_offset: int = 0
    committed_leader_epoch: int = -1
    committed_metadata: str | None = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("committed_offset", "int64", (0, 32767)),
        Field("committed_leader_epoch", "int32", (6, 32767), ignorable=True),
        Field("committed_metadata", "string", (0, 32767), nullable=(0, 32767)),
    )


class OffsetCommitRequestTopic(Part):
    name: str = ""
    topic_id: bytes = NULL_UUID
    partitions: list[OffsetCommitRequestPartition] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 9), ignorable=True),
        Field("topic_id", "uuid", (10, 32767), ignorable=True),
        Field("partitions", "struct", (0, 32767), array=True, of=OffsetCommitRequestPartition),
    )


class OffsetCommitRequest(Message):
    group_id: str = ""
    generation_id_or_member_epoch: int = -1
    member_id: str = ""
    group_instance_id: str | None = None
    retention_time_ms: int = -1
    topics: list[OffsetCommitRequestTopic] = []
    API_KEY: ClassVar[int] = 8
    VERSIONS: ClassVar[tuple[int, int]] = (2, 10)
    FLEXIBLE_FROM: ClassVar[int] = 8
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 32767)),
        Field("generation_id_or_member_epoch", "int32", (1, 32767), ignorable=True),
        Field("member_id", "string", (1, 32767), ignorable=True),
        Field("group_instance_id", "string", (7, 32767), nullable=(7, 32767)),
        Field("retention_time_ms", "int64", (2, 4), ignorable=True),
        Field("topics", "struct", (0, 32767), array=True, of=OffsetCommitRequestTopic),
    )


class OffsetCommitResponsePartition(Part):
    partition_index: int = 0
    error_code: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
    )


class OffsetCommitResponseTopic(Part):
    name: str = ""
    topic_id: bytes = NULL_UUID
    partitions: list[OffsetCommitResponsePartition] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 9), ignorable=True),
        Field("topic_id", "uuid", (10, 32767), ignorable=True),
        Field("partitions", "struct", (0, 32767), array=True, of=OffsetCommitResponsePartition),
    )


class OffsetCommitResponse(Message):
    throttle_time_ms: int = 0
    topics: list[OffsetCommitResponseTopic] = []
    API_KEY: ClassVar[int] = 8
    VERSIONS: ClassVar[tuple[int, int]] = (2, 10)
    FLEXIBLE_FROM: ClassVar[int] = 8
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (3, 32767), ignorable=True),
        Field("topics", "struct", (0, 32767), array=True, of=OffsetCommitResponseTopic),
    )
