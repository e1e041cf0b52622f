"""Who of the modern groups was heard of when: soft state, which begins anew after a load.

A sign of life moves a deadline and costs no timer: a timer that comes before the deadline is set again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from headrace.coordinator.group.turn import Named, Turn

SESSION = "session"


class Session(NamedTuple):
    deadline_ms: int
    wakes_ms: int
    """When its timer fires."""


class Sessions:
    """Bounded by the members that the machine's groups have."""

    def __init__(self) -> None:
        self._sessions: dict[tuple[str, str], Session] = {}
        self._started: set[tuple[str, str, str]] = set()
        """Timers that are not set anew while they run."""

    def touch(self, turn: Turn, group: Named, member_id: str, timeout_ms: int) -> None:
        """The session ends this much later."""
        key = (group.group_id, member_id)
        deadline_ms = turn.now.ms + timeout_ms
        known = self._sessions.get(key)
        if known is not None and known.wakes_ms <= deadline_ms:
            self._sessions[key] = Session(deadline_ms, known.wakes_ms)
            return
        self._sessions[key] = Session(deadline_ms, deadline_ms)
        turn.set_timer(SESSION, group, timeout_ms, member_id)

    def end(self, turn: Turn, group: Named, member_id: str) -> None:
        if self._sessions.pop((group.group_id, member_id), None) is not None:
            turn.cancel_timer(SESSION, group, member_id)

    def is_over(self, turn: Turn, group: Named, member_id: str) -> bool:
        """Its timer fired: whether the session is over, or the timer was set again."""
        session = self._sessions.pop((group.group_id, member_id), None)
        if session is None:
            return False
        if turn.now.ms >= session.deadline_ms:
            return True
        self.touch(turn, group, member_id, session.deadline_ms - turn.now.ms)
        return False

    def start(self, turn: Turn, kind: str, group: Named, member_id: str, timeout_ms: int) -> None:
        """Set a timer unless it runs already."""
        key = (kind, group.group_id, member_id)
        if key not in self._started:
            self._started.add(key)
            turn.set_timer(kind, group, timeout_ms, member_id)

    def stop(self, turn: Turn, kind: str, group: Named, member_id: str) -> None:
        self._started.discard((kind, group.group_id, member_id))
        turn.cancel_timer(kind, group, member_id)

    def ran_out(self, kind: str, group: Named, member_id: str) -> None:
        """A timer fired that `start` may have set."""
        self._started.discard((kind, group.group_id, member_id))
