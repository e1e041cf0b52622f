"""CreateTopics (key 19, v2-7).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import NULL_UUID, Field, Message, Part


class CreatableReplicaAssignment(Part):
    partition_index: int = 0
    broker_ids: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("broker_ids", "int32", (0, 32767), array=True),
    )


class CreatableTopicConfig(Part):
    name: str = ""
    value: str | None = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("value", "string", (0, 32767), nullable=(0, 32767)),
    )


class CreatableTopic(Part):
    name: str = ""
    num_partitions: int = 0
    replication_factor: int = 0
    assignments: list[CreatableReplicaAssignment] = []
    configs: list[CreatableTopicConfig] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("num_partitions", "int32", (0, 32767)),
        Field("replication_factor", "int16", (0, 32767)),
        Field("assignments", "struct", (0, 32767), array=True, of=CreatableReplicaAssignment),
        Field("configs", "struct", (0, 32767), array=True, of=CreatableTopicConfig),
    )


class CreateTopicsRequest(Message):
    topics: list[CreatableTopic] = []
    timeout_ms: int = 60000
    validate_only: bool = False
    API_KEY: ClassVar[int] = 19
    VERSIONS: ClassVar[tuple[int, int]] = (2, 7)
    FLEXIBLE_FROM: ClassVar[int] = 5
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topics", "struct", (0, 32767), array=True, of=CreatableTopic),
        Field("timeout_ms", "int32", (0, 32767)),
        Field("validate_only", "bool", (1, 32767)),
    )


class CreatableTopicConfigs(Part):
    name: str = ""
    value: str | None = ""
    read_only: bool = False
    config_source: int = -1
    is_sensitive: bool = False
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (5, 32767)),
        Field("value", "string", (5, 32767), nullable=(5, 32767)),
        Field("read_only", "bool", (5, 32767)),
        Field("config_source", "int8", (5, 32767), ignorable=True),
        Field("is_sensitive", "bool", (5, 32767)),
    )


class CreatableTopicResult(Part):
    name: str = ""
    topic_id: bytes = NULL_UUID
    error_code: int = 0
    error_message: str | None = ""
    topic_config_error_code: int = 0
    num_partitions: int = -1
    replication_factor: int = -1
    configs: list[CreatableTopicConfigs] | None = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("topic_id", "uuid", (7, 32767), ignorable=True),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (1, 32767), nullable=(0, 32767), ignorable=True),
        Field("topic_config_error_code", "int16", (5, 32767), tag=0, tagged=(5, 32767), ignorable=True),
        Field("num_partitions", "int32", (5, 32767), ignorable=True),
        Field("replication_factor", "int16", (5, 32767), ignorable=True),
        Field("configs", "struct", (5, 32767), array=True, of=CreatableTopicConfigs, nullable=(5, 32767), ignorable=True),
    )


class CreateTopicsResponse(Message):
    throttle_time_ms: int = 0
    topics: list[CreatableTopicResult] = []
    API_KEY: ClassVar[int] = 19
    VERSIONS: ClassVar[tuple[int, int]] = (2, 7)
    FLEXIBLE_FROM: ClassVar[int] = 5
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (2, 32767), ignorable=True),
        Field("topics", "struct", (0, 32767), array=True, of=CreatableTopicResult),
    )
