"""DescribeGroups (key 15, v0-6): state and members of classic groups.

v3   which operations the caller may do
v4   static members' instance ids
v6   a group that does not exist is GROUP_ID_NOT_FOUND with a message; before, it is described as Dead
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.authorized_operations import authorized_operations
from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k15_describe_groups import (
    DescribedGroup,
    DescribedGroupMember,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call

VERSION_NOT_FOUND = 6


async def handle(call: Call, request: DescribeGroupsRequest) -> DescribeGroupsResponse:
    response = DescribeGroupsResponse(groups=[await _describe(call, group_id) for group_id in request.groups])
    if request.include_authorized_operations:
        for group in response.groups:
            if group.error_code == Error.NONE:
                group.authorized_operations = authorized_operations(call, "group", group.group_id)
    return response


async def _describe(call: Call, group_id: str) -> DescribedGroup:
    if not call.may(Operation.DESCRIBE, "group", group_id):
        return DescribedGroup(Error.GROUP_AUTHORIZATION_FAILED, group_id=group_id)
    try:
        found = await call.services.groups.describe_group(group_id)
    except Refusal as refusal:
        if refusal.error is not Error.GROUP_ID_NOT_FOUND:
            return DescribedGroup(refusal.error, group_id=group_id)
        if call.api_version < VERSION_NOT_FOUND:
            return DescribedGroup(group_id=group_id, group_state="Dead")
        return DescribedGroup(Error.GROUP_ID_NOT_FOUND, refusal.message, group_id, "Dead")
    members = [
        DescribedGroupMember(
            m.member_id, m.group_instance_id, m.client_id, m.client_host, m.metadata, m.assignment
        )
        for m in found.members
    ]
    return DescribedGroup(
        Error.NONE, None, group_id, found.state, found.protocol_type, found.protocol, members
    )


def refused(request: DescribeGroupsRequest, error: int, message: str | None) -> DescribeGroupsResponse:
    del message
    return DescribeGroupsResponse(groups=[DescribedGroup(error, group_id=g) for g in request.groups])
