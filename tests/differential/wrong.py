"""One field of a request made wrong, or its frame: what each case of a pair changes in a golden request."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.wire.layout import FORMATS
from headrace.wire.varint import uvarint
from tests.differential.pieces import Piece, joined, length, text_or_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.wire.schema import Field

BITS: Final = {"int8": 8, "int16": 16, "int32": 32, "int64": 64, "uint16": 16, "uint32": 32}
TEXTS: Final = {
    "empty": "",
    "unknown": "{}-nobody",
    "too-long": "{}-" + "x" * 300,
    "not-ascii": "{}-größe",
    "slash": "{}-a/b",
}
"""By name; `{}` stands for the case's own prefix, so that no case meets another one's topic or group."""
STRANGE_ID: Final = bytes(range(16))
COUNT_MANY: Final = 0x7FFFFFFF
UNKNOWN_TAG: Final = 9_999


Change = Callable[[list[Piece], str], "list[Piece] | None"]
"""Of a body's pieces by a case with this prefix; `None` if it makes no difference there."""


class Wrong(NamedTuple):
    """A change of a request's pieces."""

    name: str
    change: Change


def field_wrongs(body: Sequence[Piece], flexible: bool) -> list[Wrong]:
    """Every change of one field that this request has a place for, in the order of its fields."""
    out: list[Wrong] = []
    for piece in body:
        if piece.field is None:
            continue
        if piece.part == "count":
            out += _of_array(piece.path, piece.field, flexible)
        elif piece.part == "value":
            out += [
                Wrong(f"{piece.path}={name}", _put(piece.path, piece.field, data, flexible))
                for name, data in _values(piece.field, flexible)
            ]
    return out


def frame_wrongs(body: Sequence[Piece], flexible: bool) -> list[Wrong]:
    """Changes of the body as a whole."""
    size = len(joined(body))
    out = [
        Wrong("byte behind", lambda pieces, _: [*pieces, Piece("", None, "value", b"\x00")]),
        Wrong("cut in half", _cut(size // 2)),
        Wrong("cut by one byte", _cut(size - 1)),
    ]
    return [wrong for wrong in out if size > 1 or not wrong.name.startswith("cut")]


def other_forms(body: Sequence[Piece]) -> list[Wrong]:
    """Changes of the body that are none: what a newer client may add, and items in another order."""
    tags = [piece.path for piece in body if piece.part == "tags"]
    out = [Wrong(f"unknown tag in {path.removesuffix('#') or 'it'}", _unknown_tag(path)) for path in tags]
    arrays = [piece.path for piece in body if piece.part == "count"]
    out += [
        Wrong(f"{path} turned", _turned(path))
        for path in arrays
        if any(piece.path.startswith(f"{path}[1]") for piece in body)
    ]
    return out


def _values(field: Field, flexible: bool) -> list[tuple[str, str | bytes]]:
    """Texts as text: `_put` knows whose they are. All else as it is sent."""
    if field.kind in BITS:
        top = (1 << (BITS[field.kind] - 1)) - 1
        numbers = (
            {"0": 0, "max": 2 * top + 1}
            if field.kind.startswith("u")
            else {"-1": -1, "0": 0, "max": top, "min": -top - 1}
        )
        return [(name, struct.pack(">" + FORMATS[field.kind], value)) for name, value in numbers.items()]
    if field.kind == "string":
        return [*TEXTS.items(), ("null", text_or_bytes(field, None, flexible=flexible))]
    if field.kind in ("bytes", "records"):
        datas = [("empty", b""), ("rubbish", b"\x00\xff" * 40), ("null", None)]
        return [(name, text_or_bytes(field, data, flexible=flexible)) for name, data in datas]
    if field.kind == "uuid":
        return [("none", bytes(16)), ("unknown", STRANGE_ID)]
    if field.kind == "bool":
        return [("true", b"\x01"), ("false", b"\x00")]
    return [("0", struct.pack(">d", 0.0)), ("nan", struct.pack(">d", float("nan")))]


def _of_array(path: str, field: Field, flexible: bool) -> list[Wrong]:
    def with_count(count: int | None, keep: bool, twice: bool = False) -> Change:
        def change(pieces: list[Piece], own: str) -> list[Piece] | None:
            at, end = _items(pieces, path)
            inside = pieces[at + 1 : end]
            if twice:
                first = [piece for piece in inside if piece.path.startswith(f"{path}[0]")]
                if not first:
                    return None
                inside = first + first
            head = pieces[at]._replace(data=length(count, flexible=flexible, wide=True))
            return [*pieces[:at], head, *(inside if keep else []), *pieces[end:]]

        return change

    return [
        Wrong(f"{path}=none", with_count(0, keep=False)),
        Wrong(f"{path}=null", with_count(None, keep=False)),
        Wrong(f"{path}=twice", with_count(2, keep=True, twice=True)),
        Wrong(f"{path}=many", with_count(COUNT_MANY - 1, keep=True)),
    ]


def _put(path: str, field: Field, value: str | bytes, flexible: bool) -> Change:
    def change(pieces: list[Piece], own: str) -> list[Piece] | None:
        at = next(n for n, piece in enumerate(pieces) if piece.path == path and piece.part == "value")
        data = (
            text_or_bytes(field, value.replace("{}", own), flexible=flexible)
            if isinstance(value, str)
            else value
        )
        if pieces[at].data == data:
            return None
        return [*pieces[:at], pieces[at]._replace(data=data), *pieces[at + 1 :]]

    return change


def _cut(size: int) -> Change:
    return lambda pieces, _: [Piece("", None, "value", joined(pieces)[:size])]


def _unknown_tag(path: str) -> Change:
    def change(pieces: list[Piece], own: str) -> list[Piece] | None:
        at = next(n for n, piece in enumerate(pieces) if piece.path == path and piece.part == "tags")
        data = pieces[at].data
        more = bytes([data[0] + 1]) + data[1:] + uvarint(UNKNOWN_TAG) + b"\x02hi"
        return [*pieces[:at], pieces[at]._replace(data=more), *pieces[at + 1 :]]

    return change


def _turned(path: str) -> Change:
    def change(pieces: list[Piece], own: str) -> list[Piece] | None:
        at, end = _items(pieces, path)
        items: dict[str, list[Piece]] = {}
        for piece in pieces[at + 1 : end]:
            items.setdefault(piece.path[len(path) :].partition("]")[0], []).append(piece)
        turned = [piece for item in reversed(items.values()) for piece in item]
        return [*pieces[: at + 1], *turned, *pieces[end:]]

    return change


def _items(pieces: list[Piece], path: str) -> tuple[int, int]:
    """Where an array's count stands, and where what follows its items."""
    at = next(n for n, piece in enumerate(pieces) if piece.path == path and piece.part == "count")
    end = at + 1
    while end < len(pieces) and pieces[end].path.startswith(f"{path}["):
        end += 1
    return at, end
