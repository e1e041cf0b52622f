"""What others may see of a consumer group. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.group.consumer.group import ConsumerGroup
from headrace.coordinator.group.consumer.target import preferred_assignor
from headrace.coordinator.group.modern.assignment import NOTHING
from headrace.coordinator.group.modern.opening import found
from headrace.model.errors import Refusal
from headrace.wire.messages.k69_consumer_group_describe import (
    Assignment as DescribedAssignment,
)
from headrace.wire.messages.k69_consumer_group_describe import DescribedGroup, Member, TopicPartitions

if TYPE_CHECKING:
    from headrace.coordinator.group.consumer.member import ConsumerMember
    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.modern.assignment import Assignment

CLASSIC_MEMBER = 0
CONSUMER_MEMBER = 1


def describe(machine: GroupMachine, group_id: str) -> DescribedGroup | Refusal:
    """The group, or why there is none."""
    try:
        group = found(machine, ConsumerGroup, group_id)
    except Refusal as refusal:
        return refusal
    return DescribedGroup(
        group_id=group_id,
        group_state=group.state_name,
        group_epoch=group.epoch,
        assignment_epoch=group.assignment_epoch,
        assignor_name=preferred_assignor(group, machine.settings.consumer.assignors[0]),
        members=[_member(machine, group, member) for member in group.members.values()],
    )


def _member(machine: GroupMachine, group: ConsumerGroup, member: ConsumerMember) -> Member:
    return Member(
        member.member_id,
        member.instance_id,
        member.rack_id,
        member.member_epoch,
        member.client_id,
        member.client_host,
        sorted(member.topic_names),
        member.topic_regex,
        _named(machine, member.assigned),
        _named(machine, group.targets.get(member.member_id, NOTHING)),
        CONSUMER_MEMBER if member.classic is None else CLASSIC_MEMBER,
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
