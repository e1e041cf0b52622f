"""StreamsGroupDescribe (key 89, v0-0).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from msgspec import field

from headrace.wire.schema import Field, Message, Part


class StreamsGroupDescribeRequest(Message):
    group_ids: list[str] = []
    include_authorized_operations: bool = False
    API_KEY: ClassVar[int] = 89
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_ids", "string", (0, 32767), array=True),
        Field("include_authorized_operations", "bool", (0, 32767)),
    )


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


class Subtopology(Part):
    subtopology_id: str = ""
    source_topics: list[str] = []
    repartition_sink_topics: list[str] = []
    state_changelog_topics: list[TopicInfo] = []
    repartition_source_topics: list[TopicInfo] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("subtopology_id", "string", (0, 32767)),
        Field("source_topics", "string", (0, 32767), array=True),
        Field("repartition_sink_topics", "string", (0, 32767), array=True),
        Field("state_changelog_topics", "struct", (0, 32767), array=True, of=TopicInfo),
        Field("repartition_source_topics", "struct", (0, 32767), array=True, of=TopicInfo),
    )


class Topology(Part):
    epoch: int = 0
    subtopologies: list[Subtopology] | None = None
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("epoch", "int32", (0, 32767)),
        Field("subtopologies", "struct", (0, 32767), array=True, of=Subtopology, nullable=(0, 32767)),
    )


class Endpoint(Part):
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


class TaskIds(Part):
    subtopology_id: str = ""
    partitions: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("subtopology_id", "string", (0, 32767)),
        Field("partitions", "int32", (0, 32767), array=True),
    )


class Assignment(Part):
    active_tasks: list[TaskIds] = []
    standby_tasks: list[TaskIds] = []
    warmup_tasks: list[TaskIds] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("active_tasks", "struct", (0, 32767), array=True, of=TaskIds),
        Field("standby_tasks", "struct", (0, 32767), array=True, of=TaskIds),
        Field("warmup_tasks", "struct", (0, 32767), array=True, of=TaskIds),
    )


class Member(Part):
    member_id: str = ""
    member_epoch: int = 0
    instance_id: str | None = None
    rack_id: str | None = None
    client_id: str = ""
    client_host: str = ""
    topology_epoch: int = 0
    process_id: str = ""
    user_endpoint: Endpoint | None = None
    client_tags: list[KeyValue] = []
    task_offsets: list[TaskOffset] = []
    task_end_offsets: list[TaskOffset] = []
    assignment: Assignment = field(default_factory=Assignment)
    target_assignment: Assignment = field(default_factory=Assignment)
    is_classic: bool = False
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("member_id", "string", (0, 32767)),
        Field("member_epoch", "int32", (0, 32767)),
        Field("instance_id", "string", (0, 32767), nullable=(0, 32767)),
        Field("rack_id", "string", (0, 32767), nullable=(0, 32767)),
        Field("client_id", "string", (0, 32767)),
        Field("client_host", "string", (0, 32767)),
        Field("topology_epoch", "int32", (0, 32767)),
        Field("process_id", "string", (0, 32767)),
        Field("user_endpoint", "struct", (0, 32767), of=Endpoint, nullable=(0, 32767)),
        Field("client_tags", "struct", (0, 32767), array=True, of=KeyValue),
        Field("task_offsets", "struct", (0, 32767), array=True, of=TaskOffset),
        Field("task_end_offsets", "struct", (0, 32767), array=True, of=TaskOffset),
        Field("assignment", "struct", (0, 32767), of=Assignment),
        Field("target_assignment", "struct", (0, 32767), of=Assignment),
        Field("is_classic", "bool", (0, 32767)),
    )


class DescribedGroup(Part):
    error_code: int = 0
    error_message: str | None = None
    group_id: str = ""
    group_state: str = ""
    group_epoch: int = 0
    assignment_epoch: int = 0
    topology: Topology | None = None
    members: list[Member] = []
    authorized_operations: int = -2147483648
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("group_id", "string", (0, 32767)),
        Field("group_state", "string", (0, 32767)),
        Field("group_epoch", "int32", (0, 32767)),
        Field("assignment_epoch", "int32", (0, 32767)),
        Field("topology", "struct", (0, 32767), of=Topology, nullable=(0, 32767)),
        Field("members", "struct", (0, 32767), array=True, of=Member),
        Field("authorized_operations", "int32", (0, 32767)),
    )


class StreamsGroupDescribeResponse(Message):
    throttle_time_ms: int = 0
    groups: list[DescribedGroup] = []
    API_KEY: ClassVar[int] = 89
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("groups", "struct", (0, 32767), array=True, of=DescribedGroup),
    )
