"""Members leave a share group, or are put out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.group.modern.cluster import metadata_hash

if TYPE_CHECKING:
    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.share.group import ShareGroup
    from headrace.coordinator.group.share.member import ShareMember
    from headrace.coordinator.group.turn import Turn


def fence(turn: Turn, machine: GroupMachine, group: ShareGroup, member: ShareMember) -> None:
    """Take it out; who stays is assigned anew at the next heartbeat."""
    turn.store(*group.member_tombstones(member.member_id))
    names = frozenset().union(
        *(other.topic_names for name, other in group.members.items() if name != member.member_id)
    )
    turn.store(group.stored_epoch(group.epoch + 1, metadata_hash(machine.cluster, names)))
    machine.sessions.end(turn, group, member.member_id)
