"""OffsetForLeaderEpoch (key 23, v2-4).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class OffsetForLeaderPartition(Part):
    partition: int = 0
    current_leader_epoch: int = -1
    leader_epoch: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition", "int32", (0, 32767)),
        Field("current_leader_epoch", "int32", (2, 32767), ignorable=True),
        Field("leader_epoch", "int32", (0, 32767)),
    )


class OffsetForLeaderTopic(Part):
    topic: str = ""
    partitions: list[OffsetForLeaderPartition] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic", "string", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=OffsetForLeaderPartition),
    )


class OffsetForLeaderEpochRequest(Message):
    replica_id: int = -2
    topics: list[OffsetForLeaderTopic] = []
    API_KEY: ClassVar[int] = 23
    VERSIONS: ClassVar[tuple[int, int]] = (2, 4)
    FLEXIBLE_FROM: ClassVar[int] = 4
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("replica_id", "int32", (3, 32767), ignorable=True),
        Field("topics", "struct", (0, 32767), array=True, of=OffsetForLeaderTopic),
    )


class EpochEndOffset(Part):
    error_code: int = 0
    partition: int = 0
    leader_epoch: int = -1
    end_offset: int = -1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("error_code", "int16", (0, 32767)),
        Field("partition", "int32", (0, 32767)),
        Field("leader_epoch", "int32", (1, 32767), ignorable=True),
        Field("end_offset", "int64", (0, 32767)),
    )


class OffsetForLeaderTopicResult(Part):
    topic: str = ""
    partitions: list[EpochEndOffset] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic", "string", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=EpochEndOffset),
    )


class OffsetForLeaderEpochResponse(Message):
    throttle_time_ms: int = 0
    topics: list[OffsetForLeaderTopicResult] = []
    API_KEY: ClassVar[int] = 23
    VERSIONS: ClassVar[tuple[int, int]] = (2, 4)
    FLEXIBLE_FROM: ClassVar[int] = 4
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (2, 32767), ignorable=True),
        Field("topics", "struct", (0, 32767), array=True, of=OffsetForLeaderTopicResult),
    )
