"""OffsetDelete (key 47, v0): forget a group's offsets of topics that no member reads.

An offset that is not there is deleted without an error; a topic in use is GROUP_SUBSCRIBED_TO_TOPIC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.call import Operation
from headrace.handlers.refused_first import refused_first
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
    refused: list[OffsetDeleteResponseTopic] = []
    rest: list[OffsetDeleteResponseTopic] = []
    wanted: list[tuple[str, int]] = []
    answers: list[OffsetDeleteResponsePartition] = []
    for asked in request.topics:
        known = call.services.controller.topic(asked.name)
        error = Error.UNKNOWN_TOPIC_OR_PARTITION
        if not call.may_topic(Operation.READ, asked.name):
            known, error = None, Error.TOPIC_AUTHORIZATION_FAILED
        bad, good = OffsetDeleteResponseTopic(asked.name, []), OffsetDeleteResponseTopic(asked.name, [])
        for part in asked.partitions:
            answer = OffsetDeleteResponsePartition(part.partition_index, error)
            if known is None or known.partition(part.partition_index) is None:
                bad.partitions.append(answer)
            else:
                good.partitions.append(answer)
                wanted.append((asked.name, part.partition_index))
                answers.append(answer)
        if bad.partitions or known is None:
            refused.append(bad)
        if good.partitions:
            rest.append(good)
    outcome = await call.services.groups.delete_offsets(request.group_id, wanted)
    if isinstance(outcome, Error):
        return OffsetDeleteResponse(error_code=outcome)
    for answer, error in zip(answers, outcome, strict=True):
        answer.error_code = error
    return OffsetDeleteResponse(topics=refused_first(refused, rest))
