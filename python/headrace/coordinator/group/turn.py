"""One decision in the making: the settings and time it sees, and the effects it gathers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from headrace.coordinator.runtime.effects import NOBODY, Answer, CancelTimer, Effects, Now, SetTimer, Waiter

if TYPE_CHECKING:
    from headrace.coordinator.group.records import GroupRecord
    from headrace.coordinator.group.settings import GroupSettings


class Named(Protocol):
    """A group of any kind."""

    @property
    def group_id(self) -> str: ...


class GroupTimer(NamedTuple):
    """Names a timer. `kind`: `session` (a member's), `join` and `sync` (a classic group's), `expiry` (the partition's), and
    what modern groups set for themselves.
    """

    kind: str
    group_id: str = ""
    member_id: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in self if part)


class Turn:
    __slots__ = ("effects", "now", "settings")

    def __init__(self, settings: GroupSettings, now: Now) -> None:
        self.settings = settings
        self.now = now
        self.effects: Effects[GroupRecord] = Effects()

    def answer(self, waiter: Waiter, outcome: object) -> None:
        if waiter != NOBODY:
            self.effects.answers.append(Answer(waiter, outcome))

    def store(self, *records: GroupRecord) -> None:
        self.effects.records += records

    def set_timer(self, kind: str, group: Named, delay_ms: int, member_id: str = "") -> None:
        self.effects.timers.append(SetTimer(GroupTimer(kind, group.group_id, member_id), delay_ms))

    def cancel_timer(self, kind: str, group: Named, member_id: str = "") -> None:
        self.effects.timers.append(CancelTimer(GroupTimer(kind, group.group_id, member_id)))
