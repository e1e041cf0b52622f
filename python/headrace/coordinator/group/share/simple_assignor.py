"""The SIMPLE assignor of share groups (KIP-932): members share partitions where there are more members than partitions.

Every partition has the same number of members, `ceil(members / partitions)`, and every member the same number of partitions,
but for rounding. What a member was meant to have it keeps as far as that goes. Members that all subscribe to the same are
looked at once for all partitions, others once for each topic.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.coordinator.group.modern.assignment import Assignment
    from headrace.coordinator.group.modern.assignor import GroupSpec

    Place = tuple[bytes, int]


def assign(spec: GroupSpec, assignable: Assignment) -> Mapping[str, Assignment]:
    """`assignable`: the partitions that may be given to members."""
    given: dict[str, dict[bytes, set[int]]] = {member_id: {} for member_id in spec.members}
    topics = sorted(frozenset().union(*(member.topics for member in spec.members.values())))
    parts = {topic: [(topic, number) for number in sorted(assignable.get(topic, ()))] for topic in topics}
    if spec.homogeneous:
        rounds = [(list(spec.members), list(itertools.chain.from_iterable(parts.values())))]
    else:
        rounds = [
            ([name for name, member in spec.members.items() if topic in member.topics], places)
            for topic, places in parts.items()
        ]
    for members, places in rounds:
        old = [
            [place for place in places if place[1] in spec.members[name].target.get(place[0], ())]
            for name in members
        ]
        for name, places_of_it in zip(members, _balanced(old, places), strict=True):
            for topic, number in places_of_it:
                given[name].setdefault(topic, set()).add(number)
    return {
        name: {topic: frozenset(numbers) for topic, numbers in topics_of_it.items()}
        for name, topics_of_it in given.items()
    }


def _balanced(old: Sequence[Sequence[Place]], places: Sequence[Place]) -> list[list[Place]]:
    """What each member gets, `old` being what it was meant to have of these places."""
    if not places or not old:
        return [[] for _ in old]
    sharing = math.ceil(len(old) / len(places))
    per_member = sharing * len(places) / len(old)
    desired = [
        math.ceil(per_member * (member + 1)) - math.ceil(per_member * member) for member in range(len(old))
    ]
    # Who had too much gives back what it had first; then the members of a place that has too many, the first ones.
    kept = [had[max(len(had) - most, 0) :] for had, most in zip(old, desired, strict=True)]
    members: dict[Place, list[int]] = {place: [] for place in places}
    for member, had in enumerate(kept):
        for place in had:
            members[place].append(member)
    for place, sharers in members.items():
        members[place] = sharers[max(len(sharers) - sharing, 0) :]
    found: list[list[Place]] = [[] for _ in old]
    for place, sharers in members.items():
        for member in sharers:
            found[member].append(place)
    _fill(found, members, desired, sharing)
    return found


def _fill(
    found: list[list[Place]], members: dict[Place, list[int]], desired: list[int], sharing: int
) -> None:
    """Give what places lack to members that lack some, to one after the other."""
    unfilled = [member for member, most in enumerate(desired) if len(found[member]) < most]
    at = 0
    for place, sharers in members.items():
        passed = 0
        while len(sharers) < sharing and passed < len(unfilled):
            at %= len(unfilled)
            member = unfilled[at]
            if member in sharers:
                at, passed = at + 1, passed + 1
                continue
            sharers.append(member)
            found[member].append(place)
            passed = 0
            if len(found[member]) >= desired[member]:
                del unfilled[at]
            else:
                at += 1
