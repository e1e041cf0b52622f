"""What of the broker's configuration decides about `__share_group_state`."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Integers(Protocol):
    """The part of `BrokerConfig` that is used here."""

    def integer(self, name: str) -> int: ...


class ShareCoordinatorSettings(NamedTuple):
    updates_per_snapshot: int = 500
    """So many updates of a share-partition are followed by a snapshot of it."""
    prune_interval_ms: int = 300_000
    """How often the records before the oldest snapshot are deleted."""
    cold_snapshot_interval_ms: int = 300_000
    """A share-partition that nobody wrote to for so long is written again, so that the records before it may go."""

    @classmethod
    def of(cls, config: Integers) -> ShareCoordinatorSettings:
        return cls(
            config.integer("share.coordinator.snapshot.update.records.per.snapshot"),
            config.integer("share.coordinator.state.topic.prune.interval.ms"),
            config.integer("share.coordinator.cold.partition.snapshot.interval.ms"),
        )
