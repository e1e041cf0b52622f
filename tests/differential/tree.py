"""An answer as a tree of plain values in which what brokers choose freely is the same on both, and two such trees compared.

`NORMAL` is everything that is not compared as it is; no error code, offset, count or order is among it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

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
    "InitProducerIdResponse.producer_id": "drawn by the broker",
    "JoinGroupResponse.member_id": "drawn by the broker",
    "JoinGroupResponse.leader": "a member id",
    "JoinGroupResponse.members.member_id": "a member id",
    "DescribeConfigsResponse.results.configs.documentation": "Kafka's own text",
    "DescribeLogDirsResponse.results.log_dir": "each broker has its own",
    "DescribeLogDirsResponse.results.total_bytes": "the disk's",
    "DescribeLogDirsResponse.results.usable_bytes": "the disk's",
    "ApiVersionsResponse.finalized_features_epoch": "counts what happened to the cluster",
}
"""Path without indexes, and why only whether it is set is compared."""
UNORDERED: Final = {
    "MetadataResponse.topics": "name",
    "MetadataResponse.topics.partitions": "partition_index",
    "ListGroupsResponse.groups": "group_id",
    "DescribeConfigsResponse.results.configs": "name",
}
"""Arrays that stand in the order of a hash map in Kafka, and what they are compared by: the same in every Kafka, and told to
nobody."""
WORLDS: Final = re.compile(r"^(k\d+v\d+)-")


class Difference(NamedTuple):
    """One place in which two answers differ."""

    path: str
    """With indexes."""
    kafka: Any
    headrace: Any

    @property
    def field_path(self) -> str:
        """Without indexes: what an explanation names."""
        return re.sub(r"\[\d+\]", "", self.path)


def tree(answer: Message, version: int, world: World) -> dict[str, Any]:
    """The answer's fields of this version by name."""
    return _part(answer, version, type(answer).__name__, world)


def differences(kafka: Any, headrace: Any, path: str = "") -> list[Difference]:
    """Every leaf that differs; of arrays of unequal size their sizes, and what they have both."""
    if isinstance(kafka, dict) and isinstance(headrace, dict):
        out: list[Difference] = []
        for name in kafka:
            out += differences(kafka[name], headrace.get(name), f"{path}.{name}" if path else name)
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
        items = [_one(field, item, version, path, world) for item in value]
        kept = [item for item in items if not _is_of_another(item, world)]
        by = UNORDERED.get(path)
        return sorted(kept, key=lambda item: (item[by] is None, item[by])) if by else kept
    return _one(field, value, version, path, world)


def _one(field: Field, value: Any, version: int, path: str, world: World) -> Any:
    if value is None:
        return None
    if field.kind == "struct":
        return _part(value, version, path, world)
    if path in NORMAL or f"*.{field.name}" in NORMAL:
        return _is_set(value)
    if field.kind == "uuid":
        return _id(value, world)
    return value.hex() if isinstance(value, bytes) else value


def _is_set(value: Any) -> str:
    return "unset" if value in ("", 0, -1, b"") else "set"


def _id(value: bytes, world: World) -> str:
    if value in (NO_ID, STRANGE_ID, STRANGE_ID_OF_CASES):
        return value.hex()
    return world.names.get(value, "an id")


def _is_of_another(item: Any, world: World) -> bool:
    """Whether an array's item is about another world's topic or group, or a topic of the broker's own."""
    if not isinstance(item, dict):
        return False
    name = item.get("name", item.get("group_id", item.get("topic")))
    if not isinstance(name, str):
        return False
    found = WORLDS.match(name)
    return found is not None and found[1] != world.prefix
