"""DescribeQuorum (key 55, v0-2).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import NULL_UUID, Field, Message, Part


class DescribeQuorumRequestPartitionData(Part):
    partition_index: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
    )


class DescribeQuorumRequestTopicData(Part):
    topic_name: str = ""
    partitions: list[DescribeQuorumRequestPartitionData] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_name", "string", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=DescribeQuorumRequestPartitionData),
    )


class DescribeQuorumRequest(Message):
    topics: list[DescribeQuorumRequestTopicData] = []
    API_KEY: ClassVar[int] = 55
    VERSIONS: ClassVar[tuple[int, int]] = (0, 2)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topics", "struct", (0, 32767), array=True, of=DescribeQuorumRequestTopicData),
    )


class ReplicaState(Part):
    replica_id: int = 0
    replica_directory_id: bytes = NULL_UUID
    log_end_offset: int = 0
    last_fetch_timestamp: int = -1
    last_caught_up_timestamp: int = -1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("replica_id", "int32", (0, 32767)),
        Field("replica_directory_id", "uuid", (2, 32767)),
        Field("log_end_offset", "int64", (0, 32767)),
        Field("last_fetch_timestamp", "int64", (1, 32767), ignorable=True),
        Field("last_caught_up_timestamp", "int64", (1, 32767), ignorable=True),
    )


class DescribeQuorumResponsePartitionData(Part):
    partition_index: int = 0
    error_code: int = 0
    error_message: str | None = ""
    leader_id: int = 0
    leader_epoch: int = 0
    high_watermark: int = 0
    current_voters: list[ReplicaState] = []
    observers: list[ReplicaState] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (2, 32767), nullable=(2, 32767), ignorable=True),
        Field("leader_id", "int32", (0, 32767)),
        Field("leader_epoch", "int32", (0, 32767)),
        Field("high_watermark", "int64", (0, 32767)),
        Field("current_voters", "struct", (0, 32767), array=True, of=ReplicaState),
        Field("observers", "struct", (0, 32767), array=True, of=ReplicaState),
    )


class DescribeQuorumResponseTopicData(Part):
    topic_name: str = ""
    partitions: list[DescribeQuorumResponsePartitionData] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_name", "string", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=DescribeQuorumResponsePartitionData),
    )


class Listener(Part):
    name: str = ""
    host: str = ""
    port: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (2, 32767)),
        Field("host", "string", (2, 32767)),
        Field("port", "uint16", (2, 32767)),
    )


class Node(Part):
    node_id: int = 0
    listeners: list[Listener] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("node_id", "int32", (2, 32767)),
        Field("listeners", "struct", (2, 32767), array=True, of=Listener),
    )


class DescribeQuorumResponse(Message):
    error_code: int = 0
    error_message: str | None = ""
    topics: list[DescribeQuorumResponseTopicData] = []
    nodes: list[Node] = []
    API_KEY: ClassVar[int] = 55
    VERSIONS: ClassVar[tuple[int, int]] = (0, 2)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (2, 32767), nullable=(2, 32767), ignorable=True),
        Field("topics", "struct", (0, 32767), array=True, of=DescribeQuorumResponseTopicData),
        Field("nodes", "struct", (2, 32767), array=True, of=Node),
    )
