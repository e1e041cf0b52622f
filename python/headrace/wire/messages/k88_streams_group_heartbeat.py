"""StreamsGroupHeartbeat (key 88, v0-0).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from msgspec import field

from headrace.wire.schema import Field, Message, Part


class KeyValue(Part):
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
    topic_configs: list[KeyValue] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("partitions", "int32", (0, 32767)),
        Field("replication_factor", "int16", (0, 32767)),
        Field("topic_configs", "struct", (0, 32767), array=True, of=KeyValue),
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


class Topology(Part):
    epoch: int = 0
    subtopologies: list[Subtopology] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("epoch", "int32", (0, 32767)),
        Field("subtopologies", "struct", (0, 32767), array=True, of=Subtopology),
    )


class StreamsGroupHeartbeatRequestTaskIds(Part):
    subtopology_id: str = ""
    partitions: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("subtopology_id", "string", (0, 32767)),
        Field("partitions", "int32", (0, 32767), array=True),
    )


class StreamsGroupHeartbeatRequestEndpoint(Part):
    host: str = ""
    port: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("host", "string", (0, 32767)),
        Field("port", "uint16", (0, 32767)),
    )


class TaskOffset(Part):
    subtopology_id: str = ""
    partition: int = 0
    offset: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("subtopology_id", "string", (0, 32767)),
        Field("partition", "int32", (0, 32767)),
        Field("offset", "int64", (0, 32767)),
    )


class StreamsGroupHeartbeatRequest(Message):
    group_id: str = ""
    member_id: str = ""
    member_epoch: int = 0
    endpoint_information_epoch: int = 0
    instance_id: str | None = None
    rack_id: str | None = None
    rebalance_timeout_ms: int = -1
    topology: Topology | None = None
    active_tasks: list[StreamsGroupHeartbeatRequestTaskIds] | None = None
    standby_tasks: list[StreamsGroupHeartbeatRequestTaskIds] | None = None
    warmup_tasks: list[StreamsGroupHeartbeatRequestTaskIds] | None = None
    process_id: str | None = None
    user_endpoint: StreamsGroupHeartbeatRequestEndpoint | None = None
    client_tags: list[KeyValue] | None = None
    task_offsets: list[TaskOffset] | None = None
    task_end_offsets: list[TaskOffset] | None = None
    shutdown_application: bool = False
    API_KEY: ClassVar[int] = 88
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 32767)),
        Field("member_id", "string", (0, 32767)),
        Field("member_epoch", "int32", (0, 32767)),
        Field("endpoint_information_epoch", "int32", (0, 32767)),
        Field("instance_id", "string", (0, 32767), nullable=(0, 32767)),
        Field("rack_id", "string", (0, 32767), nullable=(0, 32767)),
        Field("rebalance_timeout_ms", "int32", (0, 32767)),
        Field("topology", "struct", (0, 32767), of=Topology, nullable=(0, 32767)),
        Field("active_tasks", "struct", (0, 32767), array=True, of=StreamsGroupHeartbeatRequestTaskIds, nullable=(0, 32767)),
        Field("standby_tasks", "struct", (0, 32767), array=True, of=StreamsGroupHeartbeatRequestTaskIds, nullable=(0, 32767)),
        Field("warmup_tasks", "struct", (0, 32767), array=True, of=StreamsGroupHeartbeatRequestTaskIds, nullable=(0, 32767)),
        Field("process_id", "string", (0, 32767), nullable=(0, 32767)),
        Field("user_endpoint", "struct", (0, 32767), of=StreamsGroupHeartbeatRequestEndpoint, nullable=(0, 32767)),
        Field("client_tags", "struct", (0, 32767), array=True, of=KeyValue, nullable=(0, 32767)),
        Field("task_offsets", "struct", (0, 32767), array=True, of=TaskOffset, nullable=(0, 32767)),
        Field("task_end_offsets", "struct", (0, 32767), array=True, of=TaskOffset, nullable=(0, 32767)),
        Field("shutdown_application", "bool", (0, 32767)),
    )


class Status(Part):
    status_code: int = 0
    status_detail: str = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("status_code", "int8", (0, 32767)),
        Field("status_detail", "string", (0, 32767)),
    )


class StreamsGroupHeartbeatResponseTaskIds(Part):
    subtopology_id: str = ""
    partitions: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("subtopology_id", "string", (0, 32767)),
        Field("partitions", "int32", (0, 32767), array=True),
    )


class StreamsGroupHeartbeatResponseEndpoint(Part):
    host: str = ""
    port: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("host", "string", (0, 32767)),
        Field("port", "uint16", (0, 32767)),
    )


class TopicPartition(Part):
    topic: str = ""
    partitions: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic", "string", (0, 32767)),
        Field("partitions", "int32", (0, 32767), array=True),
    )


class EndpointToPartitions(Part):
    user_endpoint: StreamsGroupHeartbeatResponseEndpoint = field(default_factory=StreamsGroupHeartbeatResponseEndpoint)
    active_partitions: list[TopicPartition] = []
    standby_partitions: list[TopicPartition] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("user_endpoint", "struct", (0, 32767), of=StreamsGroupHeartbeatResponseEndpoint),
        Field("active_partitions", "struct", (0, 32767), array=True, of=TopicPartition),
        Field("standby_partitions", "struct", (0, 32767), array=True, of=TopicPartition),
    )


class StreamsGroupHeartbeatResponse(Message):
    throttle_time_ms: int = 0
    error_code: int = 0
    error_message: str | None = None
    member_id: str = ""
    member_epoch: int = 0
    heartbeat_interval_ms: int = 0
    acceptable_recovery_lag: int = 0
    task_offset_interval_ms: int = 0
    status: list[Status] | None = []
    active_tasks: list[StreamsGroupHeartbeatResponseTaskIds] | None = None
    standby_tasks: list[StreamsGroupHeartbeatResponseTaskIds] | None = None
    warmup_tasks: list[StreamsGroupHeartbeatResponseTaskIds] | None = None
    endpoint_information_epoch: int = 0
    partitions_by_user_endpoint: list[EndpointToPartitions] | None = None
    API_KEY: ClassVar[int] = 88
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("member_id", "string", (0, 32767)),
        Field("member_epoch", "int32", (0, 32767)),
        Field("heartbeat_interval_ms", "int32", (0, 32767)),
        Field("acceptable_recovery_lag", "int32", (0, 32767)),
        Field("task_offset_interval_ms", "int32", (0, 32767)),
        Field("status", "struct", (0, 32767), array=True, of=Status, nullable=(0, 32767)),
        Field("active_tasks", "struct", (0, 32767), array=True, of=StreamsGroupHeartbeatResponseTaskIds, nullable=(0, 32767)),
        Field("standby_tasks", "struct", (0, 32767), array=True, of=StreamsGroupHeartbeatResponseTaskIds, nullable=(0, 32767)),
        Field("warmup_tasks", "struct", (0, 32767), array=True, of=StreamsGroupHeartbeatResponseTaskIds, nullable=(0, 32767)),
        Field("endpoint_information_epoch", "int32", (0, 32767)),
        Field("partitions_by_user_endpoint", "struct", (0, 32767), array=True, of=EndpointToPartitions, nullable=(0, 32767)),
    )
