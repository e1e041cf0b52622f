"""Heartbeat (key 12, v0-4): a member is alive, and learns whether it must join again.

REBALANCE_IN_PROGRESS is the broker's way to call a group together; the session is kept all the same.

v3   static members (KIP-345)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.call import Operation
from headrace.model.errors import Error
from headrace.wire.messages.k12_heartbeat import HeartbeatResponse

if TYPE_CHECKING:
    from headrace.handlers.call import Call
    from headrace.wire.messages.k12_heartbeat import HeartbeatRequest


async def handle(call: Call, request: HeartbeatRequest) -> HeartbeatResponse:
    if not call.may(Operation.READ, "group", request.group_id):
        return HeartbeatResponse(error_code=Error.GROUP_AUTHORIZATION_FAILED)
    return HeartbeatResponse(error_code=await call.services.groups.heartbeat(request))
