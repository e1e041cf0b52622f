"""What of the broker's configuration decides about groups, and the limits that are ours."""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

from headrace.coordinator.group.streams.settings import StreamsSettings

JOIN_TIMEOUT_NEW_MEMBER_MS: Final = 5 * 60 * 1000
"""How long a first JoinGroup may be parked before its member is taken for gone: it has no id yet and cannot heartbeat."""
PENDING_MEMBERS_MAX: Final = 10_000
"""Ids of one group that were given out (KIP-394) and have not joined; each ends with its session timeout anyway."""
GROUP_RECORD_BYTES_MAX: Final = 900 * 1024
"""Of a group's stored value: it must fit one batch of `max.message.bytes` (1 MiB). About 1,000 members."""


class Values(Protocol):
    """The part of `BrokerConfig` that is used here."""

    def integer(self, name: str) -> int: ...
    def text(self, name: str) -> str | None: ...
    def items(self, name: str) -> list[str]: ...


class ConsumerSettings(NamedTuple):
    """Of consumer groups (KIP-848): `group.consumer.*`."""

    session_timeout_ms: int = 45_000
    heartbeat_interval_ms: int = 5_000
    group_size_max: int = 2**31 - 1
    assignors: tuple[str, ...] = ("uniform", "range")
    """The first one serves groups whose members ask for none."""
    may_upgrade: bool = True
    """A classic group becomes a consumer group when a member of the new protocol joins."""
    may_downgrade: bool = True
    """And a classic group again when the last of them leaves."""
    regex_refresh_interval_ms: int = 600_000

    @classmethod
    def of(cls, config: Values) -> ConsumerSettings:
        policy = (config.text("group.consumer.migration.policy") or "").lower()
        return cls(
            config.integer("group.consumer.session.timeout.ms"),
            config.integer("group.consumer.heartbeat.interval.ms"),
            config.integer("group.consumer.max.size"),
            tuple(config.items("group.consumer.assignors")),
            policy in {"bidirectional", "upgrade"},
            policy in {"bidirectional", "downgrade"},
            config.integer("group.consumer.regex.refresh.interval.ms"),
        )


class ShareGroupSettings(NamedTuple):
    """Of share groups (KIP-932): `group.share.*`."""

    session_timeout_ms: int = 45_000
    heartbeat_interval_ms: int = 5_000
    group_size_max: int = 200
    initialize_retry_interval_ms: int = 30_000

    @classmethod
    def of(cls, config: Values) -> ShareGroupSettings:
        return cls(
            config.integer("group.share.session.timeout.ms"),
            config.integer("group.share.heartbeat.interval.ms"),
            config.integer("group.share.max.size"),
            config.integer("group.share.initialize.retry.interval.ms"),
        )


class GroupSettings(NamedTuple):
    session_timeout_ms_min: int = 6_000
    session_timeout_ms_max: int = 1_800_000
    initial_rebalance_delay_ms: int = 3_000
    group_size_max: int = 2**31 - 1
    offset_metadata_max: int = 4_096
    """In characters, as Kafka counts `offset.metadata.max.bytes`."""
    offsets_retention_ms: int = 7 * 24 * 3600 * 1000
    offsets_retention_check_ms: int = 600_000
    consumer: ConsumerSettings = ConsumerSettings()
    streams: StreamsSettings = StreamsSettings()
    share: ShareGroupSettings = ShareGroupSettings()

    @classmethod
    def of(cls, config: Values) -> GroupSettings:
        return cls(
            config.integer("group.min.session.timeout.ms"),
            config.integer("group.max.session.timeout.ms"),
            config.integer("group.initial.rebalance.delay.ms"),
            config.integer("group.max.size"),
            config.integer("offset.metadata.max.bytes"),
            config.integer("offsets.retention.minutes") * 60_000,
            config.integer("offsets.retention.check.interval.ms"),
            ConsumerSettings.of(config),
            StreamsSettings.of(config),
            ShareGroupSettings.of(config),
        )
