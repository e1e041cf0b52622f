"""InitProducerId (key 22, v0-5).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message


class InitProducerIdRequest(Message):
    transactional_id: str | None = ""
    transaction_timeout_ms: int = 0
    producer_id: int = -1
    producer_epoch: int = -1
    enable2_pc: bool = False
    keep_prepared_txn: bool = False
    API_KEY: ClassVar[int] = 22
    VERSIONS: ClassVar[tuple[int, int]] = (0, 6)
    FLEXIBLE_FROM: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("transactional_id", "string", (0, 32767), nullable=(0, 32767)),
        Field("transaction_timeout_ms", "int32", (0, 32767)),
        Field("producer_id", "int64", (3, 32767)),
        Field("producer_epoch", "int16", (3, 32767)),
        Field("enable2_pc", "bool", (6, 32767)),
        Field("keep_prepared_txn", "bool", (6, 32767)),
    )


class InitProducerIdResponse(Message):
    throttle_time_ms: int = 0
    error_code: int = 0
    producer_id: int = -1
    producer_epoch: int = 0
    ongoing_txn_producer_id: int = -1
    ongoing_txn_producer_epoch: int = -1
    API_KEY: ClassVar[int] = 22
    VERSIONS: ClassVar[tuple[int, int]] = (0, 6)
    FLEXIBLE_FROM: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767), ignorable=True),
        Field("error_code", "int16", (0, 32767)),
        Field("producer_id", "int64", (0, 32767)),
        Field("producer_epoch", "int16", (0, 32767)),
        Field("ongoing_txn_producer_id", "int64", (6, 32767)),
        Field("ongoing_txn_producer_epoch", "int16", (6, 32767)),
    )
