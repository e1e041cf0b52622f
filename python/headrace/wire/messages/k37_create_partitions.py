"""CreatePartitions (key 37, v0-3).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class CreatePartitionsAssignment(Part):
    broker_ids: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("broker_ids", "int32", (0, 32767), array=True),
    )


class CreatePartitionsTopic(Part):
    name: str = ""
    count: int = 0
    assignments: list[CreatePartitionsAssignment] | None = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("count", "int32", (0, 32767)),
        Field("assignments", "struct", (0, 32767), array=True, of=CreatePartitionsAssignment, nullable=(0, 32767)),
    )


class CreatePartitionsRequest(Message):
    topics: list[CreatePartitionsTopic] = []
    timeout_ms: int = 0
    validate_only: bool = False
    API_KEY: ClassVar[int] = 37
    VERSIONS: ClassVar[tuple[int, int]] = (0, 3)
    FLEXIBLE_FROM: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topics", "struct", (0, 32767), array=True, of=CreatePartitionsTopic),
        Field("timeout_ms", "int32", (0, 32767)),
        Field("validate_only", "bool", (0, 32767)),
    )


class CreatePartitionsTopicResult(Part):
    name: str = ""
    error_code: int = 0
    error_message: str | None = None
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
    )


class CreatePartitionsResponse(Message):
    throttle_time_ms: int = 0
    results: list[CreatePartitionsTopicResult] = []
    API_KEY: ClassVar[int] = 37
    VERSIONS: ClassVar[tuple[int, int]] = (0, 3)
    FLEXIBLE_FROM: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("results", "struct", (0, 32767), array=True, of=CreatePartitionsTopicResult),
    )
