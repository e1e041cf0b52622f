"""ConsumerGroupHeartbeat (key 68, v0-1).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import NULL_UUID, Field, Message, Part


class ConsumerGroupHeartbeatRequestTopicPartitions(Part):
    topic_id: bytes = NULL_UUID
    partitions: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_id", "uuid", (0, 32767)),
        Field("partitions", "int32", (0, 32767), array=True),
    )


class ConsumerGroupHeartbeatRequest(Message):
    group_id: str = ""
    member_id: str = ""
    member_epoch: int = 0
    instance_id: str | None = None
    rack_id: str | None = None
    rebalance_timeout_ms: int = -1
    subscribed_topic_names: list[str] | None = None
    subscribed_topic_regex: str | None = None
    server_assignor: str | None = None
    topic_partitions: list[ConsumerGroupHeartbeatRequestTopicPartitions] | None = None
    API_KEY: ClassVar[int] = 68
    VERSIONS: ClassVar[tuple[int, int]] = (0, 1)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 32767)),
        Field("member_id", "string", (0, 32767)),
        Field("member_epoch", "int32", (0, 32767)),
        Field("instance_id", "string", (0, 32767), nullable=(0, 32767)),
        Field("rack_id", "string", (0, 32767), nullable=(0, 32767)),
        Field("rebalance_timeout_ms", "int32", (0, 32767)),
        Field("subscribed_topic_names", "string", (0, 32767), array=True, nullable=(0, 32767)),
        Field("subscribed_topic_regex", "string", (1, 32767), nullable=(1, 32767)),
        Field("server_assignor", "string", (0, 32767), nullable=(0, 32767)),
        Field("topic_partitions", "struct", (0, 32767), array=True, of=ConsumerGroupHeartbeatRequestTopicPartitions, nullable=(0, 32767)),
    )


class ConsumerGroupHeartbeatResponseTopicPartitions(Part):
    topic_id: bytes = NULL_UUID
    partitions: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_id", "uuid", (0, 32767)),
        Field("partitions", "int32", (0, 32767), array=True),
    )


class Assignment(Part):
    topic_partitions: list[ConsumerGroupHeartbeatResponseTopicPartitions] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_partitions", "struct", (0, 32767), array=True, of=ConsumerGroupHeartbeatResponseTopicPartitions),
    )


class ConsumerGroupHeartbeatResponse(Message):
    throttle_time_ms: int = 0
    error_code: int = 0
    error_message: str | None = None
    member_id: str | None = None
    member_epoch: int = 0
    heartbeat_interval_ms: int = 0
    assignment: Assignment | None = None
    API_KEY: ClassVar[int] = 68
    VERSIONS: ClassVar[tuple[int, int]] = (0, 1)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("member_id", "string", (0, 32767), nullable=(0, 32767)),
        Field("member_epoch", "int32", (0, 32767)),
        Field("heartbeat_interval_ms", "int32", (0, 32767)),
        Field("assignment", "struct", (0, 32767), of=Assignment, nullable=(0, 32767)),
    )
