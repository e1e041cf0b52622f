"""Groups of the newer protocols: consumer (KIP-848), share (KIP-932) and streams (KIP-1071) groups with their members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headrace.client.failures import check
from headrace.client.groups import GroupState, Member, Stored, TopicPartition
from headrace.wire.messages.k69_consumer_group_describe import ConsumerGroupDescribeRequest
from headrace.wire.messages.k77_share_group_describe import ShareGroupDescribeRequest
from headrace.wire.messages.k89_streams_group_describe import StreamsGroupDescribeRequest
from headrace.wire.messages.k90_describe_share_group_offsets import (
    DescribeShareGroupOffsetsRequest,
    DescribeShareGroupOffsetsRequestGroup,
)

if TYPE_CHECKING:
    from headrace.client.cluster import Cluster

SHARE: Final = "share"
_KINDS: Final = (
    ("consumer", ConsumerGroupDescribeRequest),
    (SHARE, ShareGroupDescribeRequest),
    ("streams", StreamsGroupDescribeRequest),
)


async def describe(cluster: Cluster, group: str) -> GroupState | None:
    """The group if it is of one of these kinds and the broker knows it; None otherwise."""
    coordinator = await cluster.coordinator(group)
    for kind, request in _KINDS:
        if request.API_KEY in coordinator.versions:
            (found,) = (await coordinator.call(request(group_ids=[group]))).groups
            if not found.error_code:
                return _state(kind, found)
    return None


def _state(kind: str, found: Any) -> GroupState:
    topics_of = {} if kind != "streams" or found.topology is None else _topics_by_subtopology(found.topology)
    members = tuple(
        Member(
            row.member_id,
            getattr(row, "instance_id", None),
            row.client_id,
            row.client_host,
            _tasks(row.assignment, topics_of) if kind == "streams" else _partitions(row.assignment),
        )
        for row in sorted(found.members, key=lambda row: str(row.member_id))
    )
    protocol = getattr(found, "assignor_name", "")
    return GroupState(found.group_id, found.group_state, kind, protocol, members)


def _partitions(assignment: Any) -> tuple[TopicPartition, ...]:
    return tuple(
        sorted((topic.topic_name, n) for topic in assignment.topic_partitions for n in topic.partitions)
    )


def _topics_by_subtopology(topology: Any) -> dict[str, list[str]]:
    return {
        each.subtopology_id: [*each.source_topics, *(topic.name for topic in each.repartition_source_topics)]
        for each in topology.subtopologies or []
    }


def _tasks(assignment: Any, topics_of: dict[str, list[str]]) -> tuple[TopicPartition, ...]:
    """What active tasks read: the partitions of their number of all topics that their subtopology reads."""
    return tuple(
        sorted(
            (topic, n)
            for task in assignment.active_tasks
            for topic in topics_of.get(task.subtopology_id, [])
            for n in task.partitions
        )
    )


async def share_offsets(cluster: Cluster, group: str) -> dict[TopicPartition, Stored]:
    """Where a share group goes on in each share-partition. Raises `Refused`."""
    request = DescribeShareGroupOffsetsRequest([DescribeShareGroupOffsetsRequestGroup(group, None)])
    (found,) = (await (await cluster.coordinator(group)).call(request)).groups
    check(f"no offsets of group {group}", found.error_code, found.error_message)
    stored: dict[TopicPartition, Stored] = {}
    for topic in found.topics:
        for row in topic.partitions:
            check(f"no offset of {topic.topic_name}-{row.partition_index}", row.error_code, row.error_message)
            if row.start_offset >= 0:
                stored[topic.topic_name, row.partition_index] = Stored(row.start_offset, row.leader_epoch, "")
    return stored
