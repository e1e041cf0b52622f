"""DeleteShareGroupState (key 86, v0-0).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import NULL_UUID, Field, Message, Part


class PartitionData(Part):
    partition: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition", "int32", (0, 32767)),
    )


class DeleteStateData(Part):
    topic_id: bytes = NULL_UUID
    partitions: list[PartitionData] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_id", "uuid", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=PartitionData),
    )


class DeleteShareGroupStateRequest(Message):
    group_id: str = ""
    topics: list[DeleteStateData] = []
    API_KEY: ClassVar[int] = 86
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 32767)),
        Field("topics", "struct", (0, 32767), array=True, of=DeleteStateData),
    )


class PartitionResult(Part):
    partition: int = 0
    error_code: int = 0
    error_message: str | None = None
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
    )


class DeleteStateResult(Part):
    topic_id: bytes = NULL_UUID
    partitions: list[PartitionResult] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_id", "uuid", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=PartitionResult),
    )


class DeleteShareGroupStateResponse(Message):
    results: list[DeleteStateResult] = []
    API_KEY: ClassVar[int] = 86
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("results", "struct", (0, 32767), array=True, of=DeleteStateResult),
    )
