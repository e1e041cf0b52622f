"""OffsetDelete (key 47, v0-0).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class OffsetDeleteRequestPartition(Part):
    partition_index: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
    )


class OffsetDeleteRequestTopic(Part):
    name: str = ""
    partitions: list[OffsetDeleteRequestPartition] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=OffsetDeleteRequestPartition),
    )


class OffsetDeleteRequest(Message):
    group_id: str = ""
    topics: list[OffsetDeleteRequestTopic] = []
    API_KEY: ClassVar[int] = 47
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 32767
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 32767)),
        Field("topics", "struct", (0, 32767), array=True, of=OffsetDeleteRequestTopic),
    )


class OffsetDeleteResponsePartition(Part):
    partition_index: int = 0
    error_code: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
    )


class OffsetDeleteResponseTopic(Part):
    name: str = ""
    partitions: list[OffsetDeleteResponsePartition] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=OffsetDeleteResponsePartition),
    )


class OffsetDeleteResponse(Message):
    error_code: int = 0
    throttle_time_ms: int = 0
    topics: list[OffsetDeleteResponseTopic] = []
    API_KEY: ClassVar[int] = 47
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 32767
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("error_code", "int16", (0, 32767)),
        Field("throttle_time_ms", "int32", (0, 32767), ignorable=True),
        Field("topics", "struct", (0, 32767), array=True, of=OffsetDeleteResponseTopic),
    )
