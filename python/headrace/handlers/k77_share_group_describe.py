"""ShareGroupDescribe (key 77, v1): epochs, members and assignments of share groups (KIP-932).

Who may not describe a topic that a group reads is told nothing of the group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.group.share.view import describe
from headrace.handlers.authorized_operations import authorized_operations
from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k77_share_group_describe import (
    DescribedGroup,
    ShareGroupDescribeRequest,
    ShareGroupDescribeResponse,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: ShareGroupDescribeRequest) -> ShareGroupDescribeResponse:
    response = ShareGroupDescribeResponse(
        groups=[await _describe(call, group_id) for group_id in request.group_ids]
    )
    if request.include_authorized_operations:
        for group in response.groups:
            if group.error_code == Error.NONE:
                group.authorized_operations = authorized_operations(call, "group", group.group_id)
    return response


async def _describe(call: Call, group_id: str) -> DescribedGroup:
    if not call.may(Operation.DESCRIBE, "group", group_id):
        return DescribedGroup(Error.GROUP_AUTHORIZATION_FAILED, group_id=group_id)
    if not group_id:
        return DescribedGroup(Error.INVALID_GROUP_ID)
    try:
        group = await call.services.groups.read(group_id, lambda machine: describe(machine, group_id))
    except Refusal as refusal:
        return DescribedGroup(refusal.error, refusal.message, group_id)
    names = {part.topic_name for member in group.members for part in member.assignment.topic_partitions}
    if not all(call.may_topic(Operation.DESCRIBE, name) for name in names):
        message = "The group has described topic(s) that the client is not authorized to describe."
        return DescribedGroup(Error.TOPIC_AUTHORIZATION_FAILED, message, group_id)
    return group


def refused(
    request: ShareGroupDescribeRequest, error: int, message: str | None
) -> ShareGroupDescribeResponse:
    return ShareGroupDescribeResponse(
        groups=[DescribedGroup(error, message, group_id) for group_id in request.group_ids]
    )
