"""A subscription to clients' metrics (resource type CLIENT_METRICS, KIP-714): its settings, their rules, how they are told.

Subscriptions are kept and told; no client is ever asked for metrics, as in a Kafka without a plugin that takes them.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from headrace.config.broker import Described, SynonymValue
from headrace.config.definition import Definition, Importance, Source, Type

if TYPE_CHECKING:
    from collections.abc import Mapping

INTERVAL_MS_MIN: Final = 100
INTERVAL_MS_MAX: Final = 3_600_000

CLIENT_METRICS_CONFIGS: Final[Mapping[str, Definition]] = MappingProxyType(
    {
        "interval.ms": Definition("interval.ms", Type.INT, "300000", Importance.MEDIUM),
        "match": Definition("match", Type.LIST, "", Importance.MEDIUM),
        "metrics": Definition("metrics", Type.LIST, "", Importance.MEDIUM),
    }
)
DOCS: Final = {
    "interval.ms": "Milliseconds between two pushes of metrics.",
    "match": "Which clients are meant.",
    "metrics": "Beginnings of the names of the metrics that are wanted.",
}

MATCHED: Final = frozenset(
    {
        "client_instance_id",
        "client_id",
        "client_software_name",
        "client_software_version",
        "client_source_address",
        "client_source_port",
    }
)
"""What a subscription may tell clients by."""


class SubscriptionRefused(ValueError):  # noqa: N818 - reads as what happened
    """A subscription may not have these settings; `is_request`: INVALID_REQUEST, else INVALID_CONFIG."""

    def __init__(self, why: str, *, is_request: bool) -> None:
        super().__init__(why)
        self.is_request = is_request


def check_subscription(overrides: Mapping[str, str]) -> None:
    """Raise `SubscriptionRefused` in Kafka's words (`ClientMetricsConfigs.validate`), or `ValueRefused`."""
    for name, text in overrides.items():
        definition = CLIENT_METRICS_CONFIGS.get(name)
        if definition is None:
            raise SubscriptionRefused(f"Unknown client metrics configuration: {name}", is_request=True)
        value = definition.parse(text)
        if name == "interval.ms" and not INTERVAL_MS_MIN <= int(text) <= INTERVAL_MS_MAX:
            why = (
                f"Invalid value {value} for interval.ms, interval must be between"
                f" {INTERVAL_MS_MIN} and {INTERVAL_MS_MAX} (1 hour)"
            )
            raise SubscriptionRefused(why, is_request=True)
        if name == "match" and isinstance(value, list):
            for pattern in value:
                _check_pattern(pattern)


def _check_pattern(pattern: str) -> None:
    name, equals, expression = (part.strip() for part in pattern.partition("="))
    try:
        re.compile(expression)
    except re.error:
        equals = ""
    if not equals or name not in MATCHED or "=" in expression:
        raise SubscriptionRefused(f"Illegal client matching pattern: {pattern}", is_request=False)


def describe_subscription(overrides: Mapping[str, str]) -> list[Described]:
    """Every setting of a subscription, as DescribeConfigs tells it; what is left alone has no synonyms, as in Kafka."""
    found = []
    for name, definition in CLIENT_METRICS_CONFIGS.items():
        own = name in overrides
        value = overrides.get(name, definition.default)
        source = Source.CLIENT_METRICS if own else Source.DEFAULT
        synonyms = (SynonymValue(name, value, source),) if own else ()
        found.append(Described(name, value, definition.type, source, False, False, synonyms))
    return found
