"""DescribeTopicPartitions (key 75, v0-0).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import NULL_UUID, Field, Message, Part


class TopicRequest(Part):
    name: str = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
    )


class DescribeTopicPartitionsRequestCursor(Part):
    topic_name: str = ""
    partition_index: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_name", "string", (0, 32767)),
        Field("partition_index", "int32", (0, 32767)),
    )


class DescribeTopicPartitionsRequest(Message):
    topics: list[TopicRequest] = []
    response_partition_limit: int = 2000
    cursor: DescribeTopicPartitionsRequestCursor | None = None
    API_KEY: ClassVar[int] = 75
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topics", "struct", (0, 32767), array=True, of=TopicRequest),
        Field("response_partition_limit", "int32", (0, 32767)),
        Field("cursor", "struct", (0, 32767), of=DescribeTopicPartitionsRequestCursor, nullable=(0, 32767)),
    )


class DescribeTopicPartitionsResponsePartition(Part):
    error_code: int = 0
    partition_index: int = 0
    leader_id: int = 0
    leader_epoch: int = -1
    replica_nodes: list[int] = []
    isr_nodes: list[int] = []
    eligible_leader_replicas: list[int] | None = None
    last_known_elr: list[int] | None = None
    offline_replicas: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("error_code", "int16", (0, 32767)),
        Field("partition_index", "int32", (0, 32767)),
        Field("leader_id", "int32", (0, 32767)),
        Field("leader_epoch", "int32", (0, 32767), ignorable=True),
        Field("replica_nodes", "int32", (0, 32767), array=True),
        Field("isr_nodes", "int32", (0, 32767), array=True),
        Field("eligible_leader_replicas", "int32", (0, 32767), array=True, nullable=(0, 32767)),
        Field("last_known_elr", "int32", (0, 32767), array=True, nullable=(0, 32767)),
        Field("offline_replicas", "int32", (0, 32767), array=True, ignorable=True),
    )


class DescribeTopicPartitionsResponseTopic(Part):
    error_code: int = 0
    name: str | None = ""
    topic_id: bytes = NULL_UUID
    is_internal: bool = False
    partitions: list[DescribeTopicPartitionsResponsePartition] = []
    topic_authorized_operations: int = -2147483648
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("error_code", "int16", (0, 32767)),
        Field("name", "string", (0, 32767), nullable=(0, 32767)),
        Field("topic_id", "uuid", (0, 32767), ignorable=True),
        Field("is_internal", "bool", (0, 32767), ignorable=True),
        Field("partitions", "struct", (0, 32767), array=True, of=DescribeTopicPartitionsResponsePartition),
        Field("topic_authorized_operations", "int32", (0, 32767)),
    )


class DescribeTopicPartitionsResponseCursor(Part):
    topic_name: str = ""
    partition_index: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_name", "string", (0, 32767)),
        Field("partition_index", "int32", (0, 32767)),
    )


class DescribeTopicPartitionsResponse(Message):
    throttle_time_ms: int = 0
    topics: list[DescribeTopicPartitionsResponseTopic] = []
    next_cursor: DescribeTopicPartitionsResponseCursor | None = None
    API_KEY: ClassVar[int] = 75
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767), ignorable=True),
        Field("topics", "struct", (0, 32767), array=True, of=DescribeTopicPartitionsResponseTopic),
        Field("next_cursor", "struct", (0, 32767), of=DescribeTopicPartitionsResponseCursor, nullable=(0, 32767)),
    )
