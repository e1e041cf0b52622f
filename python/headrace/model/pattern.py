"""Regular expressions that strangers send: matched in time proportional to pattern and text, whatever they say.

Python's own engine backtracks, so one short pattern could hold the loop for ever. This one follows all ways at once
(Thompson, 1968), as RE2 does, whose syntax Kafka's newer APIs speak. Of that syntax: literals, `.`, `[...]`, `\\d \\w \\s`
and their opposites, escapes, groups, `|`, `^`, `$`, `* + ?` and `{n,m}`, each also lazy. Not here: flags, named classes,
`\\b`, `\\p`; they are refused as invalid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

PATTERN_CHARS_MAX: Final = 1_000
STATES_MAX: Final = 2_000
"""Of one pattern, once its repetitions are written out; a text is compared with at most so many at each character."""
REPEAT_MAX: Final = 1_000
"""As in RE2."""
DEPTH_MAX: Final = 50
"""Groups inside groups."""


class InvalidPatternError(Exception):
    """The pattern does not parse, is too large, or uses what is not here."""


class _State(NamedTuple):
    """One place in the pattern: what it needs, and where it leads."""

    takes: Callable[[str], bool] | None
    """The next character, or None: it takes none."""
    holds: str
    """`^` or `$`: only there; empty: anywhere."""
    ways: list[int]


Node: TypeAlias = tuple[Any, ...]
"""Of the parsed pattern: `("take", test)`, `("at", "^")`, `("all", nodes)`, `("any", nodes)`, `("repeat", node, least, most)`."""


class Pattern:
    def __init__(self, text: str) -> None:
        """Raises `InvalidPatternError`."""
        if len(text) > PATTERN_CHARS_MAX:
            raise InvalidPatternError("too long")
        self._states: list[_State] = []
        self._end = self._state(None, "")
        self._start = self._build(_Parser(text).whole(), self._end)

    def matches(self, text: str) -> bool:
        """Whether the pattern describes the whole text."""
        here = self._reached({self._start}, at_start=True, at_end=not text)
        for position, character in enumerate(text, 1):
            next_ = {
                way
                for state in here
                if (takes := self._states[state].takes) is not None and takes(character)
                for way in self._states[state].ways
            }
            here = self._reached(next_, at_start=False, at_end=position == len(text))
        return self._end in here

    def _reached(self, states: set[int], *, at_start: bool, at_end: bool) -> set[int]:
        """All states to which these lead without a character."""
        found, left = set(states), list(states)
        while left:
            state = self._states[left.pop()]
            if state.takes is not None or (state.holds == "^" and not at_start):
                continue
            if state.holds == "$" and not at_end:
                continue
            for way in state.ways:
                if way not in found:
                    found.add(way)
                    left.append(way)
        return found

    def _state(self, takes: Callable[[str], bool] | None, holds: str, *ways: int) -> int:
        if len(self._states) == STATES_MAX:
            raise InvalidPatternError("too large")
        self._states.append(_State(takes, holds, list(ways)))
        return len(self._states) - 1

    def _build(self, node: Node, after: int) -> int:
        """The state where the node begins, if what follows it begins at `after`."""
        match node:
            case ("take", takes):
                return self._state(takes, "", after)
            case ("at", holds):
                return self._state(None, holds, after)
            case ("all", nodes):
                for one in reversed(nodes):
                    after = self._build(one, after)
                return after
            case ("any", nodes):
                return self._state(None, "", *[self._build(one, after) for one in nodes])
            case ("repeat", inner, least, most):
                if most is None:
                    again = self._state(None, "", after)
                    self._states[again].ways.append(self._build(inner, again))
                    after = again
                for _ in range(0 if most is None else most - least):
                    after = self._state(None, "", after, self._build(inner, after))
                for _ in range(least):
                    after = self._build(inner, after)
                return after
        raise AssertionError(f"not a node: {node}")


def _is_word(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character == "_")


_CLASSES: Final[dict[str, Callable[[str], bool]]] = {
    "d": lambda c: "0" <= c <= "9",
    "w": _is_word,
    "s": lambda c: c in "\t\n\f\r ",
    "D": lambda c: not "0" <= c <= "9",
    "W": lambda c: not _is_word(c),
    "S": lambda c: c not in "\t\n\f\r ",
}
_ESCAPES: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def whole(self) -> Node:
        node = self._alternatives(0)
        if self._at < len(self._text):
            raise InvalidPatternError("a parenthesis is closed that is not open")
        return node

    def _next(self) -> str:
        """The next character, or nothing."""
        return self._text[self._at : self._at + 1]

    def _take(self, text: str) -> bool:
        found = self._text.startswith(text, self._at)
        self._at += len(text) * found
        return found

    def _alternatives(self, depth: int) -> Node:
        if depth > DEPTH_MAX:
            raise InvalidPatternError("too deep")
        found = [self._sequence(depth)]
        while self._take("|"):
            found.append(self._sequence(depth))
        return found[0] if len(found) == 1 else ("any", found)

    def _sequence(self, depth: int) -> Node:
        found: list[Node] = []
        while self._next() not in {"", "|", ")"}:
            found.append(self._repeated(self._one(depth)))
        return ("all", found)

    def _one(self, depth: int) -> Node:
        character = self._next()
        self._at += 1
        if character == "(":
            if self._take("?") and not self._take(":"):
                raise InvalidPatternError("flags and names of groups are not here")
            node = self._alternatives(depth + 1)
            if not self._take(")"):
                raise InvalidPatternError("a parenthesis is not closed")
            return node
        if character == "[":
            return ("take", self._set())
        if character == ".":
            return ("take", lambda c: c != "\n")
        if character in "^$":
            return ("at", character)
        if character in "*+?":
            raise InvalidPatternError("nothing to repeat")
        if character == "\\":
            takes = self._escape()
            return ("take", takes if callable(takes) else lambda c: c == takes)
        return ("take", lambda c: c == character)

    def _escape(self) -> Callable[[str], bool] | str:
        character = self._next()
        self._at += 1
        if found := _CLASSES.get(character):
            return found
        if character in _ESCAPES:
            return _ESCAPES[character]
        if not character or character.isalnum():
            raise InvalidPatternError(f"no such escape: {character}")
        return character

    def _set(self) -> Callable[[str], bool]:
        negated = self._take("^")
        tests: list[Callable[[str], bool]] = []
        while not tests or self._next() != "]":
            low = self._member()
            if callable(low):
                tests.append(low)
                continue
            high: Callable[[str], bool] | str = low
            if self._next() == "-" and self._text[self._at + 1 : self._at + 2] != "]":
                self._at += 1
                high = self._member()
            if callable(high) or high < low:
                raise InvalidPatternError("a range ends before it begins")
            tests.append(lambda c, low=low, high=high: low <= c <= high)  # type: ignore[misc]
        self._at += 1
        return lambda c: any(test(c) for test in tests) is not negated

    def _member(self) -> Callable[[str], bool] | str:
        character = self._next()
        if not character or self._text.startswith("[:", self._at):
            raise InvalidPatternError("a set is not closed, or names a class")
        self._at += 1
        return self._escape() if character == "\\" else character

    def _repeated(self, node: Node) -> Node:
        least, most = 0, None
        begin = self._at
        if self._take("*"):
            pass
        elif self._take("+"):
            least = 1
        elif self._take("?"):
            most = 1
        elif (counts := self._counts()) is not None:
            least, most = counts
        if self._at == begin:
            return node
        self._take("?")  # lazy: finds the same whole texts
        if self._next() and self._next() in "*+?":
            raise InvalidPatternError("a repetition is repeated")
        return ("repeat", node, least, most)

    def _counts(self) -> tuple[int, int | None] | None:
        """`{2}`, `{2,}` or `{2,3}`; braces that hold anything else stand for themselves."""
        end = self._text.find("}", self._at)
        if self._next() != "{" or end < 0:
            return None
        first, comma, second = self._text[self._at + 1 : end].partition(",")
        if not _is_number(first) or (second and not _is_number(second)):
            return None
        least = int(first)
        most = least if not comma else int(second) if second else None
        if max(least, most or 0) > REPEAT_MAX or (most is not None and most < least):
            raise InvalidPatternError("no such number of times")
        self._at = end + 1
        return least, most


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4
