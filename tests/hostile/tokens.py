"""Any request of any version as a list of tokens, drawn from the schema: the raw material that mutations work on.

This is an encoder of its own. The product's codec refuses to write most of what is sent from here, and is used as the
judge: a frame counts as decoding past the header only if that codec reads its whole body.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.wire.layout import FORMATS, layout
from tests.hostile import batches, values

if TYPE_CHECKING:
    from random import Random  # noqa: TID251 - the type only

    from headrace.wire.schema import Field, Message, Part

DEPTH_ITEMS_MAX: Final = (3, 3, 2, 1)
"""Most items of an array, by how deep it lies."""


class Token(NamedTuple):
    """A piece of a frame. `what` is `fixed`, `length` (of text or bytes), `count` (of an array), `text`, `bytes` or `tags`."""

    what: str
    data: bytes


def varint(value: int) -> bytes:
    """Unsigned, little end first, seven bits a byte."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Drawing:
    """One request being drawn. `edgy` is the share of values taken from the edges of their kind."""

    def __init__(self, rng: Random, version: int, flexible: bool, edgy: float) -> None:
        self.rng, self.version, self.flexible, self.edgy = rng, version, flexible, edgy
        self.tokens: list[Token] = []

    def part(self, part: type[Part], depth: int = 0) -> None:
        """Draw a struct: its fields, then its tagged ones."""
        fields = layout(part, self.version)
        for field in fields.plain:
            self._field(field, depth)
        if self.flexible:
            chosen = [field for field in fields.tagged if self.rng.random() < 0.5]
            self.tokens.append(Token("tags", varint(len(chosen))))
            for field in chosen:
                inner = Drawing(self.rng, self.version, self.flexible, self.edgy)
                inner._field(field, depth)
                data = b"".join(token.data for token in inner.tokens)
                self.tokens.append(Token("fixed", varint(field.tag) + varint(len(data)) + data))

    def _field(self, field: Field, depth: int) -> None:
        nullable = field.is_nullable(self.version)
        if field.array:
            self._array(field, depth, nullable)
        elif field.kind == "struct":
            assert field.of is not None
            if nullable:
                present = self.rng.random() < 0.7
                self.tokens.append(Token("fixed", b"\x01" if present else b"\xff"))
                if not present:
                    return
            self.part(field.of, depth)
        else:
            self._scalar(field, nullable)

    def _array(self, field: Field, depth: int, nullable: bool) -> None:
        if nullable and self.rng.random() < 0.15:
            self._length("count", -1, wide=True)
            return
        most = DEPTH_ITEMS_MAX[min(depth, len(DEPTH_ITEMS_MAX) - 1)]
        count = self.rng.randint(0, most) if self.rng.random() > 0.02 * self.edgy else 100
        self._length("count", count, wide=True)
        twins = self.rng.random() < 0.1
        began = first_ends = len(self.tokens)
        for n in range(count):
            if twins and n:
                self.tokens += self.tokens[began:first_ends]
                continue
            if field.kind == "struct":
                assert field.of is not None
                self.part(field.of, depth + 1)
            else:
                self._scalar(field, nullable=False)
            first_ends = len(self.tokens)

    def _scalar(self, field: Field, nullable: bool) -> None:
        rng = self.rng
        edge = rng.random() < self.edgy
        if field.kind in ("string", "bytes", "records"):
            if nullable and rng.random() < 0.1:
                self._length("length", -1, wide=field.kind != "string")
                return
            if field.kind == "string":
                data = values.text(rng, field.name, edge).encode()
            elif field.kind == "records":
                data = batches.draw(rng)
            else:
                data = values.blob(rng, edge)
            self._length("length", len(data), wide=field.kind != "string")
            self.tokens.append(Token("text" if field.kind == "string" else "bytes", data))
        elif field.kind == "uuid":
            self.tokens.append(Token("fixed", values.uuid(rng)))
        elif field.kind == "bool":
            self.tokens.append(Token("fixed", bytes([rng.randint(0, 1)])))
        elif field.kind == "float64":
            self.tokens.append(
                Token("fixed", struct.pack(">d", rng.choice([0.0, 1.5, float("inf"), float("nan")])))
            )
        else:
            number = values.number(rng, field.name, field.kind, edge)
            self.tokens.append(Token("fixed", struct.pack(">" + FORMATS[field.kind], number)))

    def _length(self, what: str, length: int, *, wide: bool) -> None:
        if self.flexible:
            self.tokens.append(Token(what, varint(length + 1)))
        else:
            self.tokens.append(Token(what, struct.pack(">i" if wide else ">h", length)))


def draw(rng: Random, message: type[Message], version: int, flexible: bool, edgy: float) -> list[Token]:
    """A request body of this version."""
    drawing = Drawing(rng, version, flexible, edgy)
    drawing.part(message)
    return drawing.tokens
