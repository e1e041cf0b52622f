"""AlterReplicaLogDirs (key 34, v1-2).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class AlterReplicaLogDirTopic(Part):
    name: str = ""
    partitions: list[int] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("partitions", "int32", (0, 32767), array=True),
    )


class AlterReplicaLogDir(Part):
    path: str = ""
    topics: list[AlterReplicaLogDirTopic] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("path", "string", (0, 32767)),
        Field("topics", "struct", (0, 32767), array=True, of=AlterReplicaLogDirTopic),
    )


class AlterReplicaLogDirsRequest(Message):
    dirs: list[AlterReplicaLogDir] = []
    API_KEY: ClassVar[int] = 34
    VERSIONS: ClassVar[tuple[int, int]] = (1, 2)
    FLEXIBLE_FROM: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("dirs", "struct", (0, 32767), array=True, of=AlterReplicaLogDir),
    )


class AlterReplicaLogDirPartitionResult(Part):
    partition_index: int = 0
    error_code: int = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_index", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
    )


class AlterReplicaLogDirTopicResult(Part):
    topic_name: str = ""
    partitions: list[AlterReplicaLogDirPartitionResult] = []
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_name", "string", (0, 32767)),
        Field("partitions", "struct", (0, 32767), array=True, of=AlterReplicaLogDirPartitionResult),
    )


class AlterReplicaLogDirsResponse(Message):
    throttle_time_ms: int = 0
    results: list[AlterReplicaLogDirTopicResult] = []
    API_KEY: ClassVar[int] = 34
    VERSIONS: ClassVar[tuple[int, int]] = (1, 2)
    FLEXIBLE_FROM: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("results", "struct", (0, 32767), array=True, of=AlterReplicaLogDirTopicResult),
    )
