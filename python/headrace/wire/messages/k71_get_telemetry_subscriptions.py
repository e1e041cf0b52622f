"""GetTelemetrySubscriptions (key 71, v0-0).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import NULL_UUID, Field, Message


class GetTelemetrySubscriptionsRequest(Message):
    client_instance_id: bytes = NULL_UUID
    API_KEY: ClassVar[int] = 71
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("client_instance_id", "uuid", (0, 32767)),
    )


class GetTelemetrySubscriptionsResponse(Message):
    throttle_time_ms: int = 0
    error_code: int = 0
    client_instance_id: bytes = NULL_UUID
    subscription_id: int = 0
    accepted_compression_types: list[int] = []
    push_interval_ms: int = 0
    telemetry_max_bytes: int = 0
    delta_temporality: bool = False
    requested_metrics: list[str] = []
    API_KEY: ClassVar[int] = 71
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("client_instance_id", "uuid", (0, 32767)),
        Field("subscription_id", "int32", (0, 32767)),
        Field("accepted_compression_types", "int8", (0, 32767), array=True),
        Field("push_interval_ms", "int32", (0, 32767)),
        Field("telemetry_max_bytes", "int32", (0, 32767)),
        Field("delta_temporality", "bool", (0, 32767)),
        Field("requested_metrics", "string", (0, 32767), array=True),
    )
