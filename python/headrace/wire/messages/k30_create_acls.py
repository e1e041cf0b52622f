"""CreateAcls (key 30, v1-3).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class AclCreation(Part):
    resource_type: int = 0
    resource_name: str = ""
    resource_pattern_type: int = 3
    principal: str = ""
    host: str = ""
    operation: int = 0
    permission_type: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("resource_type", "int8", (0, 32767)),
        Field("resource_name", "string", (0, 32767)),
        Field("resource_pattern_type", "int8", (1, 32767)),
        Field("principal", "string", (0, 32767)),
        Field("host", "string", (0, 32767)),
        Field("operation", "int8", (0, 32767)),
        Field("permission_type", "int8", (0, 32767)),
    )


class CreateAclsRequest(Message):
    creations: list[AclCreation] = []
    API_KEY: ClassVar[int] = 30
    VERSIONS: ClassVar[tuple[int, int]] = (1, 3)
    FLEXIBLE_FROM: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("creations", "struct", (0, 32767), array=True, of=AclCreation),
    )


class AclCreationResult(Part):
    error_code: int = 0
    error_message: str | None = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
    )


class CreateAclsResponse(Message):
    throttle_time_ms: int = 0
    results: list[AclCreationResult] = []
    API_KEY: ClassVar[int] = 30
    VERSIONS: ClassVar[tuple[int, int]] = (1, 3)
    FLEXIBLE_FROM: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("results", "struct", (0, 32767), array=True, of=AclCreationResult),
    )
