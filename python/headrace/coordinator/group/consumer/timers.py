"""The timers of a consumer group's members, and how long they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.coordinator.group.modern.cluster import group_setting

if TYPE_CHECKING:
    from headrace.coordinator.group.consumer.member import ConsumerMember
    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.turn import Named, Turn

TIMERS: Final = ("rebalance", "join", "sync")
"""Of one member, besides its session: to give back partitions (KIP-848), to join and to sync (classic members)."""


def session_timeout_ms(machine: GroupMachine, group: Named, member: ConsumerMember) -> int:
    if member.classic is not None:
        return member.classic.session_timeout_ms
    usual = machine.settings.consumer.session_timeout_ms
    return group_setting(machine.cluster, group.group_id, "consumer.session.timeout.ms", usual)


def forget_timers(turn: Turn, machine: GroupMachine, group: Named, member_id: str) -> None:
    machine.sessions.end(turn, group, member_id)
    for kind in TIMERS:
        machine.sessions.stop(turn, kind, group, member_id)
