"""Metadata (key 3, v0-13).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import NULL_UUID, Field, Message, Part


class MetadataRequestTopic(Part):
    topic_id: bytes = NULL_UUID
    name: str | None = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_id", "uuid", (10, 32767), ignorable=True),
        Field("name", "string", (0, 32767), nullable=(10, 32767)),
    )


class MetadataRequest(Message):
    topics: list[MetadataRequestTopic] | None = []
    allow_auto_topic_creation: bool = True
    include_cluster_authorized_operations: bool = False
    include_topic_authorized_operations: bool = False
    API_KEY: ClassVar[int] = 3
    VERSIONS: ClassVar[tuple[int, int]] = (0, 13)
    FLEXIBLE_FROM: ClassVar[int] = 9
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topics", "struct", (0, 32767), array=True, of=MetadataRequestTopic, nullable=(1, 32767)),
        Field("allow_auto_topic_creation", "bool", (4, 32767)),
        Field("include_cluster_authorized_operations", "bool", (8, 10)),
        Field("include_topic_authorized_operations", "bool", (8, 32767)),
    )


class MetadataResponseBroker(Part):
    node_id: int = 0
    host: str = ""
    port: int = 0
    rack: str | None = None
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("node_id", "int32", (0, 32767)),
        Field("host", "string", (0, 32767)),
        Field("port", "int32", (0, 32767)),
        Field("rack", "string", (1, 32767), nullable=(1, 32767), ignorable=True),
    )


class MetadataResponsePartition(Part):
    error_code: int = 0
    partition_index: int = 0
    leader_id: int = 0
    leader_epoch: int = -1
    replica_nodes: list[int] = []
    isr_nodes: list[int] = []
    offline_replicas: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("error_code", "int16", (0, 32767)),
        Field("partition_index", "int32", (0, 32767)),
        Field("leader_id", "int32", (0, 32767)),
        Field("leader_epoch", "int32", (7, 32767), ignorable=True),
        Field("replica_nodes", "int32", (0, 32767), array=True),
        Field("isr_nodes", "int32", (0, 32767), array=True),
        Field("offline_replicas", "int32", (5, 32767), array=True, ignorable=True),
    )


class MetadataResponseTopic(Part):
    error_code: int = 0
    name: str | None = ""
    topic_id: bytes = NULL_UUID
    is_internal: bool = False
    partitions: list[MetadataResponsePartition] = []
    topic_authorized_operations: int = -2147483648
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("error_code", "int16", (0, 32767)),
        Field("name", "string", (0, 32767), nullable=(12, 32767)),
        Field("topic_id", "uuid", (10, 32767), ignorable=True),
        Field("is_internal", "bool", (1, 32767), ignorable=True),
        Field("partitions", "struct", (0, 32767), array=True, of=MetadataResponsePartition),
        Field("topic_authorized_operations", "int32", (8, 32767)),
    )


class MetadataResponse(Message):
    throttle_time_ms: int = 0
    brokers: list[MetadataResponseBroker] = []
    cluster_id: str | None = None
    controller_id: int = -1
    topics: list[MetadataResponseTopic] = []
    cluster_authorized_operations: int = -2147483648
    error_code: int = 0
    API_KEY: ClassVar[int] = 3
    VERSIONS: ClassVar[tuple[int, int]] = (0, 13)
    FLEXIBLE_FROM: ClassVar[int] = 9
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (3, 32767), ignorable=True),
        Field("brokers", "struct", (0, 32767), array=True, of=MetadataResponseBroker),
        Field("cluster_id", "string", (2, 32767), nullable=(2, 32767), ignorable=True),
        Field("controller_id", "int32", (1, 32767), ignorable=True),
        Field("topics", "struct", (0, 32767), array=True, of=MetadataResponseTopic),
        Field("cluster_authorized_operations", "int32", (8, 10)),
        Field("error_code", "int16", (13, 32767), ignorable=True),
    )
