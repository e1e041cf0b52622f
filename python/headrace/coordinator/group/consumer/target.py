"""The assignment that a consumer group is meant to have: who asks which assignor, and what changes by it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from headrace.coordinator.group.consumer import range_assignor, uniform_assignor
from headrace.coordinator.group.modern.assignment import NOTHING
from headrace.coordinator.group.modern.assignor import Assignor, GroupSpec, MemberSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.coordinator.group.consumer.group import ConsumerGroup
    from headrace.coordinator.group.modern.assignment import Assignment
    from headrace.coordinator.group.modern.cluster import ClusterImage
    from headrace.coordinator.group.records import ModernStored

ASSIGNORS: Final[dict[str, Assignor]] = {"uniform": uniform_assignor.assign, "range": range_assignor.assign}
"""By the name that `group.consumer.assignors` and members give them."""


def preferred_assignor(group: ConsumerGroup, usual: str) -> str:
    """The one that most members ask for."""
    asked = Counter(member.server_assignor for member in group.members.values() if member.server_assignor)
    return max(asked, key=lambda name: asked[name]) if asked else usual


def is_homogeneous(group: ConsumerGroup) -> bool:
    """Whether all members say the same, in one way: names or one regular expression."""
    said = {(member.topic_names, member.topic_regex) for member in group.members.values()}
    return len(said) <= 1 and not any(names and regex for names, regex in said)


def topic_ids(cluster: ClusterImage, names: frozenset[str]) -> frozenset[bytes]:
    """Of those that there are."""
    return frozenset(topic.topic_id for name in names if (topic := cluster.topic(name)) is not None)


def new_target(group: ConsumerGroup, cluster: ClusterImage, usual: str) -> dict[str, Assignment]:
    """What each member is meant to have as of the group's epoch."""
    ids: dict[frozenset[str], frozenset[bytes]] = {}  # most members say the same
    specs = {}
    for member_id, member in group.members.items():
        names = group.topics_of(member)
        if names not in ids:
            ids[names] = topic_ids(cluster, names)
        specs[member_id] = MemberSpec(ids[names], group.targets.get(member_id, NOTHING), member.instance_id)
    partitions = {
        topic_id: len(topic.partitions)
        for topic_id in frozenset().union(*ids.values())
        if (topic := cluster.topic_by_id(topic_id)) is not None
    }
    assign = ASSIGNORS[preferred_assignor(group, usual)]
    found = assign(GroupSpec(specs, partitions, is_homogeneous(group)))
    return {member_id: found.get(member_id, NOTHING) for member_id in group.members}


def stored_target(group: ConsumerGroup, target: dict[str, Assignment]) -> Iterator[ModernStored]:
    """What of it is new, and then that it is complete."""
    for member_id, assignment in target.items():
        if group.targets.get(member_id) != assignment:
            yield group.stored_target(member_id, assignment)
    yield group.stored_assignment_epoch(group.epoch)
