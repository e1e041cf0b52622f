"""StreamsGroupDescribe (key 89, v0): streams groups (KIP-1071), their topologies, members and tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.group.streams.describe import describe_streams_group
from headrace.handlers.authorized_operations import authorized_operations
from headrace.handlers.call import Operation
from headrace.handlers.k88_streams_group_heartbeat import enabled
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k89_streams_group_describe import DescribedGroup, StreamsGroupDescribeResponse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.handlers.call import Call
    from headrace.wire.messages.k89_streams_group_describe import StreamsGroupDescribeRequest, Topology


async def handle(call: Call, request: StreamsGroupDescribeRequest) -> StreamsGroupDescribeResponse:
    if not enabled(call):
        raise Refusal(Error.UNSUPPORTED_VERSION)
    groups = [await _describe(call, group_id) for group_id in request.group_ids]
    if request.include_authorized_operations:
        for group in groups:
            if group.error_code == Error.NONE:
                group.authorized_operations = authorized_operations(call, "group", group.group_id)
    return StreamsGroupDescribeResponse(groups=groups)


def refused(
    request: StreamsGroupDescribeRequest, error: int, message: str | None
) -> StreamsGroupDescribeResponse:
    del message
    return StreamsGroupDescribeResponse(
        groups=[DescribedGroup(error, group_id=group_id) for group_id in request.group_ids]
    )


async def _describe(call: Call, group_id: str) -> DescribedGroup:
    if not call.may(Operation.DESCRIBE, "group", group_id):
        return DescribedGroup(Error.GROUP_AUTHORIZATION_FAILED, group_id=group_id)
    if not group_id:
        return DescribedGroup(Error.INVALID_GROUP_ID, group_id=group_id)
    try:
        found = await call.services.groups.read(
            group_id, lambda machine: describe_streams_group(machine, group_id)
        )
    except Refusal as refusal:
        return DescribedGroup(refusal.error, refusal.message, group_id)
    if found.topology is not None and not all(
        call.may_topic(Operation.DESCRIBE, topic) for topic in _topics(found.topology)
    ):
        return DescribedGroup(
            Error.TOPIC_AUTHORIZATION_FAILED,
            "The described group uses topics that the client is not authorized to describe.",
            group_id,
        )
    return found


def _topics(topology: Topology) -> Iterator[str]:
    for part in topology.subtopologies or ():
        yield from part.source_topics
        yield from part.repartition_sink_topics
        yield from (topic.name for topic in part.repartition_source_topics)
        yield from (topic.name for topic in part.state_changelog_topics)
