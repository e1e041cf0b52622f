"""A topology: the parts of a Kafka Streams program (subtopologies) and the topics between them, as members bring it.

It is stored as it came (`StreamsGroupTopologyValue`). Whether it can run on the topics there are says `configure`.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from headrace.coordinator.group.settings import GROUP_RECORD_BYTES_MAX
from headrace.coordinator.group.streams.java_order import java_order
from headrace.coordinator.group.streams.settings import SUBTOPOLOGIES_MAX
from headrace.model.errors import Error, Refusal
from headrace.wire.codec import encode_stored
from headrace.wire.messages.streams_group_records import (
    CopartitionGroup,
    StreamsGroupTopologyValue,
    Subtopology,
    TopicConfig,
    TopicInfo,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.wire.messages import k88_streams_group_heartbeat as k88

NAMES_SHOWN: Final = 3
"""Of topics in one sentence."""


class Status(enum.IntEnum):
    """What a member is told beside its assignment (`StreamsGroupHeartbeatResponse.Status`)."""

    STALE_TOPOLOGY = 0
    MISSING_SOURCE_TOPICS = 1
    INCORRECTLY_PARTITIONED_TOPICS = 2
    MISSING_INTERNAL_TOPICS = 3
    SHUTDOWN_APPLICATION = 4
    ASSIGNMENT_DELAYED = 5


class InvalidTopology(Refusal):
    """No topics could make this topology run."""

    def __init__(self, message: str) -> None:
        super().__init__(Error.STREAMS_INVALID_TOPOLOGY, message)


class Misconfigured(Exception):  # noqa: N818 - reads as what happened
    """The topics that there are do not fit; others may."""

    def __init__(self, status: Status, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def stored_topology(topology: k88.Topology) -> StreamsGroupTopologyValue:
    return StreamsGroupTopologyValue(
        topology.epoch,
        [
            Subtopology(
                subtopology.subtopology_id,
                subtopology.source_topics,
                subtopology.source_topic_regex,
                [_topic(topic) for topic in subtopology.state_changelog_topics],
                subtopology.repartition_sink_topics,
                [_topic(topic) for topic in subtopology.repartition_source_topics],
                [
                    CopartitionGroup(
                        group.source_topics, group.source_topic_regex, group.repartition_source_topics
                    )
                    for group in subtopology.copartition_groups
                ],
            )
            for subtopology in topology.subtopologies
        ],
    )


def _topic(topic: k88.TopicInfo) -> TopicInfo:
    configs = [TopicConfig(config.key, config.value) for config in topic.topic_configs]
    return TopicInfo(topic.name, topic.partitions, topic.replication_factor, configs)


def check_topology(topology: k88.Topology) -> None:
    """What can be said of it without looking at topics. Raises `InvalidTopology`."""
    if topology.epoch < 0:
        raise Refusal(Error.STREAMS_INVALID_TOPOLOGY_EPOCH, "Topology epoch must be non-negative.")
    if len(topology.subtopologies) > SUBTOPOLOGIES_MAX:
        raise InvalidTopology(f"A topology may have {SUBTOPOLOGIES_MAX} subtopologies.")
    if len(encode_stored(stored_topology(topology), 0)) > GROUP_RECORD_BYTES_MAX:
        raise InvalidTopology("The topology is too large to be stored.")
    ids = [subtopology.subtopology_id for subtopology in topology.subtopologies]
    if len(set(ids)) < len(ids):
        raise InvalidTopology("Subtopology ids must be unique.")
    for subtopology in topology.subtopologies:
        for topic in subtopology.state_changelog_topics:
            if topic.partitions:
                raise InvalidTopology(
                    f"Changelog topic {topic.name} must have an undefined partition count, but it is set to "
                    f"{topic.partitions}."
                )
        for topic in subtopology.repartition_source_topics:
            if topic.partitions < 0:
                raise InvalidTopology("Number of partitions must be at least 1.")


def subtopologies_of(topology: StreamsGroupTopologyValue) -> list[Subtopology]:
    """In Kafka's order, which decides what is said first when several things are wrong."""
    by_id = {subtopology.subtopology_id: subtopology for subtopology in topology.subtopologies}
    return [by_id[name] for name in java_order(by_id)]


def required_topics(topology: StreamsGroupTopologyValue) -> list[str]:
    """All that must exist before its tasks can run, each once."""
    found: dict[str, None] = {}
    for subtopology in topology.subtopologies:
        found |= dict.fromkeys(subtopology.source_topics)
        found |= dict.fromkeys(topic.name for topic in subtopology.repartition_source_topics)
        found |= dict.fromkeys(topic.name for topic in subtopology.state_changelog_topics)
    return list(found)


def source_topics(topology: StreamsGroupTopologyValue) -> dict[str, str]:
    """Which subtopology reads a topic."""
    return {
        topic: subtopology.subtopology_id
        for subtopology in subtopologies_of(topology)
        for topic in (*subtopology.source_topics, *(t.name for t in subtopology.repartition_source_topics))
    }


def listed(topics: Iterable[str]) -> str:
    """For a sentence: the first few, and how many more."""
    names = list(topics)
    shown = ", ".join(names[:NAMES_SHOWN])
    more = len(names) - NAMES_SHOWN
    return f"{shown} and {more} additional topics" if more > 0 else shown
