"""Compute who should have which tasks, and store what changed of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.coordinator.group.streams.sticky import Candidate, assign
from headrace.coordinator.group.streams.tasks import NO_TASKS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.coordinator.group.streams.configure import ConfiguredTopology
    from headrace.coordinator.group.streams.group import StreamsGroup
    from headrace.coordinator.group.streams.member import Member
    from headrace.coordinator.group.streams.tasks import Assignment
    from headrace.coordinator.group.turn import Turn

STANDBY_REPLICAS: Final = "num.standby.replicas"
"""The one setting of assignments, by the name that it is stored under."""


def update_target(
    turn: Turn,
    group: StreamsGroup,
    epoch: int,
    joined: Member | None,
    topology: ConfiguredTopology,
    configs: Mapping[str, str],
) -> dict[str, Assignment]:
    """The new targets. `joined`: a member as this decision will store it."""
    members = group.members if joined is None else group.members | {joined.member_id: joined}
    if topology.ready and topology.subtopologies is not None:
        candidates = {
            member_id: Candidate(member.process_id, group.targets.get(member_id, NO_TASKS))
            for member_id, member in members.items()
        }
        targets = assign(candidates, topology.subtopologies, int(configs.get(STANDBY_REPLICAS, "0")))
    else:
        targets = dict.fromkeys(members, NO_TASKS)
    for member_id, target in targets.items():
        if group.targets.get(member_id) != target:
            turn.store(group.stored_target(member_id, target))
    turn.store(group.stored_assignment_epoch(epoch))
    return targets
