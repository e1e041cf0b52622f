"""WriteTxnMarkers (key 27, v1-2).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class WritableTxnMarkerTopic(Part):
    name: str = ""
    partition_indexes: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("partition_indexes", "int32", (0, 32767), array=True),
    )


class WritableTxnMarker(Part):
    producer_id: int = 0
    producer_epoch: int = 0
    transaction_result: bool = False
    topics: list[WritableTxnMarkerTopic] = []
    coordinator_epoch: int = 0
    transaction_version: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("producer_id", "int64", (0, 32767)),
        Field("producer_epoch", "int16", (0, 32767)),
        Field("transaction_result", "bool", (0, 32767)),
        Field("topics", "struct", (0, 32767), array=True, of=WritableTxnMarkerTopic),
        Field("coordinator_epoch", "int32", (0, 32767)),
        Field("transaction_version", "int8", (2, 32767), ignorable=True),
    )


class WriteTxnMarkersRequest(Message):
    markers: list[WritableTxnMarker] = []
    API_KEY: ClassVar[int] = 27
    VERSIONS: ClassVar[tuple[int, int]] = (1, 2)
    FLEXIBLE_FROM: ClassVar[int] = 1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("markers", "struct", (0, 32767), array=True, of=WritableTxnMarker),
    )


class WritableTxnMarkerPartitionResult(Part):
    partition_index: int = 0
    error_code: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
    )


class WritableTxnMarkerTopicResult(Part):
    name: str = ""
    partitions: list[WritableTxnMarkerPartitionResult] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=WritableTxnMarkerPartitionResult),
    )


class WritableTxnMarkerResult(Part):
    producer_id: int = 0
    topics: list[WritableTxnMarkerTopicResult] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("producer_id", "int64", (0, 32767)),
        Field("topics", "struct", (0, 32767), array=True, of=WritableTxnMarkerTopicResult),
    )


class WriteTxnMarkersResponse(Message):
    markers: list[WritableTxnMarkerResult] = []
    API_KEY: ClassVar[int] = 27
    VERSIONS: ClassVar[tuple[int, int]] = (1, 2)
    FLEXIBLE_FROM: ClassVar[int] = 1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("markers", "struct", (0, 32767), array=True, of=WritableTxnMarkerResult),
    )
