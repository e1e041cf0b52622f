"""FindCoordinator (key 10, v0-6): which broker keeps a group, a transactional id or a share-partition.

The first request for one makes `__consumer_offsets`, `__transaction_state` or `__share_group_state`.

v1   key type: 0 group, 1 transaction, 2 share (v6); an error message
v4   several keys in one request
v6   share-partitions, as `group:topicId:partition`
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.coordinator.share.coordinators import is_coordinator_key
from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k10_find_coordinator import (
    Coordinator,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from headrace.handlers.call import Call

VERSION_BATCHED = 4
VERSION_SHARE = 6
SHARE_TOO_EARLY: Final = "share-partitions are looked for in version 6"
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
    if key_type == SHARE and call.api_version >= VERSION_SHARE:
        if not call.may_cluster(Operation.CLUSTER_ACTION):
            raise Refusal(Error.CLUSTER_AUTHORIZATION_FAILED)
        if not is_coordinator_key(key):
            return _nowhere(key, Error.INVALID_REQUEST, "")
        return await _here(call, key, call.services.share_states.ensure)
    if key_type == GROUP:
        resource, ensure = "group", call.services.groups.ensure
    elif key_type == TRANSACTION:
        resource, ensure = "transactional_id", call.services.transactions.ensure
    else:
        message = f"unknown coordinator key type {key_type}"
        if key_type == SHARE:
            message = "" if call.api_version >= VERSION_BATCHED else SHARE_TOO_EARLY
        return _nowhere(key, Error.INVALID_REQUEST, message)
    if not call.may(Operation.DESCRIBE, resource, key):
        return _nowhere(key, UNAUTHORIZED[key_type], None)
    return await _here(call, key, ensure)


async def _here(call: Call, key: str, ensure: Callable[[], Awaitable[None]]) -> Coordinator:
    """This node, once there is a topic to keep it in."""
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
