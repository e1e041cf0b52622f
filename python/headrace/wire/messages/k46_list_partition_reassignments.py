"""ListPartitionReassignments (key 46, v0-0).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class ListPartitionReassignmentsTopics(Part):
    name: str = ""
    partition_indexes: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("partition_indexes", "int32", (0, 32767), array=True),
    )


class ListPartitionReassignmentsRequest(Message):
    timeout_ms: int = 60000
    topics: list[ListPartitionReassignmentsTopics] | None = None
    API_KEY: ClassVar[int] = 46
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("timeout_ms", "int32", (0, 32767)),
        Field("topics", "struct", (0, 32767), array=True, of=ListPartitionReassignmentsTopics, nullable=(0, 32767)),
    )


class OngoingPartitionReassignment(Part):
    partition_index: int = 0
    replicas: list[int] = []
    adding_replicas: list[int] = []
    removing_replicas: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("replicas", "int32", (0, 32767), array=True),
        Field("adding_replicas", "int32", (0, 32767), array=True),
        Field("removing_replicas", "int32", (0, 32767), array=True),
    )


class OngoingTopicReassignment(Part):
    name: str = ""
    partitions: list[OngoingPartitionReassignment] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=OngoingPartitionReassignment),
    )


class ListPartitionReassignmentsResponse(Message):
    throttle_time_ms: int = 0
    error_code: int = 0
    error_message: str | None = ""
    topics: list[OngoingTopicReassignment] = []
    API_KEY: ClassVar[int] = 46
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("topics", "struct", (0, 32767), array=True, of=OngoingTopicReassignment),
    )
