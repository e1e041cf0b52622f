"""How a classic group moves: from the first join to an assignment that all hold, and what takes members out.

Each function changes soft state and adds to the turn's effects. Nothing here looks at a request.

    prepare            -> PreparingRebalance: joins are parked
    complete_join      -> CompletingRebalance (or Empty): joins are answered, the generation is new
    assign             -> Stable: syncs are answered, the group is stored
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.group.classic.life import GroupState
from headrace.coordinator.runtime.effects import NOBODY
from headrace.model.errors import Error
from headrace.wire.messages.k11_join_group import JoinGroupResponse
from headrace.wire.messages.k14_sync_group import SyncGroupResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.coordinator.group.classic.group import Group, Member
    from headrace.coordinator.group.turn import Turn

# -- sessions ---------------------------------------------------------------------------------------------------------


def touch(turn: Turn, group: Group, member: Member, timeout_ms: int | None = None) -> None:
    """A sign of life: the session ends this much later (its session timeout, unless said otherwise)."""
    delay_ms = member.session_timeout_ms if timeout_ms is None else timeout_ms
    member.deadline_ms = turn.now.ms + delay_ms
    if not member.wakes_ms or member.deadline_ms < member.wakes_ms:
        member.wakes_ms = member.deadline_ms
        turn.set_timer("session", group, delay_ms, member.member_id)


def session_over(turn: Turn, group: Group, member_id: str) -> None:
    """A session timer fired: look whether it is really over."""
    if member_id in group.pending:
        group.remove(member_id)
        if group.state is GroupState.PREPARING_REBALANCE:
            maybe_complete_join(turn, group)
        return
    member = group.members.get(member_id)
    if member is None:
        return
    member.wakes_ms = 0
    if not member.is_new and (member.join or member.sync):
        return  # it waits for us; its session begins anew with the answer
    if turn.now.ms < member.deadline_ms:
        touch(turn, group, member, member.deadline_ms - turn.now.ms)
    else:
        expel(turn, group, [member])


def expel(turn: Turn, group: Group, members: list[Member]) -> None:
    """Take members out and let the rest rebalance. A parked join or sync hears UNKNOWN_MEMBER_ID and may join afresh."""
    for member in members:
        drop(turn, group, member)
    after_departure(turn, group)


def drop(turn: Turn, group: Group, member: Member) -> None:
    turn.answer(member.join, refused_join(member.member_id, Error.UNKNOWN_MEMBER_ID))
    turn.answer(member.sync, SyncGroupResponse(error_code=Error.UNKNOWN_MEMBER_ID))
    if member.wakes_ms:
        turn.cancel_timer("session", group, member.member_id)
    group.remove(member.member_id)


def after_departure(turn: Turn, group: Group) -> None:
    if group.state in (GroupState.STABLE, GroupState.COMPLETING_REBALANCE):
        prepare(turn, group)
    else:
        maybe_complete_join(turn, group)


# -- joining ----------------------------------------------------------------------------------------------------------


def prepare_or_complete(turn: Turn, group: Group) -> None:
    """Somebody joined: begin to rebalance, or end it if this was the last one missing."""
    if group.state is GroupState.PREPARING_REBALANCE:
        maybe_complete_join(turn, group)
    else:
        prepare(turn, group)


def prepare(turn: Turn, group: Group) -> None:
    if group.state is GroupState.COMPLETING_REBALANCE:
        abandon_assignment(turn, group, Error.REBALANCE_IN_PROGRESS)
    if group.state in (GroupState.COMPLETING_REBALANCE, GroupState.STABLE):
        turn.cancel_timer("sync", group)
    from_empty = group.state is GroupState.EMPTY
    group.move(GroupState.PREPARING_REBALANCE, turn.now.wall_ms)
    if from_empty:
        # A new group: members that start together should meet in the first generation.
        delay_ms = turn.settings.initial_rebalance_delay_ms
        group.joined_since_delay = False
        group.delay_left_ms = max(group.rebalance_timeout_ms - delay_ms, 0)
        turn.set_timer("join", group, delay_ms)
    elif group.all_joined:
        complete_join(turn, group)
    else:
        turn.set_timer("join", group, group.rebalance_timeout_ms)


def maybe_complete_join(turn: Turn, group: Group) -> None:
    """The initial delay is not cut short: while it lasts, all present members have joined by nature."""
    if (
        group.state is GroupState.PREPARING_REBALANCE
        and group.all_joined
        and group.previous is not GroupState.EMPTY
    ):
        complete_join(turn, group)


def join_time_over(turn: Turn, group: Group) -> None:
    """The join timer fired: a piece of the initial delay, or the rebalance timeout."""
    if group.state is not GroupState.PREPARING_REBALANCE:
        return
    if group.previous is GroupState.EMPTY and group.joined_since_delay and group.delay_left_ms:
        delay_ms = min(turn.settings.initial_rebalance_delay_ms, group.delay_left_ms)
        group.joined_since_delay = False
        group.delay_left_ms = max(group.delay_left_ms - turn.settings.initial_rebalance_delay_ms, 0)
        turn.set_timer("join", group, delay_ms)
    else:
        complete_join(turn, group)


def complete_join(turn: Turn, group: Group) -> None:
    """Begin the next generation with those who came; static members keep their place while their session lasts."""
    turn.cancel_timer("join", group)
    for member in [m for m in group.members.values() if not m.join and m.group_instance_id is None]:
        drop(turn, group, member)
    if group.members and not _elect_joined_leader(group):
        turn.set_timer(
            "join", group, group.rebalance_timeout_ms
        )  # only silent static members are left: wait for them
        return
    group.generation += 1
    group.pending_sync.clear()
    if not group.members:
        group.protocol = None
        group.subscribed = group.subscriptions()
        group.move(GroupState.EMPTY, turn.now.wall_ms)
        turn.store(group.stored())
        return
    group.protocol = group.choose_protocol()
    group.subscribed = group.subscriptions()
    group.move(GroupState.COMPLETING_REBALANCE, turn.now.wall_ms)
    for member in group.members.values():
        turn.answer(member.join, joined(group, member, with_roster=member.member_id == group.leader))
        group.park_join(member, NOBODY)
        member.is_new = False
        touch(turn, group, member)
        group.pending_sync.add(member.member_id)
    turn.set_timer("sync", group, group.rebalance_timeout_ms)


def _elect_joined_leader(group: Group) -> bool:
    """The leader must be there to assign; False: nobody is."""
    if group.leader is not None and group.members[group.leader].join:
        return True
    leader = next((m.member_id for m in group.members.values() if m.join), None)
    if leader is None:
        return False
    group.leader = leader
    return True


def joined(
    group: Group,
    member: Member,
    *,
    with_roster: bool,
    leader: str | None = None,
    skip_assignment: bool = False,
) -> JoinGroupResponse:
    """What a member is told of the current generation."""
    return JoinGroupResponse(
        generation_id=group.generation,
        protocol_type=group.protocol_type,
        protocol_name=group.protocol,
        leader=(group.leader if leader is None else leader) or "",
        skip_assignment=skip_assignment,
        member_id=member.member_id,
        members=group.roster() if with_roster else [],
    )


def refused_join(member_id: str, error: Error) -> JoinGroupResponse:
    return JoinGroupResponse(error_code=error, member_id=member_id, protocol_name=None)


# -- assigning --------------------------------------------------------------------------------------------------------


def assign(turn: Turn, group: Group, assignments: Mapping[str, bytes]) -> None:
    """The leader has spoken: store the generation, give everybody who asked their part."""
    for member in group.members.values():
        member.assignment = assignments.get(member.member_id, b"")
    group.move(GroupState.STABLE, turn.now.wall_ms)
    turn.store(group.stored())
    for member in group.members.values():
        if member.sync:
            turn.answer(member.sync, synced(group, member))
            member.sync = NOBODY
            touch(turn, group, member)


def abandon_assignment(turn: Turn, group: Group, error: Error) -> None:
    """Those who wait for the leader's word hear that they must join again."""
    for member in group.members.values():
        member.assignment = b""
        if member.sync:
            turn.answer(member.sync, SyncGroupResponse(error_code=error))
            member.sync = NOBODY
            touch(turn, group, member)


def synced(group: Group, member: Member) -> SyncGroupResponse:
    return SyncGroupResponse(
        protocol_type=group.protocol_type, protocol_name=group.protocol, assignment=member.assignment
    )


def sync_arrived(turn: Turn, group: Group, member: Member) -> None:
    group.pending_sync.discard(member.member_id)
    if not group.pending_sync:
        turn.cancel_timer("sync", group)


def sync_time_over(turn: Turn, group: Group) -> None:
    """Members that joined and never asked for their part hold up the rest: out with them."""
    if group.state in (GroupState.COMPLETING_REBALANCE, GroupState.STABLE) and group.pending_sync:
        expel(turn, group, [group.members[member_id] for member_id in sorted(group.pending_sync)])
