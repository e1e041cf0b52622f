"""The order in which OffsetCommit and OffsetDelete answer for the topics that they are asked about.

Kafka begins its answer with what it refuses without asking the coordinator, and merges the coordinator's answer into that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence


class TopicAnswer(Protocol):
    """Of one topic."""

    name: str
    partitions: list[Any]


Topic = TypeVar("Topic", bound=TopicAnswer)


def refused_first(
    refused: Sequence[Topic],
    rest: Sequence[Topic],
    key: Callable[[Topic], Hashable] = lambda topic: topic.name,
) -> list[Topic]:
    """The topics of both; those of the same key are one, unless nothing was refused. `key`: the name, or the topic id."""
    if not refused:
        return list(rest)
    out: dict[Hashable, Topic] = {}
    for topic in (*refused, *rest):
        before = out.setdefault(key(topic), topic)
        if before is not topic:
            before.partitions += topic.partitions
    return list(out.values())
