"""OffsetDelete (key 47, v0): forget a group's offsets of topics that no member reads.

An offset that is not there is deleted without an error; a topic in use is GROUP_SUBSCRIBED_TO_TOPIC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.call import Operation
from headrace.model.errors import Error
from headrace.wire.messages.k47_offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: OffsetDeleteRequest) -> OffsetDeleteResponse:
    if not call.may(Operation.DELETE, "group", request.group_id):
        return OffsetDeleteResponse(error_code=Error.GROUP_AUTHORIZATION_FAILED)
    if not request.group_id:
        return OffsetDeleteResponse(error_code=Error.INVALID_GROUP_ID)
    response = OffsetDeleteResponse()
    wanted: list[tuple[str, int]] = []
    answers: list[OffsetDeleteResponsePartition] = []
    for asked in request.topics:
        if not asked.partitions:
            continue
        topic = OffsetDeleteResponseTopic(asked.name, [])
        response.topics.append(topic)
        known = call.services.controller.topic(asked.name)
        for part in asked.partitions:
            answer = OffsetDeleteResponsePartition(part.partition_index, Error.NONE)
            topic.partitions.append(answer)
            if not call.may_topic(Operation.READ, asked.name):
                answer.error_code = Error.TOPIC_AUTHORIZATION_FAILED
            elif known is None or known.partition(part.partition_index) is None:
                answer.error_code = Error.UNKNOWN_TOPIC_OR_PARTITION
            else:
                wanted.append((asked.name, part.partition_index))
                answers.append(answer)
    outcome = await call.services.groups.delete_offsets(request.group_id, wanted)
    if isinstance(outcome, Error):
        return OffsetDeleteResponse(error_code=outcome)
    for answer, error in zip(answers, outcome, strict=True):
        answer.error_code = error
    return response
