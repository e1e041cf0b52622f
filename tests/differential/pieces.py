"""A request as pieces with the paths of their fields, so that one field at a time can be made wrong.

An encoder of its own: the product's codec refuses to write most of what is sent from here. A field that the version does not
have is left out, so that one request serves for all versions.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headrace.wire.layout import FORMATS, layout
from headrace.wire.varint import uvarint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.wire.schema import Field, Message, Part


class Piece(NamedTuple):
    """Some bytes of a request: one field's, or what stands between fields."""

    path: str
    """Of the field, as `topics[0].partitions[1].index`; of what stands between: the struct's, with a `#`."""
    field: Field | None
    part: str
    """What it is of the field: `value` (whole), `count` (before an array's items), `present` (before a struct) or `tags`."""
    data: bytes


def pieces(message: Message, version: int) -> list[Piece]:
    """The body of a request in this version."""
    flexible = version >= message.FLEXIBLE_FROM
    out: list[Piece] = []
    _part(message, version, flexible, "", out)
    return out


def joined(body: Sequence[Piece]) -> bytes:
    """The bytes of a body."""
    return b"".join(piece.data for piece in body)


def length(size: int | None, *, flexible: bool, wide: bool) -> bytes:
    """What stands before text, bytes or items; `None` for null. `wide`: four bytes instead of two, where it is not compact."""
    if flexible:
        return uvarint(0 if size is None else size + 1)
    return struct.pack(">i" if wide else ">h", -1 if size is None else size)


def text_or_bytes(field: Field, value: str | bytes | None, *, flexible: bool) -> bytes:
    """A string or bytes field's bytes."""
    data = value.encode(errors="surrogateescape") if isinstance(value, str) else value
    head = length(None if data is None else len(data), flexible=flexible, wide=field.kind != "string")
    return head + (data or b"")


def _part(part: Part, version: int, flexible: bool, path: str, out: list[Piece]) -> None:
    fields = layout(type(part), version)
    for field in fields.plain:
        _field(field, getattr(part, field.name), version, flexible, f"{path}{field.name}", out)
    if flexible:
        tagged = b""
        count = 0
        for field in fields.tagged:
            value = getattr(part, field.name)
            if value == _default(field, part):
                continue
            inner: list[Piece] = []
            _field(field, value, version, flexible, f"{path}{field.name}", inner)
            data = joined(inner)
            tagged += uvarint(field.tag) + uvarint(len(data)) + data
            count += 1
        out.append(Piece(f"{path}#", None, "tags", uvarint(count) + tagged))


_NOTHING: Final[Any] = object()


def _default(field: Field, part: Part) -> Any:
    return getattr(type(part)(), field.name, _NOTHING)


def _field(field: Field, value: Any, version: int, flexible: bool, path: str, out: list[Piece]) -> None:
    if field.array:
        size = None if value is None else len(value)
        out.append(Piece(path, field, "count", length(size, flexible=flexible, wide=True)))
        for at, item in enumerate(value or ()):
            _one(field, item, version, flexible, f"{path}[{at}]", out)
    elif field.kind == "struct" and field.is_nullable(version):
        out.append(Piece(path, field, "present", b"\xff" if value is None else b"\x01"))
        if value is not None:
            _one(field, value, version, flexible, path, out)
    else:
        _one(field, value, version, flexible, path, out)


def _one(field: Field, value: Any, version: int, flexible: bool, path: str, out: list[Piece]) -> None:
    if field.kind == "struct":
        _part(value, version, flexible, f"{path}.", out)
    elif field.kind in ("string", "bytes", "records"):
        out.append(Piece(path, field, "value", text_or_bytes(field, value, flexible=flexible)))
    else:
        out.append(Piece(path, field, "value", struct.pack(">" + FORMATS[field.kind], value)))
