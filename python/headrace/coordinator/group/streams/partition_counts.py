"""How many partitions the internal topics of a topology must have.

A repartition topic has as many as the topology says, or else as many as the largest source of those that write it; what is
co-partitioned has equally many; a changelog topic has one for each task of its subtopology.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.group.streams.java_order import java_order
from headrace.coordinator.group.streams.topology import InvalidTopology, Misconfigured, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from headrace.wire.messages.streams_group_records import CopartitionGroup, Subtopology

    PartitionCount = Callable[[str], int | None]


def partition_counts(subtopologies: Sequence[Subtopology], existing: PartitionCount) -> dict[str, int]:
    """By internal topic. What exists counts as it is. Raises `Misconfigured` and `InvalidTopology`."""
    decided: dict[str, int] = {}

    def count(topic: str) -> int | None:
        found = existing(topic)
        return decided.get(topic) if found is None else found

    decided.update(_repartition_counts(subtopologies, count))
    fixed = {t.name for s in subtopologies for t in s.repartition_source_topics if t.partitions}
    flexible = {t.name for s in subtopologies for t in s.repartition_source_topics if not t.partitions}
    for subtopology in subtopologies:
        for group in subtopology.copartition_groups:
            topics = _copartitioned(subtopology, group)
            if topics:
                decided.update(_same_count(topics, fixed, flexible, count))
    decided.update(_changelog_counts(subtopologies, count))
    return decided


def sources(subtopology: Subtopology) -> list[str]:
    return [*subtopology.source_topics, *(topic.name for topic in subtopology.repartition_source_topics)]


def _known(topic: str, count: PartitionCount) -> int:
    found = count(topic)
    if found is None:
        raise InvalidTopology(f"Number of partitions is not set for topic: {topic}")
    return found


def _repartition_counts(subtopologies: Sequence[Subtopology], count: PartitionCount) -> dict[str, int]:
    found = {t.name: t.partitions for s in subtopologies for t in s.repartition_source_topics if t.partitions}
    waiting = True
    while waiting:
        waiting = progress = False
        for subtopology in subtopologies:
            for sink in subtopology.repartition_sink_topics:
                if sink in found:
                    continue
                largest = _largest_source(subtopology, found, count)
                if largest is None:
                    waiting = True
                else:
                    found[sink] = largest
                    progress = True
        if waiting and not progress:
            raise InvalidTopology(
                "Failed to compute number of partitions for all repartition topics. There may be loops in the topology "
                "that cannot be resolved."
            )
    if any(t.name not in found for s in subtopologies for t in s.repartition_source_topics):
        raise InvalidTopology(
            "Failed to compute number of partitions for all repartition topics, because a repartition source topic is "
            "never used as a sink topic."
        )
    return found


def _largest_source(subtopology: Subtopology, found: dict[str, int], count: PartitionCount) -> int | None:
    counts: Iterable[int | None] = [
        *(found.get(topic.name) for topic in subtopology.repartition_source_topics),
        *map(count, subtopology.source_topics),
    ]
    return max((number for number in counts if number is not None), default=None)


def _copartitioned(subtopology: Subtopology, group: CopartitionGroup) -> list[str]:
    """A group names its topics by their places in the subtopology."""
    try:
        names = [
            *(subtopology.source_topics[place] for place in _places(group.source_topics)),
            *(
                subtopology.repartition_source_topics[p].name
                for p in _places(group.repartition_source_topics)
            ),
        ]
    except IndexError:
        raise InvalidTopology(
            f"A copartition group of subtopology {subtopology.subtopology_id} names a topic that is not there."
        ) from None
    return java_order(names)


def _places(places: Iterable[int]) -> Iterable[int]:
    for place in places:
        if place < 0:
            raise IndexError(place)
        yield place


def _same_count(
    topics: list[str], fixed: set[str], flexible: set[str], count: PartitionCount
) -> dict[str, int]:
    repartition = {topic: _known(topic, count) for topic in topics if topic in fixed | flexible}
    others = {topic: _known(topic, count) for topic in topics if topic not in repartition}
    if others:
        wanted = _equal(others, others.values())
    elif fixed:
        # All fixed ones of the topology must agree, of this group or not: so does Kafka decide.
        wanted = _equal(repartition, (_known(topic, count) for topic in sorted(fixed)))
    else:
        wanted = max(repartition.values())
        if wanted == 0:
            names = ", ".join(repartition)
            raise InvalidTopology(
                f"All topics in the copartition group had undefined partition number: [{names}]"
            )
    for topic, number in repartition.items():
        if topic in fixed and number != wanted:
            raise Misconfigured(
                Status.INCORRECTLY_PARTITIONED_TOPICS,
                f"Number of partitions [{number}] of repartition topic [{topic}] doesn't match number of partitions "
                f"[{wanted}] of the source topic.",
            )
    return dict.fromkeys(repartition, wanted)


def _equal(named: dict[str, int], numbers: Iterable[int]) -> int:
    first, *rest = numbers
    if any(number != first for number in rest):
        listed = ", ".join(f"{topic}={number}" for topic, number in sorted(named.items()))
        raise Misconfigured(
            Status.INCORRECTLY_PARTITIONED_TOPICS,
            f"Following topics do not have the same number of partitions: [{{{listed}}}]",
        )
    return first


def _changelog_counts(subtopologies: Sequence[Subtopology], count: PartitionCount) -> dict[str, int]:
    found: dict[str, int] = {}
    for subtopology in subtopologies:
        counts = [_known(topic, count) for topic in sources(subtopology)]
        if not counts:
            raise InvalidTopology(f"No source topics found for subtopology {subtopology.subtopology_id}")
        found.update((topic.name, max(counts)) for topic in subtopology.state_changelog_topics)
    return found
