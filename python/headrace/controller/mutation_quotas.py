"""How fast clients may change partitions (`controller_mutation_rate`, KIP-599): a token bucket for each user and client.

A bucket holds what its rate gives in `controller.quota.window.num` windows. A change takes as many tokens as it makes or
removes partitions, all at once, so that a bucket may owe; whoever owes is refused, or told to wait until the debt is paid.
State in memory, as in Kafka: a start begins with full buckets.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from headrace.controller.decide_quotas import CLIENT_ID, USER
from headrace.model.errors import Error, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.config.broker import BrokerConfig
    from headrace.controller.decide_quotas import QuotaEntity

KEY: Final = "controller_mutation_rate"
BUCKETS_MAX: Final = 10_000
"""Clients that are remembered; the one that was not heard of for longest begins with a full bucket again."""


class Bucket:
    """Tokens of one user or client.

    Invariant: `tokens` is at most what the rate gives in all windows; below 0 it is a debt.
    """

    def __init__(self, now_ms: int, tokens: float) -> None:
        self._tokens = tokens
        self._at_ms = now_ms

    def fill(self, now_ms: int, rate: float, most: float) -> float:
        """Add what the time since the last call gives; the tokens there are then."""
        self._tokens = min(most, self._tokens + rate * max(0, now_ms - self._at_ms) / 1000)
        self._at_ms = max(now_ms, self._at_ms)
        return self._tokens

    def take(self, tokens: int) -> None:
        self._tokens -= tokens


class MutationQuota:
    """The quota of one request. `charge` it for each topic, then tell the client to wait `throttle_time_ms`."""

    def __init__(self, bucket: Bucket | None, rate: float, most: float, now_ms: int, *, strict: bool) -> None:
        """`bucket`: None without a quota. `strict`: refuse instead of letting the client wait afterwards."""
        self._bucket = bucket
        self._rate = rate
        self._most = most
        self._now_ms = now_ms
        self._strict = strict
        self.throttle_time_ms = 0

    def charge(self, partitions: int) -> None:
        """Take tokens for partitions that come or go. Raises `Refusal` (THROTTLING_QUOTA_EXCEEDED) while there is a debt."""
        if self._bucket is None:
            return
        tokens = self._bucket.fill(self._now_ms, self._rate, self._most)
        if self._strict and tokens < 0:
            self.throttle_time_ms = self._wait_ms(tokens)
            raise Refusal(Error.THROTTLING_QUOTA_EXCEEDED)
        self._bucket.take(partitions)
        if not self._strict:
            self.throttle_time_ms = self._wait_ms(tokens - partitions)

    def _wait_ms(self, tokens: float) -> int:
        return max(0, round(-tokens / self._rate * 1000))


UNLIMITED: Final = MutationQuota(None, 0, 0, 0, strict=False)
"""Of what the node does for itself."""


class MutationQuotas:
    """The buckets of all users and clients."""

    def __init__(self, config: BrokerConfig) -> None:
        self._config = config
        self._buckets: OrderedDict[tuple[str | None, str | None], Bucket] = OrderedDict()

    def of(
        self,
        quotas: Mapping[QuotaEntity, Mapping[str, float]],
        user: str,
        client_id: str,
        now_ms: int,
        *,
        strict: bool,
    ) -> MutationQuota:
        """The quota of a request; `quotas`: as they are set now."""
        found = _limit(quotas, user, client_id)
        if found is None:
            return UNLIMITED
        whose, rate = found
        windows = self._config.integer("controller.quota.window.num")
        most = rate * windows * self._config.integer("controller.quota.window.size.seconds")
        bucket = self._buckets.pop(whose, None) or Bucket(now_ms, most)
        self._buckets[whose] = bucket
        if len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)
        return MutationQuota(bucket, rate, most, now_ms, strict=strict)


def _limit(
    quotas: Mapping[QuotaEntity, Mapping[str, float]], user: str, client_id: str
) -> tuple[tuple[str | None, str | None], float] | None:
    """Who shares the bucket, and its rate: of the closest entity that has one, in Kafka's order (`DefaultQuotaCallback`)."""
    if not quotas:
        return None
    for user_name in (user, None):
        for client_name in (client_id, None):
            rate = quotas.get(((CLIENT_ID, client_name), (USER, user_name)), {}).get(KEY)
            if rate is not None:
                return (user, client_id), rate
        rate = quotas.get(((USER, user_name),), {}).get(KEY)
        if rate is not None:
            return (user, None), rate
    for client_name in (client_id, None):
        rate = quotas.get(((CLIENT_ID, client_name),), {}).get(KEY)
        if rate is not None:
            return (None, client_id), rate
    return None
