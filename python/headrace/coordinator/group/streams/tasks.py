"""Tasks, the unit that streams groups share out: one partition number of one subtopology."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Task = tuple[str, int]
"""Subtopology id and partition."""

Tasks = dict[str, frozenset[int]]
"""Partitions by subtopology id; never an empty set."""

EpochTasks = dict[str, dict[int, int]]
"""The same with the assignment epoch at which each task was given (KIP-1251)."""


class Assignment(NamedTuple):
    """What a member should have, or says that it has."""

    active: Tasks
    standby: Tasks
    warmup: Tasks

    @property
    def empty(self) -> bool:
        return not (self.active or self.standby or self.warmup)

    def shares(self, held: Held) -> bool:
        """Whether a task of the same role stands in both."""
        return (
            _share(self.active, held.active)
            or _share(self.standby, held.standby)
            or _share(self.warmup, held.warmup)
        )


class Held(NamedTuple):
    """What a member has been given."""

    active: EpochTasks
    standby: Tasks
    warmup: Tasks

    @property
    def empty(self) -> bool:
        return not (self.active or self.standby or self.warmup)

    def holds(self, said: Assignment) -> bool:
        """Whether all that a member says it has has been given to it."""
        return (
            _within(said.active, self.active)
            and _within(said.standby, self.standby)
            and _within(said.warmup, self.warmup)
        )

    def merged(self, other: Held) -> Held:
        active = {subtopology: dict(parts) for subtopology, parts in self.active.items()}
        for subtopology, parts in other.active.items():
            active.setdefault(subtopology, {}).update(parts)
        return Held(active, _union(self.standby, other.standby), _union(self.warmup, other.warmup))


NO_TASKS: Final = Assignment({}, {}, {})
HOLDS_NOTHING: Final = Held({}, {}, {})


def tasks_of(pairs: Iterable[Task]) -> Tasks:
    found: dict[str, set[int]] = {}
    for subtopology, partition in pairs:
        found.setdefault(subtopology, set()).add(partition)
    return {subtopology: frozenset(parts) for subtopology, parts in found.items()}


def each(tasks: Mapping[str, Iterable[int]]) -> Iterable[Task]:
    return ((subtopology, partition) for subtopology, parts in tasks.items() for partition in parts)


def _share(ours: Tasks, others: Mapping[str, Iterable[int]]) -> bool:
    return any(not parts.isdisjoint(others.get(subtopology, ())) for subtopology, parts in ours.items())


def _within(said: Tasks, given: Mapping[str, Iterable[int]]) -> bool:
    return all(
        subtopology in given and parts.issubset(given[subtopology]) for subtopology, parts in said.items()
    )


def _union(one: Tasks, other: Tasks) -> Tasks:
    return one | {
        subtopology: one.get(subtopology, frozenset()) | parts for subtopology, parts in other.items()
    }
