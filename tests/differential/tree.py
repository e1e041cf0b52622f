"""An answer as a tree of plain values in which what brokers choose freely is the same on both, and two such trees compared.

`NORMAL` is everything that is not compared as it is; no error code, offset, count or order is among it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.differential.batches import batches, time
from tests.differential.world import NO_ID, STRANGE_ID
from tests.differential.wrong import STRANGE_ID as STRANGE_ID_OF_CASES

if TYPE_CHECKING:
    from headrace.wire.schema import Field, Message, Part
from tests.differential.world import World

NORMAL: Final = {
    "*.error_message": "texts differ; whether there is one does not",
    "*.batch_index_error_message": "the same",
    "*.port": "each broker has its own",
    "*.session_id": "drawn by the broker",
    "*.producer_id": "drawn by the broker",
    "DescribeTransactionsResponse.transaction_states.transaction_start_time_ms": "a moment",
    "DescribeProducersResponse.topics.partitions.active_producers.producer_id": "drawn by the broker",
    "JoinGroupResponse.member_id": "drawn by the broker",
    "ConsumerGroupHeartbeatResponse.member_id": "drawn by the broker in version 0",
    "JoinGroupResponse.leader": "a member id",
    "JoinGroupResponse.members.member_id": "a member id",
    "DescribeConfigsResponse.results.configs.documentation": "Kafka's own text",
    "DescribeLogDirsResponse.results.log_dir": "each broker has its own",
    "DescribeLogDirsResponse.results.topics.partitions.partition_size": "of the broker's own topics",
    "DescribeLogDirsResponse.results.total_bytes": "the disk's",
    "DescribeLogDirsResponse.results.usable_bytes": "the disk's",
    "DescribeConfigsResponse.results.configs[PLACES].value": "where it stands: directories and ports",
    "DescribeConfigsResponse.results.configs[PLACES].synonyms.value": "the same",
    "DescribeQuorumResponse.topics.partitions.high_watermark": "counts what happened to the cluster",
    "DescribeQuorumResponse.topics.partitions.current_voters.last_fetch_timestamp": "a moment",
    "DescribeQuorumResponse.topics.partitions.current_voters.last_caught_up_timestamp": "a moment",
    "ApiVersionsResponse.finalized_features_epoch": "counts what happened to the cluster",
}
"""Path without indexes, and why only whether it is set is compared."""
RESTARTED: Final = "leader_epoch"
"""With each restart Kafka has a new leader epoch; one node that is its own quorum has not."""
TIMES: Final = {
    "ProduceResponse.responses.partition_responses.log_append_time_ms",
    "ListOffsetsResponse.topics.partitions.timestamp",
    "DescribeProducersResponse.topics.partitions.active_producers.last_timestamp",
}
"""Compared unless they are of the broker's clock; so are those inside of batches."""
KEYED: Final = {
    "ProduceResponse.responses": "name",
    "ProduceResponse.responses.partition_responses": "index",
    "DeleteTopicsResponse.responses": "name",
    "DeleteRecordsResponse.topics": "name",
    "DeleteRecordsResponse.topics.partitions": "partition_index",
    "ListOffsetsResponse.topics": "name",
    "ListOffsetsResponse.topics.partitions": "partition_index",
    "MetadataResponse.topics": "name",
    "MetadataResponse.topics.partitions": "partition_index",
    "JoinGroupResponse.members": "member_id",
    "DescribeGroupsResponse.groups": "group_id",
    "DescribeGroupsResponse.groups.members": "member_id",
    "ListGroupsResponse.groups": "group_id",
    "ConsumerGroupDescribeResponse.groups": "group_id",
    "ConsumerGroupDescribeResponse.groups.members": "member_id",
    "StreamsGroupDescribeResponse.groups": "group_id",
    "StreamsGroupDescribeResponse.groups.members": "member_id",
    "ApiVersionsResponse.api_keys": "api_key",
    "AddPartitionsToTxnResponse.results_by_topic_v3_and_below": "name",
    "AddPartitionsToTxnResponse.results_by_topic_v3_and_below.results_by_partition": "partition_index",
    "AddPartitionsToTxnResponse.results_by_transaction.topic_results": "name",
    "AddPartitionsToTxnResponse.results_by_transaction.topic_results.results_by_partition": "partition_index",
    "WriteTxnMarkersResponse.markers.topics": "name",
    "DescribeProducersResponse.topics.partitions.active_producers": "producer_id",
    "DescribeTransactionsResponse.transaction_states.topics": "topic",
    "DescribeTransactionsResponse.transaction_states.topics.partitions": "partition",
    "ApiVersionsResponse.finalized_features": "name",
    "ApiVersionsResponse.supported_features": "name",
    "CreateTopicsResponse.topics.configs": "name",
    "CreatePartitionsResponse.results": "name",
    "DescribeConfigsResponse.results.configs": "name",
    "DescribeConfigsResponse.results.configs.synonyms": "name",
    "DescribeLogDirsResponse.results.topics": "name",
    "DescribeLogDirsResponse.results.topics.partitions": "partition_index",
    "DeleteGroupsResponse.results": "group_id",
    "OffsetFetchResponse.topics": "name",
    "OffsetFetchResponse.groups.topics": "topic_id",
    "OffsetDeleteResponse.topics": "name",
    "AlterReplicaLogDirsResponse.results": "topic_name",
    "AlterReplicaLogDirsResponse.results.partitions": "partition_index",
    "AlterUserScramCredentialsResponse.results": "user",
    "DescribeUserScramCredentialsResponse.results": "user",
    "AlterClientQuotasResponse.entries.entity": "entity_type",
    "DescribeClientQuotasResponse.entries.entity": "entity_type",
    "DescribeClientQuotasResponse.entries.values": "key",
    "ListConfigResourcesResponse.config_resources": "resource_type",
}
"""Arrays that stand in the order of a hash map in Kafka: an item is compared with the other's of the same key. Where a key
stands twice the later one has a number."""
OURS: Final = re.compile(r"^(write\.caching|cluster\.id|headrace\..*)$")
"""Configurations that Kafka does not have: docs/compatibility.md names them."""
PLACES: Final = {
    "log.dir",
    "log.dirs",
    "metadata.log.dir",
    "listeners",
    "listener.security.protocol.map",
    "advertised.listeners",
    "controller.quorum.voters",
}
"""Configurations that say where a broker stands."""
NAMED: Final = ("name", "group_id", "topic")
"""The fields in which an item says what it is about."""
INTERNAL: Final = "__"
WORLDS: Final = re.compile(r"^(k\d+v\d+|s_\w+)-(?:(\d+)-)?")


