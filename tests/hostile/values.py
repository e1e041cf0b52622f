"""What stands in fields: things the broker may know, and the edges of each kind.

Names come from small pools, so that a long run meets its own topics and groups again and the broker's state stays bounded;
none of them is the canary's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random  # noqa: TID251 - the type only

TOPICS: Final = [f"fuzz-{n}" for n in range(12)]
GROUPS: Final = [f"group-{n}" for n in range(12)]
TOPIC_CONFIGS: Final = [
    "cleanup.policy",
    "retention.ms",
    "segment.bytes",
    "max.message.bytes",
    "compression.type",
    "no.such",
]
EDGE_TEXTS: Final = [
    "",
    ".",
    "..",
    "../../etc/passwd",
    "a" * 249,
    "a" * 250,
    "x" * 32_767,
    "nul\x00inside",
    "line\nbreak\r\x1b[31mred",
    "ünïcödé-😀",
    "__consumer_offsets",
    "__cluster_metadata",
    "%s%n{}",
]
BY_NAME: Final[dict[str, list[str]]] = {
    "group_id": GROUPS,
    "groups_names": GROUPS,
    "groups": GROUPS,
    "key": GROUPS,
    "coordinator_keys": GROUPS,
    "resource_name": TOPICS,
    "value": ["1", "compact", "delete", "compact,delete", "-1", "zstd", "gzip", "x"],
    "protocol_type": ["consumer", "connect"],
    "protocol_name": ["range", "roundrobin"],
    "client_software_name": ["fuzz", "apache-kafka-java", "-bad-", ""],
    "client_software_version": ["1.0", ""],
    "member_id": ["", "member-1", "member-2"],
    "configuration_keys": TOPIC_CONFIGS,
    "transactional_id": ["tx-1"],
}
NUMBERS: Final[dict[str, list[int]]] = {
    "acks": [-1, -1, -1, 1, 1, 0],
    "timeout_ms": [1, 100],
    "max_wait_ms": [0, 1, 50],
    "session_timeout_ms": [6_000, 10_000],
    "rebalance_timeout_ms": [1, 100],
    "num_partitions": [-1, 1, 2, 3],
    "replication_factor": [-1, 1],
    "count": [1, 2, 4],
    "key_type": [0, 0, 1, 2],
    "resource_type": [2, 2, 4, 8, 16, 32],
    "generation_id": [-1, 0, 1, 2],
    "session_epoch": [-1, 0, 1],
    "session_id": [0, 0, 1],
    "config_operation": [0, 1, 2, 3],
    "timestamp": [-1, -2, -3, 0, 1_700_000_000_000],
    "isolation_level": [0, 1],
    "broker_ids": [1],
    "replica_id": [-1],
}
INT_BITS: Final = {"int8": 8, "int16": 16, "int32": 32, "int64": 64}
UINT_BITS: Final = {"uint16": 16, "uint32": 32}


def text(rng: Random, name: str, edge: bool) -> str:
    """A string for the field of this name."""
    if edge:
        return rng.choice(EDGE_TEXTS)
    if name == "name":  # of a topic, a protocol or a setting: the schema uses one word for all
        return rng.choice(rng.choice([TOPICS, TOPICS, ["range"], TOPIC_CONFIGS]))
    return rng.choice(BY_NAME.get(name, TOPICS))


def number(rng: Random, name: str, kind: str, edge: bool) -> int:
    """An integer of this kind for the field of this name."""
    if kind in UINT_BITS:
        return rng.choice([0, 1, (1 << UINT_BITS[kind]) - 1]) if edge else rng.randint(0, 100)
    top = (1 << (INT_BITS[kind] - 1)) - 1
    if edge:
        return rng.choice([0, -1, 1, -2, top, top - 1, -top - 1])
    known = NUMBERS.get(name)
    return rng.choice(known) if known else rng.choice([-1, 0, 0, 1, 2, 3])


def blob(rng: Random, edge: bool) -> bytes:
    """Opaque bytes: subscriptions and assignments, or what looks like them."""
    if edge:
        return rng.choice([b"", b"\xff" * 10, b"\x00\x01\x7f\xff\xff\xff", bytes(100_000)])
    return b"\x00\x00\x00\x00\x00\x01\x00\x06fuzz-0\x00\x00\x00\x00"


def uuid(rng: Random) -> bytes:
    """A topic id: none, the controller log's, or one that nobody has."""
    return rng.choice([bytes(16), bytes(15) + b"\x01", rng.randbytes(16)])
