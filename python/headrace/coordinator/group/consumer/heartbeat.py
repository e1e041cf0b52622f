"""Decide ConsumerGroupHeartbeat (KIP-848): who is a member, what the group is meant to have, what this member has now."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from headrace.coordinator.group.consumer import regex, target
from headrace.coordinator.group.consumer.departure import fence
from headrace.coordinator.group.consumer.group import ConsumerGroup
from headrace.coordinator.group.consumer.member import ConsumerMember
from headrace.coordinator.group.consumer.reconcile import Aim, reconciled
from headrace.coordinator.group.consumer.timers import forget_timers, session_timeout_ms
from headrace.coordinator.group.consumer.upgrade import finish, upgraded
from headrace.coordinator.group.modern.assignment import NOTHING, of_parts, to_parts
from headrace.coordinator.group.modern.cluster import group_setting, metadata_hash
from headrace.coordinator.group.modern.draft import Draft
from headrace.coordinator.group.modern.life import (
    JOIN_EPOCH,
    LEAVE_EPOCH,
    LEAVE_STATIC_EPOCH,
    MemberState,
)
from headrace.coordinator.group.modern.opening import found, found_or_new
from headrace.coordinator.runtime.stored_text import too_long
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k68_consumer_group_heartbeat import (
    Assignment as AnsweredAssignment,
)
from headrace.wire.messages.k68_consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
    ConsumerGroupHeartbeatResponseTopicPartitions,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.modern.assignment import Assignment
    from headrace.coordinator.group.turn import Turn

VERSION_CLIENTS_MAKE_IDS = 1


class Asker(NamedTuple):
    """Who sends a heartbeat, and the randomness it may need."""

    api_version: int
    client_id: str
    client_host: str
    fresh_id: str
    """A member id for a client that brings none (v0)."""
    may_describe: Callable[[str], bool]
    """Whether it may know of a topic."""


def check(request: ConsumerGroupHeartbeatRequest, api_version: int, assignors: tuple[str, ...]) -> None:
    """What is wrong with the request whatever the group. Raises `Refusal`."""
    epoch = request.member_epoch
    if api_version >= VERSION_CLIENTS_MAKE_IDS or epoch > JOIN_EPOCH or epoch == LEAVE_EPOCH:
        _must_not_be_blank(request.member_id, "MemberId")
    _must_not_be_blank(request.group_id, "GroupId")
    _must_not_be_blank(request.instance_id, "InstanceId")
    _must_not_be_blank(request.rack_id, "RackId")
    why = None
    if epoch == JOIN_EPOCH:
        if request.rebalance_timeout_ms == -1:
            why = "RebalanceTimeoutMs must be provided in first request."
        elif request.topic_partitions is None or request.topic_partitions:
            why = "TopicPartitions must be empty when (re-)joining."
        elif request.subscribed_topic_names is None and request.subscribed_topic_regex is None:
            why = "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining."
    elif epoch == LEAVE_STATIC_EPOCH and request.instance_id is None:
        why = "InstanceId can't be null."
    elif epoch < LEAVE_STATIC_EPOCH:
        why = "MemberEpoch is invalid."
    if why is None and too_long(
        request.member_id,
        request.instance_id,
        request.rack_id,
        request.subscribed_topic_regex,
        *(request.subscribed_topic_names or ()),
    ):
        why = "A name is too long."
    if why is not None:
        raise Refusal(Error.INVALID_REQUEST, why)
    if request.server_assignor is not None and request.server_assignor not in assignors:
        raise Refusal(
            Error.UNSUPPORTED_ASSIGNOR,
            f"ServerAssignor {request.server_assignor} is not supported. Supported assignors: {', '.join(assignors)}.",
        )


def _must_not_be_blank(text: str | None, what: str) -> None:
    if text is not None and not text.strip():
        raise Refusal(Error.INVALID_REQUEST, f"{what} can't be empty.")


def heartbeat(
    turn: Turn, machine: GroupMachine, request: ConsumerGroupHeartbeatRequest, asker: Asker
) -> ConsumerGroupHeartbeatResponse:
    """Raises `Refusal`."""
    if request.member_epoch in {LEAVE_EPOCH, LEAVE_STATIC_EPOCH}:
        return _leave(turn, machine, request)
    joins = request.member_epoch == JOIN_EPOCH
    classic = machine.classic.get(request.group_id)
    if joins and classic is not None and not classic.is_empty:
        draft = upgraded(turn, machine, classic)
    elif joins:
        draft = Draft(turn, found_or_new(turn, machine, ConsumerGroup, request.group_id))
    else:
        draft = Draft(turn, found(machine, ConsumerGroup, request.group_id, "Consumer group {} not found."))
    group = draft.group
    member_id = request.member_id or asker.fresh_id
    check_room(turn, group, member_id)
    replaced = group.static_member(request.instance_id)
    owned = None if request.topic_partitions is None else of_parts(request.topic_partitions)
    if request.instance_id is None:
        before = _dynamic(draft.group, member_id, request.member_epoch, owned)
    else:
        before = _static(draft, member_id, request, owned)
    member = _updated(before, request, asker)
    changed = subscribe(machine, draft, before, member)
    member = advance(turn, machine, draft, member, owned, subscription_changed=changed)
    regex.ask_if_needed(turn, machine, draft.group, asker.may_describe)
    if joins and classic is not None and not classic.is_empty:
        finish(turn, machine, classic)
    if replaced is not None and replaced.member_id != member_id:
        forget_timers(turn, machine, group, replaced.member_id)
    machine.sessions.touch(turn, group, member_id, session_timeout_ms(machine, group, member))
    full = (
        request.rebalance_timeout_ms != -1
        and not (request.subscribed_topic_names is None and request.subscribed_topic_regex is None)
        and owned is not None
    )
    usual = turn.settings.consumer.heartbeat_interval_ms
    response = ConsumerGroupHeartbeatResponse(
        member_id=member_id,
        member_epoch=member.member_epoch,
        heartbeat_interval_ms=group_setting(
            machine.cluster, group.group_id, "consumer.heartbeat.interval.ms", usual
        ),
    )
    if joins or full or before.assigned != member.assigned:
        parts = to_parts(member.assigned, ConsumerGroupHeartbeatResponseTopicPartitions)
        response.assignment = AnsweredAssignment(parts)
    return response


def check_room(turn: Turn, group: ConsumerGroup, member_id: str) -> None:
    """Raises `Refusal`."""
    limit = turn.settings.consumer.group_size_max
    if len(group.members) >= limit and member_id not in group.members:
        raise Refusal(
            Error.GROUP_MAX_SIZE_REACHED,
            f"The consumer group has reached its maximum capacity of {limit} members.",
        )


# -- who it is --------------------------------------------------------------------------------------------------------


def _dynamic(group: ConsumerGroup, member_id: str, epoch: int, owned: Assignment | None) -> ConsumerMember:
    member = group.members.get(member_id)
    if member is None:
        if epoch != JOIN_EPOCH:
            raise unknown_member(group, member_id)
        return ConsumerMember(member_id)
    _check_epoch(member, epoch, owned)
    return member


def unknown_member(group: ConsumerGroup, member_id: str) -> Refusal:
    return Refusal(Error.UNKNOWN_MEMBER_ID, f"Member {member_id} is not a member of group {group.group_id}.")


def _static(
    draft: Draft[ConsumerGroup],
    member_id: str,
    request: ConsumerGroupHeartbeatRequest,
    owned: Assignment | None,
) -> ConsumerMember:
    instance_id = request.instance_id or ""
    known = draft.group.static_member(instance_id)
    if request.member_epoch != JOIN_EPOCH:
        known = checked_static(draft.group, member_id, instance_id)
        _check_epoch(known, request.member_epoch, owned)
        return known
    if known is None:
        return draft.group.members.get(member_id) or ConsumerMember(member_id)
    if known.classic is None and known.member_epoch != LEAVE_STATIC_EPOCH:
        raise Refusal(
            Error.UNRELEASED_INSTANCE_ID,
            f"Static member {member_id} with instance id {instance_id} cannot join the group"
            f" because the instance id is owned by {known.member_id} member.",
        )
    return replace_static(draft, known, member_id)


def checked_static(group: ConsumerGroup, member_id: str, instance_id: str) -> ConsumerMember:
    """The member that has this instance id, if it is this one. Raises `Refusal`."""
    known = group.static_member(instance_id)
    if known is None:
        raise Refusal(Error.UNKNOWN_MEMBER_ID, f"Instance id {instance_id} is unknown.")
    if known.member_id != member_id:
        raise Refusal(
            Error.FENCED_INSTANCE_ID,
            f"Static member {member_id} with instance id {instance_id} was fenced by member {known.member_id}.",
        )
    return known


def replace_static(draft: Draft[ConsumerGroup], known: ConsumerMember, member_id: str) -> ConsumerMember:
    """A static member comes back under another id: what it had is the new one's. The old one's timers are left to forget."""
    group = draft.group
    had = group.targets.get(known.member_id, NOTHING)
    member = msgspec.structs.replace(
        known, member_id=member_id, member_epoch=JOIN_EPOCH, previous_epoch=JOIN_EPOCH
    )
    draft.store(
        *group.member_tombstones(known.member_id),
        member.stored_subscription(group.group_id),
        group.stored_target(member_id, had),
        member.stored_assignment(group.group_id),
    )
    return member


def _check_epoch(member: ConsumerMember, epoch: int, owned: Assignment | None) -> None:
    """The one before is good as well while the member has nothing that it should not have: an answer may get lost."""
    if epoch in {JOIN_EPOCH, member.member_epoch}:
        return
    if epoch > member.member_epoch:
        how = "greater"
    elif epoch == member.previous_epoch and owned is not None and _is_part_of(owned, member.assigned):
        return
    else:
        how = "smaller"
    raise Refusal(
        Error.FENCED_MEMBER_EPOCH,
        f"The consumer group member has a {how} member epoch ({epoch}) than the one known by the group coordinator"
        f" ({member.member_epoch}). The member must abandon all its partitions and rejoin.",
    )


def _is_part_of(owned: Assignment, assigned: Assignment) -> bool:
    return all(numbers <= assigned.get(topic_id, frozenset()) for topic_id, numbers in owned.items())


# -- what it says of itself -------------------------------------------------------------------------------------------


def _updated(member: ConsumerMember, request: ConsumerGroupHeartbeatRequest, asker: Asker) -> ConsumerMember:
    """With what the request says; null says nothing."""
    names = request.subscribed_topic_names
    expression = request.subscribed_topic_regex
    timeout_ms = request.rebalance_timeout_ms
    return msgspec.structs.replace(
        member,
        instance_id=member.instance_id if request.instance_id is None else request.instance_id,
        rack_id=member.rack_id if request.rack_id is None else request.rack_id,
        rebalance_timeout_ms=member.rebalance_timeout_ms if timeout_ms == -1 else timeout_ms,
        server_assignor=member.server_assignor
        if request.server_assignor is None
        else request.server_assignor,
        topic_names=member.topic_names if names is None else frozenset(names),
        topic_regex=member.topic_regex if expression is None else expression,
        client_id=asker.client_id,
        client_host=asker.client_host,
        classic=None,
    )


def subscribe(
    machine: GroupMachine, draft: Draft[ConsumerGroup], before: ConsumerMember, member: ConsumerMember
) -> bool:
    """Store what it says anew, and raise the group epoch where assignments depend on it or on topics that changed.

    Whether its subscription is another one. Raises `Refusal`.
    """
    known_regex = regex.is_resolved_change(draft, before, member)
    if member != before:
        draft.store(member.stored_subscription(draft.group.group_id))
    names_changed = member.topic_names != before.topic_names
    group = draft.group
    rises = group.epoch == 0 or names_changed or known_regex
    if rises or group.topics_seen != machine.cluster.topics_version:
        hashed = metadata_hash(machine.cluster, group.all_topics())
        if rises or hashed != group.metadata_hash:
            draft.store(group.stored_epoch(group.epoch + 1, hashed))
    return names_changed or member.topic_regex != before.topic_regex


def advance(
    turn: Turn,
    machine: GroupMachine,
    draft: Draft[ConsumerGroup],
    member: ConsumerMember,
    owned: Assignment | None,
    *,
    subscription_changed: bool,
) -> ConsumerMember:
    """Compute the target if it is not of this group epoch, and bring the member nearer to it."""
    group = draft.group
    if group.epoch > group.assignment_epoch:
        new = target.new_target(group, machine.cluster, turn.settings.consumer.assignors[0])
        draft.store(*target.stored_target(group, new))
        group = draft.group
    machine.saw_topics(group.group_id)
    if not subscription_changed and group.is_reconciled(member):
        return member
    aim = Aim(
        group.assignment_epoch,
        group.targets.get(member.member_id, NOTHING),
        target.topic_ids(machine.cluster, group.topics_of(member)),
        group.owners,
        subscription_changed,
        owned,
    )
    now = reconciled(member, aim)
    if now != member:
        turn.store(now.stored_assignment(group.group_id))
        if now.classic is None:  # the others have timers of their own: to join, to sync
            if now.state is MemberState.UNREVOKED:
                turn.set_timer("rebalance", group, now.rebalance_timeout_ms, now.member_id)
            else:
                turn.cancel_timer("rebalance", group, now.member_id)
    return now


# -- leaving ----------------------------------------------------------------------------------------------------------


def _leave(
    turn: Turn, machine: GroupMachine, request: ConsumerGroupHeartbeatRequest
) -> ConsumerGroupHeartbeatResponse:
    group = found(machine, ConsumerGroup, request.group_id, "Group {} not found.")
    if request.instance_id is None:
        member = group.members.get(request.member_id)
        if member is None:
            raise unknown_member(group, request.member_id)
    else:
        member = checked_static(group, request.member_id, request.instance_id)
    if request.instance_id is not None and request.member_epoch == LEAVE_STATIC_EPOCH:
        # Its partitions wait for the next one with this instance id, until its session is over.
        away = msgspec.structs.replace(member, member_epoch=LEAVE_STATIC_EPOCH, revoking=NOTHING)
        turn.store(away.stored_assignment(group.group_id))
    else:
        fence(turn, machine, group, [member])
    return ConsumerGroupHeartbeatResponse(member_id=member.member_id, member_epoch=request.member_epoch)
