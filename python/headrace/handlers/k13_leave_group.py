"""LeaveGroup (key 13, v0-5): members go on purpose, so that the rest need not wait for their sessions to end.

v3   several members at once, each with its own outcome; administrators name static members by instance id alone
v5   a reason, for people
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.call import Operation
from headrace.model.errors import Error
from headrace.wire.messages.k13_leave_group import LeaveGroupResponse, MemberIdentity

if TYPE_CHECKING:
    from headrace.handlers.call import Call
    from headrace.wire.messages.k13_leave_group import LeaveGroupRequest

VERSION_BATCHED = 3


async def handle(call: Call, request: LeaveGroupRequest) -> LeaveGroupResponse:
    if not call.may(Operation.READ, "group", request.group_id):
        return LeaveGroupResponse(error_code=Error.GROUP_AUTHORIZATION_FAILED)
    if call.api_version >= VERSION_BATCHED:
        return await call.services.groups.leave(request.group_id, request.members)
    response = await call.services.groups.leave(request.group_id, [MemberIdentity(request.member_id)])
    error = response.error_code or next((member.error_code for member in response.members), Error.NONE)
    return LeaveGroupResponse(error_code=error)
