"""Partitions by topic id: what members own, give back, or are meant to have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Assignment: TypeAlias = "Mapping[bytes, frozenset[int]]"
"""Never an empty set of partitions. Handed around and never changed."""

NOTHING: Assignment = {}


class StoredPart(Protocol):
    """One topic of an assignment, as the generated structs have it."""

    topic_id: bytes
    partitions: list[int]


P = TypeVar("P")


def of_parts(parts: Iterable[StoredPart]) -> dict[bytes, frozenset[int]]:
    found: dict[bytes, frozenset[int]] = {}
    for part in parts:
        if part.partitions:
            topic_id = bytes(part.topic_id)
            found[topic_id] = found.get(topic_id, frozenset()) | frozenset(part.partitions)
    return found


def to_parts(assignment: Assignment, make: Callable[[bytes, list[int]], P]) -> list[P]:
    """In the order of topic ids and partitions, so that equal assignments are equal bytes."""
    return [make(topic_id, sorted(assignment[topic_id])) for topic_id in sorted(assignment)]


def places(assignment: Assignment) -> Sequence[tuple[bytes, int]]:
    return [(topic_id, number) for topic_id, numbers in assignment.items() for number in numbers]
