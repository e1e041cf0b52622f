"""ListOffsets (key 2, v1-11).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class ListOffsetsPartition(Part):
    partition_index: int = 0
    current_leader_epoch: int = -1
    timestamp: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("current_leader_epoch", "int32", (4, 32767), ignorable=True),
        Field("timestamp", "int64", (0, 32767)),
    )


class ListOffsetsTopic(Part):
    name: str = ""
    partitions: list[ListOffsetsPartition] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=ListOffsetsPartition),
    )


class ListOffsetsRequest(Message):
    replica_id: int = 0
    isolation_level: int = 0
    topics: list[ListOffsetsTopic] = []
    timeout_ms: int = 0
    API_KEY: ClassVar[int] = 2
    VERSIONS: ClassVar[tuple[int, int]] = (1, 11)
    FLEXIBLE_FROM: ClassVar[int] = 6
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("replica_id", "int32", (0, 32767)),
        Field("isolation_level", "int8", (2, 32767)),
        Field("topics", "struct", (0, 32767), array=True, of=ListOffsetsTopic),
        Field("timeout_ms", "int32", (10, 32767), ignorable=True),
    )


class ListOffsetsPartitionResponse(Part):
    partition_index: int = 0
    error_code: int = 0
    timestamp: int = -1
    offset: int = -1
    leader_epoch: int = -1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("timestamp", "int64", (1, 32767)),
        Field("offset", "int64", (1, 32767)),
        Field("leader_epoch", "int32", (4, 32767)),
    )


class ListOffsetsTopicResponse(Part):
    name: str = ""
    partitions: list[ListOffsetsPartitionResponse] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=ListOffsetsPartitionResponse),
    )


class ListOffsetsResponse(Message):
    throttle_time_ms: int = 0
    topics: list[ListOffsetsTopicResponse] = []
    API_KEY: ClassVar[int] = 2
    VERSIONS: ClassVar[tuple[int, int]] = (1, 11)
    FLEXIBLE_FROM: ClassVar[int] = 6
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (2, 32767), ignorable=True),
        Field("topics", "struct", (0, 32767), array=True, of=ListOffsetsTopicResponse),
    )
