"""What a setting is: its name, type, default, rule and reach, in Kafka's own terms (`ConfigDef`).

A value travels as text, as in Kafka's protocol and files. `Definition.parse` turns it into a Python value or refuses it
with Kafka's own sentence; `Definition.canonical` is the text DescribeConfigs answers with.
"""

from __future__ import annotations

import enum
from typing import Final, NamedTuple

from headrace.config.rules import ListOf, Rule, ValueRefused

Value = bool | int | float | str | list[str]


class Type(enum.IntEnum):
    """Number as in DescribeConfigs (`ConfigType`)."""

    UNKNOWN = 0
    BOOLEAN = 1
    STRING = 2
    INT = 3
    SHORT = 4
    LONG = 5
    DOUBLE = 6
    LIST = 7
    CLASS = 8
    PASSWORD = 9


class Importance(enum.Enum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Scope(enum.Enum):
    """Where a setting may be changed while brokers run."""

    READ_ONLY = "read-only"
    """Only in the file and at start."""
    PER_BROKER = "per-broker"
    CLUSTER_WIDE = "cluster-wide"
    """One value for the cluster, or one for each broker."""
    DYNAMIC = "dynamic"
    """Topic and group settings: always."""


class Source(enum.IntEnum):
    """Where an effective value comes from; number as in DescribeConfigs (`ConfigSource`)."""

    DYNAMIC_TOPIC = 1
    DYNAMIC_BROKER = 2
    DYNAMIC_DEFAULT_BROKER = 3
    STATIC_BROKER = 4
    DEFAULT = 5
    BROKER_LOGGER = 6
    CLIENT_METRICS = 7
    GROUP = 8


class Synonym(NamedTuple):
    """A broker setting that gives a topic setting its default, and what its number is multiplied by (hours to ms)."""

    name: str
    factor: int


class Definition(NamedTuple):
    """One setting."""

    name: str
    type: Type
    default: str | None
    """Text as a user would write it; `None`: no value."""
    importance: Importance
    rule: Rule | None = None
    scope: Scope = Scope.DYNAMIC
    synonyms: tuple[Synonym, ...] = ()
    """Of a topic setting: broker settings in falling priority. Of a broker setting: other spellings of the same thing."""
    internal: bool = False
    """Accepted, never described."""

    @property
    def sensitive(self) -> bool:
        """Whether its value is never shown."""
        return self.type is Type.PASSWORD

    @property
    def read_only(self) -> bool:
        """Whether AlterConfigs refuses it."""
        return self.scope is Scope.READ_ONLY

    def parse(self, text: str | None) -> Value | None:
        """The value of a text.

        Raises `ValueRefused` with Kafka's sentence, ready for INVALID_CONFIG.
        """
        if text is None:
            return None
        value = _parse(self.name, self.type, text)
        if isinstance(self.rule, ListOf) and isinstance(value, list):
            value = list(dict.fromkeys(value))
        if self.rule is not None:
            self.rule.check(self.name, value)
        return value

    def canonical(self, text: str | None) -> str | None:
        """The text as Kafka would give it back: trimmed, booleans in lower case, lists joined by a comma."""
        value = self.parse(text)
        match value:
            case None:
                return None
            case bool():
                return "true" if value else "false"
            case list():
                return ",".join(value)
            case float():
                return repr(value).upper().replace("E+", "E")  # as Java writes it
            case _:
                return str(value)


_BITS: Final = {Type.SHORT: 16, Type.INT: 32, Type.LONG: 64}


def _parse(name: str, kind: Type, text: str) -> Value:
    trimmed = text.strip()
    if kind in _BITS:
        return _parse_integer(name, kind, trimmed)
    if kind is Type.BOOLEAN:
        if trimmed.lower() not in ("true", "false"):
            raise ValueRefused(name, text, "Expected value to be either true or false")
        return trimmed.lower() == "true"
    if kind is Type.DOUBLE:
        try:
            return float(trimmed)
        except ValueError as cause:
            raise ValueRefused(name, text, "Not a number of type DOUBLE") from cause
    if kind is Type.LIST:
        return [item.strip() for item in trimmed.split(",")] if trimmed else []
    return text if kind is Type.PASSWORD else trimmed


def _parse_integer(name: str, kind: Type, trimmed: str) -> int:
    digits = trimmed[1:] if trimmed[:1] in ("+", "-") else trimmed
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 20:
        raise ValueRefused(name, trimmed, f"Not a number of type {kind.name}")
    value = int(trimmed)
    bound = 1 << (_BITS[kind] - 1)
    if not -bound <= value < bound:
        raise ValueRefused(name, trimmed, f"Not a number of type {kind.name}")
    return value
