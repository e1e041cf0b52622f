"""The `sticky` task assignor of streams groups (KIP-1071), with Kafka's results.

Active tasks first: to whoever had one, then to whoever kept a standby of it, while that one is below its share; the rest to
the process with the least load, there to the member with the fewest tasks. Standbys likewise, never two copies of a task in
one process. Warm-ups are not given out: Kafka 4.2 does not either.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from headrace.coordinator.group.streams.java_order import JavaHeap, java_order
from headrace.coordinator.group.streams.tasks import Assignment, each, tasks_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headrace.coordinator.group.streams.configure import Configured
    from headrace.coordinator.group.streams.tasks import Task


class Candidate(NamedTuple):
    """A member, and what it was to have until now."""

    process_id: str
    target: Assignment


def assign(
    members: Mapping[str, Candidate], subtopologies: Mapping[str, Configured], standby_replicas: int
) -> dict[str, Assignment]:
    """The target of each member; all active tasks are given out if there is a member."""
    if not members:
        return {}
    work = _Work(members, subtopologies, standby_replicas)
    active = [(name, number) for name, found in subtopologies.items() for number in range(found.tasks)]
    work.assign_active(active)
    if standby_replicas:
        work.assign_standby([task for task in active if subtopologies[task[0]].stateful])
    return {
        member: Assignment(
            tasks_of(work.processes[candidate.process_id].active.get(member, ())),
            tasks_of(work.processes[candidate.process_id].standby.get(member, ())),
            {},
        )
        for member, candidate in members.items()
    }


def _by_partition(task: Task) -> tuple[int, str]:
    return task[1], task[0]


@dataclass
class _Process:
    """One process of the program: its members are threads, which share its load."""

    counts: dict[str, int] = field(default_factory=dict)
    """Tasks by member."""
    active: dict[str, list[Task]] = field(default_factory=dict)
    standby: dict[str, list[Task]] = field(default_factory=dict)
    tasks: set[Task] = field(default_factory=set)
    given: int = 0
    ranked: JavaHeap[str] | None = None
    """Members, the one with the fewest tasks first. None: to be made anew."""

    @property
    def load(self) -> float:
        return self.given / len(self.counts)

    def give(self, member: str, task: Task, *, active: bool) -> int:
        self.ranked = None
        return self._give(member, task, active=active)

    def give_to_idlest(self, task: Task, *, active: bool) -> int:
        if self.ranked is None:
            self.ranked = JavaHeap(self.counts.__getitem__, java_order(self.counts))
        member = self.ranked.pop()
        count = self._give(member, task, active=active)
        self.ranked.push(member)
        return count

    def _give(self, member: str, task: Task, *, active: bool) -> int:
        self.given += 1
        self.tasks.add(task)
        (self.active if active else self.standby).setdefault(member, []).append(task)
        self.counts[member] += 1
        return self.counts[member]


class _Quota:
    """The share of each member that has not reached it yet: what is left, by who is left, rounded up."""

    def __init__(self, tasks: int, members: int) -> None:
        self._tasks = tasks
        self._members = members
        self.share = -(-tasks // members)

    def given(self, count: int) -> None:
        if count == self.share:
            self._members -= 1
            self._tasks -= count
            self.share = -(-self._tasks // self._members) if self._members else 0


class _Owner(NamedTuple):
    member: str
    process: _Process

    @property
    def tasks(self) -> int:
        return self.process.counts[self.member]


class _Work:
    def __init__(
        self, members: Mapping[str, Candidate], subtopologies: Mapping[str, Configured], replicas: int
    ) -> None:
        actives = sum(found.tasks for found in subtopologies.values())
        standbys = sum(found.tasks for found in subtopologies.values() if found.stateful) * replicas
        self.replicas = replicas
        self.active_quota = _Quota(actives, len(members))
        self.quota = _Quota(actives + standbys, len(members))
        self.processes: dict[str, _Process] = {}
        self.had_active: dict[Task, _Owner] = {}
        self.had_standby: dict[Task, list[_Owner]] = {}
        for member in java_order(members):
            process_id, target = members[member]
            process = self.processes.setdefault(process_id, _Process())
            process.counts[member] = 0
            owner = _Owner(member, process)
            self.had_active.update(dict.fromkeys(each(target.active), owner))
            for task in each(target.standby):
                self.had_standby.setdefault(task, []).append(owner)
        self._order = java_order(self.processes, len(members))

    def _by_load(self) -> JavaHeap[_Process]:
        return JavaHeap(lambda process: process.load, (self.processes[name] for name in self._order))

    # -- active tasks -------------------------------------------------------------------------------------------------

    def assign_active(self, tasks: Iterable[Task]) -> None:
        left = self._keep(sorted(tasks, key=_by_partition), self.had_active.get)
        left = self._keep(left, lambda task: self._idlest(self.had_standby.get(task, []), None))
        by_load = self._by_load()
        for task in sorted(left):
            process = by_load.pop()
            self._active_given(process.give_to_idlest(task, active=True))
            by_load.push(process)

    def _keep(self, tasks: Iterable[Task], owner_of: _OwnerOf) -> list[Task]:
        """Give each task to the owner it has, while that one's share lasts; gives what is left."""
        left = []
        for task in tasks:
            owner = owner_of(task)
            if owner is not None and owner.tasks < self.active_quota.share:
                self._active_given(owner.process.give(owner.member, task, active=True))
            else:
                left.append(task)
        return left

    def _active_given(self, count: int) -> None:
        self.active_quota.given(count)
        self.quota.given(count)

    @staticmethod
    def _idlest(owners: list[_Owner], task: Task | None) -> _Owner | None:
        """Who has least to do in the process that has least to do; None if the first one's process has the task."""
        if not owners:
            return None
        first, *others = owners
        found, load, count = first, first.process.load, first.tasks
        for owner in others:
            if (
                owner.process.load < load
                and (task is None or task not in owner.process.tasks)
                and owner.tasks < count
            ):
                found, load, count = owner, owner.process.load, owner.tasks
        return found if task is None or task not in first.process.tasks else None

    # -- standby tasks ------------------------------------------------------------------------------------------------

    def assign_standby(self, tasks: Iterable[Task]) -> None:
        left: list[tuple[Task, int]] = []
        for task in sorted(tasks, key=_by_partition, reverse=True):
            for placed in range(self.replicas):
                owner = self._standby_owner(task)
                if owner is None:
                    left.append((task, self.replicas - placed))
                    break
                self.quota.given(owner.process.give(owner.member, task, active=False))
        by_load = self._by_load()
        for task, copies in sorted(left, reverse=True):
            for _ in range(copies):
                if not self._give_standby(by_load, task):
                    break  # fewer processes than copies

    def _standby_owner(self, task: Task) -> _Owner | None:
        """Who had it before and may have it again."""
        had = self.had_active.get(task)
        if had is not None and task not in had.process.tasks and had.tasks < self.quota.share:
            return had
        had = self._idlest(self.had_standby.get(task, []), task)
        return had if had is not None and had.tasks < self.quota.share else None

    def _give_standby(self, by_load: JavaHeap[_Process], task: Task) -> bool:
        passed = []
        process = by_load.pop()
        while task in process.tasks and len(by_load):
            passed.append(process)
            process = by_load.pop()
        fits = task not in process.tasks
        if fits:
            self.quota.given(process.give_to_idlest(task, active=False))
        for one in (process, *reversed(passed)):
            by_load.push(one)
        return fits


if TYPE_CHECKING:
    from collections.abc import Callable

    _OwnerOf = Callable[[Task], _Owner | None]
