"""FindCoordinator (key 10, v0-6): which broker keeps a group or a transactional id.

The first request for one makes `__consumer_offsets` or `__transaction_state`.

v1   key type: 0 group, 1 transaction, 2 share (v6); an error message
v4   several keys in one request
Not here: share groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k10_find_coordinator import (
    Coordinator,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call

VERSION_BATCHED = 4
GROUP: Final = 0
TRANSACTION: Final = 1
SHARE: Final = 2
UNAUTHORIZED: Final = {
    GROUP: Error.GROUP_AUTHORIZATION_FAILED,
    TRANSACTION: Error.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
}


async def handle(call: Call, request: FindCoordinatorRequest) -> FindCoordinatorResponse:
    if call.api_version >= VERSION_BATCHED:
        found = [await _find(call, request.key_type, key) for key in request.coordinator_keys]
        return FindCoordinatorResponse(coordinators=found)
    one = await _find(call, request.key_type, request.key)
    return FindCoordinatorResponse(
        error_code=one.error_code,
        # Kafka names what went well in these versions, and says nothing in later ones.
        error_message="NONE" if one.error_code == Error.NONE else one.error_message,
        node_id=one.node_id,
        host=one.host,
        port=one.port,
    )


async def _find(call: Call, key_type: int, key: str) -> Coordinator:
    if key_type == GROUP:
        resource, ensure = "group", call.services.groups.ensure
    elif key_type == TRANSACTION:
        resource, ensure = "transactional_id", call.services.transactions.ensure
    else:
        why = "share groups are not supported by this broker yet"
        message = why if key_type == SHARE else f"unknown coordinator key type {key_type}"
        return _nowhere(key, Error.INVALID_REQUEST, message)
    if not call.may(Operation.DESCRIBE, resource, key):
        return _nowhere(key, UNAUTHORIZED[key_type], None)
    try:
        await ensure()
    except Refusal as refusal:
        return _nowhere(key, Error.COORDINATOR_NOT_AVAILABLE, refusal.message)
    node = call.services.controller.nodes(call.listener)[0]
    return Coordinator(key, node.node_id, node.host, node.port, Error.NONE, "")


def _nowhere(key: str, error: int, message: str | None) -> Coordinator:
    return Coordinator(key, -1, "", -1, error, message)


def refused(request: FindCoordinatorRequest, error: int, message: str | None) -> FindCoordinatorResponse:
    return FindCoordinatorResponse(
        error_code=error,
        error_message=message,
        node_id=-1,
        port=-1,
        coordinators=[_nowhere(key, error, message) for key in request.coordinator_keys],
    )
