"""DeleteShareGroupOffsets (key 92, v0): a share group without members forgets topics (KIP-932)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.call import Operation
from headrace.handlers.share_states import MESSAGES, share_admin
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k92_delete_share_group_offsets import (
    DeleteShareGroupOffsetsRequest,
    DeleteShareGroupOffsetsResponse,
    DeleteShareGroupOffsetsResponseTopic,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: DeleteShareGroupOffsetsRequest) -> DeleteShareGroupOffsetsResponse:
    if not call.may(Operation.DELETE, "group", request.group_id):
        return refused(request, Error.GROUP_AUTHORIZATION_FAILED, "Group authorization failed.")
    if not request.group_id:
        return refused(request, Error.INVALID_GROUP_ID, "The group id is invalid.")
    names = list(dict.fromkeys(topic.topic_name for topic in request.topics))
    allowed = [name for name in names if call.may_topic(Operation.READ, name)]
    denied = Error.TOPIC_AUTHORIZATION_FAILED
    response = DeleteShareGroupOffsetsResponse(
        responses=[
            DeleteShareGroupOffsetsResponseTopic(name, error_code=denied, error_message=MESSAGES[denied])
            for name in names
            if name not in allowed
        ]
    )
    try:
        asked, found = await share_admin(call).delete_offsets(request.group_id, allowed)
    except Refusal as refusal:
        return refused(request, refusal.error, refusal.message)
    response.responses += [
        DeleteShareGroupOffsetsResponseTopic(
            name, error_code=Error.UNKNOWN_TOPIC_OR_PARTITION, error_message=why
        )
        for name, why in asked.refused.items()
    ]
    response.responses += [
        DeleteShareGroupOffsetsResponseTopic(asked.names[topic_id], topic_id, error, MESSAGES.get(error))
        for topic_id, error in found.items()
    ]
    return response


def refused(
    request: DeleteShareGroupOffsetsRequest, error: int, message: str | None
) -> DeleteShareGroupOffsetsResponse:
    del request
    return DeleteShareGroupOffsetsResponse(error_code=error, error_message=message)
