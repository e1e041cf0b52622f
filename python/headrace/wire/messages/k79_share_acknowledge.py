"""ShareAcknowledge (key 79, v1-2).

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


class AcknowledgePartition(Part):
    partition_index: int = 0
    acknowledgement_batches: list[AcknowledgementBatch] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("acknowledgement_batches", "struct", (0, 32767), array=True, of=AcknowledgementBatch),
    )


class AcknowledgeTopic(Part):
    topic_id: bytes = NULL_UUID
    partitions: list[AcknowledgePartition] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_id", "uuid", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=AcknowledgePartition),
    )


class ShareAcknowledgeRequest(Message):
    group_id: str | None = None
    member_id: str | None = ""
    share_session_epoch: int = 0
    is_renew_ack: bool = False
    topics: list[AcknowledgeTopic] = []
    API_KEY: ClassVar[int] = 79
    VERSIONS: ClassVar[tuple[int, int]] = (1, 2)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 32767), nullable=(0, 32767)),
        Field("member_id", "string", (0, 32767), nullable=(0, 32767)),
        Field("share_session_epoch", "int32", (0, 32767)),
        Field("is_renew_ack", "bool", (2, 32767)),
        Field("topics", "struct", (0, 32767), array=True, of=AcknowledgeTopic),
    )


class LeaderIdAndEpoch(Part):
    leader_id: int = 0
    leader_epoch: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("leader_id", "int32", (0, 32767)),
        Field("leader_epoch", "int32", (0, 32767)),
    )


class PartitionData(Part):
    partition_index: int = 0
    error_code: int = 0
    error_message: str | None = None
    current_leader: LeaderIdAndEpoch = field(default_factory=LeaderIdAndEpoch)
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("current_leader", "struct", (0, 32767), of=LeaderIdAndEpoch),
    )


class ShareAcknowledgeTopicResponse(Part):
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


class ShareAcknowledgeResponse(Message):
    throttle_time_ms: int = 0
    error_code: int = 0
    error_message: str | None = None
    acquisition_lock_timeout_ms: int = 0
    responses: list[ShareAcknowledgeTopicResponse] = []
    node_endpoints: list[NodeEndpoint] = []
    API_KEY: ClassVar[int] = 79
    VERSIONS: ClassVar[tuple[int, int]] = (1, 2)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("acquisition_lock_timeout_ms", "int32", (2, 32767), ignorable=True),
        Field("responses", "struct", (0, 32767), array=True, of=ShareAcknowledgeTopicResponse),
        Field("node_endpoints", "struct", (0, 32767), array=True, of=NodeEndpoint),
    )
