"""ListGroups (key 16, v0-5).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class ListGroupsRequest(Message):
    states_filter: list[str] = []
    types_filter: list[str] = []
    API_KEY: ClassVar[int] = 16
    VERSIONS: ClassVar[tuple[int, int]] = (0, 5)
    FLEXIBLE_FROM: ClassVar[int] = 3
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("states_filter", "string", (4, 32767), array=True),
        Field("types_filter", "string", (5, 32767), array=True),
    )


class ListedGroup(Part):
    group_id: str = ""
    protocol_type: str = ""
    group_state: str = ""
    group_type: str = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("group_id", "string", (0, 32767)),
        Field("protocol_type", "string", (0, 32767)),
        Field("group_state", "string", (4, 32767), ignorable=True),
        Field("group_type", "string", (5, 32767), ignorable=True),
    )


class ListGroupsResponse(Message):
    throttle_time_ms: int = 0
    error_code: int = 0
    groups: list[ListedGroup] = []
    API_KEY: ClassVar[int] = 16
    VERSIONS: ClassVar[tuple[int, int]] = (0, 5)
    FLEXIBLE_FROM: ClassVar[int] = 3
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (1, 32767), ignorable=True),
        Field("error_code", "int16", (0, 32767)),
        Field("groups", "struct", (0, 32767), array=True, of=ListedGroup),
    )
