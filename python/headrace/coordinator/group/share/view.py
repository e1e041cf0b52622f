"""What others may see of a share group. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.group.modern.opening import found
from headrace.coordinator.group.share.group import ShareGroup
from headrace.model.errors import Refusal
from headrace.wire.messages.k77_share_group_describe import (
    Assignment as DescribedAssignment,
)
from headrace.wire.messages.k77_share_group_describe import DescribedGroup, Member, TopicPartitions

if TYPE_CHECKING:
    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.modern.assignment import Assignment

ASSIGNOR = "simple"


def describe(machine: GroupMachine, group_id: str) -> DescribedGroup | Refusal:
    """The group, or why there is none."""
    try:
        group = found(machine, ShareGroup, group_id)
    except Refusal as refusal:
        return refusal
    return DescribedGroup(
        group_id=group_id,
        group_state=group.state_name,
        group_epoch=group.epoch,
        assignment_epoch=group.assignment_epoch,
        assignor_name=ASSIGNOR,
        members=[
            Member(
                member.member_id,
                member.rack_id,
                member.member_epoch,
                member.client_id,
                member.client_host,
                sorted(member.topic_names),
                _named(machine, member.assigned),
            )
            for member in group.members.values()
        ],
    )


def _named(machine: GroupMachine, assignment: Assignment) -> DescribedAssignment:
    """Without the topics that are gone."""
    return DescribedAssignment(
        [
            TopicPartitions(topic_id, topic.name, sorted(assignment[topic_id]))
            for topic_id in sorted(assignment)
            if (topic := machine.cluster.topic_by_id(topic_id)) is not None
        ]
    )
