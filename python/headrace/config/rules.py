"""What values a setting takes: Kafka's validators as plain data (`ConfigDef.Validator`), with Kafka's sentences."""

from __future__ import annotations

import re
from typing import NamedTuple, Protocol


class ValueRefused(ValueError):  # noqa: N818 - reads as what happened
    """A setting does not take this value; the text is Kafka's own."""

    def __init__(self, name: str, value: object, why: str) -> None:
        """`why`: about the value, or a whole sentence that names the configuration itself."""
        whole = why.startswith("Configuration ")
        super().__init__(why if whole else f"Invalid value {value} for configuration {name}: {why}")
        self.name = name
        self.why = why


class Rule(Protocol):
    """A condition on a parsed value; never asked about a missing one."""

    def check(self, name: str, value: object) -> None:
        """Raise `ValueRefused` if the setting `name` must not have this value."""

    def __str__(self) -> str:
        """What is allowed, in short, for people."""


class Between(NamedTuple):
    """A number with a lower bound, an upper bound, or both; both inclusive."""

    low: float | None = None
    high: float | None = None

    def check(self, name: str, value: object) -> None:
        assert isinstance(value, (int, float)), "only numbers have bounds"
        if self.low is not None and value < self.low:
            raise ValueRefused(name, value, f"Value must be at least {self.low}")
        if self.high is not None and value > self.high:
            raise ValueRefused(name, value, f"Value must be no more than {self.high}")

    def __str__(self) -> str:
        low = "..." if self.low is None else f"{self.low},..."
        return f"[{low}]" if self.high is None else f"[{low},{self.high}]"


class OneOf(NamedTuple):
    """One word of a few."""

    words: tuple[str, ...]
    ignore_case: bool = False

    def check(self, name: str, value: object) -> None:
        given = str(value).lower() if self.ignore_case else value
        allowed = [word.lower() for word in self.words] if self.ignore_case else self.words
        if given not in allowed:
            raise ValueRefused(name, value, f"String must be one of: {', '.join(self.words)}")

    def __str__(self) -> str:
        return f"[{', '.join(self.words)}]"


class ListOf(NamedTuple):
    """A list, of given words if there are any. What is said twice counts once (KIP-1161)."""

    words: tuple[str, ...] = ()
    empty: bool = True

    def check(self, name: str, value: object) -> None:
        assert isinstance(value, list), "only lists have this rule"
        if not value and not self.empty:
            valid = f" Valid values include: {list(self.words)}" if self.words else ""
            raise ValueRefused(name, "[]", f"Configuration '{name}' must not be empty.{valid}")
        if "" in value:
            raise ValueRefused(name, value, f"Configuration '{name}' values must not be empty.")
        for item in value:
            if self.words and item not in self.words:
                raise ValueRefused(name, item, f"String must be one of: {', '.join(self.words)}")

    def __str__(self) -> str:
        return f"[{', '.join(self.words)}]" if self.words else "a list"


class NonEmpty(NamedTuple):
    """Any text but the empty one; no value at all is fine."""

    def check(self, name: str, value: object) -> None:
        if value == "":
            raise ValueRefused(name, "", "String must be non-empty")

    def __str__(self) -> str:
        return "non-empty string"


class GzipLevel(NamedTuple):
    """1 to 9, or -1 for the library's choice."""

    def check(self, name: str, value: object) -> None:
        if not isinstance(value, int) or (value != -1 and not 1 <= value <= 9):
            raise ValueRefused(name, value, "Value must be between 1 and 9 or equal to -1")

    def __str__(self) -> str:
        return "[1,...,9] or -1"


class ThrottledReplicas(NamedTuple):
    """`*`, `none`, or partition:broker pairs."""

    def check(self, name: str, value: object) -> None:
        assert isinstance(value, list), "only lists have this rule"
        pairs = all(re.fullmatch(r"[0-9]+:[0-9]+", item) for item in value)
        if not pairs and value not in (["*"], ["none"]):
            raise ValueRefused(
                name,
                ",".join(value),
                f"{name} must be the literal '*' or a list of replicas in the following format: "
                "[partitionId]:[brokerId],[partitionId]:[brokerId],...",
            )

    def __str__(self) -> str:
        return "[partitionId]:[brokerId],[partitionId]:[brokerId],..."


class OffsetReset(NamedTuple):
    """Where a share group starts: `latest`, `earliest` or `by_duration:` and an ISO 8601 duration."""

    def check(self, name: str, value: object) -> None:
        text = str(value)
        duration = text.removeprefix("by_duration:")
        if text in ("latest", "earliest"):
            return
        if text == duration or not re.fullmatch(
            r"P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?", duration
        ):
            raise ValueRefused(name, value, f"must be one of {self}")

    def __str__(self) -> str:
        return "[latest, earliest, by_duration:PnDTnHnMn.nS]"
