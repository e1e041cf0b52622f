"""ShareFetch (key 78, v1-2).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from msgspec import field

from headrace.wire.schema import NULL_UUID, Field, Message, Part


class AcknowledgementBatch(Part):
    first_offset: int = 0
    last_offset: int = 0
    acknowledge_types: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("first_offset", "int64", (0, 32767)),
        Field("last_offset", "int64", (0, 32767)),
        Field("acknowledge_types", "int8", (0, 32767), array=True),
    )


class FetchPartition(Part):
    partition_index: int = 0
    partition_max_bytes: int = 0
    acknowledgement_batches: list[AcknowledgementBatch] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("partition_max_bytes", "int32", (0, 0)),
        Field("acknowledgement_batches", "struct", (0, 32767), array=True, of=AcknowledgementBatch),
    )


class FetchTopic(Part):
    topic_id: bytes = NULL_UUID
    partitions: list[FetchPartition] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_id", "uuid", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=FetchPartition),
    )


class ForgottenTopic(Part):
    topic_id: bytes = NULL_UUID
    partitions: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_id", "uuid", (0, 32767)),
        Field("partitions", "int32", (0, 32767), array=True),
    )


class ShareFetchRequest(Message):
    group_id: str | None = None
    member_id: str | None = ""
    share_session_epoch: int = 0
    max_wait_ms: int = 0
    min_bytes: int = 0
    max_bytes: int = 2147483647
    max_records: int = 0
    batch_size: int = 0
    share_acquire_mode: int = 0
    is_renew_ack: bool = False
    topics: list[FetchTopic] = []
    forgotten_topics_data: list[ForgottenTopic] = []
    API_KEY: ClassVar[int] = 78
    VERSIONS: ClassVar[tuple[int, int]] = (1, 2)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 32767), nullable=(0, 32767)),
        Field("member_id", "string", (0, 32767), nullable=(0, 32767)),
        Field("share_session_epoch", "int32", (0, 32767)),
        Field("max_wait_ms", "int32", (0, 32767)),
        Field("min_bytes", "int32", (0, 32767)),
        Field("max_bytes", "int32", (0, 32767)),
        Field("max_records", "int32", (1, 32767)),
        Field("batch_size", "int32", (1, 32767)),
        Field("share_acquire_mode", "int8", (2, 32767), ignorable=True),
        Field("is_renew_ack", "bool", (2, 32767)),
        Field("topics", "struct", (0, 32767), array=True, of=FetchTopic),
        Field("forgotten_topics_data", "struct", (0, 32767), array=True, of=ForgottenTopic),
    )


class LeaderIdAndEpoch(Part):
    leader_id: int = 0
    leader_epoch: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("leader_id", "int32", (0, 32767)),
        Field("leader_epoch", "int32", (0, 32767)),
    )


class AcquiredRecords(Part):
    first_offset: int = 0
    last_offset: int = 0
    delivery_count: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("first_offset", "int64", (0, 32767)),
        Field("last_offset", "int64", (0, 32767)),
        Field("delivery_count", "int16", (0, 32767)),
    )


class PartitionData(Part):
    partition_index: int = 0
    error_code: int = 0
    error_message: str | None = None
    acknowledge_error_code: int = 0
    acknowledge_error_message: str | None = None
    current_leader: LeaderIdAndEpoch = field(default_factory=LeaderIdAndEpoch)
    records: bytes | None = b""
    acquired_records: list[AcquiredRecords] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("acknowledge_error_code", "int16", (0, 32767)),
        Field("acknowledge_error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("current_leader", "struct", (0, 32767), of=LeaderIdAndEpoch),
        Field("records", "records", (0, 32767), nullable=(0, 0)),
        Field("acquired_records", "struct", (0, 32767), array=True, of=AcquiredRecords),
    )


class ShareFetchableTopicResponse(Part):
    topic_id: bytes = NULL_UUID
    partitions: list[PartitionData] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_id", "uuid", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=PartitionData),
    )


class NodeEndpoint(Part):
    node_id: int = 0
    host: str = ""
    port: int = 0
    rack: str | None = None
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("node_id", "int32", (0, 32767)),
        Field("host", "string", (0, 32767)),
        Field("port", "int32", (0, 32767)),
        Field("rack", "string", (0, 32767), nullable=(0, 32767)),
    )


class ShareFetchResponse(Message):
    throttle_time_ms: int = 0
    error_code: int = 0
    error_message: str | None = None
    acquisition_lock_timeout_ms: int = 0
    responses: list[ShareFetchableTopicResponse] = []
    node_endpoints: list[NodeEndpoint] = []
    API_KEY: ClassVar[int] = 78
    VERSIONS: ClassVar[tuple[int, int]] = (1, 2)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("acquisition_lock_timeout_ms", "int32", (1, 32767)),
        Field("responses", "struct", (0, 32767), array=True, of=ShareFetchableTopicResponse),
        Field("node_endpoints", "struct", (0, 32767), array=True, of=NodeEndpoint),
    )
