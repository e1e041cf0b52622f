"""TxnOffsetCommit (key 28, v0-5).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class TxnOffsetCommitRequestPartition(Part):
    partition_index: int = 0
    committed_offset: int = 0
    committed_leader_epoch: int = -1
    committed_metadata: str | None = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("committed_offset", "int64", (0, 32767)),
        Field("committed_leader_epoch", "int32", (2, 32767), ignorable=True),
        Field("committed_metadata", "string", (0, 32767), nullable=(0, 32767)),
    )


class TxnOffsetCommitRequestTopic(Part):
    name: str = ""
    partitions: list[TxnOffsetCommitRequestPartition] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=TxnOffsetCommitRequestPartition),
    )


class TxnOffsetCommitRequest(Message):
    transactional_id: str = ""
    group_id: str = ""
    producer_id: int = 0
    producer_epoch: int = 0
    generation_id: int = -1
    member_id: str = ""
    group_instance_id: str | None = None
    topics: list[TxnOffsetCommitRequestTopic] = []
    API_KEY: ClassVar[int] = 28
    VERSIONS: ClassVar[tuple[int, int]] = (0, 5)
    FLEXIBLE_FROM: ClassVar[int] = 3
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("transactional_id", "string", (0, 32767)),
        Field("group_id", "string", (0, 32767)),
        Field("producer_id", "int64", (0, 32767)),
        Field("producer_epoch", "int16", (0, 32767)),
        Field("generation_id", "int32", (3, 32767)),
        Field("member_id", "string", (3, 32767)),
        Field("group_instance_id", "string", (3, 32767), nullable=(3, 32767)),
        Field("topics", "struct", (0, 32767), array=True, of=TxnOffsetCommitRequestTopic),
    )


class TxnOffsetCommitResponsePartition(Part):
    partition_index: int = 0
    error_code: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
    )


class TxnOffsetCommitResponseTopic(Part):
    name: str = ""
    partitions: list[TxnOffsetCommitResponsePartition] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=TxnOffsetCommitResponsePartition),
    )


class TxnOffsetCommitResponse(Message):
    throttle_time_ms: int = 0
    topics: list[TxnOffsetCommitResponseTopic] = []
    API_KEY: ClassVar[int] = 28
    VERSIONS: ClassVar[tuple[int, int]] = (0, 5)
    FLEXIBLE_FROM: ClassVar[int] = 3
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("topics", "struct", (0, 32767), array=True, of=TxnOffsetCommitResponseTopic),
    )
