"""Bring a member one step nearer to its target: what it must give up first, then what nobody else holds any more.

An active task is given to a member only when no process works on it; a copy (standby, warm-up) only when the process itself
has not the task's state open in another role. So nobody has two owners, and no state directory two users.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from headrace.coordinator.group.modern.life import MemberState
from headrace.coordinator.group.streams.tasks import HOLDS_NOTHING, Held
from headrace.model.errors import Error, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.coordinator.group.streams.member import Member, Owners
    from headrace.coordinator.group.streams.tasks import Assignment, EpochTasks, Task, Tasks

    May = Callable[[Task, str], bool]


def reconcile(
    member: Member, target_epoch: int, target: Assignment, owners: Owners, owned: Assignment | None
) -> Member:
    """`owned`: what the member says it has; None: it does not say. Raises `Refusal`."""
    if member.state is MemberState.STABLE:
        if member.member_epoch == target_epoch:
            return member
        return _next(member, member.member_epoch, target_epoch, target, owners, owned)
    if member.state is MemberState.UNREVOKED:
        if owned is None or owned.shares(member.revoking):
            return member
        return _next(member, member.member_epoch + 1, target_epoch, target, owners, owned)
    if member.state is MemberState.UNRELEASED:
        return _next(member, member.member_epoch, target_epoch, target, owners, owned)
    if owned is None or not owned.empty:
        raise Refusal(
            Error.FENCED_MEMBER_EPOCH,
            "The streams group member is in a unknown state. The member must abandon all its tasks and rejoin.",
        )
    return _next(member, target_epoch, target_epoch, target, owners, owned)


class _Difference(NamedTuple):
    kept: Tasks
    revoked: Tasks
    given: Tasks
    withheld: bool
    """Somebody has not let go of a task of the target."""


def _next(
    member: Member,
    epoch: int,
    target_epoch: int,
    target: Assignment,
    owners: Owners,
    owned: Assignment | None,
) -> Member:
    held, process = member.assigned, member.process_id
    held_active = {subtopology: frozenset(parts) for subtopology, parts in held.active.items()}
    active = _difference(held_active, target.active, owners.may_be_active, process)
    standby = _difference(held.standby, target.standby, owners.may_be_copy, process)
    warmup = _difference(held.warmup, target.warmup, owners.may_be_copy, process)
    kept = Held(_with_epochs(active.kept, held.active), standby.kept, warmup.kept)
    revoked = Held(_with_epochs(active.revoked, held.active), standby.revoked, warmup.revoked)
    if not revoked.empty and (owned is None or owned.shares(revoked)):
        return replace(
            member,
            state=MemberState.UNREVOKED,
            member_epoch=epoch,
            previous_epoch=member.member_epoch,
            assigned=kept,
            revoking=revoked,
        )
    fresh = {subtopology: dict.fromkeys(parts, target_epoch) for subtopology, parts in active.given.items()}
    withheld = active.withheld or standby.withheld or warmup.withheld
    return replace(
        member,
        state=MemberState.UNRELEASED if withheld else MemberState.STABLE,
        member_epoch=target_epoch,
        previous_epoch=member.member_epoch,
        assigned=kept.merged(Held(fresh, standby.given, warmup.given)),
        revoking=HOLDS_NOTHING,
    )


def _difference(held: Tasks, target: Tasks, may: May, process_id: str) -> _Difference:
    kept: Tasks = {}
    revoked: Tasks = {}
    given: Tasks = {}
    withheld = False
    for subtopology in dict.fromkeys((*held, *target)):
        have, want = held.get(subtopology, frozenset()), target.get(subtopology, frozenset())
        free = frozenset(part for part in want - have if may((subtopology, part), process_id))
        withheld |= len(free) < len(want - have)
        for tasks, parts in ((kept, have & want), (revoked, have - want), (given, free)):
            if parts:
                tasks[subtopology] = parts
    return _Difference(kept, revoked, given, withheld)


def _with_epochs(tasks: Tasks, epochs: EpochTasks) -> EpochTasks:
    return {
        subtopology: {part: epochs[subtopology][part] for part in sorted(parts)}
        for subtopology, parts in tasks.items()
    }
