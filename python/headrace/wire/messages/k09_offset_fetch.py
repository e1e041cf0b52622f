"""OffsetFetch (key 9, v1-10).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import NULL_UUID, Field, Message, Part


class OffsetFetchRequestTopic(Part):
    name: str = ""
    partition_indexes: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 7)),
        Field("partition_indexes", "int32", (0, 7), array=True),
    )


class OffsetFetchRequestTopics(Part):
    name: str = ""
    topic_id: bytes = NULL_UUID
    partition_indexes: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (8, 9), ignorable=True),
        Field("topic_id", "uuid", (10, 32767), ignorable=True),
        Field("partition_indexes", "int32", (8, 32767), array=True),
    )


class OffsetFetchRequestGroup(Part):
    group_id: str = ""
    member_id: str | None = None
    member_epoch: int = -1
    topics: list[OffsetFetchRequestTopics] | None = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (8, 32767)),
        Field("member_id", "string", (9, 32767), nullable=(9, 32767), ignorable=True),
        Field("member_epoch", "int32", (9, 32767), ignorable=True),
        Field("topics", "struct", (8, 32767), array=True, of=OffsetFetchRequestTopics, nullable=(8, 32767)),
    )


class OffsetFetchRequest(Message):
    group_id: str = ""
    topics: list[OffsetFetchRequestTopic] | None = []
    groups: list[OffsetFetchRequestGroup] = []
    require_stable: bool = False
    API_KEY: ClassVar[int] = 9
    VERSIONS: ClassVar[tuple[int, int]] = (1, 10)
    FLEXIBLE_FROM: ClassVar[int] = 6
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 7)),
        Field("topics", "struct", (0, 7), array=True, of=OffsetFetchRequestTopic, nullable=(2, 7)),
        Field("groups", "struct", (8, 32767), array=True, of=OffsetFetchRequestGroup),
        Field("require_stable", "bool", (7, 32767)),
    )


class OffsetFetchResponsePartition(Part):
    partition_index: int = 0
    committed_offset: int = 0
    committed_leader_epoch: int = -1
    metadata: str | None = ""
    error_code: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 7)),
        Field("committed_offset", "int64", (0, 7)),
        Field("committed_leader_epoch", "int32", (5, 7), ignorable=True),
        Field("metadata", "string", (0, 7), nullable=(0, 7)),
        Field("error_code", "int16", (0, 7)),
    )


class OffsetFetchResponseTopic(Part):
    name: str = ""
    partitions: list[OffsetFetchResponsePartition] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 7)),
        Field("partitions", "struct", (0, 7), array=True, of=OffsetFetchResponsePartition),
    )


class OffsetFetchResponsePartitions(Part):
    partition_index: int = 0
    committed_offset: int = 0
    committed_leader_epoch: int = -1
    metadata: str | None = ""
    error_code: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (8, 32767)),
        Field("committed_offset", "int64", (8, 32767)),
        Field("committed_leader_epoch", "int32", (8, 32767), ignorable=True),
        Field("metadata", "string", (8, 32767), nullable=(8, 32767)),
        Field("error_code", "int16", (8, 32767)),
    )


class OffsetFetchResponseTopics(Part):
    name: str = ""
    topic_id: bytes = NULL_UUID
    partitions: list[OffsetFetchResponsePartitions] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (8, 9), ignorable=True),
        Field("topic_id", "uuid", (10, 32767), ignorable=True),
        Field("partitions", "struct", (8, 32767), array=True, of=OffsetFetchResponsePartitions),
    )


class OffsetFetchResponseGroup(Part):
    group_id: str = ""
    topics: list[OffsetFetchResponseTopics] = []
    error_code: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (8, 32767)),
        Field("topics", "struct", (8, 32767), array=True, of=OffsetFetchResponseTopics),
        Field("error_code", "int16", (8, 32767)),
    )


class OffsetFetchResponse(Message):
    throttle_time_ms: int = 0
    topics: list[OffsetFetchResponseTopic] = []
    error_code: int = 0
    groups: list[OffsetFetchResponseGroup] = []
    API_KEY: ClassVar[int] = 9
    VERSIONS: ClassVar[tuple[int, int]] = (1, 10)
    FLEXIBLE_FROM: ClassVar[int] = 6
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (3, 32767), ignorable=True),
        Field("topics", "struct", (0, 7), array=True, of=OffsetFetchResponseTopic),
        Field("error_code", "int16", (2, 7), ignorable=True),
        Field("groups", "struct", (8, 32767), array=True, of=OffsetFetchResponseGroup),
    )
