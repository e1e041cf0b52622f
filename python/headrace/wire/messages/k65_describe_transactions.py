"""DescribeTransactions (key 65, v0-0).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class DescribeTransactionsRequest(Message):
    transactional_ids: list[str] = []
    API_KEY: ClassVar[int] = 65
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("transactional_ids", "string", (0, 32767), array=True),
    )


class TopicData(Part):
    topic: str = ""
    partitions: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic", "string", (0, 32767)),
        Field("partitions", "int32", (0, 32767), array=True),
    )


class TransactionState(Part):
    error_code: int = 0
    transactional_id: str = ""
    transaction_state: str = ""
    transaction_timeout_ms: int = 0
    transaction_start_time_ms: int = 0
    producer_id: int = 0
    producer_epoch: int = 0
    topics: list[TopicData] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("error_code", "int16", (0, 32767)),
        Field("transactional_id", "string", (0, 32767)),
        Field("transaction_state", "string", (0, 32767)),
        Field("transaction_timeout_ms", "int32", (0, 32767)),
        Field("transaction_start_time_ms", "int64", (0, 32767)),
        Field("producer_id", "int64", (0, 32767)),
        Field("producer_epoch", "int16", (0, 32767)),
        Field("topics", "struct", (0, 32767), array=True, of=TopicData),
    )


class DescribeTransactionsResponse(Message):
    throttle_time_ms: int = 0
    transaction_states: list[TransactionState] = []
    API_KEY: ClassVar[int] = 65
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("transaction_states", "struct", (0, 32767), array=True, of=TransactionState),
    )
