"""Decide JoinGroup: who may come in, under which id, and whether that makes the group rebalance."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from headrace.coordinator.group.classic.group import Group, Member
from headrace.coordinator.group.classic.life import GroupState
from headrace.coordinator.group.classic.rebalance import (
    drop,
    joined,
    maybe_complete_join,
    prepare,
    prepare_or_complete,
    refused_join,
    touch,
)
from headrace.coordinator.group.settings import JOIN_TIMEOUT_NEW_MEMBER_MS, PENDING_MEMBERS_MAX
from headrace.coordinator.group.turn import GroupTimer, Turn
from headrace.coordinator.runtime.effects import NOBODY, SetTimer, Waiter
from headrace.coordinator.runtime.stored_text import too_long
from headrace.model.errors import Error
from headrace.wire.messages.k14_sync_group import SyncGroupResponse

if TYPE_CHECKING:
    from headrace.wire.messages.k11_join_group import JoinGroupRequest

VERSION_MEMBER_ID_REQUIRED = 4
VERSION_SKIP_ASSIGNMENT = 9


class Asker(NamedTuple):
    """Who sends a JoinGroup, and the randomness it may need."""

    api_version: int
    client_id: str
    client_host: str
    uuid: str
    """Fresh; becomes the end of a new member's id."""


def join(
    turn: Turn, groups: dict[str, Group], request: JoinGroupRequest, asker: Asker, waiter: Waiter
) -> None:
    """Answered at once with an error or what is known, or parked until the generation is complete."""
    if error := request_error(turn, request, asker):
        return turn.answer(waiter, refused_join(request.member_id, error))
    names = [protocol.name for protocol in request.protocols]
    group = groups.get(request.group_id)
    if group is None:
        if request.member_id:
            return turn.answer(waiter, refused_join(request.member_id, Error.UNKNOWN_MEMBER_ID))
        group = Group(request.group_id, since_wall_ms=turn.now.wall_ms)
    if not _has_room(turn, group, request.member_id):
        if (member := group.members.get(request.member_id)) is not None:
            drop(turn, group, member)
            maybe_complete_join(turn, group)
        return turn.answer(waiter, refused_join("", Error.GROUP_MAX_SIZE_REACHED))
    if not group.supports(request.protocol_type, names):
        return turn.answer(waiter, refused_join(request.member_id, Error.INCONSISTENT_GROUP_PROTOCOL))
    groups[group.group_id] = group
    if request.member_id:
        return _join_known(turn, group, request, asker, waiter)
    return _join_new(turn, group, request, asker, waiter)


def request_error(turn: Turn, request: JoinGroupRequest, asker: Asker) -> Error:
    """What is wrong with it whatever the group."""
    settings = turn.settings
    if not request.group_id:
        return Error.INVALID_GROUP_ID
    if not settings.session_timeout_ms_min <= request.session_timeout_ms <= settings.session_timeout_ms_max:
        return Error.INVALID_SESSION_TIMEOUT
    names = [protocol.name for protocol in request.protocols]
    unfit = too_long(asker.client_id, request.group_instance_id, request.protocol_type, *names)
    return Error.INVALID_REQUEST if unfit else Error.NONE


def _has_room(turn: Turn, group: Group, member_id: str) -> bool:
    """While a group prepares, those who wait count, so that the last ones of an oversized group are the ones left out."""
    limit = turn.settings.group_size_max
    if group.state is GroupState.EMPTY:
        return True
    member = group.members.get(member_id)
    if group.state is GroupState.PREPARING_REBALANCE:
        return (member is not None and member.join != NOBODY) or group.awaiting_join < limit
    return member is not None or len(group.members) < limit


def _join_new(turn: Turn, group: Group, request: JoinGroupRequest, asker: Asker, waiter: Waiter) -> None:
    instance = request.group_instance_id
    if instance is not None:
        member_id = f"{instance}-{asker.uuid}"
        if instance in group.static:
            return _replace_static(turn, group, request, asker, member_id, waiter)
        return _add(turn, group, request, asker, member_id, waiter)
    member_id = f"{asker.client_id}-{asker.uuid}"
    if asker.api_version < VERSION_MEMBER_ID_REQUIRED:
        return _add(turn, group, request, asker, member_id, waiter)
    if len(group.pending) >= PENDING_MEMBERS_MAX:
        return turn.answer(waiter, refused_join("", Error.GROUP_MAX_SIZE_REACHED))
    # The client learns its id before it becomes a member: a join whose answer got lost leaves no ghost behind.
    group.pending.add(member_id)
    turn.effects.timers.append(
        SetTimer(GroupTimer("session", group.group_id, member_id), request.session_timeout_ms)
    )
    return turn.answer(waiter, refused_join(member_id, Error.MEMBER_ID_REQUIRED))


