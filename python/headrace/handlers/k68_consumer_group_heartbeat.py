"""ConsumerGroupHeartbeat (key 68, v0-1): join, stay in and leave a consumer group (KIP-848).

An epoch says what is meant: 0 joins, -1 leaves, -2 leaves as a static member that will be back, others are where the member
is. The answer brings an assignment only when it is another one, or was asked for by a request with every field.

v1  subscriptions by regular expression; clients make up their member ids (KIP-1082)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.group.consumer.heartbeat import Asker, check, heartbeat
from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k68_consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: ConsumerGroupHeartbeatRequest) -> ConsumerGroupHeartbeatResponse:
    if not call.may(Operation.READ, "group", request.group_id):
        return refused(request, Error.GROUP_AUTHORIZATION_FAILED, "Group authorization failed.")
    names = request.subscribed_topic_names or ()
    if not all(call.may_topic(Operation.DESCRIBE, name) for name in names):
        return refused(request, Error.TOPIC_AUTHORIZATION_FAILED, None)
    groups = call.services.groups
    asker = Asker(
        call.api_version,
        call.client_id or "",
        f"/{call.peer_host}",
        groups.fresh_member_id(),
        lambda topic: call.may_topic(Operation.DESCRIBE, topic),
    )
    try:
        check(request, call.api_version, groups.settings.consumer.assignors)
        return await groups.decide(
            request.group_id, lambda turn, machine: heartbeat(turn, machine, request, asker)
        )
    except Refusal as refusal:
        return refused(request, refusal.error, refusal.message)


def refused(
    request: ConsumerGroupHeartbeatRequest, error: int, message: str | None
) -> ConsumerGroupHeartbeatResponse:
    del request
    return ConsumerGroupHeartbeatResponse(error_code=error, error_message=message)
