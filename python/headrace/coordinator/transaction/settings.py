"""What of the broker's configuration decides about transactions, and the limits that are ours."""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

MARKER_RETRY_MS_MIN: Final = 20
"""Before the first repetition of markers that were refused; doubled each time."""
MARKER_RETRY_MS_MAX: Final = 1_000

IDS_MAX: Final = 100_000
"""Transactional ids that a partition of `__transaction_state` keeps, open or idle, about 0.6 KiB each. Kafka has expiry alone
to bound them; here a new id beyond is told to come again, and ids that are known go on.
"""


def marker_retry_ms(attempts: int) -> int:
    """How long to wait before markers are tried again that have failed so often."""
    return min(MARKER_RETRY_MS_MIN << min(attempts, 10), MARKER_RETRY_MS_MAX)


class Settings(Protocol):
    """The part of `BrokerConfig` that is used here."""

    def integer(self, name: str) -> int: ...


class TransactionSettings(NamedTuple):
    timeout_ms_max: int = 900_000
    timeout_check_ms: int = 10_000
    expiration_ms: int = 7 * 24 * 3600 * 1000
    expiration_check_ms: int = 3_600_000
    add_retry_ms: int = 20
    """How long a Produce waits before it asks again while the producer's transaction before this one ends."""
    add_retry_ms_max: int = 100
    """How long all these waits may take together."""

    @classmethod
    def of(cls, config: Settings) -> TransactionSettings:
        return cls(
            config.integer("transaction.max.timeout.ms"),
            config.integer("transaction.abort.timed.out.transaction.cleanup.interval.ms"),
            config.integer("transactional.id.expiration.ms"),
            config.integer("transaction.remove.expired.transaction.cleanup.interval.ms"),
            config.integer("add.partitions.to.txn.retry.backoff.ms"),
            config.integer("add.partitions.to.txn.retry.backoff.max.ms"),
        )
