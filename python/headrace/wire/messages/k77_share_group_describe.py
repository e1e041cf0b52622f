"""ShareGroupDescribe (key 77, v1-1).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from msgspec import field

from headrace.wire.schema import NULL_UUID, Field, Message, Part


class ShareGroupDescribeRequest(Message):
    group_ids: list[str] = []
    include_authorized_operations: bool = False
    API_KEY: ClassVar[int] = 77
    VERSIONS: ClassVar[tuple[int, int]] = (1, 1)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_ids", "string", (0, 32767), array=True),
        Field("include_authorized_operations", "bool", (0, 32767)),
    )


class TopicPartitions(Part):
    topic_id: bytes = NULL_UUID
    topic_name: str = ""
    partitions: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_id", "uuid", (0, 32767)),
        Field("topic_name", "string", (0, 32767)),
        Field("partitions", "int32", (0, 32767), array=True),
    )


class Assignment(Part):
    topic_partitions: list[TopicPartitions] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_partitions", "struct", (0, 32767), array=True, of=TopicPartitions),
    )


class Member(Part):
    member_id: str = ""
    rack_id: str | None = None
    member_epoch: int = 0
    client_id: str = ""
    client_host: str = ""
    subscribed_topic_names: list[str] = []
    assignment: Assignment = field(default_factory=Assignment)
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("member_id", "string", (0, 32767)),
        Field("rack_id", "string", (0, 32767), nullable=(0, 32767)),
        Field("member_epoch", "int32", (0, 32767)),
        Field("client_id", "string", (0, 32767)),
        Field("client_host", "string", (0, 32767)),
        Field("subscribed_topic_names", "string", (0, 32767), array=True),
        Field("assignment", "struct", (0, 32767), of=Assignment),
    )


class DescribedGroup(Part):
    error_code: int = 0
    error_message: str | None = None
    group_id: str = ""
    group_state: str = ""
    group_epoch: int = 0
    assignment_epoch: int = 0
    assignor_name: str = ""
    members: list[Member] = []
    authorized_operations: int = -2147483648
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("group_id", "string", (0, 32767)),
        Field("group_state", "string", (0, 32767)),
        Field("group_epoch", "int32", (0, 32767)),
        Field("assignment_epoch", "int32", (0, 32767)),
        Field("assignor_name", "string", (0, 32767)),
        Field("members", "struct", (0, 32767), array=True, of=Member),
        Field("authorized_operations", "int32", (0, 32767)),
    )


class ShareGroupDescribeResponse(Message):
    throttle_time_ms: int = 0
    groups: list[DescribedGroup] = []
    API_KEY: ClassVar[int] = 77
    VERSIONS: ClassVar[tuple[int, int]] = (1, 1)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("groups", "struct", (0, 32767), array=True, of=DescribedGroup),
    )
