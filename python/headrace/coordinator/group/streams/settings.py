"""What of the broker's configuration decides about streams groups, and the limits that are ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from headrace.coordinator.group.settings import Values

SUBTOPOLOGIES_MAX: Final = 1_000
"""Of one topology. Programs have a few; the partition counts of internal topics are found in rounds over all of them."""


class StreamsSettings(NamedTuple):
    session_timeout_ms: int = 45_000
    heartbeat_interval_ms: int = 5_000
    group_size_max: int = 2**31 - 1
    standby_replicas: int = 0
    initial_rebalance_delay_ms: int = 3_000

    @classmethod
    def of(cls, config: Values) -> StreamsSettings:
        return cls(
            config.integer("group.streams.session.timeout.ms"),
            config.integer("group.streams.heartbeat.interval.ms"),
            config.integer("group.streams.max.size"),
            config.integer("group.streams.num.standby.replicas"),
            config.integer("group.streams.initial.rebalance.delay.ms"),
        )
