"""Produce (key 0, v3-13).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from msgspec import field

from headrace.wire.schema import NULL_UUID, Field, Message, Part


class PartitionProduceData(Part):
    index: int = 0
    records: bytes | None = b""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("index", "int32", (0, 32767)),
        Field("records", "records", (0, 32767), nullable=(0, 32767)),
    )


class TopicProduceData(Part):
    name: str = ""
    topic_id: bytes = NULL_UUID
    partition_data: list[PartitionProduceData] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 12), ignorable=True),
        Field("topic_id", "uuid", (13, 32767), ignorable=True),
        Field("partition_data", "struct", (0, 32767), array=True, of=PartitionProduceData),
    )


class ProduceRequest(Message):
    transactional_id: str | None = None
    acks: int = 0
    timeout_ms: int = 0
    topic_data: list[TopicProduceData] = []
    API_KEY: ClassVar[int] = 0
    VERSIONS: ClassVar[tuple[int, int]] = (3, 13)
    FLEXIBLE_FROM: ClassVar[int] = 9
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("transactional_id", "string", (3, 32767), nullable=(3, 32767)),
        Field("acks", "int16", (0, 32767)),
        Field("timeout_ms", "int32", (0, 32767)),
        Field("topic_data", "struct", (0, 32767), array=True, of=TopicProduceData),
    )


class BatchIndexAndErrorMessage(Part):
    batch_index: int = 0
    batch_index_error_message: str | None = None
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("batch_index", "int32", (8, 32767)),
        Field("batch_index_error_message", "string", (8, 32767), nullable=(8, 32767)),
    )


class LeaderIdAndEpoch(Part):
    leader_id: int = -1
    leader_epoch: int = -1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("leader_id", "int32", (10, 32767)),
        Field("leader_epoch", "int32", (10, 32767)),
    )


class PartitionProduceResponse(Part):
    index: int = 0
    error_code: int = 0
    base_offset: int = 0
    log_append_time_ms: int = -1
    log_start_offset: int = -1
    record_errors: list[BatchIndexAndErrorMessage] = []
    error_message: str | None = None
    current_leader: LeaderIdAndEpoch = field(default_factory=LeaderIdAndEpoch)
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("index", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("base_offset", "int64", (0, 32767)),
        Field("log_append_time_ms", "int64", (2, 32767), ignorable=True),
        Field("log_start_offset", "int64", (5, 32767), ignorable=True),
        Field("record_errors", "struct", (8, 32767), array=True, of=BatchIndexAndErrorMessage, ignorable=True),
        Field("error_message", "string", (8, 32767), nullable=(8, 32767), ignorable=True),
        Field("current_leader", "struct", (10, 32767), of=LeaderIdAndEpoch, tag=0, tagged=(10, 32767)),
    )


class TopicProduceResponse(Part):
    name: str = ""
    topic_id: bytes = NULL_UUID
    partition_responses: list[PartitionProduceResponse] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 12), ignorable=True),
        Field("topic_id", "uuid", (13, 32767), ignorable=True),
        Field("partition_responses", "struct", (0, 32767), array=True, of=PartitionProduceResponse),
    )


class NodeEndpoint(Part):
    node_id: int = 0
    host: str = ""
    port: int = 0
    rack: str | None = None
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("node_id", "int32", (10, 32767)),
        Field("host", "string", (10, 32767)),
        Field("port", "int32", (10, 32767)),
        Field("rack", "string", (10, 32767), nullable=(10, 32767)),
    )


class ProduceResponse(Message):
    responses: list[TopicProduceResponse] = []
    throttle_time_ms: int = 0
    node_endpoints: list[NodeEndpoint] = []
    API_KEY: ClassVar[int] = 0
    VERSIONS: ClassVar[tuple[int, int]] = (3, 13)
    FLEXIBLE_FROM: ClassVar[int] = 9
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("responses", "struct", (0, 32767), array=True, of=TopicProduceResponse),
        Field("throttle_time_ms", "int32", (1, 32767), ignorable=True),
        Field("node_endpoints", "struct", (10, 32767), array=True, of=NodeEndpoint, tag=0, tagged=(10, 32767)),
    )
