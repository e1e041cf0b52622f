"""Keys and values of `__consumer_offsets` for share groups (KIP-932).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import NULL_UUID, Field, Message, Part


class ShareGroupMetadataKey(Message):
    group_id: str = ""
    API_KEY: ClassVar[int] = 11
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 32767
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 0)),
    )


class ShareGroupMetadataValue(Message):
    epoch: int = 0
    metadata_hash: int = 0
    API_KEY: ClassVar[int] = 11
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("epoch", "int32", (0, 32767)),
        Field("metadata_hash", "int64", (0, 32767)),
    )


class ShareGroupMemberMetadataKey(Message):
    group_id: str = ""
    member_id: str = ""
    API_KEY: ClassVar[int] = 10
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 32767
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 0)),
        Field("member_id", "string", (0, 0)),
    )


class ShareGroupMemberMetadataValue(Message):
    rack_id: str | None = ""
    client_id: str = ""
    client_host: str = ""
    subscribed_topic_names: list[str] = []
    API_KEY: ClassVar[int] = 10
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("rack_id", "string", (0, 32767), nullable=(0, 32767)),
        Field("client_id", "string", (0, 32767)),
        Field("client_host", "string", (0, 32767)),
        Field("subscribed_topic_names", "string", (0, 32767), array=True),
    )


class ShareGroupTargetAssignmentMetadataKey(Message):
    group_id: str = ""
    API_KEY: ClassVar[int] = 12
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 32767
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 0)),
    )


class ShareGroupTargetAssignmentMetadataValue(Message):
    assignment_epoch: int = 0
    API_KEY: ClassVar[int] = 12
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("assignment_epoch", "int32", (0, 32767)),
    )


class ShareGroupTargetAssignmentMemberKey(Message):
    group_id: str = ""
    member_id: str = ""
    API_KEY: ClassVar[int] = 13
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


class ShareGroupTargetAssignmentMemberValue(Message):
    topic_partitions: list[TopicPartition] = []
    API_KEY: ClassVar[int] = 13
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_partitions", "struct", (0, 32767), array=True, of=TopicPartition),
    )


class ShareGroupCurrentMemberAssignmentKey(Message):
    group_id: str = ""
    member_id: str = ""
    API_KEY: ClassVar[int] = 14
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


class ShareGroupCurrentMemberAssignmentValue(Message):
    member_epoch: int = 0
    previous_member_epoch: int = 0
    state: int = 0
    assigned_partitions: list[TopicPartitions] = []
    API_KEY: ClassVar[int] = 14
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("member_epoch", "int32", (0, 32767)),
        Field("previous_member_epoch", "int32", (0, 32767)),
        Field("state", "int8", (0, 32767)),
        Field("assigned_partitions", "struct", (0, 32767), array=True, of=TopicPartitions),
    )


class ShareGroupStatePartitionMetadataKey(Message):
    group_id: str = ""
    API_KEY: ClassVar[int] = 15
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 32767
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 0)),
    )


class TopicPartitionsInfo(Part):
    topic_id: bytes = NULL_UUID
    topic_name: str = ""
    partitions: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_id", "uuid", (0, 32767)),
        Field("topic_name", "string", (0, 32767)),
        Field("partitions", "int32", (0, 32767), array=True),
    )


class TopicInfo(Part):
    topic_id: bytes = NULL_UUID
    topic_name: str = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_id", "uuid", (0, 32767)),
        Field("topic_name", "string", (0, 32767)),
    )


class ShareGroupStatePartitionMetadataValue(Message):
    initializing_topics: list[TopicPartitionsInfo] = []
    initialized_topics: list[TopicPartitionsInfo] = []
    deleting_topics: list[TopicInfo] = []
    API_KEY: ClassVar[int] = 15
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("initializing_topics", "struct", (0, 32767), array=True, of=TopicPartitionsInfo),
        Field("initialized_topics", "struct", (0, 32767), array=True, of=TopicPartitionsInfo),
        Field("deleting_topics", "struct", (0, 32767), array=True, of=TopicInfo),
    )
