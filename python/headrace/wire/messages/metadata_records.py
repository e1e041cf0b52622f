"""The controller's records in group 0: Kafka's own where they fit.

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import NULL_UUID, Field, Message, Part


class TopicRecord(Message):
    name: str = ""
    topic_id: bytes = NULL_UUID
    API_KEY: ClassVar[int] = 2
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("topic_id", "uuid", (0, 32767)),
    )


class PartitionRecord(Message):
    partition_id: int = -1
    topic_id: bytes = NULL_UUID
    replicas: list[int] = []
    isr: list[int] = []
    removing_replicas: list[int] = []
    adding_replicas: list[int] = []
    leader: int = -1
    leader_recovery_state: int = 0
    leader_epoch: int = -1
    partition_epoch: int = -1
    directories: list[bytes] = []
    eligible_leader_replicas: list[int] | None = None
    last_known_elr: list[int] | None = None
    group: int = -1
    API_KEY: ClassVar[int] = 3
    VERSIONS: ClassVar[tuple[int, int]] = (0, 2)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("partition_id", "int32", (0, 32767)),
        Field("topic_id", "uuid", (0, 32767)),
        Field("replicas", "int32", (0, 32767), array=True),
        Field("isr", "int32", (0, 32767), array=True),
        Field("removing_replicas", "int32", (0, 32767), array=True),
        Field("adding_replicas", "int32", (0, 32767), array=True),
        Field("leader", "int32", (0, 32767)),
        Field("leader_recovery_state", "int8", (0, 32767), tag=0, tagged=(0, 32767)),
        Field("leader_epoch", "int32", (0, 32767)),
        Field("partition_epoch", "int32", (0, 32767)),
        Field("directories", "uuid", (1, 32767), array=True),
        Field("eligible_leader_replicas", "int32", (2, 32767), array=True, nullable=(2, 32767), tag=1, tagged=(2, 32767)),
        Field("last_known_elr", "int32", (2, 32767), array=True, nullable=(2, 32767), tag=2, tagged=(2, 32767)),
        Field("group", "int64", (0, 32767), tag=10000, tagged=(0, 32767), ignorable=True),
    )


class RemoveTopicRecord(Message):
    topic_id: bytes = NULL_UUID
    API_KEY: ClassVar[int] = 9
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("topic_id", "uuid", (0, 32767)),
    )


class ConfigRecord(Message):
    resource_type: int = 0
    resource_name: str = ""
    name: str = ""
    value: str | None = ""
    API_KEY: ClassVar[int] = 4
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("resource_type", "int8", (0, 32767)),
        Field("resource_name", "string", (0, 32767)),
        Field("name", "string", (0, 32767)),
        Field("value", "string", (0, 32767), nullable=(0, 32767)),
    )


class ProducerIdsRecord(Message):
    broker_id: int = 0
    broker_epoch: int = -1
    next_producer_id: int = 0
    API_KEY: ClassVar[int] = 15
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("broker_id", "int32", (0, 32767)),
        Field("broker_epoch", "int64", (0, 32767)),
        Field("next_producer_id", "int64", (0, 32767)),
    )


class FeatureLevelRecord(Message):
    name: str = ""
    feature_level: int = 0
    API_KEY: ClassVar[int] = 12
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("feature_level", "int16", (0, 32767)),
    )


class UserScramCredentialRecord(Message):
    name: str = ""
    mechanism: int = 0
    salt: bytes = b""
    stored_key: bytes = b""
    server_key: bytes = b""
    iterations: int = 0
    API_KEY: ClassVar[int] = 11
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("mechanism", "int8", (0, 32767)),
        Field("salt", "bytes", (0, 32767)),
        Field("stored_key", "bytes", (0, 32767)),
        Field("server_key", "bytes", (0, 32767)),
        Field("iterations", "int32", (0, 32767)),
    )


class RemoveUserScramCredentialRecord(Message):
    name: str = ""
    mechanism: int = 0
    API_KEY: ClassVar[int] = 22
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "string", (0, 32767)),
        Field("mechanism", "int8", (0, 32767)),
    )


class EntityData(Part):
    entity_type: str = ""
    entity_name: str | None = ""
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("entity_type", "string", (0, 32767)),
        Field("entity_name", "string", (0, 32767), nullable=(0, 32767)),
    )


class ClientQuotaRecord(Message):
    entity: list[EntityData] = []
    key: str = ""
    value: float = 0.0
    remove: bool = False
    API_KEY: ClassVar[int] = 14
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("entity", "struct", (0, 32767), array=True, of=EntityData),
        Field("key", "string", (0, 32767)),
        Field("value", "float64", (0, 32767)),
        Field("remove", "bool", (0, 32767)),
    )


class SnapshotBeginRecord(Message):
    next_group: int = 0
    next_producer_id: int = 0
    API_KEY: ClassVar[int] = 30000
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("next_group", "int64", (0, 32767)),
        Field("next_producer_id", "int64", (0, 32767)),
    )


class SnapshotEndRecord(Message):
    complete: bool = False
    API_KEY: ClassVar[int] = 30001
    VERSIONS: ClassVar[tuple[int, int]] = (0, 0)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("complete", "bool", (0, 32767)),
    )
