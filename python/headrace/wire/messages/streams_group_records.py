"""Keys and values of `__consumer_offsets` for streams groups (KIP-1071).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class StreamsGroupMetadataKey(Message):
    group_id: str = ""
    API_KEY: ClassVar[int] = 17
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 32767
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 0)),
    )


class LastAssignmentConfig(Part):
    key: str = ""
    value: str = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("key", "string", (0, 32767)),
        Field("value", "string", (0, 32767)),
    )


class StreamsGroupMetadataValue(Message):
    epoch: int = 0
    metadata_hash: int = 0
    validated_topology_epoch: int = -1
    last_assignment_configs: list[LastAssignmentConfig] | None = None
    API_KEY: ClassVar[int] = 17
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("epoch", "int32", (0, 32767)),
        Field("metadata_hash", "int64", (0, 32767)),
        Field("validated_topology_epoch", "int32", (0, 32767), tag=0, tagged=(0, 32767)),
        Field("last_assignment_configs", "struct", (0, 32767), array=True, of=LastAssignmentConfig, nullable=(0, 32767), tag=1, tagged=(0, 32767)),
    )


class StreamsGroupTopologyKey(Message):
    group_id: str = ""
    API_KEY: ClassVar[int] = 23
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 32767
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 0)),
    )


class TopicConfig(Part):
    key: str = ""
    value: str = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("key", "string", (0, 32767)),
        Field("value", "string", (0, 32767)),
    )


class TopicInfo(Part):
    name: str = ""
    partitions: int = 0
    replication_factor: int = 0
    topic_configs: list[TopicConfig] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("partitions", "int32", (0, 32767)),
        Field("replication_factor", "int16", (0, 32767)),
        Field("topic_configs", "struct", (0, 32767), array=True, of=TopicConfig),
    )


class CopartitionGroup(Part):
    source_topics: list[int] = []
    source_topic_regex: list[int] = []
    repartition_source_topics: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("source_topics", "int16", (0, 32767), array=True),
        Field("source_topic_regex", "int16", (0, 32767), array=True),
        Field("repartition_source_topics", "int16", (0, 32767), array=True),
    )


class Subtopology(Part):
    subtopology_id: str = ""
    source_topics: list[str] = []
    source_topic_regex: list[str] = []
    state_changelog_topics: list[TopicInfo] = []
    repartition_sink_topics: list[str] = []
    repartition_source_topics: list[TopicInfo] = []
    copartition_groups: list[CopartitionGroup] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("subtopology_id", "string", (0, 32767)),
        Field("source_topics", "string", (0, 32767), array=True),
        Field("source_topic_regex", "string", (0, 32767), array=True),
        Field("state_changelog_topics", "struct", (0, 32767), array=True, of=TopicInfo),
        Field("repartition_sink_topics", "string", (0, 32767), array=True),
        Field("repartition_source_topics", "struct", (0, 32767), array=True, of=TopicInfo),
        Field("copartition_groups", "struct", (0, 32767), array=True, of=CopartitionGroup),
    )


class StreamsGroupTopologyValue(Message):
    epoch: int = 0
    subtopologies: list[Subtopology] = []
    API_KEY: ClassVar[int] = 23
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("epoch", "int32", (0, 32767)),
        Field("subtopologies", "struct", (0, 32767), array=True, of=Subtopology),
    )


class StreamsGroupMemberMetadataKey(Message):
    group_id: str = ""
    member_id: str = ""
    API_KEY: ClassVar[int] = 19
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 32767
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 0)),
        Field("member_id", "string", (0, 0)),
    )


class Endpoint(Part):
    host: str = ""
    port: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("host", "string", (0, 32767)),
        Field("port", "uint16", (0, 32767)),
    )


class KeyValue(Part):
    key: str = ""
    value: str = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("key", "string", (0, 32767)),
        Field("value", "string", (0, 32767)),
    )


class StreamsGroupMemberMetadataValue(Message):
    instance_id: str | None = ""
    rack_id: str | None = ""
    client_id: str = ""
    client_host: str = ""
    rebalance_timeout_ms: int = -1
    topology_epoch: int = 0
    process_id: str = ""
    user_endpoint: Endpoint | None = None
    client_tags: list[KeyValue] = []
    API_KEY: ClassVar[int] = 19
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("instance_id", "string", (0, 32767), nullable=(0, 32767)),
        Field("rack_id", "string", (0, 32767), nullable=(0, 32767)),
        Field("client_id", "string", (0, 32767)),
        Field("client_host", "string", (0, 32767)),
        Field("rebalance_timeout_ms", "int32", (0, 32767)),
        Field("topology_epoch", "int32", (0, 32767)),
        Field("process_id", "string", (0, 32767)),
        Field("user_endpoint", "struct", (0, 32767), of=Endpoint, nullable=(0, 32767)),
        Field("client_tags", "struct", (0, 32767), array=True, of=KeyValue),
    )


class StreamsGroupTargetAssignmentMetadataKey(Message):
    group_id: str = ""
    API_KEY: ClassVar[int] = 20
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 32767
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 0)),
    )


class StreamsGroupTargetAssignmentMetadataValue(Message):
    assignment_epoch: int = 0
    API_KEY: ClassVar[int] = 20
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("assignment_epoch", "int32", (0, 32767)),
    )


class StreamsGroupTargetAssignmentMemberKey(Message):
    group_id: str = ""
    member_id: str = ""
    API_KEY: ClassVar[int] = 21
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 32767
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 0)),
        Field("member_id", "string", (0, 0)),
    )


class StreamsGroupTargetAssignmentMemberValueTaskIds(Part):
    subtopology_id: str = ""
    partitions: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("subtopology_id", "string", (0, 32767)),
        Field("partitions", "int32", (0, 32767), array=True),
    )


class StreamsGroupTargetAssignmentMemberValue(Message):
    active_tasks: list[StreamsGroupTargetAssignmentMemberValueTaskIds] = []
    standby_tasks: list[StreamsGroupTargetAssignmentMemberValueTaskIds] = []
    warmup_tasks: list[StreamsGroupTargetAssignmentMemberValueTaskIds] = []
    API_KEY: ClassVar[int] = 21
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("active_tasks", "struct", (0, 32767), array=True, of=StreamsGroupTargetAssignmentMemberValueTaskIds),
        Field("standby_tasks", "struct", (0, 32767), array=True, of=StreamsGroupTargetAssignmentMemberValueTaskIds),
        Field("warmup_tasks", "struct", (0, 32767), array=True, of=StreamsGroupTargetAssignmentMemberValueTaskIds),
    )


class StreamsGroupCurrentMemberAssignmentKey(Message):
    group_id: str = ""
    member_id: str = ""
    API_KEY: ClassVar[int] = 22
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 32767
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 0)),
        Field("member_id", "string", (0, 0)),
    )


class StreamsGroupCurrentMemberAssignmentValueTaskIds(Part):
    subtopology_id: str = ""
    partitions: list[int] = []
    assignment_epochs: list[int] | None = None
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("subtopology_id", "string", (0, 32767)),
        Field("partitions", "int32", (0, 32767), array=True),
        Field("assignment_epochs", "int32", (0, 32767), array=True, nullable=(0, 32767), tag=0, tagged=(0, 32767)),
    )


class StreamsGroupCurrentMemberAssignmentValue(Message):
    member_epoch: int = 0
    previous_member_epoch: int = 0
    state: int = 0
    active_tasks: list[StreamsGroupCurrentMemberAssignmentValueTaskIds] = []
    standby_tasks: list[StreamsGroupCurrentMemberAssignmentValueTaskIds] = []
    warmup_tasks: list[StreamsGroupCurrentMemberAssignmentValueTaskIds] = []
    active_tasks_pending_revocation: list[StreamsGroupCurrentMemberAssignmentValueTaskIds] = []
    standby_tasks_pending_revocation: list[StreamsGroupCurrentMemberAssignmentValueTaskIds] = []
    warmup_tasks_pending_revocation: list[StreamsGroupCurrentMemberAssignmentValueTaskIds] = []
    API_KEY: ClassVar[int] = 22
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("member_epoch", "int32", (0, 32767)),
        Field("previous_member_epoch", "int32", (0, 32767)),
        Field("state", "int8", (0, 32767)),
        Field("active_tasks", "struct", (0, 32767), array=True, of=StreamsGroupCurrentMemberAssignmentValueTaskIds),
        Field("standby_tasks", "struct", (0, 32767), array=True, of=StreamsGroupCurrentMemberAssignmentValueTaskIds),
        Field("warmup_tasks", "struct", (0, 32767), array=True, of=StreamsGroupCurrentMemberAssignmentValueTaskIds),
        Field("active_tasks_pending_revocation", "struct", (0, 32767), array=True, of=StreamsGroupCurrentMemberAssignmentValueTaskIds),
        Field("standby_tasks_pending_revocation", "struct", (0, 32767), array=True, of=StreamsGroupCurrentMemberAssignmentValueTaskIds),
        Field("warmup_tasks_pending_revocation", "struct", (0, 32767), array=True, of=StreamsGroupCurrentMemberAssignmentValueTaskIds),
    )
