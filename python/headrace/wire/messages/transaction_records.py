"""Key and value of `__transaction_state`.

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class TransactionLogKey(Message):
    transactional_id: str = ""
    API_KEY: ClassVar[int] = 0
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 32767
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("transactional_id", "string", (0, 0)),
    )


class PartitionsSchema(Part):
    topic: str = ""
    partition_ids: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic", "string", (0, 32767)),
        Field("partition_ids", "int32", (0, 32767), array=True),
    )


class TransactionLogValue(Message):
    producer_id: int = 0
    previous_producer_id: int = -1
    next_producer_id: int = -1
    producer_epoch: int = 0
    next_producer_epoch: int = -1
    transaction_timeout_ms: int = 0
    transaction_status: int = 0
    transaction_partitions: list[PartitionsSchema] | None = []
    transaction_last_update_timestamp_ms: int = 0
    transaction_start_timestamp_ms: int = 0
    client_transaction_version: int = 0
    API_KEY: ClassVar[int] = 0
    VERSIONS: ClassVar[tuple[int, int]] = (0, 1)
    FLEXIBLE_FROM: ClassVar[int] = 1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("producer_id", "int64", (0, 32767)),
        Field("previous_producer_id", "int64", (1, 32767), tag=0, tagged=(1, 32767)),
        Field("next_producer_id", "int64", (1, 32767), tag=1, tagged=(1, 32767)),
        Field("producer_epoch", "int16", (0, 32767)),
        Field("next_producer_epoch", "int16", (1, 32767), tag=3, tagged=(1, 32767)),
        Field("transaction_timeout_ms", "int32", (0, 32767)),
        Field("transaction_status", "int8", (0, 32767)),
        Field("transaction_partitions", "struct", (0, 32767), array=True, of=PartitionsSchema, nullable=(0, 32767)),
        Field("transaction_last_update_timestamp_ms", "int64", (0, 32767)),
        Field("transaction_start_timestamp_ms", "int64", (0, 32767)),
        Field("client_transaction_version", "int16", (1, 32767), tag=2, tagged=(1, 32767)),
    )
