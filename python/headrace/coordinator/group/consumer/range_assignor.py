"""The `range` assignor: each topic's partitions in order, cut into one piece for each of its members in order.

Members of one subscription thus get the same numbers of every topic: topics can be joined. Static members come first, by
instance id, so that a restart moves nothing. Sticks to nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.coordinator.group.modern.assignor import GroupSpec


def assign(spec: GroupSpec) -> dict[str, dict[bytes, frozenset[int]]]:
    found: dict[str, dict[bytes, frozenset[int]]] = {member_id: {} for member_id in spec.members}
    order = sorted(spec.members, key=lambda member_id: _rank(spec.members[member_id].instance_id, member_id))
    readers: dict[bytes, list[str]] = {}
    for member_id in order:
        for topic_id in spec.members[member_id].topics:
            readers.setdefault(topic_id, []).append(member_id)
    for topic_id, members in readers.items():
        each, extra = divmod(spec.partitions[topic_id], len(members))
        begin = 0
        for number, member_id in enumerate(members):
            end = begin + each + (number < extra)
            if begin < end:
                found[member_id][topic_id] = frozenset(range(begin, end))
            begin = end
    return found


def _rank(instance_id: str | None, member_id: str) -> tuple[bool, str]:
    return (True, member_id) if instance_id is None else (False, instance_id)
