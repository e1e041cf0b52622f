"""DeleteRecords (key 21, v0-2).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class DeleteRecordsPartition(Part):
    partition_index: int = 0
    offset: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("offset", "int64", (0, 32767)),
    )


class DeleteRecordsTopic(Part):
    name: str = ""
    partitions: list[DeleteRecordsPartition] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=DeleteRecordsPartition),
    )


class DeleteRecordsRequest(Message):
    topics: list[DeleteRecordsTopic] = []
    timeout_ms: int = 0
    API_KEY: ClassVar[int] = 21
    VERSIONS: ClassVar[tuple[int, int]] = (0, 2)
    FLEXIBLE_FROM: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topics", "struct", (0, 32767), array=True, of=DeleteRecordsTopic),
        Field("timeout_ms", "int32", (0, 32767)),
    )


class DeleteRecordsPartitionResult(Part):
    partition_index: int = 0
    low_watermark: int = 0
    error_code: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("low_watermark", "int64", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
    )


class DeleteRecordsTopicResult(Part):
    name: str = ""
    partitions: list[DeleteRecordsPartitionResult] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=DeleteRecordsPartitionResult),
    )


class DeleteRecordsResponse(Message):
    throttle_time_ms: int = 0
    topics: list[DeleteRecordsTopicResult] = []
    API_KEY: ClassVar[int] = 21
    VERSIONS: ClassVar[tuple[int, int]] = (0, 2)
    FLEXIBLE_FROM: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("topics", "struct", (0, 32767), array=True, of=DeleteRecordsTopicResult),
    )
