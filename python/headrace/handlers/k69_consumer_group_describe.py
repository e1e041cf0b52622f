"""ConsumerGroupDescribe (key 69, v0-1): epochs, members and assignments of consumer groups (KIP-848).

Groups of other kinds are not found here; DescribeGroups is for classic ones. Who may not describe a topic that a group reads is
told nothing of the group.

v1  which protocol a member speaks
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.group.consumer.view import describe
from headrace.handlers.authorized_operations import authorized_operations
from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k69_consumer_group_describe import (
    ConsumerGroupDescribeRequest,
    ConsumerGroupDescribeResponse,
    DescribedGroup,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: ConsumerGroupDescribeRequest) -> ConsumerGroupDescribeResponse:
    response = ConsumerGroupDescribeResponse(
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
    if not all(call.may_topic(Operation.DESCRIBE, name) for name in _topics(group)):
        message = "The group has described topic(s) that the client is not authorized to describe."
        return DescribedGroup(Error.TOPIC_AUTHORIZATION_FAILED, message, group_id)
    return group


def _topics(group: DescribedGroup) -> set[str]:
    return {
        part.topic_name
        for member in group.members
        for assignment in (member.assignment, member.target_assignment)
        for part in assignment.topic_partitions
    }


def refused(
    request: ConsumerGroupDescribeRequest, error: int, message: str | None
) -> ConsumerGroupDescribeResponse:
    groups = [DescribedGroup(error, message, group_id) for group_id in request.group_ids]
    return ConsumerGroupDescribeResponse(groups=groups)
