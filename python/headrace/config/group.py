"""A group's settings (resource type GROUP): what was set for it, and beneath that the broker's value of the same thing.

Used where they are changed (refusals in Kafka's words, `GroupConfig`) and where they are described. Coordinators read what
was set for a group whenever they need it, so that a change takes effect at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.config.broker import BrokerConfig, Described, SynonymValue
from headrace.config.catalog import BROKER_CONFIGS, GROUP_CONFIGS
from headrace.config.definition import Source

if TYPE_CHECKING:
    from collections.abc import Mapping


class GroupConfigRefused(ValueError):  # noqa: N818 - reads as what happened
    """A group may not have these settings; the text is Kafka's own, ready for INVALID_CONFIG."""


class Bounds(NamedTuple):
    """The broker settings between which a group's setting must lie."""

    low: str | None
    high: str | None


BOUNDS: Final = {
    f"{kind}.{name}": Bounds(f"group.{kind}.min.{name}", f"group.{kind}.max.{name}")
    for kind, names in (
        ("consumer", ("heartbeat.interval.ms", "session.timeout.ms")),
        ("share", ("heartbeat.interval.ms", "session.timeout.ms", "record.lock.duration.ms")),
        ("streams", ("heartbeat.interval.ms", "session.timeout.ms")),
    )
    for name in names
} | {"streams.num.standby.replicas": Bounds(None, "group.streams.max.standby.replicas")}
"""In the order in which Kafka looks at them."""

KINDS: Final = ("consumer", "share", "streams")


def check_together(overrides: Mapping[str, str], broker: BrokerConfig) -> None:
    """Raise `GroupConfigRefused` if the group's settings are out of the broker's bounds or contradict each other."""

    def value(name: str) -> int:
        return int(overrides.get(name) or _beneath(name, broker) or 0)

    for name, (low, high) in BOUNDS.items():
        if low is not None and value(name) < broker.integer(low):
            raise GroupConfigRefused(f"{name} must be greater than or equal to {low}")
        if high is not None and value(name) > broker.integer(high):
            raise GroupConfigRefused(f"{name} must be less than or equal to {high}")
    for kind in KINDS:
        session, heartbeat = f"{kind}.session.timeout.ms", f"{kind}.heartbeat.interval.ms"
        if value(session) <= value(heartbeat):
            raise GroupConfigRefused(f"{session} must be greater than {heartbeat}")


def describe_group(overrides: Mapping[str, str], broker: BrokerConfig) -> list[Described]:
    """Every setting of a group with these overrides, as DescribeConfigs tells it."""
    found = []
    for name, definition in GROUP_CONFIGS.items():
        own = name in overrides
        value = overrides[name] if own else definition.canonical(_beneath(name, broker))
        source = Source.GROUP if own else Source.DEFAULT
        synonyms = (SynonymValue(name, value, source),)
        found.append(Described(name, value, definition.type, source, False, False, synonyms))
    return found


def _beneath(name: str, broker: BrokerConfig) -> str | None:
    """What holds for groups that set nothing: the broker's `group.` setting of the same name, if there is one."""
    ours = f"group.{name}"
    return broker.text(ours) if ours in BROKER_CONFIGS else GROUP_CONFIGS[name].default
