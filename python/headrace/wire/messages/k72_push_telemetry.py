"""PushTelemetry (key 72, v0-0).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import NULL_UUID, Field, Message


class PushTelemetryRequest(Message):
    client_instance_id: bytes = NULL_UUID
    subscription_id: int = 0
    terminating: bool = False
    compression_type: int = 0
    metrics: bytes = b""
    API_KEY: ClassVar[int] = 72
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("client_instance_id", "uuid", (0, 32767)),
        Field("subscription_id", "int32", (0, 32767)),
        Field("terminating", "bool", (0, 32767)),
        Field("compression_type", "int8", (0, 32767)),
        Field("metrics", "bytes", (0, 32767)),
    )


class PushTelemetryResponse(Message):
    throttle_time_ms: int = 0
    error_code: int = 0
    API_KEY: ClassVar[int] = 72
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
    )
