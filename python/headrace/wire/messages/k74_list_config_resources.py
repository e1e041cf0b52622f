"""ListConfigResources (key 74, v0-1).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class ListConfigResourcesRequest(Message):
    resource_types: list[int] = []
    API_KEY: ClassVar[int] = 74
    VERSIONS: ClassVar[tuple[int, int]] = (0, 1)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("resource_types", "int8", (1, 32767), array=True),
    )


class ConfigResource(Part):
    resource_name: str = ""
    resource_type: int = 16
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("resource_name", "string", (0, 32767)),
        Field("resource_type", "int8", (1, 32767), ignorable=True),
    )


class ListConfigResourcesResponse(Message):
    throttle_time_ms: int = 0
    error_code: int = 0
    config_resources: list[ConfigResource] = []
    API_KEY: ClassVar[int] = 74
    VERSIONS: ClassVar[tuple[int, int]] = (0, 1)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("config_resources", "struct", (0, 32767), array=True, of=ConfigResource),
    )
