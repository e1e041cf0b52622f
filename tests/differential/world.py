"""What both brokers are given before they are asked: topics, records and groups under the same names on both.

A pair has objects that its cases only read. A case that changes something has objects of its own, named by its number, so that
no case sees what another has done, whatever the order. What a broker itself chose (topic ids, member ids) is known by name
afterwards, so that requests can name it and answers be compared.
"""

from __future__ import annotations

import struct
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from tests.hostile.batches import crc32c, zigzag

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_ID: Final = bytes(16)
STRANGE_ID: Final = bytes(range(1, 17))
T0_MS: Final = 1_700_000_000_000
"""The first record's time, so that the same bytes are said in every run."""
FUTURE_MS: Final = 4_000_000_000_000
"""Of what must not be old, whenever it is said."""
BATCHES: Final = 5
RECORDS_A_BATCH: Final = 3
RESTARTED: Final = "restarted"
"""Among the symbols, once the broker has."""
FILLED, WIDE, EMPTY, GROUP, PRODUCER, OPEN = "filled", "wide", "empty", "group", "producer", "open"
"""Kinds of object: one partition with records; three without; one without; a group with two committed offsets;
a transactional id with a producer; one with a transaction in a topic of its own."""


class World:
    """The names of one pair or scene on one broker, as the case of this number uses them."""

    def __init__(self, prefix: str, number: int = 0, of: World | None = None) -> None:
        self.prefix = prefix
        self.number = number
        self.ids: dict[str, bytes] = of.ids if of else {}
        """Topic ids of this broker, by topic."""
        self.symbols: dict[str, Any] = of.symbols if of else {}
        """What this broker drew in the course of a scene: member ids, producer ids, sessions."""
        self.names: dict[Any, str] = of.names if of else {}
        """By what a broker drew: its name."""
        self.wanted: dict[str, str] = of.wanted if of else {}
        """Objects that must be there before, by name, each with its kind: all that was ever asked for."""

    def at(self, number: int) -> World:
        """The same for another case."""
        return World(self.prefix, number, self)

    @property
    def restarted(self) -> bool:
        """Whether this broker has started again in the course of the scene."""
        return bool(self.symbols.get(RESTARTED))

    @property
    def filled(self) -> str:
        """A topic with records, for reading."""
        return self._want(f"{self.prefix}-filled", FILLED)

    @property
    def wide(self) -> str:
        """A topic with three empty partitions, for reading."""
        return self._want(f"{self.prefix}-wide", WIDE)

    @property
    def group(self) -> str:
        """A group without members, for reading: an offset of `filled`, and one of the last partition of `wide`."""
        return self._group(f"{self.prefix}-group")

    @property
    def own(self) -> str:
        """A topic with records, of this case alone."""
        return self._want(f"{self.prefix}-{self.number}-own", FILLED)

    @property
    def own_wide(self) -> str:
        """A topic with three empty partitions, of this case alone."""
        return self._want(f"{self.prefix}-{self.number}-wide", WIDE)

    @property
    def own_empty(self) -> str:
        """An empty topic of this case alone."""
        return self._want(f"{self.prefix}-{self.number}-empty", EMPTY)

    @property
    def own_group(self) -> str:
        """A group as `group`, of this case alone."""
        return self._group(f"{self.prefix}-{self.number}-group")

    @property
    def known(self) -> str:
        """A transactional id without a transaction, for reading."""
        return self._want(f"{self.prefix}-known", PRODUCER)

    @property
    def open(self) -> str:
        """A transactional id with an open transaction, for reading."""
        return self._open(f"{self.prefix}-open")

    @property
    def own_producer(self) -> str:
        """A transactional id without a transaction, of this case alone."""
        return self._want(f"{self.prefix}-{self.number}-producer", PRODUCER)

    @property
    def own_open(self) -> str:
        """A transactional id with an open transaction, of this case alone."""
        return self._open(f"{self.prefix}-{self.number}-open")

    @staticmethod
    def inside(transactional_id: str) -> str:
        """The topic that an open transaction has written to."""
        return f"{transactional_id}-in"

    def producer(self, transactional_id: str) -> tuple[int, int]:
        """Producer id and epoch of a transactional id."""
        found: tuple[int, int] = self.symbols.get(f"producer of {transactional_id}", (0, 0))
        return found

    @property
    def absent(self) -> str:
        """Of a topic or group that is not there."""
        return f"{self.prefix}-absent"

    @property
    def new_group(self) -> str:
        """Of a group that is not there yet."""
        return f"{self.prefix}-{self.number}-newgroup"

    def named(self, word: str) -> str:
        """Of an object of a scene."""
        return f"{self.prefix}-{word}"

    def fresh(self, word: str = "new") -> str:
        """Of a topic that is not there yet."""
        return f"{self.prefix}-{self.number}-{word}"

    def id(self, name: str) -> bytes:
        """The id that this broker gave a topic."""
        return self.ids.get(name, STRANGE_ID)

    def learn_id(self, name: str, topic_id: bytes) -> None:
        """This broker's id of a topic."""
        self.ids[name] = topic_id
        self.names[topic_id] = name

    def symbol(self, name: str, otherwise: Any = "") -> Any:
        """What this broker drew under this name."""
        return self.symbols.get(name, otherwise)

    def capture(self, name: str, value: Any) -> None:
        """Remember what this broker drew."""
        self.symbols[name] = value
        self.names[value] = f"${{{name}}}"

    def plain(self, text: str) -> str:
        """A text without what tells worlds and cases apart."""
        return text.replace(f"{self.prefix}-{self.number}-", "~own-").replace(f"{self.prefix}-", "~")

    @staticmethod
    def time_of(record: int) -> int:
        """When this record of `filled` was made."""
        return T0_MS + record * 1_000

    def _want(self, name: str, kind: str) -> str:
        self.wanted[name] = kind
        return name

    def _open(self, name: str) -> str:
        self._want(self.inside(name), EMPTY)
        return self._want(name, OPEN)

    def _group(self, name: str) -> str:
        # What it has committed.
        self._want(f"{self.prefix}-filled", FILLED)
        self._want(f"{self.prefix}-wide", WIDE)
        return self._want(name, GROUP)


@cache
def batch(
    first: int,
    count: int,
    producer: tuple[int, int, int] = (-1, -1, -1),
    attributes: int = 0,
    tombstones: bool = False,
    begin_ms: int = T0_MS,
) -> bytes:
    """A batch of records numbered from `first`, a second apart."""
    section = b""
    for n in range(count):
        value = b"value-%d" % (first + n)
        body = b"\x00" + zigzag(n * 1_000) + zigzag(n) + zigzag(4) + b"key%d" % ((first + n) % 3)
        body += zigzag(-1) if tombstones else zigzag(len(value)) + value
        body += zigzag(0)
        section += zigzag(len(body)) + body
    begin = begin_ms + first * 1_000
    rest = struct.pack(">hiqq", attributes, count - 1, begin, begin + (count - 1) * 1_000)
    rest += struct.pack(">qhii", *producer, count) + section
    return struct.pack(">qiibI", 0, 9 + len(rest), -1, 2, crc32c(rest)) + rest


def batch_now() -> bytes:
    """What a case produces: the same bytes always."""
    return batch(100, RECORDS_A_BATCH)


def kinds(wanted: Mapping[str, str], kind: str) -> list[str]:
    """The names of this kind."""
    return [name for name, its in wanted.items() if its == kind]
