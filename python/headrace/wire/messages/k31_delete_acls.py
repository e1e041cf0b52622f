"""DeleteAcls (key 31, v1-3).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class DeleteAclsFilter(Part):
    resource_type_filter: int = 0
    resource_name_filter: str | None = ""
    pattern_type_filter: int = 3
    principal_filter: str | None = ""
    host_filter: str | None = ""
    operation: int = 0
    permission_type: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("resource_type_filter", "int8", (0, 32767)),
        Field("resource_name_filter", "string", (0, 32767), nullable=(0, 32767)),
        Field("pattern_type_filter", "int8", (1, 32767)),
        Field("principal_filter", "string", (0, 32767), nullable=(0, 32767)),
        Field("host_filter", "string", (0, 32767), nullable=(0, 32767)),
        Field("operation", "int8", (0, 32767)),
        Field("permission_type", "int8", (0, 32767)),
    )


class DeleteAclsRequest(Message):
    filters: list[DeleteAclsFilter] = []
    API_KEY: ClassVar[int] = 31
    VERSIONS: ClassVar[tuple[int, int]] = (1, 3)
    FLEXIBLE_FROM: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("filters", "struct", (0, 32767), array=True, of=DeleteAclsFilter),
    )


class DeleteAclsMatchingAcl(Part):
    error_code: int = 0
    error_message: str | None = ""
    resource_type: int = 0
    resource_name: str = ""
    pattern_type: int = 3
    principal: str = ""
    host: str = ""
    operation: int = 0
    permission_type: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("resource_type", "int8", (0, 32767)),
        Field("resource_name", "string", (0, 32767)),
        Field("pattern_type", "int8", (1, 32767)),
        Field("principal", "string", (0, 32767)),
        Field("host", "string", (0, 32767)),
        Field("operation", "int8", (0, 32767)),
        Field("permission_type", "int8", (0, 32767)),
    )


class DeleteAclsFilterResult(Part):
    error_code: int = 0
    error_message: str | None = ""
    matching_acls: list[DeleteAclsMatchingAcl] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("matching_acls", "struct", (0, 32767), array=True, of=DeleteAclsMatchingAcl),
    )


class DeleteAclsResponse(Message):
    throttle_time_ms: int = 0
    filter_results: list[DeleteAclsFilterResult] = []
    API_KEY: ClassVar[int] = 31
    VERSIONS: ClassVar[tuple[int, int]] = (1, 3)
    FLEXIBLE_FROM: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("filter_results", "struct", (0, 32767), array=True, of=DeleteAclsFilterResult),
    )
