"""ListTransactions (key 66, v0-2).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class ListTransactionsRequest(Message):
    state_filters: list[str] = []
    producer_id_filters: list[int] = []
    duration_filter: int = -1
    transactional_id_pattern: str | None = None
    API_KEY: ClassVar[int] = 66
    VERSIONS: ClassVar[tuple[int, int]] = (0, 2)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("state_filters", "string", (0, 32767), array=True),
        Field("producer_id_filters", "int64", (0, 32767), array=True),
        Field("duration_filter", "int64", (1, 32767)),
        Field("transactional_id_pattern", "string", (2, 32767), nullable=(2, 32767)),
    )


class TransactionState(Part):
    transactional_id: str = ""
    producer_id: int = 0
    transaction_state: str = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("transactional_id", "string", (0, 32767)),
        Field("producer_id", "int64", (0, 32767)),
        Field("transaction_state", "string", (0, 32767)),
    )


class ListTransactionsResponse(Message):
    throttle_time_ms: int = 0
    error_code: int = 0
    unknown_state_filters: list[str] = []
    transaction_states: list[TransactionState] = []
    API_KEY: ClassVar[int] = 66
    VERSIONS: ClassVar[tuple[int, int]] = (0, 2)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("unknown_state_filters", "string", (0, 32767), array=True),
        Field("transaction_states", "struct", (0, 32767), array=True, of=TransactionState),
    )
