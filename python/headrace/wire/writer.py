"""Writes the Python source that writes one version of a struct: `run(message, out)` appends to the bytearray `out`."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from headrace.wire.layout import FORMATS, is_fixed, layout
from headrace.wire.schema import NULL_UUID
from headrace.wire.varint import uvarint

if TYPE_CHECKING:
    from headrace.wire.schema import Field, Part

STRING_BYTES_MAX = 32767
"""Longest string with a two-byte length."""


class UnsupportedField(ValueError):  # noqa: N818 - reads as what happened
    """A field has a value that the version has no room for, or null where the version knows none."""


def writer_source(
    part: type[Part], version: int, flexible: bool
) -> tuple[str, dict[str, Any], dict[str, type[Part]]]:
    """The source, the names it uses, and the structs inside whose writers it calls by name."""
    writing = _Writing(part, version, flexible)
    fields = layout(part, version)
    for field in fields.absent:
        writing.refuse_unless_default(field)
    writing.plain(fields.plain)
    if flexible:
        writing.tagged(fields.tagged)
    writing.line("return None")
    return "def run(m, out):\n" + "\n".join(writing.lines) + "\n", writing.names, writing.inner


class _Writing:
    """Lines of source, and what they refer to."""

    def __init__(self, part: type[Part], version: int, flexible: bool) -> None:
        self.part = part
        self.defaults = part()
        self.version = version
        self.flexible = flexible
        self.lines: list[str] = []
        self.depth = 1
        self.names: dict[str, Any] = {
            "UnsupportedField": UnsupportedField,
            "uvarint": uvarint,
            "short": struct.Struct(">h").pack,
            "int_": struct.Struct(">i").pack,
            "pack": struct.pack,
            "NULL_UUID": NULL_UUID,
        }
        self.inner: dict[str, type[Part]] = {}

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def refuse_unless_default(self, field: Field) -> None:
        if field.ignorable:
            return
        where = f"{self.part.__name__} v{self.version}"
        self.line(f"if {self._differs(field)}: raise UnsupportedField('{where} has no {field.name}')")

    def _differs(self, field: Field) -> str:
        default = getattr(self.defaults, field.name)
        if field.array and default == []:
            return f"m.{field.name}"
        name = f"default_{field.name}"
        self.names[name] = default
        return f"m.{field.name} is not None" if default is None else f"m.{field.name} != {name}"

    def plain(self, fields: list[Field]) -> None:
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
        name = f"pack_{len(self.names)}"
        self.names[name] = form.pack
        self.line(f"out += {name}(" + ", ".join(f"m.{field.name}" for field in run) + ")")

    def field(self, field: Field) -> None:
        if is_fixed(field):
            self._fixed([field])
            return
        self.line(f"v = m.{field.name}")
        nullable = field.is_nullable(self.version) or field.kind == "records"
        compact = self.flexible and field.compact
        if field.kind == "struct" and not field.array:
            self._struct(field, nullable=nullable)
            return
        self.line("if v is None:")
        if nullable:
            null = "out.append(0)" if compact else self._old_null(field)
            self.line(f"    {null}")
        else:
            self.line(f"    raise UnsupportedField('{field.name} must not be null in v{self.version}')")
        self.line("else:")
        self.depth += 1
        if field.array:
            self._array(field)
        else:
            self._text(field)
        self.depth -= 1

    @staticmethod
    def _old_null(field: Field) -> str:
        return (
            r"out += b'\xff\xff'"
            if field.kind == "string" and not field.array
            else r"out += b'\xff\xff\xff\xff'"
        )

    def _length(self, field: Field, count: str, *, small: bool) -> None:
        if self.flexible and field.compact:
            self.line(f"n = {count} + 1")
            self.line("if n < 128: out.append(n)")
            self.line("else: out += uvarint(n)")
        else:
            self.line(f"out += {'short' if small else 'int_'}({count})")

    def _text(self, field: Field) -> None:
        if field.kind == "string":
            self.line("v = v.encode()")
        self._length(field, "len(v)", small=field.kind == "string")
        self.line("out += v")

    def _struct(self, field: Field, *, nullable: bool) -> None:
        write = self._inner(field)
        if not nullable:
            self.line(f"{write}(v, out)")
            return
        self.line("if v is None:")
        self.line("    out.append(255)")
        self.line("else:")
        self.line("    out.append(1)")
        self.line(f"    {write}(v, out)")

    def _inner(self, field: Field) -> str:
        assert field.of is not None, "a struct field names its struct"
        name = f"write_{field.of.__name__}"
        self.inner[name] = field.of
        return name

    def _array(self, field: Field) -> None:
        self._length(field, "len(v)", small=False)
        if field.kind == "uuid":
            self.line("out += b''.join(v)")
        elif field.kind in FORMATS:
            self.line(f"out += pack('>%d{FORMATS[field.kind]}' % len(v), *v)")
        elif field.kind == "struct":
            self.line(f"for item in v: {self._inner(field)}(item, out)")
        else:
            self.line("for v in v:")
            self.depth += 1
            self._text(field)
            self.depth -= 1

    def tagged(self, fields: list[Field]) -> None:
        if not fields:
            self.line("out.append(0)")
            return
        self.line("tags = 0")
        self.line("whole = out")
        self.line("section = bytearray()")
        for field in fields:
            self.line(f"if {self._differs(field)}:")
            self.depth += 1
            self.line("tags += 1")
            self.line("out = bytearray()")
            self.field(field)
            self.line(f"section += uvarint({field.tag}) + uvarint(len(out)) + out")
            self.depth -= 1
        self.line("whole.append(tags)")
        self.line("whole += section")
