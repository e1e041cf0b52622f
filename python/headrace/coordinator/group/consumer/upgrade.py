"""A member of the new protocol joins a classic group of consumers: it becomes a consumer group, and its members stay in it with
what they have. They go on with JoinGroup, SyncGroup and Heartbeat (`classic_members`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.group.classic.group import CONSUMER, Group, Member
from headrace.coordinator.group.classic.rebalance import refused_join
from headrace.coordinator.group.consumer import embedded
from headrace.coordinator.group.consumer.group import ConsumerGroup
from headrace.coordinator.group.consumer.member import ClassicSide, ConsumerMember
from headrace.coordinator.group.modern.cluster import metadata_hash
from headrace.coordinator.group.modern.draft import Draft
from headrace.coordinator.group.records import GroupStored
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k14_sync_group import SyncGroupResponse

if TYPE_CHECKING:
    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.turn import Turn


def upgraded(turn: Turn, machine: GroupMachine, classic: Group) -> Draft[ConsumerGroup]:
    """The classic group as a consumer group. Raises `Refusal`. Soft state is as it was until `finish`."""
    _check(machine, classic)
    members = [_member(machine, classic, member) for member in classic.members.values()]
    turn.store(GroupStored(classic.group_id, None))
    draft = Draft(turn, ConsumerGroup(classic.group_id))
    draft.store(*(member.stored_subscription(classic.group_id) for member in members))
    group = draft.group
    draft.store(group.stored_epoch(classic.generation, metadata_hash(machine.cluster, group.all_topics())))
    draft.store(*(group.stored_target(member.member_id, member.assigned) for member in members))
    draft.store(group.stored_assignment_epoch(classic.generation))
    draft.store(*(member.stored_assignment(classic.group_id) for member in members))
    return draft


def _check(machine: GroupMachine, classic: Group) -> None:
    if not machine.settings.consumer.may_upgrade:
        raise _refusal(classic, "online upgrade is disabled")
    if classic.protocol_type != CONSUMER:
        raise _refusal(classic, "the group does not use the consumer embedded protocol")
    if len(classic.members) > machine.settings.consumer.group_size_max:
        raise _refusal(classic, "the group size exceeds the consumer group maximum size")


def _refusal(classic: Group, why: str) -> Refusal:
    return Refusal(
        Error.GROUP_ID_NOT_FOUND,
        f"Cannot upgrade classic group {classic.group_id} to consumer group because {why}.",
    )


def _member(machine: GroupMachine, classic: Group, member: Member) -> ConsumerMember:
    try:
        name = classic.protocol or member.protocols[0][0]  # none has been chosen in a first generation
        subscription = embedded.read_subscription(member.metadata(name))
        named, has_more = embedded.read_assignment(member.assignment) if member.assignment else ({}, False)
    except embedded.MalformedError as error:
        raise _refusal(classic, "the embedded consumer protocol is malformed") from error
    if has_more:
        raise _refusal(
            classic,
            "an unsupported custom assignor is in use. Please refer to the documentation or switch to a default assignor"
            " before re-attempting the upgrade",
        )
    return ConsumerMember(
        member.member_id,
        classic.generation,
        classic.generation,
        instance_id=member.group_instance_id,
        rack_id=subscription.rack_id,
        rebalance_timeout_ms=member.rebalance_timeout_ms,
        client_id=member.client_id,
        client_host=member.client_host,
        topic_names=subscription.topics,
        assigned=embedded.by_id(named, machine.cluster),
        classic=ClassicSide(member.session_timeout_ms, member.protocols),
    )


def finish(turn: Turn, machine: GroupMachine, classic: Group) -> None:
    """Who is parked in the classic group joins again; sessions go on."""
    for kind in ("join", "sync"):
        turn.cancel_timer(kind, classic)
    for member_id in sorted(classic.pending):
        turn.cancel_timer("session", classic, member_id)
    for member in classic.members.values():
        turn.answer(member.join, refused_join(member.member_id, Error.REBALANCE_IN_PROGRESS))
        turn.answer(member.sync, SyncGroupResponse(error_code=Error.REBALANCE_IN_PROGRESS))
        machine.sessions.touch(turn, classic, member.member_id, member.session_timeout_ms)
