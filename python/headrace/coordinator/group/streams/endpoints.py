"""Where the state of which partitions can be asked for (interactive queries): members with an endpoint, and what they have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.wire.messages.k88_streams_group_heartbeat import (
    EndpointToPartitions,
    StreamsGroupHeartbeatResponseEndpoint,
    TopicPartition,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headrace.coordinator.group.streams.configure import Configured, ConfiguredTopology
    from headrace.coordinator.group.streams.member import Member
    from headrace.coordinator.group.streams.partition_counts import PartitionCount


def partitions_by_endpoint(
    members: Iterable[Member], configured: ConfiguredTopology | None, count: PartitionCount
) -> list[EndpointToPartitions]:
    subtopologies = (configured and configured.subtopologies) or {}
    return [
        EndpointToPartitions(
            StreamsGroupHeartbeatResponseEndpoint(*member.endpoint),
            _partitions(member.assigned.active, subtopologies, count),
            _partitions(member.assigned.standby, subtopologies, count),
        )
        for member in members
        if member.endpoint is not None
    ]


def _partitions(
    tasks: Mapping[str, Iterable[int]], subtopologies: Mapping[str, Configured], count: PartitionCount
) -> list[TopicPartition]:
    """A task has the partition of its number of every topic that it reads and that has so many."""
    return [
        TopicPartition(topic, sorted(parts)[: count(topic) or 0])
        for name, parts in tasks.items()
        if name in subtopologies
        for topic in subtopologies[name].topics
    ]
