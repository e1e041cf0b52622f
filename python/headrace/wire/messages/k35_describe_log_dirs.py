"""DescribeLogDirs (key 35, v1-4).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class DescribableLogDirTopic(Part):
    topic: str = ""
    partitions: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic", "string", (0, 32767)),
        Field("partitions", "int32", (0, 32767), array=True),
    )


class DescribeLogDirsRequest(Message):
    topics: list[DescribableLogDirTopic] | None = []
    API_KEY: ClassVar[int] = 35
    VERSIONS: ClassVar[tuple[int, int]] = (1, 5)
    FLEXIBLE_FROM: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topics", "struct", (0, 32767), array=True, of=DescribableLogDirTopic, nullable=(0, 32767)),
    )


class DescribeLogDirsPartition(Part):
    partition_index: int = 0
    partition_size: int = 0
    offset_lag: int = 0
    is_future_key: bool = False
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("partition_size", "int64", (0, 32767)),
        Field("offset_lag", "int64", (0, 32767)),
        Field("is_future_key", "bool", (0, 32767)),
    )


class DescribeLogDirsTopic(Part):
    name: str = ""
    partitions: list[DescribeLogDirsPartition] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=DescribeLogDirsPartition),
    )


class DescribeLogDirsResult(Part):
    error_code: int = 0
    log_dir: str = ""
    topics: list[DescribeLogDirsTopic] = []
    total_bytes: int = -1
    usable_bytes: int = -1
    is_cordoned: bool = False
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("error_code", "int16", (0, 32767)),
        Field("log_dir", "string", (0, 32767)),
        Field("topics", "struct", (0, 32767), array=True, of=DescribeLogDirsTopic),
        Field("total_bytes", "int64", (4, 32767), ignorable=True),
        Field("usable_bytes", "int64", (4, 32767), ignorable=True),
        Field("is_cordoned", "bool", (5, 32767), ignorable=True),
    )


class DescribeLogDirsResponse(Message):
    throttle_time_ms: int = 0
    error_code: int = 0
    results: list[DescribeLogDirsResult] = []
    API_KEY: ClassVar[int] = 35
    VERSIONS: ClassVar[tuple[int, int]] = (1, 5)
    FLEXIBLE_FROM: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("error_code", "int16", (3, 32767), ignorable=True),
        Field("results", "struct", (0, 32767), array=True, of=DescribeLogDirsResult),
    )
