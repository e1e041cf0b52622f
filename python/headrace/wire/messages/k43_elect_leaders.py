"""ElectLeaders (key 43, v0-2).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class TopicPartitions(Part):
    topic: str = ""
    partitions: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic", "string", (0, 32767)),
        Field("partitions", "int32", (0, 32767), array=True),
    )


class ElectLeadersRequest(Message):
    election_type: int = 0
    topic_partitions: list[TopicPartitions] | None = []
    timeout_ms: int = 60000
    API_KEY: ClassVar[int] = 43
    VERSIONS: ClassVar[tuple[int, int]] = (0, 2)
    FLEXIBLE_FROM: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("election_type", "int8", (1, 32767)),
        Field("topic_partitions", "struct", (0, 32767), array=True, of=TopicPartitions, nullable=(0, 32767)),
        Field("timeout_ms", "int32", (0, 32767)),
    )


class PartitionResult(Part):
    partition_id: int = 0
    error_code: int = 0
    error_message: str | None = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_id", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
    )


class ReplicaElectionResult(Part):
    topic: str = ""
    partition_result: list[PartitionResult] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic", "string", (0, 32767)),
        Field("partition_result", "struct", (0, 32767), array=True, of=PartitionResult),
    )


class ElectLeadersResponse(Message):
    throttle_time_ms: int = 0
    error_code: int = 0
    replica_election_results: list[ReplicaElectionResult] = []
    API_KEY: ClassVar[int] = 43
    VERSIONS: ClassVar[tuple[int, int]] = (0, 2)
    FLEXIBLE_FROM: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("error_code", "int16", (1, 32767)),
        Field("replica_election_results", "struct", (0, 32767), array=True, of=ReplicaElectionResult),
    )
