"""Members that speak JoinGroup, SyncGroup, Heartbeat and LeaveGroup in a consumer group (KIP-848, migration).

The coordinator assigns for them, so nobody leads and nothing waits: JoinGroup moves the member as a heartbeat of the new
protocol would, with the partitions that its metadata says it owns, and SyncGroup tells what it has then. Where the others would
be told to revoke or go on, these hear REBALANCE_IN_PROGRESS and have their rebalance timeout to come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from headrace.coordinator.group.classic.group import CONSUMER
from headrace.coordinator.group.classic.joining import VERSION_MEMBER_ID_REQUIRED, rebalance_timeout_ms
from headrace.coordinator.group.consumer import downgrade, embedded
from headrace.coordinator.group.consumer.departure import fence
from headrace.coordinator.group.consumer.heartbeat import (
    advance,
    check_room,
    checked_static,
    replace_static,
    subscribe,
    unknown_member,
)
from headrace.coordinator.group.consumer.member import ClassicSide, ConsumerMember
from headrace.coordinator.group.consumer.timers import forget_timers
from headrace.coordinator.group.modern.draft import Draft
from headrace.coordinator.group.modern.life import MemberState
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k11_join_group import JoinGroupResponse
from headrace.wire.messages.k13_leave_group import LeaveGroupResponse, MemberIdentity, MemberResponse
from headrace.wire.messages.k14_sync_group import SyncGroupRequest, SyncGroupResponse

if TYPE_CHECKING:
    from headrace.coordinator.group.classic.joining import Asker
    from headrace.coordinator.group.consumer.group import ConsumerGroup
    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.turn import Turn
    from headrace.wire.messages.k11_join_group import JoinGroupRequest
    from headrace.wire.messages.k12_heartbeat import HeartbeatRequest


# -- JoinGroup --------------------------------------------------------------------------------------------------------


def join(
    turn: Turn, machine: GroupMachine, group: ConsumerGroup, request: JoinGroupRequest, asker: Asker
) -> JoinGroupResponse:
    """Raises `Refusal`."""
    is_new = not request.member_id
    member_id = request.member_id or asker.uuid
    check_room(turn, group, member_id)
    _check_protocols(group, request)
    instance_id = request.group_instance_id
    if is_new and instance_id is None and asker.api_version >= VERSION_MEMBER_ID_REQUIRED:
        return JoinGroupResponse(error_code=Error.MEMBER_ID_REQUIRED, member_id=member_id, protocol_name=None)
    try:
        subscription = embedded.read_subscription(request.protocols[0].metadata)
    except embedded.MalformedError as error:
        raise Refusal(Error.UNKNOWN_SERVER_ERROR) from error
    replaced = group.static_member(instance_id)
    draft = Draft(turn, group)
    if instance_id is None:
        before = group.members.get(member_id) or ConsumerMember(member_id)
    elif not is_new:
        before = checked_static(group, member_id, instance_id)
    elif replaced is None:
        before = ConsumerMember(member_id)
    else:
        before = replace_static(draft, replaced, member_id)
    member = _updated(before, request, asker, subscription)
    changed = subscribe(machine, draft, before, member)
    owned = embedded.by_id(subscription.owned, machine.cluster)
    staying = [member if one.member_id == member_id else one for one in draft.group.members.values()]
    if replaced is not None and replaced.classic is None and downgrade.is_due(machine, staying):
        return _join_and_downgrade(turn, machine, draft, replaced, member, staying, rebalances=changed)
    member = advance(turn, machine, draft, member, owned, subscription_changed=changed)
    if replaced is not None and replaced.member_id != member_id:
        forget_timers(turn, machine, group, replaced.member_id)
    machine.sessions.stop(turn, "join", group, member_id)
    machine.sessions.touch(turn, group, member_id, request.session_timeout_ms)
    turn.set_timer("sync", group, member.rebalance_timeout_ms, member_id)
    return _joined(member, member.member_epoch)


def _join_and_downgrade(
    turn: Turn,
    machine: GroupMachine,
    draft: Draft[ConsumerGroup],
    replaced: ConsumerMember,
    member: ConsumerMember,
    staying: list[ConsumerMember],
    *,
    rebalances: bool,
) -> JoinGroupResponse:
    """A static member restarted with the classic protocol was the last one of the new."""
    group = draft.group
    forget_timers(turn, machine, group, replaced.member_id)
    downgrade.convert(turn, machine, group, staying, rebalances=rebalances)
    return _joined(member, group.epoch)


def _joined(member: ConsumerMember, generation: int) -> JoinGroupResponse:
    assert member.classic is not None, "it has joined with JoinGroup"
    return JoinGroupResponse(
        generation_id=generation,
        protocol_type=CONSUMER,
        protocol_name=member.classic.protocols[0][0],
        member_id=member.member_id,
    )


def _check_protocols(group: ConsumerGroup, request: JoinGroupRequest) -> None:
    """One of its protocols must be known to all members that speak this way."""
    others = [member.classic for member in group.members.values() if member.classic is not None]
    known = [{name for name, _ in classic.protocols} for classic in others]
    if request.protocol_type != CONSUMER or not any(
        all(protocol.name in names for names in known) for protocol in request.protocols
    ):
        raise Refusal(
            Error.INCONSISTENT_GROUP_PROTOCOL, f"Member {request.member_id}'s protocols are not supported."
        )


def _updated(
    member: ConsumerMember, request: JoinGroupRequest, asker: Asker, said: embedded.Subscription
) -> ConsumerMember:
    return msgspec.structs.replace(
        member,
        instance_id=member.instance_id if request.group_instance_id is None else request.group_instance_id,
        rack_id=said.rack_id or member.rack_id,
        rebalance_timeout_ms=rebalance_timeout_ms(request),
        topic_names=said.topics,
        topic_regex="",
        client_id=asker.client_id,
        client_host=asker.client_host,
        classic=ClassicSide(
            request.session_timeout_ms,
            tuple((protocol.name, bytes(protocol.metadata)) for protocol in request.protocols),
        ),
    )


# -- SyncGroup and Heartbeat ------------------------------------------------------------------------------------------


def sync(
    turn: Turn, machine: GroupMachine, group: ConsumerGroup, request: SyncGroupRequest
) -> SyncGroupResponse:
    """Raises `Refusal`."""
    member, classic = _speaker(group, request.member_id, request.group_instance_id, request.generation_id)
    unlike = request.protocol_type not in {None, CONSUMER}
    if unlike or request.protocol_name not in {None, classic.protocols[0][0]}:
        raise Refusal(Error.INCONSISTENT_GROUP_PROTOCOL)
    if group.epoch > member.member_epoch and member.state is not MemberState.UNREVOKED:
        machine.sessions.start(turn, "join", group, member.member_id, member.rebalance_timeout_ms)
        return SyncGroupResponse(error_code=Error.REBALANCE_IN_PROGRESS)
    turn.cancel_timer("sync", group, member.member_id)
    machine.sessions.touch(turn, group, member.member_id, classic.session_timeout_ms)
    return SyncGroupResponse(
        protocol_type=request.protocol_type,
        protocol_name=request.protocol_name,
        assignment=embedded.write_assignment(member.assigned, machine.cluster, classic.protocols[0][1]),
    )


def heartbeat(turn: Turn, machine: GroupMachine, group: ConsumerGroup, request: HeartbeatRequest) -> Error:
    """Raises `Refusal`."""
    member, classic = _speaker(group, request.member_id, request.group_instance_id, request.generation_id)
    machine.sessions.touch(turn, group, member.member_id, classic.session_timeout_ms)
    must_rejoin = (
        member.member_epoch < group.epoch
        or member.state is MemberState.UNREVOKED
        or (member.state is MemberState.UNRELEASED and not group.waits_for_others(member))
    )
    if not must_rejoin:
        return Error.NONE
    machine.sessions.start(turn, "join", group, member.member_id, member.rebalance_timeout_ms)
    return Error.REBALANCE_IN_PROGRESS


def _speaker(
    group: ConsumerGroup, member_id: str, instance_id: str | None, generation: int
) -> tuple[ConsumerMember, ClassicSide]:
    """Who speaks, if it may. Raises `Refusal`."""
    if instance_id is None:
        member = group.members.get(member_id)
    else:
        member = checked_static(group, member_id, instance_id)
    if member is None or member.classic is None:
        raise unknown_member(group, member_id)
    if generation != member.member_epoch:
        raise Refusal(Error.ILLEGAL_GENERATION)
    return member, member.classic


# -- LeaveGroup -------------------------------------------------------------------------------------------------------


def leave(
    turn: Turn, machine: GroupMachine, group: ConsumerGroup, leaving: list[MemberIdentity]
) -> LeaveGroupResponse:
    """Members of both protocols; administrators name static ones by instance alone."""
    outcomes = []
    gone: dict[str, ConsumerMember] = {}
    for identity in leaving:
        error = Error.NONE
        try:
            member = _leaver(group, identity)
            gone[member.member_id] = member
        except Refusal as refusal:
            error = refusal.error
        outcomes.append(MemberResponse(identity.member_id, identity.group_instance_id, error))
    if gone:
        fence(turn, machine, group, list(gone.values()))
    return LeaveGroupResponse(members=outcomes)


def _leaver(group: ConsumerGroup, identity: MemberIdentity) -> ConsumerMember:
    member_id, instance_id = identity.member_id, identity.group_instance_id
    if instance_id is None:
        member = group.members.get(member_id)
        if member is None:
            raise unknown_member(group, member_id)
        return member
    known = group.static_member(instance_id)
    return checked_static(group, member_id or (known.member_id if known else ""), instance_id)
