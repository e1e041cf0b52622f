"""ListGroups (key 16, v0-5): the groups that this broker coordinates.

Who may not describe the cluster sees the groups they may describe. Filters ignore case, as Kafka's do.

v4   states, and a filter for them
v5   types, and a filter for them
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.call import Operation
from headrace.model.errors import Error
from headrace.wire.messages.k16_list_groups import ListedGroup, ListGroupsResponse

if TYPE_CHECKING:
    from headrace.handlers.call import Call
    from headrace.wire.messages.k16_list_groups import ListGroupsRequest

VERSION_STATES = 4
VERSION_TYPES = 5


async def handle(call: Call, request: ListGroupsRequest) -> ListGroupsResponse:
    states = {state.lower() for state in request.states_filter}
    types = {kind.lower() for kind in request.types_filter}
    sees_all = call.may_cluster(Operation.DESCRIBE)
    response = ListGroupsResponse(error_code=Error.NONE)
    for group in await call.services.groups.list_groups():
        if (states and group.state.lower() not in states) or (types and group.kind not in types):
            continue
        if not sees_all and not call.may(Operation.DESCRIBE, "group", group.group_id):
            continue
        state = group.state if call.api_version >= VERSION_STATES else ""
        kind = group.kind if call.api_version >= VERSION_TYPES else ""
        response.groups.append(ListedGroup(group.group_id, group.protocol_type, state, kind))
    return response
