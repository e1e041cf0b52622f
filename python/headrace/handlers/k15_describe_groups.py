"""DescribeGroups (key 15, v0-6): state and members of classic groups.

v3   which operations the caller may do
v4   static members' instance ids
v6   a group that does not exist is GROUP_ID_NOT_FOUND with a message; before, it is described as Dead
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

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
GROUP_OPERATIONS: Final = (
    Operation.READ,
    Operation.DELETE,
    Operation.DESCRIBE,
    Operation.DESCRIBE_CONFIGS,
    Operation.ALTER_CONFIGS,
)
"""What can be done to a group (Kafka, `AclEntry.supportedOperations`)."""


async def handle(call: Call, request: DescribeGroupsRequest) -> DescribeGroupsResponse:
    response = DescribeGroupsResponse(groups=[await _describe(call, group_id) for group_id in request.groups])
    if request.include_authorized_operations:
        for group in response.groups:
            if group.error_code == Error.NONE:
                group.authorized_operations = _operations(call, group.group_id)
    return response


async def _describe(call: Call, group_id: str) -> DescribedGroup:
    if not call.may(Operation.DESCRIBE, "group", group_id):
        return DescribedGroup(Error.GROUP_AUTHORIZATION_FAILED, group_id=group_id)
    if not group_id:
        return DescribedGroup(Error.INVALID_GROUP_ID, group_id=group_id)
    try:
        found = await call.services.groups.describe_group(group_id)
    except Refusal as refusal:
        return DescribedGroup(refusal.error, group_id=group_id)
    if found is None:
        if call.api_version < VERSION_NOT_FOUND:
            return DescribedGroup(group_id=group_id, group_state="Dead")
        message = f"Group {group_id} not found."
        return DescribedGroup(Error.GROUP_ID_NOT_FOUND, message, group_id, "Dead")
    members = [
        DescribedGroupMember(
            m.member_id, m.group_instance_id, m.client_id, m.client_host, m.metadata, m.assignment
        )
        for m in found.members
    ]
    return DescribedGroup(
        Error.NONE, None, group_id, found.state, found.protocol_type, found.protocol, members
    )


def _operations(call: Call, group_id: str) -> int:
    """A bit for each operation, by its number."""
    allowed = [op for op in GROUP_OPERATIONS if call.may(op, "group", group_id)]
    return sum(1 << operation.value for operation in allowed)


def refused(request: DescribeGroupsRequest, error: int, message: str | None) -> DescribeGroupsResponse:
    del message
    return DescribeGroupsResponse(groups=[DescribedGroup(error, group_id=g) for g in request.groups])
