"""Members leave a streams group, or are put out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.coordinator.group.modern.cluster import group_setting

if TYPE_CHECKING:
    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.streams.group import StreamsGroup
    from headrace.coordinator.group.streams.member import Member
    from headrace.coordinator.group.turn import Turn

INITIAL_DELAY: Final = "initial"
"""A group's timer: the first assignment waits for more members."""


def session_timeout_ms(machine: GroupMachine, group: StreamsGroup) -> int:
    usual = machine.settings.streams.session_timeout_ms
    return group_setting(machine.cluster, group.group_id, "streams.session.timeout.ms", usual)


def fence(turn: Turn, machine: GroupMachine, group: StreamsGroup, member: Member) -> None:
    """Take it out; who stays is assigned anew at the next heartbeat."""
    turn.store(*group.member_tombstones(member.member_id))
    turn.store(
        group.stored_epoch(
            group.epoch + 1, group.metadata_hash, group.validated_topology_epoch, group.assignment_configs
        )
    )
    machine.sessions.end(turn, group, member.member_id)
    turn.cancel_timer("rebalance", group, member.member_id)
    if group.delayed and len(group.members) == 1:
        group.delayed = False
        turn.cancel_timer(INITIAL_DELAY, group)
