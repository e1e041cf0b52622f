"""Writes the Python source that reads one version of a struct.

The source defines `run(data, at, end) -> (struct, at)`. It may run past `end` by the length of one string before it
notices: slices and `unpack_from` only see bytes that are there, and every caller compares the position it gets back with
its own end.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from headrace.wire.layout import FORMATS, SIZES, TAGS_MAX, is_fixed, item_size_min, layout
from headrace.wire.varint import read_uvarint
from headrace.wire.wire_error import WireError

if TYPE_CHECKING:
    from headrace.wire.schema import Field, Part


def reader_source(
    part: type[Part], version: int, flexible: bool
) -> tuple[str, dict[str, Any], dict[str, type[Part]]]:
    """The source, the names it uses, and the structs inside whose readers it calls by name."""
    writing = _Writing(version, flexible)
    fields = layout(part, version)
    writing.plain(fields.plain)
    if flexible:
        writing.tagged(part, fields.tagged)
    writing.names["Made"] = part
    places = fields.plain + fields.tagged
    arguments = ", ".join(
        f"{f.name}=v_{f.name}" if fields.absent else f"v_{f.name}" for f in _in_order(part, places)
    )
    writing.line(f"return Made({arguments}), at")
    return "def run(data, at, end):\n" + "\n".join(writing.lines) + "\n", writing.names, writing.inner


def _in_order(part: type[Part], fields: list[Field]) -> list[Field]:
    return [field for field in part.FIELDS if field in fields]


class _Writing:
    """Lines of source, and what they refer to."""

    def __init__(self, version: int, flexible: bool) -> None:
        self.version = version
        self.flexible = flexible
        self.lines: list[str] = []
        self.depth = 1
        self.names: dict[str, Any] = {
            "WireError": WireError,
            "uvarint": read_uvarint,
            "many": _many,
            "str": str,
        }
        self.inner: dict[str, type[Part]] = {}

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def plain(self, fields: list[Field]) -> None:
        """Runs of fixed fields become one unpack."""
        run: list[Field] = []
        for field in fields:
            if is_fixed(field):
                run.append(field)
                continue
            self._fixed(run)
            run = []
            self.field(field)
        self._fixed(run)

    def _fixed(self, run: list[Field]) -> None:
        if not run:
            return
        form = struct.Struct(">" + "".join(FORMATS[field.kind] for field in run))
        name = f"unpack_{len(self.names)}"
        self.names[name] = form.unpack_from
        self.line("".join(f"v_{field.name}, " for field in run) + f"= {name}(data, at)")
        self.line(f"at += {form.size}")

    def field(self, field: Field) -> None:
        target = f"v_{field.name}"
        if field.array:
            self._array(field, target)
        elif is_fixed(field):
            self._fixed([field])
        else:
            self._value(field, target, nullable=field.is_nullable(self.version))

    def _length(self, field: Field, *, small: bool) -> None:
        """`n` becomes the length, -1 for null."""
        if self.flexible and field.compact:
            self.line("n = data[at]; at += 1")
            self.line("if n > 127: n, at = uvarint(data, at - 1)")
            self.line("n -= 1")
        else:
            name, size = ("unpack_short", 2) if small else ("unpack_int", 4)
            self.names[name] = struct.Struct(">h" if small else ">i").unpack_from
            self.line(f"(n,) = {name}(data, at); at += {size}")

    def _null(self, field: Field, target: str, *, nullable: bool) -> None:
        """Opens the branch for values that are there."""
        self.line("if n < 0:")
        if nullable:
            self.line(f"    if n != -1: raise WireError('negative length of {field.name}')")
            self.line(f"    {target} = None")
            self.line("else:")
        else:
            self.line(f"    raise WireError('{field.name} must not be null')")
            self.line("else:")

    def _value(self, field: Field, target: str, *, nullable: bool) -> None:
        if field.kind == "struct":
            self._struct(field, target, nullable=nullable)
            return
        self._length(field, small=field.kind == "string")
        self._null(field, target, nullable=nullable or field.kind == "records")
        self.line("    to = at + n")
        self.line(f"    if to > end: raise WireError('{field.name} is cut short')")
        self.line(
            f"    {target} = " + ("str(data[at:to], 'utf-8')" if field.kind == "string" else "data[at:to]")
        )
        self.line("    at = to")

    def _struct(self, field: Field, target: str, *, nullable: bool) -> None:
        read = self._inner(field)
        if not nullable:
            self.line(f"{target}, at = {read}(data, at, end)")
            return
        self.line("n = data[at]; at += 1")
        self.line("if n == 255:")
        self.line(f"    {target} = None")
        self.line("elif n == 1:")
        self.line(f"    {target}, at = {read}(data, at, end)")
        self.line("else:")
        self.line(f"    raise WireError('{field.name} is neither there nor null')")

    def _inner(self, field: Field) -> str:
        assert field.of is not None, "a struct field names its struct"
        name = f"read_{field.of.__name__}"
        self.inner[name] = field.of
        return name

    def _array(self, field: Field, target: str) -> None:
        self._length(field, small=False)
        self._null(field, target, nullable=field.is_nullable(self.version))
        self.depth += 1
        size = item_size_min(field, self.version, self.flexible)
        self.line(f"if n > (end - at) // {size}: raise WireError('{field.name} has more items than bytes')")
        if field.kind in FORMATS:
            self.line(f"{target} = many('{FORMATS[field.kind]}', n, data, at); at += n * {SIZES[field.kind]}")
        else:
            self.line(f"{target} = []")
            self.line("for _ in range(n):")
            self.depth += 1
            self._value(field, "item", nullable=False)
            self.line(f"{target}.append(item)")
            self.depth -= 1
        self.depth -= 1

    def tagged(self, part: type[Part], fields: list[Field]) -> None:
        defaults = part()
        for field in fields:
            self.names[f"default_{field.name}"] = getattr(defaults, field.name)
            if field.array and getattr(defaults, field.name) is not None:
                self.line(f"v_{field.name} = []")
            elif field.kind == "struct" and getattr(defaults, field.name) is not None:
                self.names[f"Default_{field.name}"] = field.of
                self.line(f"v_{field.name} = Default_{field.name}()")
            else:
                self.line(f"v_{field.name} = default_{field.name}")
        self.line("tags = data[at]; at += 1")
        self.line("if tags:")
        self.depth += 1
        self.line("if tags > 127: tags, at = uvarint(data, at - 1)")
        self.line(f"if tags > {TAGS_MAX}: raise WireError('more tagged fields than {TAGS_MAX}')")
        self.line("outer = end")
        self.line("for _ in range(tags):")
        self.depth += 1
        self.line("tag, at = uvarint(data, at)")
        self.line("n, at = uvarint(data, at)")
        self.line("end = at + n")
        self.line("if end > outer: raise WireError('a tagged field is cut short')")
        for place, field in enumerate(fields):
            self.line(f"{'if' if place == 0 else 'elif'} tag == {field.tag}:")
            self.depth += 1
            self.field(field)
            self.line(f"if at != end: raise WireError('{field.name} has another length than it says')")
            self.depth -= 1
        self.line("at = end")
        self.depth -= 1
        self.line("end = outer")
        self.depth -= 1


def _many(form: str, count: int, data: bytes, at: int) -> list[Any]:
    if form == "16s":
        return [data[place : place + 16] for place in range(at, at + 16 * count, 16)]
    return list(struct.unpack_from(f">{count}{form}", data, at))
