"""SaslAuthenticate (key 36, v0-2).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message


class SaslAuthenticateRequest(Message):
    auth_bytes: bytes = b""
    API_KEY: ClassVar[int] = 36
    VERSIONS: ClassVar[tuple[int, int]] = (0, 2)
    FLEXIBLE_FROM: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("auth_bytes", "bytes", (0, 32767)),
    )


class SaslAuthenticateResponse(Message):
    error_code: int = 0
    error_message: str | None = ""
    auth_bytes: bytes = b""
    session_lifetime_ms: int = 0
    API_KEY: ClassVar[int] = 36
    VERSIONS: ClassVar[tuple[int, int]] = (0, 2)
    FLEXIBLE_FROM: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("auth_bytes", "bytes", (0, 32767)),
        Field("session_lifetime_ms", "int64", (1, 32767), ignorable=True),
    )
