"""Keys and values of `__consumer_offsets` for consumer groups (KIP-848).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import NULL_UUID, Field, Message, Part


class ConsumerGroupMetadataKey(Message):
    group_id: str = ""
    API_KEY: ClassVar[int] = 3
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 32767
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 0)),
    )


class ConsumerGroupMetadataValue(Message):
    epoch: int = 0
    metadata_hash: int = 0
    API_KEY: ClassVar[int] = 3
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("epoch", "int32", (0, 32767)),
        Field("metadata_hash", "int64", (0, 32767), tag=0, tagged=(0, 32767)),
    )


class ConsumerGroupMemberMetadataKey(Message):
    group_id: str = ""
    member_id: str = ""
    API_KEY: ClassVar[int] = 5
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 32767
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 0)),
        Field("member_id", "string", (0, 0)),
    )


class ClassicProtocol(Part):
    name: str = ""
    metadata: bytes = b""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("metadata", "bytes", (0, 32767)),
    )


class ClassicMemberMetadata(Part):
    session_timeout_ms: int = 0
    supported_protocols: list[ClassicProtocol] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("session_timeout_ms", "int32", (0, 32767)),
        Field("supported_protocols", "struct", (0, 32767), array=True, of=ClassicProtocol),
    )


class ConsumerGroupMemberMetadataValue(Message):
    instance_id: str | None = ""
    rack_id: str | None = ""
    client_id: str = ""
    client_host: str = ""
    subscribed_topic_names: list[str] = []
    subscribed_topic_regex: str | None = ""
    rebalance_timeout_ms: int = -1
    server_assignor: str | None = ""
    classic_member_metadata: ClassicMemberMetadata | None = None
    API_KEY: ClassVar[int] = 5
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("instance_id", "string", (0, 32767), nullable=(0, 32767)),
        Field("rack_id", "string", (0, 32767), nullable=(0, 32767)),
        Field("client_id", "string", (0, 32767)),
        Field("client_host", "string", (0, 32767)),
        Field("subscribed_topic_names", "string", (0, 32767), array=True),
        Field("subscribed_topic_regex", "string", (0, 32767), nullable=(0, 32767)),
        Field("rebalance_timeout_ms", "int32", (0, 32767)),
        Field("server_assignor", "string", (0, 32767), nullable=(0, 32767)),
        Field("classic_member_metadata", "struct", (0, 32767), of=ClassicMemberMetadata, nullable=(0, 32767), tag=0, tagged=(0, 32767)),
    )


class ConsumerGroupTargetAssignmentMetadataKey(Message):
    group_id: str = ""
    API_KEY: ClassVar[int] = 6
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 32767
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 0)),
    )


class ConsumerGroupTargetAssignmentMetadataValue(Message):
    assignment_epoch: int = 0
    API_KEY: ClassVar[int] = 6
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("assignment_epoch", "int32", (0, 32767)),
    )


class ConsumerGroupTargetAssignmentMemberKey(Message):
    group_id: str = ""
    member_id: str = ""
    API_KEY: ClassVar[int] = 7
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 32767
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 0)),
        Field("member_id", "string", (0, 0)),
    )


class TopicPartition(Part):
    topic_id: bytes = NULL_UUID
    partitions: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_id", "uuid", (0, 32767)),
        Field("partitions", "int32", (0, 32767), array=True),
    )


class ConsumerGroupTargetAssignmentMemberValue(Message):
    topic_partitions: list[TopicPartition] = []
    API_KEY: ClassVar[int] = 7
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_partitions", "struct", (0, 32767), array=True, of=TopicPartition),
    )


class ConsumerGroupCurrentMemberAssignmentKey(Message):
    group_id: str = ""
    member_id: str = ""
    API_KEY: ClassVar[int] = 8
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 32767
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 0)),
        Field("member_id", "string", (0, 0)),
    )


class TopicPartitions(Part):
    topic_id: bytes = NULL_UUID
    partitions: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_id", "uuid", (0, 32767)),
        Field("partitions", "int32", (0, 32767), array=True),
    )


class ConsumerGroupCurrentMemberAssignmentValue(Message):
    member_epoch: int = 0
    previous_member_epoch: int = 0
    state: int = 0
    assigned_partitions: list[TopicPartitions] = []
    partitions_pending_revocation: list[TopicPartitions] = []
    API_KEY: ClassVar[int] = 8
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("member_epoch", "int32", (0, 32767)),
        Field("previous_member_epoch", "int32", (0, 32767)),
        Field("state", "int8", (0, 32767)),
        Field("assigned_partitions", "struct", (0, 32767), array=True, of=TopicPartitions),
        Field("partitions_pending_revocation", "struct", (0, 32767), array=True, of=TopicPartitions),
    )


class ConsumerGroupRegularExpressionKey(Message):
    group_id: str = ""
    regular_expression: str = ""
    API_KEY: ClassVar[int] = 16
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 32767
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 0)),
        Field("regular_expression", "string", (0, 0)),
    )


class ConsumerGroupRegularExpressionValue(Message):
    topics: list[str] = []
    version: int = 0
    timestamp: int = 0
    API_KEY: ClassVar[int] = 16
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topics", "string", (0, 32767), array=True),
        Field("version", "int64", (0, 32767)),
        Field("timestamp", "int64", (0, 32767)),
    )
