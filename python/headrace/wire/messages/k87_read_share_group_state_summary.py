"""ReadShareGroupStateSummary (key 87, v0-1).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import NULL_UUID, Field, Message, Part


class PartitionData(Part):
    partition: int = 0
    leader_epoch: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition", "int32", (0, 32767)),
        Field("leader_epoch", "int32", (0, 32767)),
    )


class ReadStateSummaryData(Part):
    topic_id: bytes = NULL_UUID
    partitions: list[PartitionData] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_id", "uuid", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=PartitionData),
    )


class ReadShareGroupStateSummaryRequest(Message):
    group_id: str = ""
    topics: list[ReadStateSummaryData] = []
    API_KEY: ClassVar[int] = 87
    VERSIONS: ClassVar[tuple[int, int]] = (0, 1)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 32767)),
        Field("topics", "struct", (0, 32767), array=True, of=ReadStateSummaryData),
    )


class PartitionResult(Part):
    partition: int = 0
    error_code: int = 0
    error_message: str | None = None
    state_epoch: int = 0
    leader_epoch: int = 0
    start_offset: int = 0
    delivery_complete_count: int = -1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("state_epoch", "int32", (0, 32767)),
        Field("leader_epoch", "int32", (0, 32767)),
        Field("start_offset", "int64", (0, 32767)),
        Field("delivery_complete_count", "int32", (1, 32767), ignorable=True),
    )


class ReadStateSummaryResult(Part):
    topic_id: bytes = NULL_UUID
    partitions: list[PartitionResult] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_id", "uuid", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=PartitionResult),
    )


class ReadShareGroupStateSummaryResponse(Message):
    results: list[ReadStateSummaryResult] = []
    API_KEY: ClassVar[int] = 87
    VERSIONS: ClassVar[tuple[int, int]] = (0, 1)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("results", "struct", (0, 32767), array=True, of=ReadStateSummaryResult),
    )
