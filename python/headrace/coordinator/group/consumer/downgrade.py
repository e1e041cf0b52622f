"""The last member of the new protocol leaves a consumer group in which others speak JoinGroup: it becomes a classic group, and
these members rebalance among themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.group.classic import rebalance
from headrace.coordinator.group.classic.group import CONSUMER, Group, Member
from headrace.coordinator.group.classic.life import GroupState
from headrace.coordinator.group.consumer import embedded
from headrace.coordinator.group.consumer.timers import forget_timers
from headrace.coordinator.group.modern.assignment import NOTHING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from headrace.coordinator.group.consumer.group import ConsumerGroup
    from headrace.coordinator.group.consumer.member import ConsumerMember
    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.turn import Turn


def is_due(machine: GroupMachine, staying: Sequence[ConsumerMember]) -> bool:
    """Whether the group becomes a classic one with those who stay."""
    return (
        machine.settings.consumer.may_downgrade
        and 0 < len(staying) <= machine.settings.group_size_max
        and all(member.classic is not None for member in staying)
    )


def convert(
    turn: Turn,
    machine: GroupMachine,
    group: ConsumerGroup,
    staying: Collection[ConsumerMember],
    *,
    rebalances: bool,
) -> Group:
    """`group`: with the targets that those who stay are to have."""
    turn.store(*group.tombstones())
    classic = Group(
        group.group_id,
        GroupState.STABLE,
        generation=group.epoch,
        protocol_type=CONSUMER,
        since_wall_ms=turn.now.wall_ms,
    )
    for member in staying:
        assert member.classic is not None, "who stays speaks the classic protocol"
        classic.add(
            Member(
                member.member_id,
                member.instance_id,
                member.client_id,
                member.client_host,
                member.rebalance_timeout_ms,
                member.classic.session_timeout_ms,
                member.classic.protocols,
            ),
            CONSUMER,
        )
    classic.protocol = classic.choose_protocol()
    classic.subscribed = classic.subscriptions()
    for one in classic.members.values():
        assigned = group.targets.get(one.member_id, NOTHING)
        one.assignment = embedded.write_assignment(assigned, machine.cluster, one.metadata(classic.protocol))
        forget_timers(turn, machine, group, one.member_id)
        rebalance.touch(turn, classic, one)
    turn.store(classic.stored())
    machine.classic[group.group_id] = classic
    if rebalances:
        rebalance.prepare(turn, classic)
    return classic
