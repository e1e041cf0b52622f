"""LeaveGroup (key 13, v0-5).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class MemberIdentity(Part):
    member_id: str = ""
    group_instance_id: str | None = None
    reason: str | None = None
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("member_id", "string", (3, 32767)),
        Field("group_instance_id", "string", (3, 32767), nullable=(3, 32767)),
        Field("reason", "string", (5, 32767), nullable=(5, 32767), ignorable=True),
    )


class LeaveGroupRequest(Message):
    group_id: str = ""
    member_id: str = ""
    members: list[MemberIdentity] = []
    API_KEY: ClassVar[int] = 13
    VERSIONS: ClassVar[tuple[int, int]] = (0, 5)
    FLEXIBLE_FROM: ClassVar[int] = 4
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 32767)),
        Field("member_id", "string", (0, 2)),
        Field("members", "struct", (3, 32767), array=True, of=MemberIdentity),
    )


class MemberResponse(Part):
    member_id: str = ""
    group_instance_id: str | None = ""
    error_code: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("member_id", "string", (3, 32767)),
        Field("group_instance_id", "string", (3, 32767), nullable=(3, 32767)),
        Field("error_code", "int16", (3, 32767)),
    )


class LeaveGroupResponse(Message):
    throttle_time_ms: int = 0
    error_code: int = 0
    members: list[MemberResponse] = []
    API_KEY: ClassVar[int] = 13
    VERSIONS: ClassVar[tuple[int, int]] = (0, 5)
    FLEXIBLE_FROM: ClassVar[int] = 4
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (1, 32767), ignorable=True),
        Field("error_code", "int16", (0, 32767)),
        Field("members", "struct", (3, 32767), array=True, of=MemberResponse),
    )
