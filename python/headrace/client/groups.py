"""Consumer groups through the admin APIs: members, offsets, lag."""

from __future__ import annotations

import struct
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from headrace.client.failures import check
from headrace.wire.messages.k08_offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from headrace.wire.messages.k09_offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup
from headrace.wire.messages.k15_describe_groups import DescribeGroupsRequest
from headrace.wire.messages.k16_list_groups import ListGroupsRequest
from headrace.wire.messages.k42_delete_groups import DeleteGroupsRequest
from headrace.wire.messages.k47_offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headrace.client.cluster import Cluster

TopicPartition = tuple[str, int]


class GroupRow(NamedTuple):
    """A group in a list."""

    group_id: str
    protocol_type: str
    state: str
    type: str
    coordinator: int


class Member(NamedTuple):
    """A member and what it was given."""

    member_id: str
    instance_id: str | None
    client_id: str
    host: str
    assigned: tuple[TopicPartition, ...]


class GroupState(NamedTuple):
    """A group with its members."""

    group_id: str
    state: str
    protocol_type: str
    protocol: str
    members: tuple[Member, ...]


class Stored(NamedTuple):
    """An offset that a group stored."""

    offset: int
    epoch: int
    metadata: str


async def list_groups(cluster: Cluster) -> list[GroupRow]:
    """Every group of every broker, by name."""
    found: list[GroupRow] = []
    for broker in (await cluster.state([])).brokers:
        answer = await (await cluster.broker(broker.node_id)).call(ListGroupsRequest())
        check(f"no groups from broker {broker.node_id}", answer.error_code)
        found += [
            GroupRow(row.group_id, row.protocol_type, row.group_state, row.group_type, broker.node_id)
            for row in answer.groups
        ]
    return sorted(found)


async def describe(cluster: Cluster, group: str) -> GroupState:
    """A group and its members; a group that does not exist is `Dead`. Raises `Refused`."""
    answer = await (await cluster.coordinator(group)).call(DescribeGroupsRequest(groups=[group]))
    (found,) = answer.groups
    check(f"no description of group {group}", found.error_code, found.error_message)
    members = tuple(
        Member(
            row.member_id,
            row.group_instance_id,
            row.client_id,
            row.client_host,
            decode_assignment(row.member_assignment),
        )
        for row in sorted(found.members, key=lambda row: row.member_id)
    )
    return GroupState(group, found.group_state, found.protocol_type, found.protocol_data, members)


async def offsets(cluster: Cluster, group: str) -> dict[TopicPartition, Stored]:
    """Every offset the group stored. Raises `Refused`."""
    request = OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id=group, topics=None)])
    answer = await (await cluster.coordinator(group)).call(request)
    (found,) = answer.groups
    check(f"no offsets of group {group}", found.error_code)
    stored: dict[TopicPartition, Stored] = {}
    for topic in found.topics:
        for row in topic.partitions:
            check(f"no offset of {topic.name}-{row.partition_index}", row.error_code)
            if row.committed_offset >= 0:
                stored[topic.name, row.partition_index] = Stored(
                    row.committed_offset, row.committed_leader_epoch, row.metadata or ""
                )
    return stored


async def store_offsets(cluster: Cluster, group: str, wanted: Mapping[TopicPartition, int]) -> None:
    """Store offsets as somebody who is not a member; refused while the group has members. Raises `Refused`."""
    rows = [
        OffsetCommitRequestTopic(
            name=topic,
            partitions=[
                OffsetCommitRequestPartition(
                    partition_index=index, committed_offset=wanted[topic, index], committed_metadata=""
                )
                for index in indexes
            ],
        )
        for topic, indexes in _by_topic(wanted).items()
    ]
    answer = await (await cluster.coordinator(group)).call(OffsetCommitRequest(group_id=group, topics=rows))
    for topic in answer.topics:
        for row in topic.partitions:
            check(f"cannot move group {group} on {topic.name}-{row.partition_index}", row.error_code)


async def delete_offsets(cluster: Cluster, group: str, partitions: Iterable[TopicPartition]) -> None:
    """Forget offsets of partitions that no member reads. Raises `Refused`."""
    rows = [
        OffsetDeleteRequestTopic(
            name=topic, partitions=[OffsetDeleteRequestPartition(partition_index=index) for index in indexes]
        )
        for topic, indexes in _by_topic(partitions).items()
    ]
    answer = await (await cluster.coordinator(group)).call(OffsetDeleteRequest(group_id=group, topics=rows))
    check(f"cannot delete offsets of group {group}", answer.error_code)
    for topic in answer.topics:
        for row in topic.partitions:
            check(f"cannot delete the offset of {topic.name}-{row.partition_index}", row.error_code)


async def delete(cluster: Cluster, group: str) -> None:
    """Delete a group without members and all its offsets. Raises `Refused`."""
    answer = await (await cluster.coordinator(group)).call(DeleteGroupsRequest(groups_names=[group]))
    (result,) = answer.results
    check(f"cannot delete group {group}", result.error_code)


def decode_assignment(data: bytes) -> tuple[TopicPartition, ...]:
    """The partitions in a consumer's assignment (`ConsumerProtocolAssignment`); nothing if it is not one.

    The bytes were written by whichever client led the group: lengths are believed only as far as bytes are present.
    """
    found: list[TopicPartition] = []
    try:
        _, topics = struct.unpack_from(">hi", data, 0)
        at = 6
        for _ in range(min(topics, len(data))):
            (size,) = struct.unpack_from(">h", data, at)
            name = data[at + 2 : at + 2 + size].decode()
            at += 2 + size
            (count,) = struct.unpack_from(">i", data, at)
            found += [
                (name, index) for index in struct.unpack_from(f">{min(count, len(data))}i", data, at + 4)
            ]
            at += 4 + 4 * count
    except (struct.error, UnicodeDecodeError):
        return ()
    return tuple(sorted(found))


def _by_topic(partitions: Iterable[TopicPartition]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for topic, index in sorted(partitions):
        found[topic].append(index)
    return found
