"""Decide SyncGroup, Heartbeat and LeaveGroup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.group.classic.life import GroupState
from headrace.coordinator.group.classic.rebalance import (
    abandon_assignment,
    after_departure,
    assign,
    drop,
    maybe_complete_join,
    prepare,
    sync_arrived,
    synced,
    touch,
)
from headrace.coordinator.group.settings import GROUP_RECORD_BYTES_MAX
from headrace.model.errors import Error
from headrace.wire.messages.k13_leave_group import LeaveGroupResponse, MemberIdentity, MemberResponse
from headrace.wire.messages.k14_sync_group import SyncGroupRequest, SyncGroupResponse

if TYPE_CHECKING:
    from headrace.coordinator.group.classic.group import Group
    from headrace.coordinator.group.turn import Turn
    from headrace.coordinator.runtime.effects import Waiter
    from headrace.wire.messages.k12_heartbeat import HeartbeatRequest


def sync(turn: Turn, groups: dict[str, Group], request: SyncGroupRequest, waiter: Waiter) -> None:
    """A member asks for its part; the leader's request brings everybody's."""
    group = groups.get(request.group_id)
    if error := _sync_error(group, request):
        return turn.answer(waiter, SyncGroupResponse(error_code=error))
    assert group is not None, "a group without an error is there"
    member = group.members[request.member_id]
    if group.state is GroupState.STABLE:
        sync_arrived(turn, group, member)
        touch(turn, group, member)
        return turn.answer(waiter, synced(group, member))
    turn.answer(member.sync, SyncGroupResponse(error_code=Error.REBALANCE_IN_PROGRESS))  # it retried
    member.sync = waiter
    sync_arrived(turn, group, member)
    if group.leader != member.member_id:
        return None
    assignments = {part.member_id: bytes(part.assignment) for part in request.assignments}
    metadata = sum(len(m.metadata(group.protocol)) + 200 for m in group.members.values())
    if metadata + sum(map(len, assignments.values())) > GROUP_RECORD_BYTES_MAX:
        abandon_assignment(
            turn, group, Error.UNKNOWN_SERVER_ERROR
        )  # Kafka's answer when the group cannot be stored
        return prepare(turn, group)
    return assign(turn, group, assignments)


def _sync_error(group: Group | None, request: SyncGroupRequest) -> Error:
    if not request.group_id:
        return Error.INVALID_GROUP_ID
    if group is None:
        return Error.UNKNOWN_MEMBER_ID
    if error := group.check_member(request.member_id, request.group_instance_id):
        return error
    if request.generation_id != group.generation:
        return Error.ILLEGAL_GENERATION
    if request.protocol_type is not None and request.protocol_type != group.protocol_type:
        return Error.INCONSISTENT_GROUP_PROTOCOL
    if request.protocol_name is not None and request.protocol_name != group.protocol:
        return Error.INCONSISTENT_GROUP_PROTOCOL
    return Error.REBALANCE_IN_PROGRESS if group.state is GroupState.PREPARING_REBALANCE else Error.NONE


def heartbeat(turn: Turn, groups: dict[str, Group], request: HeartbeatRequest, waiter: Waiter) -> None:
    """Outcome: an `Error`."""
    group = groups.get(request.group_id)
    if not request.group_id:
        return turn.answer(waiter, Error.INVALID_GROUP_ID)
    if group is None:
        return turn.answer(waiter, Error.UNKNOWN_MEMBER_ID)
    if error := group.check_member(request.member_id, request.group_instance_id):
        return turn.answer(waiter, error)
    if request.generation_id != group.generation:
        return turn.answer(waiter, Error.ILLEGAL_GENERATION)
    touch(turn, group, group.members[request.member_id])
    preparing = group.state is GroupState.PREPARING_REBALANCE
    return turn.answer(waiter, Error.REBALANCE_IN_PROGRESS if preparing else Error.NONE)


def leave(
    turn: Turn, groups: dict[str, Group], group_id: str, leaving: list[MemberIdentity], waiter: Waiter
) -> None:
    """Members go on purpose; each has an outcome of its own. Administrators name static members by instance alone."""
    group = groups.get(group_id)
    if not group_id:
        return turn.answer(waiter, LeaveGroupResponse(error_code=Error.INVALID_GROUP_ID))
    if group is None:
        unknown = [
            MemberResponse(one.member_id, one.group_instance_id, Error.UNKNOWN_MEMBER_ID) for one in leaving
        ]
        return turn.answer(waiter, LeaveGroupResponse(members=unknown))
    outcomes = []
    members = len(group.members)
    for identity in leaving:
        error = _leave_one(turn, group, identity)
        outcomes.append(MemberResponse(identity.member_id, identity.group_instance_id, error))
    if len(group.members) < members:
        after_departure(turn, group)
    else:
        maybe_complete_join(turn, group)  # a pending id may have been the one that the others waited for
    return turn.answer(waiter, LeaveGroupResponse(members=outcomes))


def _leave_one(turn: Turn, group: Group, identity: MemberIdentity) -> Error:
    member_id, instance = identity.member_id, identity.group_instance_id
    if not member_id:
        if instance is None or instance not in group.static:
            return Error.UNKNOWN_MEMBER_ID
        member_id = group.static[instance]
    elif member_id in group.pending:
        group.remove(member_id)
        turn.cancel_timer("session", group, member_id)
        return Error.NONE
    elif error := group.check_member(member_id, instance):
        return error
    drop(turn, group, group.members[member_id])
    return Error.NONE
