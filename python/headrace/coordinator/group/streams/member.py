"""A member of a streams group: a thread of a process of the program. Never changed, a new one takes its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from headrace.coordinator.group.modern.life import MemberState
from headrace.coordinator.group.streams.tasks import HOLDS_NOTHING, Assignment, Held

if TYPE_CHECKING:
    from headrace.coordinator.group.streams.tasks import Tasks


class Member(Struct, frozen=True):
    member_id: str
    rack_id: str | None = None
    client_id: str = ""
    client_host: str = ""
    rebalance_timeout_ms: int = -1
    topology_epoch: int = -1
    process_id: str = ""
    endpoint: tuple[str, int] | None = None
    """Where this process answers queries about its state (interactive queries)."""
    client_tags: tuple[tuple[str, str], ...] = ()
    """Sorted."""
    member_epoch: int = 0
    previous_epoch: int = 0
    state: MemberState = MemberState.STABLE
    assigned: Held = HOLDS_NOTHING
    revoking: Held = HOLDS_NOTHING

    @property
    def given(self) -> Assignment:
        active = {name: frozenset(parts) for name, parts in self.assigned.active.items()}
        return Assignment(active, self.assigned.standby, self.assigned.warmup)

    def reconciled_to(self, target_epoch: int) -> bool:
        return self.state is MemberState.STABLE and self.member_epoch == target_epoch


class Owners:
    """Which processes have which tasks, of those that are given or not yet given up.

    Invariant: as if counted over all members; kept so that a heartbeat looks at its own tasks only.
    """

    def __init__(self) -> None:
        self._active: dict[tuple[str, int], str] = {}
        self._copies: dict[tuple[str, int], set[str]] = {}
        """Standby and warm-up tasks."""

    def replace(self, old: Member | None, new: Member | None) -> None:
        if old is not None:
            for held in (old.assigned, old.revoking):
                self._remove(held, old.process_id)
        if new is not None:
            for held in (new.assigned, new.revoking):
                self._add(held, new.process_id)

    def may_be_active(self, task: tuple[str, int], process_id: str) -> bool:
        """Nobody is working on it, nor has this process its state open."""
        return task not in self._active and process_id not in self._copies.get(task, ())

    def may_be_copy(self, task: tuple[str, int], process_id: str) -> bool:
        """This process has not its state open."""
        return self._active.get(task) != process_id and process_id not in self._copies.get(task, ())

    def _add(self, held: Held, process_id: str) -> None:
        for subtopology, parts in held.active.items():
            self._active.update(((subtopology, part), process_id) for part in parts)
        for tasks in (held.standby, held.warmup):
            for task in _each(tasks):
                self._copies.setdefault(task, set()).add(process_id)

    def _remove(self, held: Held, process_id: str) -> None:
        for subtopology, parts in held.active.items():
            for part in parts:
                if self._active.get((subtopology, part)) == process_id:
                    del self._active[subtopology, part]
        for tasks in (held.standby, held.warmup):
            for task in _each(tasks):
                copies = self._copies.get(task, set())
                copies.discard(process_id)
                if not copies:
                    self._copies.pop(task, None)


def _each(tasks: Tasks) -> list[tuple[str, int]]:
    return [(subtopology, part) for subtopology, parts in tasks.items() for part in parts]
