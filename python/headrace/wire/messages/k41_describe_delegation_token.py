"""DescribeDelegationToken (key 41, v1-3).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class DescribeDelegationTokenOwner(Part):
    principal_type: str = ""
    principal_name: str = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("principal_type", "string", (0, 32767)),
        Field("principal_name", "string", (0, 32767)),
    )


class DescribeDelegationTokenRequest(Message):
    owners: list[DescribeDelegationTokenOwner] | None = []
    API_KEY: ClassVar[int] = 41
    VERSIONS: ClassVar[tuple[int, int]] = (1, 3)
    FLEXIBLE_FROM: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("owners", "struct", (0, 32767), array=True, of=DescribeDelegationTokenOwner, nullable=(0, 32767)),
    )


class DescribedDelegationTokenRenewer(Part):
    principal_type: str = ""
    principal_name: str = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("principal_type", "string", (0, 32767)),
        Field("principal_name", "string", (0, 32767)),
    )


class DescribedDelegationToken(Part):
    principal_type: str = ""
    principal_name: str = ""
    token_requester_principal_type: str = ""
    token_requester_principal_name: str = ""
    issue_timestamp: int = 0
    expiry_timestamp: int = 0
    max_timestamp: int = 0
    token_id: str = ""
    hmac: bytes = b""
    renewers: list[DescribedDelegationTokenRenewer] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("principal_type", "string", (0, 32767)),
        Field("principal_name", "string", (0, 32767)),
        Field("token_requester_principal_type", "string", (3, 32767)),
        Field("token_requester_principal_name", "string", (3, 32767)),
        Field("issue_timestamp", "int64", (0, 32767)),
        Field("expiry_timestamp", "int64", (0, 32767)),
        Field("max_timestamp", "int64", (0, 32767)),
        Field("token_id", "string", (0, 32767)),
        Field("hmac", "bytes", (0, 32767)),
        Field("renewers", "struct", (0, 32767), array=True, of=DescribedDelegationTokenRenewer),
    )


class DescribeDelegationTokenResponse(Message):
    error_code: int = 0
    tokens: list[DescribedDelegationToken] = []
    throttle_time_ms: int = 0
    API_KEY: ClassVar[int] = 41
    VERSIONS: ClassVar[tuple[int, int]] = (1, 3)
    FLEXIBLE_FROM: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("error_code", "int16", (0, 32767)),
        Field("tokens", "struct", (0, 32767), array=True, of=DescribedDelegationToken),
        Field("throttle_time_ms", "int32", (0, 32767)),
    )
