"""ApiVersions (key 18, v0-4).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class ApiVersionsRequest(Message):
    client_software_name: str = ""
    client_software_version: str = ""
    API_KEY: ClassVar[int] = 18
    VERSIONS: ClassVar[tuple[int, int]] = (0, 4)
    FLEXIBLE_FROM: ClassVar[int] = 3
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("client_software_name", "string", (3, 32767), ignorable=True),
        Field("client_software_version", "string", (3, 32767), ignorable=True),
    )


class ApiVersion(Part):
    api_key: int = 0
    min_version: int = 0
    max_version: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("api_key", "int16", (0, 32767)),
        Field("min_version", "int16", (0, 32767)),
        Field("max_version", "int16", (0, 32767)),
    )


class SupportedFeatureKey(Part):
    name: str = ""
    min_version: int = 0
    max_version: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (3, 32767)),
        Field("min_version", "int16", (3, 32767)),
        Field("max_version", "int16", (3, 32767)),
    )


class FinalizedFeatureKey(Part):
    name: str = ""
    max_version_level: int = 0
    min_version_level: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (3, 32767)),
        Field("max_version_level", "int16", (3, 32767)),
        Field("min_version_level", "int16", (3, 32767)),
    )


class ApiVersionsResponse(Message):
    error_code: int = 0
    api_keys: list[ApiVersion] = []
    throttle_time_ms: int = 0
    supported_features: list[SupportedFeatureKey] = []
    finalized_features_epoch: int = -1
    finalized_features: list[FinalizedFeatureKey] = []
    zk_migration_ready: bool = False
    API_KEY: ClassVar[int] = 18
    VERSIONS: ClassVar[tuple[int, int]] = (0, 4)
    FLEXIBLE_FROM: ClassVar[int] = 3
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("error_code", "int16", (0, 32767)),
        Field("api_keys", "struct", (0, 32767), array=True, of=ApiVersion),
        Field("throttle_time_ms", "int32", (1, 32767), ignorable=True),
        Field("supported_features", "struct", (3, 32767), array=True, of=SupportedFeatureKey, tag=0, tagged=(3, 32767), ignorable=True),
        Field("finalized_features_epoch", "int64", (3, 32767), tag=1, tagged=(3, 32767), ignorable=True),
        Field("finalized_features", "struct", (3, 32767), array=True, of=FinalizedFeatureKey, tag=2, tagged=(3, 32767), ignorable=True),
        Field("zk_migration_ready", "bool", (3, 32767), tag=3, tagged=(3, 32767), ignorable=True),
    )
