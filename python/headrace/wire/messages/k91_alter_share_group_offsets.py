"""AlterShareGroupOffsets (key 91, v0-0).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import NULL_UUID, Field, Message, Part


class AlterShareGroupOffsetsRequestPartition(Part):
    partition_index: int = 0
    start_offset: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("start_offset", "int64", (0, 32767)),
    )


class AlterShareGroupOffsetsRequestTopic(Part):
    topic_name: str = ""
    partitions: list[AlterShareGroupOffsetsRequestPartition] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_name", "string", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=AlterShareGroupOffsetsRequestPartition),
    )


class AlterShareGroupOffsetsRequest(Message):
    group_id: str = ""
    topics: list[AlterShareGroupOffsetsRequestTopic] = []
    API_KEY: ClassVar[int] = 91
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 32767)),
        Field("topics", "struct", (0, 32767), array=True, of=AlterShareGroupOffsetsRequestTopic),
    )


class AlterShareGroupOffsetsResponsePartition(Part):
    partition_index: int = 0
    error_code: int = 0
    error_message: str | None = None
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
    )


class AlterShareGroupOffsetsResponseTopic(Part):
    topic_name: str = ""
    topic_id: bytes = NULL_UUID
    partitions: list[AlterShareGroupOffsetsResponsePartition] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_name", "string", (0, 32767)),
        Field("topic_id", "uuid", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=AlterShareGroupOffsetsResponsePartition),
    )


class AlterShareGroupOffsetsResponse(Message):
    throttle_time_ms: int = 0
    error_code: int = 0
    error_message: str | None = None
    responses: list[AlterShareGroupOffsetsResponseTopic] = []
    API_KEY: ClassVar[int] = 91
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("responses", "struct", (0, 32767), array=True, of=AlterShareGroupOffsetsResponseTopic),
    )
