"""What reader and writer both know of a version's bytes: fixed sizes, struct formats, the order of fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from headrace.wire.schema import Field, Part

FORMATS: Final = {
    "bool": "?",
    "int8": "b",
    "int16": "h",
    "int32": "i",
    "int64": "q",
    "uint16": "H",
    "uint32": "I",
    "float64": "d",
    "uuid": "16s",
}
"""`struct` formats of the kinds that always take the same room."""

SIZES: Final = {
    "bool": 1,
    "int8": 1,
    "int16": 2,
    "int32": 4,
    "int64": 8,
    "uint16": 2,
    "uint32": 4,
    "float64": 8,
    "uuid": 16,
}

TAGS_MAX: Final = 64
"""Most tagged fields in one struct; Kafka's own have at most a handful."""


class Layout(NamedTuple):
    """The fields of one version in the order they are written."""

    plain: list[Field]
    tagged: list[Field]
    absent: list[Field]


def layout(part: type[Part], version: int) -> Layout:
    present = [field for field in part.FIELDS if field.is_in(version)]
    return Layout(
        plain=[field for field in present if not field.is_tagged(version)],
        tagged=sorted((field for field in present if field.is_tagged(version)), key=lambda field: field.tag),
        absent=[field for field in part.FIELDS if not field.is_in(version)],
    )


def is_fixed(field: Field) -> bool:
    return not field.array and field.kind in FORMATS


def size_min(field: Field, version: int, flexible: bool) -> int:
    """Fewest bytes that a field takes; of an array field, that it takes with no items."""
    compact = flexible and field.compact
    if field.array:
        return 1 if compact else 4
    return item_size_min(field, version, flexible)


def item_size_min(field: Field, version: int, flexible: bool) -> int:
    """Fewest bytes that a field's value takes; of an array field, that one item takes."""
    compact = flexible and field.compact
    if field.kind in SIZES:
        return SIZES[field.kind]
    if field.kind == "struct":
        assert field.of is not None, "a struct field names its struct"
        if not field.array and field.is_nullable(version):
            return 1
        inner = layout(field.of, version).plain
        return max(1, sum(size_min(each, version, flexible) for each in inner) + flexible)
    if compact:
        return 1
    return 2 if field.kind == "string" else 4
