"""Members leave a consumer group, or are put out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.group.modern.cluster import group_setting, metadata_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.coordinator.group.consumer.group import ConsumerGroup
    from headrace.coordinator.group.consumer.member import ConsumerMember
    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.turn import Turn

TIMERS = ("rebalance", "join", "sync")
"""Of one member, besides its session: to give back partitions (KIP-848), to join and to sync (classic members)."""


def session_timeout_ms(machine: GroupMachine, group: ConsumerGroup, member: ConsumerMember) -> int:
    if member.classic is not None:
        return member.classic.session_timeout_ms
    usual = machine.settings.consumer.session_timeout_ms
    return group_setting(machine.cluster, group.group_id, "consumer.session.timeout.ms", usual)


def fence(turn: Turn, machine: GroupMachine, group: ConsumerGroup, members: Sequence[ConsumerMember]) -> None:
    """Take them out; who stays is assigned anew at the next heartbeat."""
    gone = {member.member_id for member in members}
    for member in members:
        turn.store(*group.member_tombstones(member.member_id))
        forget_timers(turn, machine, group, member.member_id)
    left = [member for member in group.members.values() if member.member_id not in gone]
    regexes = {member.topic_regex for member in left}
    turn.store(*(group.stored_regex(regex, None) for regex in group.resolved if regex not in regexes))
    names = frozenset().union(*(group.topics_of(member) for member in left))
    turn.store(group.stored_epoch(group.epoch + 1, metadata_hash(machine.cluster, names)))


def forget_timers(turn: Turn, machine: GroupMachine, group: ConsumerGroup, member_id: str) -> None:
    machine.sessions.end(turn, group, member_id)
    for kind in TIMERS:
        turn.cancel_timer(kind, group, member_id)
