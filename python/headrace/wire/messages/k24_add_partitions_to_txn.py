"""AddPartitionsToTxn (key 24, v0-5).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class AddPartitionsToTxnTopic(Part):
    name: str = ""
    partitions: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("partitions", "int32", (0, 32767), array=True),
    )


class AddPartitionsToTxnTransaction(Part):
    transactional_id: str = ""
    producer_id: int = 0
    producer_epoch: int = 0
    verify_only: bool = False
    topics: list[AddPartitionsToTxnTopic] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("transactional_id", "string", (4, 32767)),
        Field("producer_id", "int64", (4, 32767)),
        Field("producer_epoch", "int16", (4, 32767)),
        Field("verify_only", "bool", (4, 32767)),
        Field("topics", "struct", (4, 32767), array=True, of=AddPartitionsToTxnTopic),
    )


class AddPartitionsToTxnRequest(Message):
    transactions: list[AddPartitionsToTxnTransaction] = []
    v3_and_below_transactional_id: str = ""
    v3_and_below_producer_id: int = 0
    v3_and_below_producer_epoch: int = 0
    v3_and_below_topics: list[AddPartitionsToTxnTopic] = []
    API_KEY: ClassVar[int] = 24
    VERSIONS: ClassVar[tuple[int, int]] = (0, 5)
    FLEXIBLE_FROM: ClassVar[int] = 3
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("transactions", "struct", (4, 32767), array=True, of=AddPartitionsToTxnTransaction),
        Field("v3_and_below_transactional_id", "string", (0, 3)),
        Field("v3_and_below_producer_id", "int64", (0, 3)),
        Field("v3_and_below_producer_epoch", "int16", (0, 3)),
        Field("v3_and_below_topics", "struct", (0, 3), array=True, of=AddPartitionsToTxnTopic),
    )


class AddPartitionsToTxnPartitionResult(Part):
    partition_index: int = 0
    partition_error_code: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("partition_error_code", "int16", (0, 32767)),
    )


class AddPartitionsToTxnTopicResult(Part):
    name: str = ""
    results_by_partition: list[AddPartitionsToTxnPartitionResult] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("results_by_partition", "struct", (0, 32767), array=True, of=AddPartitionsToTxnPartitionResult),
    )


class AddPartitionsToTxnResult(Part):
    transactional_id: str = ""
    topic_results: list[AddPartitionsToTxnTopicResult] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("transactional_id", "string", (4, 32767)),
        Field("topic_results", "struct", (4, 32767), array=True, of=AddPartitionsToTxnTopicResult),
    )


class AddPartitionsToTxnResponse(Message):
    throttle_time_ms: int = 0
    error_code: int = 0
    results_by_transaction: list[AddPartitionsToTxnResult] = []
    results_by_topic_v3_and_below: list[AddPartitionsToTxnTopicResult] = []
    API_KEY: ClassVar[int] = 24
    VERSIONS: ClassVar[tuple[int, int]] = (0, 5)
    FLEXIBLE_FROM: ClassVar[int] = 3
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("error_code", "int16", (4, 32767), ignorable=True),
        Field("results_by_transaction", "struct", (4, 32767), array=True, of=AddPartitionsToTxnResult),
        Field("results_by_topic_v3_and_below", "struct", (0, 3), array=True, of=AddPartitionsToTxnTopicResult),
    )
