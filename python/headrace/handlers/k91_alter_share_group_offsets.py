"""AlterShareGroupOffsets (key 91, v0): where a share group without members goes on (KIP-932)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.call import Operation
from headrace.handlers.share_states import MESSAGES, share_admin
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k91_alter_share_group_offsets import (
    AlterShareGroupOffsetsRequest,
    AlterShareGroupOffsetsResponse,
    AlterShareGroupOffsetsResponsePartition,
    AlterShareGroupOffsetsResponseTopic,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: AlterShareGroupOffsetsRequest) -> AlterShareGroupOffsetsResponse:
    if not call.may(Operation.READ, "group", request.group_id):
        return refused(request, Error.GROUP_AUTHORIZATION_FAILED, "Group authorization failed.")
    if any(partition.partition_index < 0 for topic in request.topics for partition in topic.partitions):
        return refused(request, Error.UNKNOWN_SERVER_ERROR, MESSAGES[Error.UNKNOWN_SERVER_ERROR])
    outcomes: dict[tuple[str, int], Error] = {}
    wanted: dict[str, dict[int, int]] = {}
    for topic in request.topics:
        error = _why_not(call, topic.topic_name)
        if not error:
            wanted.setdefault(topic.topic_name, {})
        for partition in topic.partitions:
            if error:
                outcomes[topic.topic_name, partition.partition_index] = error
            else:
                wanted[topic.topic_name][partition.partition_index] = partition.start_offset
    if not request.group_id:
        return refused(request, Error.INVALID_GROUP_ID, "The group id is invalid.")
    try:
        altered, ids = await share_admin(call).alter_offsets(request.group_id, wanted)
    except Refusal as refusal:
        return refused(request, refusal.error, refusal.message)
    outcomes |= altered
    topics = {
        asked.topic_name: AlterShareGroupOffsetsResponseTopic(asked.topic_name) for asked in request.topics
    }
    for name, topic_id in ids.items():
        topics[name].topic_id = topic_id
    for (name, number), error in outcomes.items():
        topics[name].partitions.append(
            AlterShareGroupOffsetsResponsePartition(number, error, MESSAGES.get(error))
        )
    return AlterShareGroupOffsetsResponse(responses=list(topics.values()))


def _why_not(call: Call, name: str) -> Error:
    if not call.may_topic(Operation.READ, name):
        return Error.TOPIC_AUTHORIZATION_FAILED
    return Error.NONE if call.services.controller.topic(name) else Error.UNKNOWN_TOPIC_OR_PARTITION


def refused(
    request: AlterShareGroupOffsetsRequest, error: int, message: str | None
) -> AlterShareGroupOffsetsResponse:
    del request
    return AlterShareGroupOffsetsResponse(error_code=error, error_message=message)