class Keyed(dict[str, Any]):
    """An array's items by their key."""


class Difference(NamedTuple):
    """One place in which two answers differ."""

    path: str
    """With indexes."""
    kafka: Any
    headrace: Any

    @property
    def field_path(self) -> str:
        """Without indexes: what an explanation names."""
        return re.sub(r"\[[^\]]*\]", "", self.path)


def tree(answer: Message, version: int, world: World) -> dict[str, Any]:
    """The answer's fields of this version by name."""
    return _part(answer, version, type(answer).__name__, world)


def differences(kafka: Any, headrace: Any, path: str = "") -> list[Difference]:
    """Every leaf that differs; of arrays of unequal size their sizes, and what they have both."""
    if isinstance(kafka, dict) and isinstance(headrace, dict):
        out: list[Difference] = []
        keyed = isinstance(kafka, Keyed)
        for name in {**kafka, **headrace}:
            at = f"{path}[{name}]" if keyed else f"{path}.{name}" if path else name
            if name in kafka and name in headrace:
                out += differences(kafka[name], headrace[name], at)
            else:
                out.append(
                    Difference(
                        f"{path}.#", name if name in kafka else None, name if name in headrace else None
                    )
                )
        return out
    if isinstance(kafka, list) and isinstance(headrace, list):
        out = []
        if len(kafka) != len(headrace):
            out.append(Difference(f"{path}.#", len(kafka), len(headrace)))
        for at, (one, other) in enumerate(zip(kafka, headrace, strict=False)):
            out += differences(one, other, f"{path}[{at}]")
        return out
    return [] if kafka == headrace else [Difference(path, kafka, headrace)]


def _part(part: Part, version: int, path: str, world: World) -> dict[str, Any]:
    return {
        field.name: _field(field, getattr(part, field.name), version, f"{path}.{field.name}", world)
        for field in part.FIELDS
        if field.is_in(version)
    }


def _field(field: Field, value: Any, version: int, path: str, world: World) -> Any:
    if field.array and value is not None:
        kept = [_one(field, item, version, path, world) for item in value if not _is_of_another(item, world)]
        by = KEYED.get(path)
        return kept if by is None else _keyed(kept, by)
    return _one(field, value, version, path, world)


def _one(field: Field, value: Any, version: int, path: str, world: World) -> Any:
    if value is None:
        return None
    if field.kind == "struct":
        return _part(value, version, path, world)
    if path in NORMAL or f"*.{field.name}" in NORMAL:
        return world.names.get(value) or _is_set(value)
    if field.kind == "uuid":
        return _id(value, world)
    if field.kind == "records":
        return batches(value, world)
    if isinstance(value, str):
        return world.names.get(value) or world.plain(value)
    if path in TIMES:
        return time(value)
    if world.restarted and field.name == RESTARTED:
        return "unset" if value < 0 else "set"
    return value.hex() if isinstance(value, bytes) else value


def _keyed(items: list[Any], by: str) -> Keyed:
    """The items by their key; a later one of the same key gets a number."""
    out = Keyed()
    for item in items:
        # Of older versions without it: all that it says is its key.
        key = name = _key(item, by)
        if name in PLACES:
            _hide_values(item)
        if name.startswith(INTERNAL):
            _hide_sizes(item)
        number = 1
        while key in out:
            number += 1
            key = f"{name} ({number})"
        if not OURS.match(name):
            out[key] = item
    return out


def _key(item: Any, by: str) -> str:
    """What tells an item from the others: its key; its id where it has no name, and its name where it has no id yet."""
    if not isinstance(item, dict):
        return str(item)
    for name in (by, "topic_id", "name"):
        if item.get(name) not in (None, ""):
            return str(item[name])
    return str(item.get(by, item.get("name", item)))


def _hide_sizes(topic: dict[str, Any]) -> None:
    """An internal topic holds what all cases have left in it."""
    for partition in (topic.get("partitions") or {}).values():
        if isinstance(partition, dict):
            partition.pop("partition_size", None)


def _hide_values(config: dict[str, Any]) -> None:
    for item in (config, *(config.get("synonyms") or {}).values()):
        if "value" in item:
            item["value"] = _is_set(item["value"])


def _is_set(value: Any) -> str:
    return "unset" if value in ("", 0, -1, b"") else "set"


def _id(value: bytes, world: World) -> str:
    if value in (NO_ID, STRANGE_ID, STRANGE_ID_OF_CASES):
        return value.hex()
    return world.plain(world.names.get(value, "an id"))


def _is_of_another(item: Any, world: World) -> bool:
    """Whether an array's item is about a topic or group of another pair or case."""
    name = next((name for at in NAMED if isinstance(name := getattr(item, at, None), str)), "")
    found = WORLDS.match(name)
    if found is None:
        return False
    return found[1] != world.prefix or (found[2] is not None and int(found[2]) != world.number)
