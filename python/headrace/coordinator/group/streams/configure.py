"""Hold a topology against the topics that there are: its tasks, and the internal topics that are to be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from headrace.coordinator.group.streams.java_order import java_order
from headrace.coordinator.group.streams.partition_counts import partition_counts, sources
from headrace.coordinator.group.streams.topology import (
    Misconfigured,
    Status,
    listed,
    required_topics,
    subtopologies_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.coordinator.group.streams.partition_counts import PartitionCount
    from headrace.wire.messages.streams_group_records import (
        StreamsGroupTopologyValue,
        Subtopology,
        TopicInfo,
    )


class InternalTopic(NamedTuple):
    """A topic that the program needs and the broker makes."""

    name: str
    partitions: int
    replication_factor: int
    """0: the broker's default."""
    configs: Mapping[str, str]


class Configured(NamedTuple):
    """A subtopology on the topics that there are."""

    tasks: int
    source_topics: tuple[str, ...]
    repartition_sinks: tuple[str, ...]
    repartition_sources: tuple[InternalTopic, ...]
    changelogs: tuple[InternalTopic, ...]

    @property
    def stateful(self) -> bool:
        return bool(self.changelogs)

    @property
    def topics(self) -> list[str]:
        """What its tasks read."""
        return java_order([*self.source_topics, *(topic.name for topic in self.repartition_sources)])


class ConfiguredTopology(NamedTuple):
    """All of it. Not ready: nobody gets tasks."""

    subtopologies: dict[str, Configured] | None
    """By id, sorted; None: it could not be said."""
    missing: tuple[InternalTopic, ...] = ()
    problem: tuple[Status, str] | None = None

    @property
    def ready(self) -> bool:
        return self.problem is None


def configure(topology: StreamsGroupTopologyValue, existing: PartitionCount) -> ConfiguredTopology:
    """`existing`: the partitions of a topic, None if it does not exist. Raises `InvalidTopology`."""
    try:
        missing_sources = {
            topic for s in topology.subtopologies for topic in s.source_topics if existing(topic) is None
        }
        if missing_sources:
            raise Misconfigured(
                Status.MISSING_SOURCE_TOPICS, f"Source topics {listed(sorted(missing_sources))} are missing."
            )
        subtopologies = subtopologies_of(topology)
        counts = partition_counts(subtopologies, existing)
        configured = {s.subtopology_id: _configured(s, counts, existing) for s in subtopologies}
        configured = {name: configured[name] for name in sorted(configured)}
        missing = _missing(topology, configured, existing)
    except Misconfigured as problem:
        return ConfiguredTopology(None, (), (problem.status, problem.detail))
    if missing:
        names = listed(topic.name for topic in missing)
        detail = f"Internal topics are missing: {names}"
        return ConfiguredTopology(configured, missing, (Status.MISSING_INTERNAL_TOPICS, detail))
    return ConfiguredTopology(configured)


def _configured(subtopology: Subtopology, counts: dict[str, int], existing: PartitionCount) -> Configured:
    def count(topic: str) -> int:
        found = existing(topic)
        return counts[topic] if found is None else found

    return Configured(
        max(map(count, sources(subtopology))),
        tuple(dict.fromkeys(subtopology.source_topics)),
        tuple(dict.fromkeys(subtopology.repartition_sink_topics)),
        tuple(_internal(topic, counts) for topic in subtopology.repartition_source_topics),
        tuple(_internal(topic, counts) for topic in subtopology.state_changelog_topics),
    )


def _internal(topic: TopicInfo, counts: dict[str, int]) -> InternalTopic:
    configs = {config.key: config.value for config in topic.topic_configs}
    partitions = topic.partitions or counts[topic.name]
    return InternalTopic(topic.name, partitions, topic.replication_factor, configs)


def _missing(
    topology: StreamsGroupTopologyValue, configured: dict[str, Configured], existing: PartitionCount
) -> tuple[InternalTopic, ...]:
    wanted: dict[str, InternalTopic] = {}
    for subtopology in configured.values():
        for topic in (*subtopology.repartition_sources, *subtopology.changelogs):
            wanted[topic.name] = topic
    order = java_order(wanted)
    for name in java_order(required_topics(topology)):
        found = existing(name)
        if found is None:
            continue
        expected = wanted.pop(name, None)
        if expected is not None and found != expected.partitions:
            raise Misconfigured(
                Status.INCORRECTLY_PARTITIONED_TOPICS,
                f"Existing topic {name} has different number of partitions: expected {expected.partitions}, "
                f"found {found}",
            )
    return tuple(wanted[name] for name in order if name in wanted)
