"""SyncGroup (key 14, v0-5).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class SyncGroupRequestAssignment(Part):
    member_id: str = ""
    assignment: bytes = b""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("member_id", "string", (0, 32767)),
        Field("assignment", "bytes", (0, 32767)),
    )


class SyncGroupRequest(Message):
    group_id: str = ""
    generation_id: int = 0
    member_id: str = ""
    group_instance_id: str | None = None
    protocol_type: str | None = None
    protocol_name: str | None = None
    assignments: list[SyncGroupRequestAssignment] = []
    API_KEY: ClassVar[int] = 14
    VERSIONS: ClassVar[tuple[int, int]] = (0, 5)
    FLEXIBLE_FROM: ClassVar[int] = 4
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 32767)),
        Field("generation_id", "int32", (0, 32767)),
        Field("member_id", "string", (0, 32767)),
        Field("group_instance_id", "string", (3, 32767), nullable=(3, 32767)),
        Field("protocol_type", "string", (5, 32767), nullable=(5, 32767), ignorable=True),
        Field("protocol_name", "string", (5, 32767), nullable=(5, 32767), ignorable=True),
        Field("assignments", "struct", (0, 32767), array=True, of=SyncGroupRequestAssignment),
    )


class SyncGroupResponse(Message):
    throttle_time_ms: int = 0
    error_code: int = 0
    protocol_type: str | None = None
    protocol_name: str | None = None
    assignment: bytes = b""
    API_KEY: ClassVar[int] = 14
    VERSIONS: ClassVar[tuple[int, int]] = (0, 5)
    FLEXIBLE_FROM: ClassVar[int] = 4
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (1, 32767), ignorable=True),
        Field("error_code", "int16", (0, 32767)),
        Field("protocol_type", "string", (5, 32767), nullable=(5, 32767), ignorable=True),
        Field("protocol_name", "string", (5, 32767), nullable=(5, 32767), ignorable=True),
        Field("assignment", "bytes", (0, 32767)),
    )
