"""AlterClientQuotas (key 49, v0-1).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class AlterClientQuotasRequestEntityData(Part):
    entity_type: str = ""
    entity_name: str | None = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("entity_type", "string", (0, 32767)),
        Field("entity_name", "string", (0, 32767), nullable=(0, 32767)),
    )


class OpData(Part):
    key: str = ""
    value: float = 0.0
    remove: bool = False
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("key", "string", (0, 32767)),
        Field("value", "float64", (0, 32767)),
        Field("remove", "bool", (0, 32767)),
    )


class AlterClientQuotasRequestEntryData(Part):
    entity: list[AlterClientQuotasRequestEntityData] = []
    ops: list[OpData] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("entity", "struct", (0, 32767), array=True, of=AlterClientQuotasRequestEntityData),
        Field("ops", "struct", (0, 32767), array=True, of=OpData),
    )


class AlterClientQuotasRequest(Message):
    entries: list[AlterClientQuotasRequestEntryData] = []
    validate_only: bool = False
    API_KEY: ClassVar[int] = 49
    VERSIONS: ClassVar[tuple[int, int]] = (0, 1)
    FLEXIBLE_FROM: ClassVar[int] = 1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("entries", "struct", (0, 32767), array=True, of=AlterClientQuotasRequestEntryData),
        Field("validate_only", "bool", (0, 32767)),
    )


class AlterClientQuotasResponseEntityData(Part):
    entity_type: str = ""
    entity_name: str | None = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("entity_type", "string", (0, 32767)),
        Field("entity_name", "string", (0, 32767), nullable=(0, 32767)),
    )


class AlterClientQuotasResponseEntryData(Part):
    error_code: int = 0
    error_message: str | None = ""
    entity: list[AlterClientQuotasResponseEntityData] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("entity", "struct", (0, 32767), array=True, of=AlterClientQuotasResponseEntityData),
    )


class AlterClientQuotasResponse(Message):
    throttle_time_ms: int = 0
    entries: list[AlterClientQuotasResponseEntryData] = []
    API_KEY: ClassVar[int] = 49
    VERSIONS: ClassVar[tuple[int, int]] = (0, 1)
    FLEXIBLE_FROM: ClassVar[int] = 1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("entries", "struct", (0, 32767), array=True, of=AlterClientQuotasResponseEntryData),
    )
