"""DescribeGroups (key 15, v0-6).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class DescribeGroupsRequest(Message):
    groups: list[str] = []
    include_authorized_operations: bool = False
    API_KEY: ClassVar[int] = 15
    VERSIONS: ClassVar[tuple[int, int]] = (0, 6)
    FLEXIBLE_FROM: ClassVar[int] = 5
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("groups", "string", (0, 32767), array=True),
        Field("include_authorized_operations", "bool", (3, 32767)),
    )


class DescribedGroupMember(Part):
    member_id: str = ""
    group_instance_id: str | None = None
    client_id: str = ""
    client_host: str = ""
    member_metadata: bytes = b""
    member_assignment: bytes = b""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("member_id", "string", (0, 32767)),
        Field("group_instance_id", "string", (4, 32767), nullable=(4, 32767), ignorable=True),
        Field("client_id", "string", (0, 32767)),
        Field("client_host", "string", (0, 32767)),
        Field("member_metadata", "bytes", (0, 32767)),
        Field("member_assignment", "bytes", (0, 32767)),
    )


class DescribedGroup(Part):
    error_code: int = 0
    error_message: str | None = None
    group_id: str = ""
    group_state: str = ""
    protocol_type: str = ""
    protocol_data: str = ""
    members: list[DescribedGroupMember] = []
    authorized_operations: int = -2147483648
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (6, 32767), nullable=(6, 32767)),
        Field("group_id", "string", (0, 32767)),
        Field("group_state", "string", (0, 32767)),
        Field("protocol_type", "string", (0, 32767)),
        Field("protocol_data", "string", (0, 32767)),
        Field("members", "struct", (0, 32767), array=True, of=DescribedGroupMember),
        Field("authorized_operations", "int32", (3, 32767)),
    )


class DescribeGroupsResponse(Message):
    throttle_time_ms: int = 0
    groups: list[DescribedGroup] = []
    API_KEY: ClassVar[int] = 15
    VERSIONS: ClassVar[tuple[int, int]] = (0, 6)
    FLEXIBLE_FROM: ClassVar[int] = 5
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (1, 32767), ignorable=True),
        Field("groups", "struct", (0, 32767), array=True, of=DescribedGroup),
    )