def _add(
    turn: Turn, group: Group, request: JoinGroupRequest, asker: Asker, member_id: str, waiter: Waiter
) -> None:
    if group.state is GroupState.PREPARING_REBALANCE and group.previous is GroupState.EMPTY:
        group.joined_since_delay = True
    member = Member(
        member_id,
        request.group_instance_id,
        asker.client_id,
        asker.client_host,
        rebalance_timeout_ms(request),
        request.session_timeout_ms,
        _protocols(request),
        is_new=True,
    )
    group.add(member, request.protocol_type)
    group.park_join(member, waiter)
    touch(turn, group, member, JOIN_TIMEOUT_NEW_MEMBER_MS)
    prepare_or_complete(turn, group)


def _join_known(turn: Turn, group: Group, request: JoinGroupRequest, asker: Asker, waiter: Waiter) -> None:
    member_id = request.member_id
    if member_id in group.pending and request.group_instance_id is None:
        return _add(turn, group, request, asker, member_id, waiter)
    if error := group.check_member(member_id, request.group_instance_id):
        return turn.answer(waiter, refused_join(member_id, error))
    member = group.members[member_id]
    same = member.protocols == _protocols(request)
    is_leader = group.leader == member_id
    if group.state is GroupState.COMPLETING_REBALANCE and same:  # the answer to its join got lost
        return turn.answer(waiter, joined(group, member, with_roster=is_leader))
    if group.state is GroupState.STABLE and same and not is_leader:  # it will sync, and get what it has
        return turn.answer(waiter, joined(group, member, with_roster=False))
    # Changed metadata, or a leader that wants to assign anew (it saw new partitions, for one).
    _update(turn, group, member, request, waiter)
    return prepare_or_complete(turn, group)


def _update(turn: Turn, group: Group, member: Member, request: JoinGroupRequest, waiter: Waiter) -> None:
    """What the member asks for, anew; client id and host stay, as in Kafka. A join it still had parked is over: it retried."""
    turn.answer(member.join, refused_join(member.member_id, Error.REBALANCE_IN_PROGRESS))
    group.replace_protocols(member, _protocols(request))
    member.rebalance_timeout_ms = rebalance_timeout_ms(request)
    member.session_timeout_ms = request.session_timeout_ms
    group.park_join(member, waiter)


def _replace_static(
    turn: Turn, group: Group, request: JoinGroupRequest, asker: Asker, member_id: str, waiter: Waiter
) -> None:
    """A static member restarted (KIP-345): it takes its place and its assignment back under a new id."""
    leader_before = group.leader
    member = group.members[group.static[request.group_instance_id or ""]]
    turn.answer(member.join, refused_join(member.member_id, Error.FENCED_INSTANCE_ID))
    turn.answer(member.sync, SyncGroupResponse(error_code=Error.FENCED_INSTANCE_ID))
    group.park_join(member, NOBODY)
    member.sync = NOBODY
    if member.wakes_ms:
        turn.cancel_timer("session", group, member.member_id)
        member.wakes_ms = 0
    group.rename(member, member_id)
    _update(turn, group, member, request, waiter)
    touch(turn, group, member)
    if group.state is GroupState.COMPLETING_REBALANCE:
        return prepare(
            turn, group
        )  # the old id is with the leader already: its assignment would go to nobody
    if group.state is not GroupState.STABLE:
        return maybe_complete_join(turn, group)
    if group.choose_protocol() != group.protocol:
        return prepare(turn, group)
    # No rebalance: the restarted member is handed the generation that stands, and the group is stored under its new id.
    turn.store(group.stored())
    group.park_join(member, NOBODY)
    if asker.api_version >= VERSION_SKIP_ASSIGNMENT:
        leads = group.leader == member_id
        answer = joined(group, member, with_roster=leads, skip_assignment=leads)
    else:
        # Told the old leader's id, a restarted leader does not take itself for one: its assignment would go nowhere.
        answer = joined(group, member, with_roster=False, leader=leader_before)
    return turn.answer(waiter, answer)


def _protocols(request: JoinGroupRequest) -> tuple[tuple[str, bytes], ...]:
    return tuple((protocol.name, bytes(protocol.metadata)) for protocol in request.protocols)


def rebalance_timeout_ms(request: JoinGroupRequest) -> int:
    """v0 has none: the session timeout serves for both."""
    return request.session_timeout_ms if request.rebalance_timeout_ms < 0 else request.rebalance_timeout_ms
