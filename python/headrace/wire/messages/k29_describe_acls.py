"""DescribeAcls (key 29, v1-3).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class DescribeAclsRequest(Message):
    resource_type_filter: int = 0
    resource_name_filter: str | None = ""
    pattern_type_filter: int = 3
    principal_filter: str | None = ""
    host_filter: str | None = ""
    operation: int = 0
    permission_type: int = 0
    API_KEY: ClassVar[int] = 29
    VERSIONS: ClassVar[tuple[int, int]] = (1, 3)
    FLEXIBLE_FROM: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("resource_type_filter", "int8", (0, 32767)),
        Field("resource_name_filter", "string", (0, 32767), nullable=(0, 32767)),
        Field("pattern_type_filter", "int8", (1, 32767)),
        Field("principal_filter", "string", (0, 32767), nullable=(0, 32767)),
        Field("host_filter", "string", (0, 32767), nullable=(0, 32767)),
        Field("operation", "int8", (0, 32767)),
        Field("permission_type", "int8", (0, 32767)),
    )


class AclDescription(Part):
    principal: str = ""
    host: str = ""
    operation: int = 0
    permission_type: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("principal", "string", (0, 32767)),
        Field("host", "string", (0, 32767)),
        Field("operation", "int8", (0, 32767)),
        Field("permission_type", "int8", (0, 32767)),
    )


class DescribeAclsResource(Part):
    resource_type: int = 0
    resource_name: str = ""
    pattern_type: int = 3
    acls: list[AclDescription] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("resource_type", "int8", (0, 32767)),
        Field("resource_name", "string", (0, 32767)),
        Field("pattern_type", "int8", (1, 32767)),
        Field("acls", "struct", (0, 32767), array=True, of=AclDescription),
    )


class DescribeAclsResponse(Message):
    throttle_time_ms: int = 0
    error_code: int = 0
    error_message: str | None = ""
    resources: list[DescribeAclsResource] = []
    API_KEY: ClassVar[int] = 29
    VERSIONS: ClassVar[tuple[int, int]] = (1, 3)
    FLEXIBLE_FROM: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("resources", "struct", (0, 32767), array=True, of=DescribeAclsResource),
    )
