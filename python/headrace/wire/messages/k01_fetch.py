"""Fetch (key 1, v4-18).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from msgspec import field

from headrace.wire.schema import NULL_UUID, Field, Message, Part


class ReplicaState(Part):
    replica_id: int = -1
    replica_epoch: int = -1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("replica_id", "int32", (15, 32767)),
        Field("replica_epoch", "int64", (15, 32767)),
    )


class FetchPartition(Part):
    partition: int = 0
    current_leader_epoch: int = -1
    fetch_offset: int = 0
    last_fetched_epoch: int = -1
    log_start_offset: int = -1
    partition_max_bytes: int = 0
    replica_directory_id: bytes = NULL_UUID
    high_watermark: int = 9223372036854775807
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition", "int32", (0, 32767)),
        Field("current_leader_epoch", "int32", (9, 32767), ignorable=True),
        Field("fetch_offset", "int64", (0, 32767)),
        Field("last_fetched_epoch", "int32", (12, 32767)),
        Field("log_start_offset", "int64", (5, 32767), ignorable=True),
        Field("partition_max_bytes", "int32", (0, 32767)),
        Field("replica_directory_id", "uuid", (17, 32767), tag=0, tagged=(17, 32767), ignorable=True),
        Field("high_watermark", "int64", (18, 32767), tag=1, tagged=(18, 32767), ignorable=True),
    )


class FetchTopic(Part):
    topic: str = ""
    topic_id: bytes = NULL_UUID
    partitions: list[FetchPartition] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic", "string", (0, 12), ignorable=True),
        Field("topic_id", "uuid", (13, 32767), ignorable=True),
        Field("partitions", "struct", (0, 32767), array=True, of=FetchPartition),
    )


class ForgottenTopic(Part):
    topic: str = ""
    topic_id: bytes = NULL_UUID
    partitions: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic", "string", (7, 12), ignorable=True),
        Field("topic_id", "uuid", (13, 32767), ignorable=True),
        Field("partitions", "int32", (7, 32767), array=True),
    )


class FetchRequest(Message):
    cluster_id: str | None = None
    replica_id: int = -1
    replica_state: ReplicaState = field(default_factory=ReplicaState)
    max_wait_ms: int = 0
    min_bytes: int = 0
    max_bytes: int = 2147483647
    isolation_level: int = 0
    session_id: int = 0
    session_epoch: int = -1
    topics: list[FetchTopic] = []
    forgotten_topics_data: list[ForgottenTopic] = []
    rack_id: str = ""
    API_KEY: ClassVar[int] = 1
    VERSIONS: ClassVar[tuple[int, int]] = (4, 18)
    FLEXIBLE_FROM: ClassVar[int] = 12
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("cluster_id", "string", (12, 32767), nullable=(12, 32767), tag=0, tagged=(12, 32767), ignorable=True),
        Field("replica_id", "int32", (0, 14)),
        Field("replica_state", "struct", (15, 32767), of=ReplicaState, tag=1, tagged=(15, 32767)),
        Field("max_wait_ms", "int32", (0, 32767)),
        Field("min_bytes", "int32", (0, 32767)),
        Field("max_bytes", "int32", (3, 32767), ignorable=True),
        Field("isolation_level", "int8", (4, 32767), ignorable=True),
        Field("session_id", "int32", (7, 32767), ignorable=True),
        Field("session_epoch", "int32", (7, 32767), ignorable=True),
        Field("topics", "struct", (0, 32767), array=True, of=FetchTopic),
        Field("forgotten_topics_data", "struct", (7, 32767), array=True, of=ForgottenTopic),
        Field("rack_id", "string", (11, 32767), ignorable=True),
    )


class EpochEndOffset(Part):
    epoch: int = -1
    end_offset: int = -1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("epoch", "int32", (12, 32767)),
        Field("end_offset", "int64", (12, 32767)),
    )


class LeaderIdAndEpoch(Part):
    leader_id: int = -1
    leader_epoch: int = -1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("leader_id", "int32", (12, 32767)),
        Field("leader_epoch", "int32", (12, 32767)),
    )


class SnapshotId(Part):
    end_offset: int = -1
    epoch: int = -1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("end_offset", "int64", (0, 32767)),
        Field("epoch", "int32", (0, 32767)),
    )


class AbortedTransaction(Part):
    producer_id: int = 0
    first_offset: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("producer_id", "int64", (4, 32767)),
        Field("first_offset", "int64", (4, 32767)),
    )


class PartitionData(Part):
    partition_index: int = 0
    error_code: int = 0
    high_watermark: int = 0
    last_stable_offset: int = -1
    log_start_offset: int = -1
    diverging_epoch: EpochEndOffset = field(default_factory=EpochEndOffset)
    current_leader: LeaderIdAndEpoch = field(default_factory=LeaderIdAndEpoch)
    snapshot_id: SnapshotId = field(default_factory=SnapshotId)
    aborted_transactions: list[AbortedTransaction] | None = []
    preferred_read_replica: int = -1
    records: bytes | None = b""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("high_watermark", "int64", (0, 32767)),
        Field("last_stable_offset", "int64", (4, 32767), ignorable=True),
        Field("log_start_offset", "int64", (5, 32767), ignorable=True),
        Field("diverging_epoch", "struct", (12, 32767), of=EpochEndOffset, tag=0, tagged=(12, 32767)),
        Field("current_leader", "struct", (12, 32767), of=LeaderIdAndEpoch, tag=1, tagged=(12, 32767)),
        Field("snapshot_id", "struct", (12, 32767), of=SnapshotId, tag=2, tagged=(12, 32767)),
        Field("aborted_transactions", "struct", (4, 32767), array=True, of=AbortedTransaction, nullable=(4, 32767), ignorable=True),
        Field("preferred_read_replica", "int32", (11, 32767)),
        Field("records", "records", (0, 32767), nullable=(0, 32767)),
    )


class FetchableTopicResponse(Part):
    topic: str = ""
    topic_id: bytes = NULL_UUID
    partitions: list[PartitionData] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic", "string", (0, 12), ignorable=True),
        Field("topic_id", "uuid", (13, 32767), ignorable=True),
        Field("partitions", "struct", (0, 32767), array=True, of=PartitionData),
    )


class NodeEndpoint(Part):
    node_id: int = 0
    host: str = ""
    port: int = 0
    rack: str | None = None
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("node_id", "int32", (16, 32767)),
        Field("host", "string", (16, 32767)),
        Field("port", "int32", (16, 32767)),
        Field("rack", "string", (16, 32767), nullable=(16, 32767)),
    )


class FetchResponse(Message):
    throttle_time_ms: int = 0
    error_code: int = 0
    session_id: int = 0
    responses: list[FetchableTopicResponse] = []
    node_endpoints: list[NodeEndpoint] = []
    API_KEY: ClassVar[int] = 1
    VERSIONS: ClassVar[tuple[int, int]] = (4, 18)
    FLEXIBLE_FROM: ClassVar[int] = 12
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (1, 32767), ignorable=True),
        Field("error_code", "int16", (7, 32767), ignorable=True),
        Field("session_id", "int32", (7, 32767)),
        Field("responses", "struct", (0, 32767), array=True, of=FetchableTopicResponse),
        Field("node_endpoints", "struct", (16, 32767), array=True, of=NodeEndpoint, tag=0, tagged=(16, 32767)),
    )
