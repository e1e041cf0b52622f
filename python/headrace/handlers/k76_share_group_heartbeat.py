"""ShareGroupHeartbeat (key 76, v1): join, stay in and leave a share group (KIP-932).

An epoch says what is meant: 0 joins, -1 leaves, others are where the member is. Clients make up their member ids. The answer
brings an assignment only when it is another one, or was asked for by naming topics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.group.share.heartbeat import check, heartbeat
from headrace.handlers.call import Operation
from headrace.handlers.share_requests import MEMBER_ID_CHARS_MAX
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k76_share_group_heartbeat import (
    ShareGroupHeartbeatRequest,
    ShareGroupHeartbeatResponse,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: ShareGroupHeartbeatRequest) -> ShareGroupHeartbeatResponse:
    if not call.may(Operation.READ, "group", request.group_id):
        return refused(request, Error.GROUP_AUTHORIZATION_FAILED, "Group authorization failed.")
    if not 0 < len(request.member_id) <= MEMBER_ID_CHARS_MAX:
        return refused(request, Error.INVALID_REQUEST, None)
    names = request.subscribed_topic_names or ()
    if not all(call.may_topic(Operation.DESCRIBE, name) for name in names):
        return refused(request, Error.TOPIC_AUTHORIZATION_FAILED, None)
    client = (call.client_id or "", f"/{call.peer_host}")
    try:
        check(request)
        return await call.services.groups.decide(
            request.group_id, lambda turn, machine: heartbeat(turn, machine, request, client)
        )
    except Refusal as refusal:
        return refused(request, refusal.error, refusal.message)


def refused(
    request: ShareGroupHeartbeatRequest, error: int, message: str | None
) -> ShareGroupHeartbeatResponse:
    del request
    return ShareGroupHeartbeatResponse(error_code=error, error_message=message)
