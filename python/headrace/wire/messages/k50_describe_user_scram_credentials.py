"""DescribeUserScramCredentials (key 50, v0-0).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class UserName(Part):
    name: str = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
    )


class DescribeUserScramCredentialsRequest(Message):
    users: list[UserName] | None = []
    API_KEY: ClassVar[int] = 50
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("users", "struct", (0, 32767), array=True, of=UserName, nullable=(0, 32767)),
    )


class CredentialInfo(Part):
    mechanism: int = 0
    iterations: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("mechanism", "int8", (0, 32767)),
        Field("iterations", "int32", (0, 32767)),
    )


class DescribeUserScramCredentialsResult(Part):
    user: str = ""
    error_code: int = 0
    error_message: str | None = ""
    credential_infos: list[CredentialInfo] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("user", "string", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("credential_infos", "struct", (0, 32767), array=True, of=CredentialInfo),
    )


class DescribeUserScramCredentialsResponse(Message):
    throttle_time_ms: int = 0
    error_code: int = 0
    error_message: str | None = ""
    results: list[DescribeUserScramCredentialsResult] = []
    API_KEY: ClassVar[int] = 50
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("results", "struct", (0, 32767), array=True, of=DescribeUserScramCredentialsResult),
    )
