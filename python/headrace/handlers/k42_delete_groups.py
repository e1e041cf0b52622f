"""DeleteGroups (key 42, v0-2): forget groups without members, and all their offsets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.call import Operation
from headrace.handlers.share_states import share_admin
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k42_delete_groups import (
    DeletableGroupResult,
    DeleteGroupsRequest,
    DeleteGroupsResponse,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: DeleteGroupsRequest) -> DeleteGroupsResponse:
    names = dict.fromkeys(request.groups_names)  # each once, in their order
    return DeleteGroupsResponse(
        results=[DeletableGroupResult(group_id, await _delete(call, group_id)) for group_id in names]
    )


async def _delete(call: Call, group_id: str) -> Error:
    if not call.may(Operation.DELETE, "group", group_id):
        return Error.GROUP_AUTHORIZATION_FAILED
    try:
        return await share_admin(call).delete_group(group_id)
    except Refusal as refusal:
        return refusal.error


def refused(request: DeleteGroupsRequest, error: int, message: str | None) -> DeleteGroupsResponse:
    del message
    return DeleteGroupsResponse(results=[DeletableGroupResult(g, error) for g in request.groups_names])
