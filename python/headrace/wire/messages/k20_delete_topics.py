"""DeleteTopics (key 20, v1-6).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import NULL_UUID, Field, Message, Part


class DeleteTopicState(Part):
    name: str | None = None
    topic_id: bytes = NULL_UUID
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (6, 32767), nullable=(6, 32767)),
        Field("topic_id", "uuid", (6, 32767)),
    )


class DeleteTopicsRequest(Message):
    topics: list[DeleteTopicState] = []
    topic_names: list[str] = []
    timeout_ms: int = 0
    API_KEY: ClassVar[int] = 20
    VERSIONS: ClassVar[tuple[int, int]] = (1, 6)
    FLEXIBLE_FROM: ClassVar[int] = 4
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topics", "struct", (6, 32767), array=True, of=DeleteTopicState),
        Field("topic_names", "string", (0, 5), array=True, ignorable=True),
        Field("timeout_ms", "int32", (0, 32767)),
    )


class DeletableTopicResult(Part):
    name: str | None = ""
    topic_id: bytes = NULL_UUID
    error_code: int = 0
    error_message: str | None = None
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767), nullable=(6, 32767)),
        Field("topic_id", "uuid", (6, 32767), ignorable=True),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (5, 32767), nullable=(5, 32767), ignorable=True),
    )


class DeleteTopicsResponse(Message):
    throttle_time_ms: int = 0
    responses: list[DeletableTopicResult] = []
    API_KEY: ClassVar[int] = 20
    VERSIONS: ClassVar[tuple[int, int]] = (1, 6)
    FLEXIBLE_FROM: ClassVar[int] = 4
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (1, 32767), ignorable=True),
        Field("responses", "struct", (0, 32767), array=True, of=DeletableTopicResult),
    )
