"""All settings by name: Kafka's and ours, the aliases that are accepted, and the nearest name to a misspelt one."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from headrace.config.kafka_broker_configs import KAFKA_BROKER_CONFIGS
from headrace.config.kafka_group_configs import KAFKA_GROUP_CONFIGS
from headrace.config.kafka_topic_configs import KAFKA_TOPIC_CONFIGS
from headrace.config.own import OUR_DEFAULTS, OWN_BROKER_CONFIGS, OWN_TOPIC_CONFIGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headrace.config.definition import Definition


def _by_name(
    *tables: Iterable[Definition], defaults: Mapping[str, str] | None = None
) -> Mapping[str, Definition]:
    found = {definition.name: definition for table in tables for definition in table}
    for name, text in (defaults or {}).items():
        found[name] = found[name]._replace(default=text)
    return MappingProxyType(dict(sorted(found.items())))


TOPIC_CONFIGS: Final = _by_name(KAFKA_TOPIC_CONFIGS, OWN_TOPIC_CONFIGS)
BROKER_CONFIGS: Final = _by_name(KAFKA_BROKER_CONFIGS, OWN_BROKER_CONFIGS, defaults=OUR_DEFAULTS)
GROUP_CONFIGS: Final = _by_name(KAFKA_GROUP_CONFIGS)

FREE_PREFIXES: Final = ("listener.name.",)
"""Names that begin so belong to a listener and are kept as they are."""

BROKER_ALIASES: Final = MappingProxyType(
    {
        # Redpanda's cluster properties
        "admin": "headrace.admin.listener",
        "auto_create_topics_enabled": "auto.create.topics.enable",
        "cluster_id": "cluster.id",
        "data_directory": "log.dirs",
        "default_topic_partitions": "num.partitions",
        "default_topic_replications": "default.replication.factor",
        "delete_retention_ms": "log.retention.ms",
        "group_initial_rebalance_delay": "group.initial.rebalance.delay.ms",
        "group_max_session_timeout_ms": "group.max.session.timeout.ms",
        "group_min_session_timeout_ms": "group.min.session.timeout.ms",
        "group_offset_retention_sec": "offsets.retention.minutes",
        "group_topic_partitions": "offsets.topic.num.partitions",
        "kafka_batch_max_bytes": "message.max.bytes",
        "kafka_connections_max": "max.connections",
        "kafka_connections_max_per_ip": "max.connections.per.ip",
        "kafka_max_bytes_per_fetch": "fetch.max.bytes",
        "kafka_request_max_bytes": "socket.request.max.bytes",
        "log_cleanup_policy": "log.cleanup.policy",
        "log_compression_type": "compression.type",
        "log_message_timestamp_type": "log.message.timestamp.type",
        "log_retention_ms": "log.retention.ms",
        "log_segment_ms": "log.roll.ms",
        "log_segment_size": "log.segment.bytes",
        "node_id": "node.id",
        "rack": "broker.rack",
        "retention_bytes": "log.retention.bytes",
        "write_caching_default": "write.caching",
        # Kafka's older spellings
        "broker.id": "node.id",
    }
)
"""Accepted on input, never printed."""

ALIAS_FACTORS: Final = MappingProxyType({"group_offset_retention_sec": 1 / 60})
"""Aliases whose unit differs, and what their number is multiplied by."""

TOPIC_ALIASES: Final = MappingProxyType(
    {
        "redpanda.write.caching": "write.caching",
        "write_caching": "write.caching",
        "redpanda.remote.write": "remote.storage.enable",
        "redpanda.remote.read": "remote.storage.enable",
    }
)


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The known name that a misspelt one most likely means, if there is a likely one."""
    import difflib  # lazy: only a mistake needs it

    close = difflib.get_close_matches(name.lower().replace("_", "."), list(names), n=1, cutoff=0.6)
    return close[0] if close else None


def canonical_broker_name(name: str) -> str | None:
    """The setting meant by a name or alias; None if there is none."""
    name = BROKER_ALIASES.get(name, name)
    return name if name in BROKER_CONFIGS or name.startswith(FREE_PREFIXES) else None


def canonical_topic_name(name: str) -> str | None:
    """The topic setting meant by a name or alias; None if there is none."""
    name = TOPIC_ALIASES.get(name, name)
    return name if name in TOPIC_CONFIGS else None
