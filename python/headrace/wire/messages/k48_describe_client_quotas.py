"""DescribeClientQuotas (key 48, v0-1).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class ComponentData(Part):
    entity_type: str = ""
    match_type: int = 0
    match: str | None = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("entity_type", "string", (0, 32767)),
        Field("match_type", "int8", (0, 32767)),
        Field("match", "string", (0, 32767), nullable=(0, 32767)),
    )


class DescribeClientQuotasRequest(Message):
    components: list[ComponentData] = []
    strict: bool = False
    API_KEY: ClassVar[int] = 48
    VERSIONS: ClassVar[tuple[int, int]] = (0, 1)
    FLEXIBLE_FROM: ClassVar[int] = 1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("components", "struct", (0, 32767), array=True, of=ComponentData),
        Field("strict", "bool", (0, 32767)),
    )


class EntityData(Part):
    entity_type: str = ""
    entity_name: str | None = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("entity_type", "string", (0, 32767)),
        Field("entity_name", "string", (0, 32767), nullable=(0, 32767)),
    )


class ValueData(Part):
    key: str = ""
    value: float = 0.0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("key", "string", (0, 32767)),
        Field("value", "float64", (0, 32767)),
    )


class EntryData(Part):
    entity: list[EntityData] = []
    values: list[ValueData] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("entity", "struct", (0, 32767), array=True, of=EntityData),
        Field("values", "struct", (0, 32767), array=True, of=ValueData),
    )


class DescribeClientQuotasResponse(Message):
    throttle_time_ms: int = 0
    error_code: int = 0
    error_message: str | None = ""
    entries: list[EntryData] | None = []
    API_KEY: ClassVar[int] = 48
    VERSIONS: ClassVar[tuple[int, int]] = (0, 1)
    FLEXIBLE_FROM: ClassVar[int] = 1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("entries", "struct", (0, 32767), array=True, of=EntryData, nullable=(0, 32767)),
    )
