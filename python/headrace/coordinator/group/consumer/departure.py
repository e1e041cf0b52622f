"""Members leave a consumer group, or are put out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.group.consumer import downgrade
from headrace.coordinator.group.consumer.timers import forget_timers
from headrace.coordinator.group.modern.cluster import metadata_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.coordinator.group.consumer.group import ConsumerGroup
    from headrace.coordinator.group.consumer.member import ConsumerMember
    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.turn import Turn


def fence(turn: Turn, machine: GroupMachine, group: ConsumerGroup, members: Sequence[ConsumerMember]) -> None:
    """Take them out; who stays is assigned anew at the next heartbeat, or all of the group is a classic one then."""
    gone = {member.member_id for member in members}
    left = [member for member in group.members.values() if member.member_id not in gone]
    for member in members:
        forget_timers(turn, machine, group, member.member_id)
    if downgrade.is_due(machine, left):
        downgrade.convert(turn, machine, group, left, rebalances=True)
        return
    for member in members:
        turn.store(*group.member_tombstones(member.member_id))
    regexes = {member.topic_regex for member in left}
    turn.store(*(group.stored_regex(regex, None) for regex in group.resolved if regex not in regexes))
    names = frozenset().union(*(group.topics_of(member) for member in left))
    turn.store(group.stored_epoch(group.epoch + 1, metadata_hash(machine.cluster, names)))
