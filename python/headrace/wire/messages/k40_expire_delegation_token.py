"""ExpireDelegationToken (key 40, v1-2).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message


class ExpireDelegationTokenRequest(Message):
    hmac: bytes = b""
    expiry_time_period_ms: int = 0
    API_KEY: ClassVar[int] = 40
    VERSIONS: ClassVar[tuple[int, int]] = (1, 2)
    FLEXIBLE_FROM: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("hmac", "bytes", (0, 32767)),
        Field("expiry_time_period_ms", "int64", (0, 32767)),
    )


class ExpireDelegationTokenResponse(Message):
    error_code: int = 0
    expiry_timestamp_ms: int = 0
    throttle_time_ms: int = 0
    API_KEY: ClassVar[int] = 40
    VERSIONS: ClassVar[tuple[int, int]] = (1, 2)
    FLEXIBLE_FROM: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("error_code", "int16", (0, 32767)),
        Field("expiry_timestamp_ms", "int64", (0, 32767)),
        Field("throttle_time_ms", "int32", (0, 32767)),
    )
