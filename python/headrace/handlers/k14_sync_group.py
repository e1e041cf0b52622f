"""SyncGroup (key 14, v0-5): the leader hands in who gets what; every member takes its part.

Parked until the leader has spoken and its word is stored.

v3   static members (KIP-345)
v5   protocol type and name are checked, INCONSISTENT_GROUP_PROTOCOL
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.call import Operation
from headrace.model.errors import Error
from headrace.wire.messages.k14_sync_group import SyncGroupResponse

if TYPE_CHECKING:
    from headrace.handlers.call import Call
    from headrace.wire.messages.k14_sync_group import SyncGroupRequest


async def handle(call: Call, request: SyncGroupRequest) -> SyncGroupResponse:
    if call.api_version >= 5 and (request.protocol_type is None or request.protocol_name is None):
        return SyncGroupResponse(error_code=Error.INCONSISTENT_GROUP_PROTOCOL)
    if not call.may(Operation.READ, "group", request.group_id):
        return SyncGroupResponse(error_code=Error.GROUP_AUTHORIZATION_FAILED)
    return await call.services.groups.sync(request)
