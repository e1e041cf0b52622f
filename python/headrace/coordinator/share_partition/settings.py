"""What of the broker's configuration decides about share-partitions, what a group may set for itself, and our own limits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

SHARE_PARTITIONS_MAX: Final = 10_000
"""Share-partitions that are led at once; a fetch from one more is refused. One holds at most its records in flight."""
SESSION_PARTITIONS_MAX: Final = 10_000
"""Of one share session."""
READ_BYTES_MAX: Final = 8 << 20
"""Of one share fetch: what it brings goes through memory of its own."""
FETCH_WAIT_MS_MAX: Final = 300_000
"""Longest that a share fetch waits, whatever it says; as for Fetch."""
ACKNOWLEDGE_BATCHES_MAX: Final = 10_000
"""Of one partition in one request."""


class Configs(Protocol):
    """The part of `BrokerConfig` that is used here."""

    def integer(self, name: str) -> int: ...


class ShareSettings(NamedTuple):
    record_lock_duration_ms: int = 30_000
    delivery_count_limit: int = 5
    max_record_locks: int = 2_000
    max_share_sessions: int = 2_000
    fetch_max_bytes: int = 57_671_680

    @classmethod
    def of(cls, config: Configs) -> ShareSettings:
        return cls(
            config.integer("group.share.record.lock.duration.ms"),
            config.integer("group.share.delivery.count.limit"),
            config.integer("group.share.partition.max.record.locks"),
            config.integer("group.share.max.share.sessions"),
            config.integer("fetch.max.bytes"),
        )


def lock_duration_ms(settings: ShareSettings, configs: Mapping[str, str]) -> int:
    return int(configs.get("share.record.lock.duration.ms", settings.record_lock_duration_ms))


def reads_committed(configs: Mapping[str, str]) -> bool:
    return configs.get("share.isolation.level", "read_uncommitted") == "read_committed"


def duration_ms(text: str) -> int:
    """An ISO 8601 duration without years and months (`PnDTnHnMn.nS`), as `share.auto.offset.reset` has them."""
    found = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", text)
    assert found is not None, "it was checked when it was set"
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return int((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000)
