"""The `uniform` assignor: everybody gets as many partitions as everybody else, and keeps what they can of what they had.

Where all members read the same topics, the numbers of partitions differ by one at most. Where they do not, partitions go to
the least loaded of those who may have them, and then from the most to the least loaded while that makes it more even.
"""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headrace.coordinator.group.modern.assignor import GroupSpec

ROUNDS_MAX: Final = 16
"""Over all topics, while something moves."""

Place = tuple[bytes, int]


def assign(spec: GroupSpec) -> dict[str, dict[bytes, frozenset[int]]]:
    return _grouped(_same_topics(spec) if spec.homogeneous else _other_topics(spec))


def _grouped(owned: Mapping[str, Iterable[Place]]) -> dict[str, dict[bytes, frozenset[int]]]:
    found: dict[str, dict[bytes, frozenset[int]]] = {}
    for member_id, places in owned.items():
        by_topic: dict[bytes, set[int]] = {}
        for topic_id, number in places:
            by_topic.setdefault(topic_id, set()).add(number)
        found[member_id] = {topic_id: frozenset(numbers) for topic_id, numbers in by_topic.items()}
    return found


# -- all read the same ------------------------------------------------------------------------------------------------


def _same_topics(spec: GroupSpec) -> dict[str, list[Place]]:
    topics = sorted(next(iter(spec.members.values())).topics)
    free = dict.fromkeys(
        (topic_id, number) for topic_id in topics for number in range(spec.partitions[topic_id])
    )
    each, extra = divmod(len(free), len(spec.members))
    kept: dict[str, list[Place]] = {}
    room: dict[str, int] = {}
    taken_back: list[Place] = []
    for number, (member_id, member) in enumerate(spec.members.items()):
        had = [
            place
            for topic_id in topics
            for n in sorted(member.target.get(topic_id, ()))
            if (place := (topic_id, n)) in free
        ]
        most = each + (extra > 0)
        if extra and len(had) < most and len(spec.members) - number > extra:
            most = each  # one of those to come may have it already
        extra -= most > each
        kept[member_id] = had[:most]
        room[member_id] = most - len(kept[member_id])
        taken_back += had[most:]
        for place in had:
            del free[place]
    left = iter([*free, *taken_back])
    for member_id, count in room.items():
        kept[member_id] += itertools.islice(left, count)
    return kept


# -- some read other topics -------------------------------------------------------------------------------------------


def _other_topics(spec: GroupSpec) -> dict[str, set[Place]]:
    readers: dict[bytes, list[str]] = defaultdict(list)
    owned: dict[str, set[Place]] = {member_id: set() for member_id in spec.members}
    taken: set[Place] = set()
    for member_id, member in spec.members.items():
        for topic_id in member.topics:
            readers[topic_id].append(member_id)
            count = spec.partitions[topic_id]
            had = {(topic_id, n) for n in member.target.get(topic_id, ()) if n < count} - taken
            owned[member_id] |= had
            taken |= had

    def rank(topic_id: bytes) -> tuple[float, int, bytes]:
        """First the topics that weigh most on each reader, then those with the fewest to choose from."""
        return -spec.partitions[topic_id] / len(readers[topic_id]), len(readers[topic_id]), topic_id

    topics = sorted(readers, key=rank)
    for topic_id in topics:
        least = _least_loaded(readers[topic_id], owned)
        for number in range(spec.partitions[topic_id]):
            if (topic_id, number) not in taken:
                load, turn, member_id = least[0]
                owned[member_id].add((topic_id, number))
                heapq.heapreplace(least, (load + 1, turn, member_id))
    shared = [topic_id for topic_id in topics if len(readers[topic_id]) > 1]
    for _ in range(ROUNDS_MAX):
        if not sum(_even_out(topic_id, readers[topic_id], owned) for topic_id in shared):
            break
    return owned


def _least_loaded(readers: list[str], owned: Mapping[str, set[Place]]) -> list[tuple[int, int, str]]:
    """A heap of load, turn and member."""
    by_load = sorted(readers, key=lambda member_id: len(owned[member_id]))
    return [(len(owned[member_id]), turn, member_id) for turn, member_id in enumerate(by_load)]


def _even_out(topic_id: bytes, readers: list[str], owned: dict[str, set[Place]]) -> int:
    """Move partitions of this topic to the least loaded; how many were moved."""
    least = _least_loaded(readers, owned)
    most = [(-load, -turn, member_id) for load, turn, member_id in least]
    heapq.heapify(most)
    moved = 0
    while most:
        giver = most[0][2]
        load, turn, taker = least[0]
        mine = [number for owned_topic, number in owned[giver] if owned_topic == topic_id]
        if not mine:
            heapq.heappop(most)
            continue
        if -most[0][0] - load <= 1:
            break
        place = (topic_id, max(mine))
        owned[giver].remove(place)
        owned[taker].add(place)
        moved += 1
        heapq.heapreplace(most, (most[0][0] + 1, most[0][1], giver))
        heapq.heapreplace(least, (load + 1, turn, taker))
    return moved
