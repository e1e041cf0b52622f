"""How generated messages describe themselves to the codec: a struct holds the fields of all versions, its FIELDS table
says which of them a version has and how they are written.
"""

from __future__ import annotations

from typing import ClassVar, Final, NamedTuple

from msgspec import Struct

NULL_UUID: Final = bytes(16)
"""The id that means none."""


class Field(NamedTuple):
    """One field. Ranges of versions are inclusive."""

    name: str
    kind: str
    """Kafka's name of the type (`int32`, `string`, `uuid` ...), or `struct`. Of an array: of its items."""
    versions: tuple[int, int]
    array: bool = False
    of: type[Part] | None = None
    nullable: tuple[int, int] | None = None
    tag: int = -1
    tagged: tuple[int, int] | None = None
    ignorable: bool = False
    """A value that the version has no room for may be dropped."""
    compact: bool = True
    """Follows the version's flexibility; the client id in request headers does not."""

    def is_in(self, version: int) -> bool:
        return self.versions[0] <= version <= self.versions[1]

    def is_nullable(self, version: int) -> bool:
        return self.nullable is not None and self.nullable[0] <= version <= self.nullable[1]

    def is_tagged(self, version: int) -> bool:
        return self.tagged is not None and self.tagged[0] <= version <= self.tagged[1]


class Part(Struct, gc=False):
    """A struct inside a message. Messages are trees, never cycles, so the collector need not look at them."""

    FIELDS: ClassVar[tuple[Field, ...]] = ()


class Message(Part, gc=False):
    """A request, a response, or a stored record."""

    API_KEY: ClassVar[int] = -1
    VERSIONS: ClassVar[tuple[int, int]] = (0, -1)
    FLEXIBLE_FROM: ClassVar[int] = 32767
