"""DescribeConfigs (key 32, v1-4).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class DescribeConfigsResource(Part):
    resource_type: int = 0
    resource_name: str = ""
    configuration_keys: list[str] | None = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("resource_type", "int8", (0, 32767)),
        Field("resource_name", "string", (0, 32767)),
        Field("configuration_keys", "string", (0, 32767), array=True, nullable=(0, 32767)),
    )


class DescribeConfigsRequest(Message):
    resources: list[DescribeConfigsResource] = []
    include_synonyms: bool = False
    include_documentation: bool = False
    API_KEY: ClassVar[int] = 32
    VERSIONS: ClassVar[tuple[int, int]] = (1, 4)
    FLEXIBLE_FROM: ClassVar[int] = 4
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("resources", "struct", (0, 32767), array=True, of=DescribeConfigsResource),
        Field("include_synonyms", "bool", (1, 32767)),
        Field("include_documentation", "bool", (3, 32767)),
    )


class DescribeConfigsSynonym(Part):
    name: str = ""
    value: str | None = ""
    source: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (1, 32767)),
        Field("value", "string", (1, 32767), nullable=(0, 32767)),
        Field("source", "int8", (1, 32767)),
    )


class DescribeConfigsResourceResult(Part):
    name: str = ""
    value: str | None = ""
    read_only: bool = False
    config_source: int = -1
    is_sensitive: bool = False
    synonyms: list[DescribeConfigsSynonym] = []
    config_type: int = 0
    documentation: str | None = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("value", "string", (0, 32767), nullable=(0, 32767)),
        Field("read_only", "bool", (0, 32767)),
        Field("config_source", "int8", (1, 32767), ignorable=True),
        Field("is_sensitive", "bool", (0, 32767)),
        Field("synonyms", "struct", (1, 32767), array=True, of=DescribeConfigsSynonym, ignorable=True),
        Field("config_type", "int8", (3, 32767), ignorable=True),
        Field("documentation", "string", (3, 32767), nullable=(0, 32767), ignorable=True),
    )


class DescribeConfigsResult(Part):
    error_code: int = 0
    error_message: str | None = ""
    resource_type: int = 0
    resource_name: str = ""
    configs: list[DescribeConfigsResourceResult] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("resource_type", "int8", (0, 32767)),
        Field("resource_name", "string", (0, 32767)),
        Field("configs", "struct", (0, 32767), array=True, of=DescribeConfigsResourceResult),
    )


class DescribeConfigsResponse(Message):
    throttle_time_ms: int = 0
    results: list[DescribeConfigsResult] = []
    API_KEY: ClassVar[int] = 32
    VERSIONS: ClassVar[tuple[int, int]] = (1, 4)
    FLEXIBLE_FROM: ClassVar[int] = 4
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("results", "struct", (0, 32767), array=True, of=DescribeConfigsResult),
    )
