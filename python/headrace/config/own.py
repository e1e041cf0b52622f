"""The settings that are ours, and the places where our defaults differ from Kafka's.

The differences stand in docs/compatibility.md too; a test compares the two.
"""

from __future__ import annotations

from typing import Final

from headrace.config.definition import Definition, Importance, Scope, Synonym, Type
from headrace.config.rules import Between, OneOf

WRITE_CACHING: Final = "write.caching"

OWN_TOPIC_CONFIGS: Final = (
    Definition(
        WRITE_CACHING, Type.BOOLEAN, "false", Importance.MEDIUM, synonyms=(Synonym(WRITE_CACHING, 1),)
    ),
)

_FIXED: Final = Scope.READ_ONLY
OWN_BROKER_CONFIGS: Final = (
    Definition(WRITE_CACHING, Type.BOOLEAN, "false", Importance.MEDIUM, scope=Scope.CLUSTER_WIDE),
    Definition("cluster.id", Type.STRING, None, Importance.LOW, scope=_FIXED),
    Definition("headrace.admin.listener", Type.STRING, "127.0.0.1:9644", Importance.HIGH, scope=_FIXED),
    Definition("headrace.cores", Type.INT, "0", Importance.HIGH, rule=Between(0, 1024), scope=_FIXED),
    Definition(
        "headrace.log.format", Type.STRING, "text", Importance.LOW, rule=OneOf(("text", "json")), scope=_FIXED
    ),
    Definition(
        "headrace.log.level",
        Type.STRING,
        "info",
        Importance.LOW,
        rule=OneOf(("debug", "info", "warning", "error"), ignore_case=True),
        scope=_FIXED,
    ),
    Definition(
        "headrace.journal.file.bytes",
        Type.LONG,
        str(32 << 20),
        Importance.LOW,
        rule=Between(1 << 20, 1 << 30),
        scope=_FIXED,
    ),
    Definition(
        "headrace.journal.files.max", Type.INT, "16", Importance.LOW, rule=Between(3, 4096), scope=_FIXED
    ),
    Definition(
        "headrace.tail.bytes.max",
        Type.LONG,
        str(64 << 20),
        Importance.MEDIUM,
        rule=Between(1 << 20),
        scope=_FIXED,
    ),
)

OWN_DOCS: Final = {
    WRITE_CACHING: "Acknowledge records before they are on stable storage. Faster, and a crash or a power cut loses the newest ones.",
    "cluster.id": "The cluster's id, taken at the first start of an empty data directory; random if not given.",
    "headrace.admin.listener": "HOST:PORT of metrics, readiness and administration over HTTP.",
    "headrace.cores": "Number of shards, one thread each. 0: one for up to two cores, one less than the cores up to 8.",
    "headrace.log.format": "How the broker's log lines are written: text or json.",
    "headrace.log.level": "The least important log line that is written.",
    "headrace.journal.file.bytes": "Size that journal files grow to.",
    "headrace.journal.files.max": "Most journal files of a shard; when they are full, producers wait.",
    "headrace.tail.bytes.max": "Memory of a shard for records that were written lately and are read without the disk.",
}

OUR_DEFAULTS: Final = {
    "listeners": "PLAINTEXT://127.0.0.1:9092",  # until there is authentication
    "auto.create.topics.enable": "false",  # a typing error must not make a topic
    "log.dirs": "data",  # Kafka's /tmp/kafka-logs is a trap
}
"""Defaults that differ from Kafka's."""

DEV_DEFAULTS: Final = {
    "auto.create.topics.enable": "true",
    "group.initial.rebalance.delay.ms": "0",
    "headrace.journal.file.bytes": str(8 << 20),
}
"""What `--dev` changes further."""
