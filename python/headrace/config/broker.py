"""The broker's settings: what was given at start, what was changed while running, and Kafka's defaults beneath.

    value = config.integer("group.max.session.timeout.ms")

Falling priority: changed for this broker, changed for the cluster, given at start, default; as in Kafka. Every name of
Kafka 4.2 is there (`headrace.config.catalog.BROKER_CONFIGS`); asking for another one is a bug.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from headrace.config.catalog import BROKER_CONFIGS
from headrace.config.definition import Definition, Source, Type, Value
from headrace.config.listeners import Listener, parse_listeners

if TYPE_CHECKING:
    from collections.abc import Mapping


class SynonymValue(NamedTuple):
    """One of the places a value may come from (DescribeConfigs `synonyms`)."""

    name: str
    value: str | None
    source: Source


class Described(NamedTuple):
    """One setting as DescribeConfigs tells it. `value` is None when sensitive or when there is none."""

    name: str
    value: str | None
    type: Type
    source: Source
    read_only: bool
    sensitive: bool
    synonyms: tuple[SynonymValue, ...]


class BrokerConfig:
    """Effective settings of this broker. Values are checked when they enter, so that reading never fails."""

    def __init__(
        self, given: Mapping[str, str] | None = None, defaults: Mapping[str, str] | None = None
    ) -> None:
        """`given`: the settings of command line, environment and file. `defaults`: what `--dev` puts over Kafka's.

        Raises `ValueRefused` for a value that its setting does not take.
        """
        self._given = dict(given or {})
        self._defaults = dict(defaults or {})
        self._cluster: Mapping[str, str] = {}
        self._broker: Mapping[str, str] = {}
        self._values: dict[str, Value | None] = {}
        for name, text in [*self._defaults.items(), *self._given.items()]:
            if definition := BROKER_CONFIGS.get(name):
                definition.parse(text)

    def set_dynamic(self, cluster: Mapping[str, str], broker: Mapping[str, str]) -> None:
        """Replace what was changed while running: for the whole cluster, and for this broker. Checked by the caller."""
        self._cluster = dict(cluster)
        self._broker = dict(broker)
        self._values.clear()

    def set_node_id(self, node_id: int) -> None:
        """This node's number, which the data directory decides if nobody gave it."""
        self._given["node.id"] = self._given["broker.id"] = str(node_id)
        self._values.clear()

    def text(self, name: str) -> str | None:
        """The effective value as text; None when the setting has none."""
        for layer in (self._broker, self._cluster):
            if name in layer:
                return layer[name]
        return self.at_start(name)

    def at_start(self, name: str) -> str | None:
        """The value that holds where nothing is changed while running."""
        for layer in (self._given, self._defaults):
            if name in layer:
                return layer[name]
        return BROKER_CONFIGS[name].default

    def value(self, name: str) -> Value | None:
        """The effective value, parsed."""
        if name not in self._values:
            self._values[name] = BROKER_CONFIGS[name].parse(self.text(name))
        return self._values[name]

    def integer(self, name: str) -> int:
        value = self.value(name)
        assert isinstance(value, int), f"{name} is a number with a default"
        return value

    def number(self, name: str) -> float:
        value = self.value(name)
        assert isinstance(value, (int, float)), f"{name} is a number with a default"
        return value

    def boolean(self, name: str) -> bool:
        value = self.value(name)
        assert isinstance(value, bool), f"{name} is true or false"
        return value

    def items(self, name: str) -> list[str]:
        value = self.value(name)
        assert value is None or isinstance(value, list), f"{name} is a list"
        return value or []

    def is_set(self, name: str) -> bool:
        """Whether anything but the default decides."""
        return any(name in layer for layer in (self._broker, self._cluster, self._given))

    @property
    def given(self) -> Mapping[str, str]:
        """What was given at start, by canonical name."""
        return self._given

    def effective(self) -> dict[str, str]:
        """Every setting that has a value, as text; what the engine is given at start."""
        found = {name: self.text(name) for name in BROKER_CONFIGS}
        return {name: text for name, text in found.items() if text is not None}

    @cached_property
    def listeners(self) -> tuple[Listener, ...]:
        """The Kafka listeners in the order of the configuration; those of Kafka's own controller mean nothing here."""
        controller = {name.upper() for name in self.items("controller.listener.names")}
        found = parse_listeners(
            self.items("listeners"),
            self.value("advertised.listeners"),
            self.text("listener.security.protocol.map") or "",
        )
        return tuple(listener for listener in found if listener.name not in controller)

    def synonyms(self, name: str) -> tuple[SynonymValue, ...]:
        """Where the value of a setting may come from, the deciding place first."""
        names = _spellings(BROKER_CONFIGS[name])
        layers = (
            (self._broker, Source.DYNAMIC_BROKER),
            (self._cluster, Source.DYNAMIC_DEFAULT_BROKER),
            (self._given, Source.STATIC_BROKER),
        )
        found = [
            SynonymValue(spelling, _shown(spelling, layer[spelling]), source)
            for layer, source in layers
            for spelling in names
            if spelling in layer
        ]
        for spelling in names:
            fallback = self._defaults.get(spelling, BROKER_CONFIGS[spelling].default)
            if fallback is not None:
                found.append(SynonymValue(spelling, _shown(spelling, fallback), Source.DEFAULT))
        # Kafka shows nothing before the setting's own name, so log.retention.ms left alone has no synonyms at all.
        while found and found[0].name != name:
            found.pop(0)
        return tuple(found)

    def describe(self, name: str) -> Described:
        """The setting as DescribeConfigs tells it."""
        definition = BROKER_CONFIGS[name]
        synonyms = self.synonyms(name)
        return Described(
            name=name,
            value=_shown(name, self.text(name)),
            type=definition.type,
            source=synonyms[0].source if synonyms else Source.DEFAULT,
            read_only=definition.read_only,
            sensitive=definition.sensitive,
            synonyms=synonyms,
        )

    def describe_all(self) -> list[Described]:
        """Every setting that is not internal."""
        return [self.describe(name) for name, definition in BROKER_CONFIGS.items() if not definition.internal]


_SPELLINGS = {
    # Kafka lists the finer unit first; the order decides which one wins (DynamicBrokerConfig.brokerConfigSynonyms).
    "log.retention.ms": ("log.retention.ms", "log.retention.minutes", "log.retention.hours"),
    "log.retention.minutes": ("log.retention.ms", "log.retention.minutes", "log.retention.hours"),
    "log.retention.hours": ("log.retention.ms", "log.retention.minutes", "log.retention.hours"),
    "log.roll.ms": ("log.roll.ms", "log.roll.hours"),
    "log.roll.hours": ("log.roll.ms", "log.roll.hours"),
    "log.roll.jitter.ms": ("log.roll.jitter.ms", "log.roll.jitter.hours"),
    "log.roll.jitter.hours": ("log.roll.jitter.ms", "log.roll.jitter.hours"),
    "log.flush.interval.ms": ("log.flush.interval.ms", "log.flush.scheduler.interval.ms"),
}


def _spellings(definition: Definition) -> tuple[str, ...]:
    return _SPELLINGS.get(definition.name, (definition.name,))


def _shown(name: str, text: str | None) -> str | None:
    definition = BROKER_CONFIGS[name]
    return None if definition.sensitive else definition.canonical(text)
