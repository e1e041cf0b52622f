"""IncrementalAlterConfigs (key 44, v0-1).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class AlterableConfig(Part):
    name: str = ""
    config_operation: int = 0
    value: str | None = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("config_operation", "int8", (0, 32767)),
        Field("value", "string", (0, 32767), nullable=(0, 32767)),
    )


class AlterConfigsResource(Part):
    resource_type: int = 0
    resource_name: str = ""
    configs: list[AlterableConfig] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("resource_type", "int8", (0, 32767)),
        Field("resource_name", "string", (0, 32767)),
        Field("configs", "struct", (0, 32767), array=True, of=AlterableConfig),
    )


class IncrementalAlterConfigsRequest(Message):
    resources: list[AlterConfigsResource] = []
    validate_only: bool = False
    API_KEY: ClassVar[int] = 44
    VERSIONS: ClassVar[tuple[int, int]] = (0, 1)
    FLEXIBLE_FROM: ClassVar[int] = 1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("resources", "struct", (0, 32767), array=True, of=AlterConfigsResource),
        Field("validate_only", "bool", (0, 32767)),
    )


class AlterConfigsResourceResponse(Part):
    error_code: int = 0
    error_message: str | None = ""
    resource_type: int = 0
    resource_name: str = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("resource_type", "int8", (0, 32767)),
        Field("resource_name", "string", (0, 32767)),
    )


class IncrementalAlterConfigsResponse(Message):
    throttle_time_ms: int = 0
    responses: list[AlterConfigsResourceResponse] = []
    API_KEY: ClassVar[int] = 44
    VERSIONS: ClassVar[tuple[int, int]] = (0, 1)
    FLEXIBLE_FROM: ClassVar[int] = 1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("responses", "struct", (0, 32767), array=True, of=AlterConfigsResourceResponse),
    )
