"""AlterPartitionReassignments (key 45, v0-1).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class ReassignablePartition(Part):
    partition_index: int = 0
    replicas: list[int] | None = None
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("replicas", "int32", (0, 32767), array=True, nullable=(0, 32767)),
    )


class ReassignableTopic(Part):
    name: str = ""
    partitions: list[ReassignablePartition] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=ReassignablePartition),
    )


class AlterPartitionReassignmentsRequest(Message):
    timeout_ms: int = 60000
    allow_replication_factor_change: bool = True
    topics: list[ReassignableTopic] = []
    API_KEY: ClassVar[int] = 45
    VERSIONS: ClassVar[tuple[int, int]] = (0, 1)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("timeout_ms", "int32", (0, 32767)),
        Field("allow_replication_factor_change", "bool", (1, 32767)),
        Field("topics", "struct", (0, 32767), array=True, of=ReassignableTopic),
    )


class ReassignablePartitionResponse(Part):
    partition_index: int = 0
    error_code: int = 0
    error_message: str | None = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
    )


class ReassignableTopicResponse(Part):
    name: str = ""
    partitions: list[ReassignablePartitionResponse] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=ReassignablePartitionResponse),
    )


class AlterPartitionReassignmentsResponse(Message):
    throttle_time_ms: int = 0
    allow_replication_factor_change: bool = True
    error_code: int = 0
    error_message: str | None = ""
    responses: list[ReassignableTopicResponse] = []
    API_KEY: ClassVar[int] = 45
    VERSIONS: ClassVar[tuple[int, int]] = (0, 1)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("allow_replication_factor_change", "bool", (1, 32767), ignorable=True),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("responses", "struct", (0, 32767), array=True, of=ReassignableTopicResponse),
    )
