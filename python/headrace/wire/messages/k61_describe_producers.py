"""DescribeProducers (key 61, v0-0).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class TopicRequest(Part):
    name: str = ""
    partition_indexes: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("partition_indexes", "int32", (0, 32767), array=True),
    )


class DescribeProducersRequest(Message):
    topics: list[TopicRequest] = []
    API_KEY: ClassVar[int] = 61
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topics", "struct", (0, 32767), array=True, of=TopicRequest),
    )


class ProducerState(Part):
    producer_id: int = 0
    producer_epoch: int = 0
    last_sequence: int = -1
    last_timestamp: int = -1
    coordinator_epoch: int = 0
    current_txn_start_offset: int = -1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("producer_id", "int64", (0, 32767)),
        Field("producer_epoch", "int32", (0, 32767)),
        Field("last_sequence", "int32", (0, 32767)),
        Field("last_timestamp", "int64", (0, 32767)),
        Field("coordinator_epoch", "int32", (0, 32767)),
        Field("current_txn_start_offset", "int64", (0, 32767)),
    )


class PartitionResponse(Part):
    partition_index: int = 0
    error_code: int = 0
    error_message: str | None = None
    active_producers: list[ProducerState] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("active_producers", "struct", (0, 32767), array=True, of=ProducerState),
    )


class TopicResponse(Part):
    name: str = ""
    partitions: list[PartitionResponse] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=PartitionResponse),
    )


class DescribeProducersResponse(Message):
    throttle_time_ms: int = 0
    topics: list[TopicResponse] = []
    API_KEY: ClassVar[int] = 61
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("topics", "struct", (0, 32767), array=True, of=TopicResponse),
    )
