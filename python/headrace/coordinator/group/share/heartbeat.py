"""Decide ShareGroupHeartbeat (KIP-932): who is a member, and which partitions it shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from headrace.coordinator.group.modern.assignment import NOTHING, to_parts
from headrace.coordinator.group.modern.assignor import GroupSpec, MemberSpec
from headrace.coordinator.group.modern.cluster import group_setting, metadata_hash
from headrace.coordinator.group.modern.draft import Draft
from headrace.coordinator.group.modern.life import JOIN_EPOCH, LEAVE_EPOCH, MemberState
from headrace.coordinator.group.modern.opening import found
from headrace.coordinator.group.share import simple_assignor, states
from headrace.coordinator.group.share.departure import fence
from headrace.coordinator.group.share.group import ShareGroup
from headrace.coordinator.group.share.member import ShareMember
from headrace.coordinator.runtime.stored_text import too_long
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k76_share_group_heartbeat import (
    Assignment as AnsweredAssignment,
)
from headrace.wire.messages.k76_share_group_heartbeat import (
    ShareGroupHeartbeatRequest,
    ShareGroupHeartbeatResponse,
    TopicPartitions,
)

if TYPE_CHECKING:
    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.modern.assignment import Assignment
    from headrace.coordinator.group.modern.cluster import ClusterImage
    from headrace.coordinator.group.turn import Turn


def check(request: ShareGroupHeartbeatRequest) -> None:
    """What is wrong with the request whatever the group. Raises `Refusal`."""
    why = None
    if not request.member_id.strip():
        why = "MemberId can't be empty."
    elif not request.group_id.strip():
        why = "GroupId can't be empty."
    elif request.rack_id is not None and not request.rack_id.strip():
        why = "RackId can't be empty."
    elif request.member_epoch == JOIN_EPOCH and not request.subscribed_topic_names:
        why = "SubscribedTopicNames must be set in first request."
    elif request.member_epoch < LEAVE_EPOCH:
        why = "MemberEpoch is invalid."
    elif too_long(request.rack_id, *(request.subscribed_topic_names or ())):
        why = "A name is too long."
    if why is not None:
        raise Refusal(Error.INVALID_REQUEST, why)


def heartbeat(
    turn: Turn,
    machine: GroupMachine,
    request: ShareGroupHeartbeatRequest,
    client: tuple[str, str],
) -> ShareGroupHeartbeatResponse:
    """`client`: its id and its host. Raises `Refusal`."""
    if request.member_epoch == LEAVE_EPOCH:
        return _leave(turn, machine, request)
    joins = request.member_epoch == JOIN_EPOCH
    group = found_or_new(machine, request.group_id, creates=joins)
    if len(group.members) >= turn.settings.share.group_size_max and request.member_id not in group.members:
        raise Refusal(
            Error.GROUP_MAX_SIZE_REACHED,
            "The share group has reached its maximum capacity of"
            f" {turn.settings.share.group_size_max} members.",
        )
    before = _member(group, request.member_id, request.member_epoch)
    names = request.subscribed_topic_names
    member = msgspec.structs.replace(
        before,
        rack_id=before.rack_id if request.rack_id is None else request.rack_id,
        topic_names=before.topic_names if names is None else frozenset(names),
        client_id=client[0],
        client_host=client[1],
    )
    draft = Draft(turn, group)
    changed = _subscribe(machine, draft, before, member)
    member = _advance(machine, draft, member, changed=changed)
    _initialize(turn, machine, draft)
    machine.sessions.touch(turn, group, member.member_id, group.session_timeout_ms(machine))
    usual = turn.settings.share.heartbeat_interval_ms
    response = ShareGroupHeartbeatResponse(
        member_id=member.member_id,
        member_epoch=member.member_epoch,
        heartbeat_interval_ms=group_setting(
            machine.cluster, group.group_id, "share.heartbeat.interval.ms", usual
        ),
    )
    if joins or names is not None or before.assigned != member.assigned:
        response.assignment = AnsweredAssignment(to_parts(member.assigned, TopicPartitions))
    return response


def found_or_new(machine: GroupMachine, group_id: str, *, creates: bool) -> ShareGroup:
    """The group, or a new one that is not there before a record of it is applied. Raises `Refusal`."""
    if creates and machine.find(group_id) is None and not machine.keeps_offsets_of(group_id):
        return ShareGroup(group_id)
    return found(machine, ShareGroup, group_id, "Share group {} not found.")


def _member(group: ShareGroup, member_id: str, epoch: int) -> ShareMember:
    member = group.members.get(member_id)
    if member is None:
        if epoch == JOIN_EPOCH:
            return ShareMember(member_id)
        raise _unknown(group, member_id)
    if epoch > member.member_epoch:
        raise Refusal(
            Error.FENCED_MEMBER_EPOCH,
            f"The share group member has a greater member epoch ({epoch}) than the one known by the group coordinator"
            f" ({member.member_epoch}). The member must abandon all its partitions and rejoin.",
        )
    if epoch not in {JOIN_EPOCH, member.member_epoch, member.previous_epoch}:
        raise Refusal(
            Error.FENCED_MEMBER_EPOCH,
            f"The share group member has a smaller member epoch ({epoch}) than the one known by the group coordinator"
            f" ({member.member_epoch}), and it does not match the previous member epoch ({member.previous_epoch})."
            " The member must abandon all its partitions and rejoin.",
        )
    return member


def _unknown(group: ShareGroup, member_id: str) -> Refusal:
    return Refusal(Error.UNKNOWN_MEMBER_ID, f"Member {member_id} is not a member of group {group.group_id}.")


def _subscribe(
    machine: GroupMachine, draft: Draft[ShareGroup], before: ShareMember, member: ShareMember
) -> bool:
    """Store what it says anew, and raise the group epoch where assignments depend on it; whether that rose."""
    if member != before:
        draft.store(member.stored_subscription(draft.group.group_id))
    group = draft.group
    rises = group.epoch == 0 or member.topic_names != before.topic_names or _lacks_initialized(group)
    if rises or group.topics_seen != machine.cluster.topics_version:
        hashed = metadata_hash(machine.cluster, group.all_topics())
        if rises or hashed != group.metadata_hash:
            draft.store(group.stored_epoch(group.epoch + 1, hashed))
            return True
    return False


def _lacks_initialized(group: ShareGroup) -> bool:
    """Whether partitions that may be given to members are given to none."""
    given: dict[bytes, frozenset[int]] = {}
    for target in group.targets.values():
        for topic_id, numbers in target.items():
            given[topic_id] = given.get(topic_id, frozenset()) | numbers
    names = group.all_topics()
    return any(
        name in names and given.get(topic_id) != numbers
        for topic_id, (name, numbers) in group.states.initialized.items()
    )


def _advance(
    machine: GroupMachine, draft: Draft[ShareGroup], member: ShareMember, *, changed: bool
) -> ShareMember:
    """Compute the target if it is not of this group epoch, and give the member its part of it."""
    group = draft.group
    if group.epoch > group.assignment_epoch:
        for member_id, assignment in _new_target(group, machine.cluster).items():
            if group.targets.get(member_id) != assignment:
                draft.store(group.stored_target(member_id, assignment))
        draft.store(group.stored_assignment_epoch(group.epoch))
        group = draft.group
    machine.saw_topics(group.group_id)
    member = group.members.get(member.member_id, member)
    if member.member_epoch == group.assignment_epoch and not changed:
        return member
    target = group.targets.get(member.member_id, NOTHING)
    now = msgspec.structs.replace(
        member,
        state=MemberState.STABLE,
        assigned={
            topic_id: numbers
            for topic_id, numbers in target.items()
            if (topic := machine.cluster.topic_by_id(topic_id)) is not None
            and topic.name in member.topic_names
        },
    )
    if now.member_epoch != group.assignment_epoch:
        now = msgspec.structs.replace(
            now, member_epoch=group.assignment_epoch, previous_epoch=member.member_epoch
        )
    if now != member:
        draft.store(now.stored_assignment(group.group_id))
    return now


def _new_target(group: ShareGroup, cluster: ClusterImage) -> dict[str, Assignment]:
    def ids(names: frozenset[str]) -> frozenset[bytes]:
        return frozenset(topic.topic_id for name in names if (topic := cluster.topic(name)) is not None)

    subscriptions = {member.topic_names for member in group.members.values()}
    specs = {
        member_id: MemberSpec(ids(member.topic_names), group.targets.get(member_id, NOTHING))
        for member_id, member in group.members.items()
    }
    assignable = {
        topic_id: numbers & frozenset(range(len(topic.partitions)))
        for topic_id, (_, numbers) in group.states.initialized.items()
        if (topic := cluster.topic_by_id(topic_id)) is not None
    }
    found_target = simple_assignor.assign(GroupSpec(specs, {}, len(subscriptions) <= 1), assignable)
    return {member_id: found_target.get(member_id, NOTHING) for member_id in group.members}


def _initialize(turn: Turn, machine: GroupMachine, draft: Draft[ShareGroup]) -> None:
    """Have the share coordinator begin with what it does not know yet."""
    group = draft.group
    lacks = states.missing(machine, group, turn.now.ms)
    if not lacks:
        return
    draft.store(group.stored_states(states.with_initializing(group.states, lacks)))
    for topic_id in lacks:
        machine.asked[(group.group_id, topic_id)] = turn.now.ms
    parts = tuple(
        (topic_id, number, -1) for topic_id, (_, numbers) in lacks.items() for number in sorted(numbers)
    )
    turn.effects.sends.append(states.Initialize(group.group_id, group.epoch, parts))


def _leave(
    turn: Turn, machine: GroupMachine, request: ShareGroupHeartbeatRequest
) -> ShareGroupHeartbeatResponse:
    group = found(machine, ShareGroup, request.group_id)
    member = group.members.get(request.member_id)
    if member is None:
        raise _unknown(group, request.member_id)
    fence(turn, machine, group, member)
    return ShareGroupHeartbeatResponse(member_id=request.member_id, member_epoch=request.member_epoch)
