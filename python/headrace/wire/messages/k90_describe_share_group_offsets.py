"""DescribeShareGroupOffsets (key 90, v0-1).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import NULL_UUID, Field, Message, Part


class DescribeShareGroupOffsetsRequestTopic(Part):
    topic_name: str = ""
    partitions: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_name", "string", (0, 32767)),
        Field("partitions", "int32", (0, 32767), array=True),
    )


class DescribeShareGroupOffsetsRequestGroup(Part):
    group_id: str = ""
    topics: list[DescribeShareGroupOffsetsRequestTopic] | None = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 32767)),
        Field("topics", "struct", (0, 32767), array=True, of=DescribeShareGroupOffsetsRequestTopic, nullable=(0, 32767)),
    )


class DescribeShareGroupOffsetsRequest(Message):
    groups: list[DescribeShareGroupOffsetsRequestGroup] = []
    API_KEY: ClassVar[int] = 90
    VERSIONS: ClassVar[tuple[int, int]] = (0, 1)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("groups", "struct", (0, 32767), array=True, of=DescribeShareGroupOffsetsRequestGroup),
    )


class DescribeShareGroupOffsetsResponsePartition(Part):
    partition_index: int = 0
    start_offset: int = 0
    leader_epoch: int = 0
    lag: int = -1
    error_code: int = 0
    error_message: str | None = None
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("start_offset", "int64", (0, 32767)),
        Field("leader_epoch", "int32", (0, 32767)),
        Field("lag", "int64", (1, 32767), ignorable=True),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
    )


class DescribeShareGroupOffsetsResponseTopic(Part):
    topic_name: str = ""
    topic_id: bytes = NULL_UUID
    partitions: list[DescribeShareGroupOffsetsResponsePartition] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_name", "string", (0, 32767)),
        Field("topic_id", "uuid", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=DescribeShareGroupOffsetsResponsePartition),
    )


class DescribeShareGroupOffsetsResponseGroup(Part):
    group_id: str = ""
    topics: list[DescribeShareGroupOffsetsResponseTopic] = []
    error_code: int = 0
    error_message: str | None = None
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 32767)),
        Field("topics", "struct", (0, 32767), array=True, of=DescribeShareGroupOffsetsResponseTopic),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
    )


class DescribeShareGroupOffsetsResponse(Message):
    throttle_time_ms: int = 0
    groups: list[DescribeShareGroupOffsetsResponseGroup] = []
    API_KEY: ClassVar[int] = 90
    VERSIONS: ClassVar[tuple[int, int]] = (0, 1)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("groups", "struct", (0, 32767), array=True, of=DescribeShareGroupOffsetsResponseGroup),
    )
