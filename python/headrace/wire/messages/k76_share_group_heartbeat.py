"""ShareGroupHeartbeat (key 76, v1-1).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import NULL_UUID, Field, Message, Part


class ShareGroupHeartbeatRequest(Message):
    group_id: str = ""
    member_id: str = ""
    member_epoch: int = 0
    rack_id: str | None = None
    subscribed_topic_names: list[str] | None = None
    API_KEY: ClassVar[int] = 76
    VERSIONS: ClassVar[tuple[int, int]] = (1, 1)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 32767)),
        Field("member_id", "string", (0, 32767)),
        Field("member_epoch", "int32", (0, 32767)),
        Field("rack_id", "string", (0, 32767), nullable=(0, 32767)),
        Field("subscribed_topic_names", "string", (0, 32767), array=True, nullable=(0, 32767)),
    )


class TopicPartitions(Part):
    topic_id: bytes = NULL_UUID
    partitions: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_id", "uuid", (0, 32767)),
        Field("partitions", "int32", (0, 32767), array=True),
    )


class Assignment(Part):
    topic_partitions: list[TopicPartitions] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_partitions", "struct", (0, 32767), array=True, of=TopicPartitions),
    )


class ShareGroupHeartbeatResponse(Message):
    throttle_time_ms: int = 0
    error_code: int = 0
    error_message: str | None = None
    member_id: str | None = None
    member_epoch: int = 0
    heartbeat_interval_ms: int = 0
    assignment: Assignment | None = None
    API_KEY: ClassVar[int] = 76
    VERSIONS: ClassVar[tuple[int, int]] = (1, 1)
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
