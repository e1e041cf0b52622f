"""JoinGroup (key 11, v0-9).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class JoinGroupRequestProtocol(Part):
    name: str = ""
    metadata: bytes = b""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("metadata", "bytes", (0, 32767)),
    )


class JoinGroupRequest(Message):
    group_id: str = ""
    session_timeout_ms: int = 0
    rebalance_timeout_ms: int = -1
    member_id: str = ""
    group_instance_id: str | None = None
    protocol_type: str = ""
    protocols: list[JoinGroupRequestProtocol] = []
    reason: str | None = None
    API_KEY: ClassVar[int] = 11
    VERSIONS: ClassVar[tuple[int, int]] = (0, 9)
    FLEXIBLE_FROM: ClassVar[int] = 6
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 32767)),
        Field("session_timeout_ms", "int32", (0, 32767)),
        Field("rebalance_timeout_ms", "int32", (1, 32767), ignorable=True),
        Field("member_id", "string", (0, 32767)),
        Field("group_instance_id", "string", (5, 32767), nullable=(5, 32767)),
        Field("protocol_type", "string", (0, 32767)),
        Field("protocols", "struct", (0, 32767), array=True, of=JoinGroupRequestProtocol),
        Field("reason", "string", (8, 32767), nullable=(8, 32767), ignorable=True),
    )


class JoinGroupResponseMember(Part):
    member_id: str = ""
    group_instance_id: str | None = None
    metadata: bytes = b""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("member_id", "string", (0, 32767)),
        Field("group_instance_id", "string", (5, 32767), nullable=(5, 32767), ignorable=True),
        Field("metadata", "bytes", (0, 32767)),
    )


class JoinGroupResponse(Message):
    throttle_time_ms: int = 0
    error_code: int = 0
    generation_id: int = -1
    protocol_type: str | None = None
    protocol_name: str | None = ""
    leader: str = ""
    skip_assignment: bool = False
    member_id: str = ""
    members: list[JoinGroupResponseMember] = []
    API_KEY: ClassVar[int] = 11
    VERSIONS: ClassVar[tuple[int, int]] = (0, 9)
    FLEXIBLE_FROM: ClassVar[int] = 6
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (2, 32767), ignorable=True),
        Field("error_code", "int16", (0, 32767)),
        Field("generation_id", "int32", (0, 32767)),
        Field("protocol_type", "string", (7, 32767), nullable=(7, 32767), ignorable=True),
        Field("protocol_name", "string", (0, 32767), nullable=(7, 32767)),
        Field("leader", "string", (0, 32767)),
        Field("skip_assignment", "bool", (9, 32767)),
        Field("member_id", "string", (0, 32767)),
        Field("members", "struct", (0, 32767), array=True, of=JoinGroupResponseMember),
    )
