"""JoinGroup (key 11, v0-9): enter a classic group and ask for a rebalance.

Answered when every expected member has joined or the time is over, so the answer waits for people, not only for the log.

v0   one timeout for session and rebalance
v4   a first join is answered MEMBER_ID_REQUIRED and the id to come back with (KIP-394)
v5   static members (KIP-345)
v7   the answer names the protocol type, and no protocol (null) where there is none
v9   a restarted static leader is told to skip the assignment (KIP-814)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.call import Operation
from headrace.model.errors import Error
from headrace.wire.messages.k11_join_group import JoinGroupResponse

if TYPE_CHECKING:
    from headrace.handlers.call import Call
    from headrace.wire.messages.k11_join_group import JoinGroupRequest

VERSION_NULL_PROTOCOL = 7


async def handle(call: Call, request: JoinGroupRequest) -> JoinGroupResponse:
    if not call.may(Operation.READ, "group", request.group_id):
        response = JoinGroupResponse(
            error_code=Error.GROUP_AUTHORIZATION_FAILED, member_id=request.member_id, protocol_name=None
        )
    else:
        response = await call.services.groups.join(
            request, call.api_version, call.client_id or "", f"/{call.peer_host}"
        )
    # A protocol may have an empty name, too: it looks like none.
    response.protocol_name = response.protocol_name or (
        None if call.api_version >= VERSION_NULL_PROTOCOL else ""
    )
    return response
