"""ShareAcknowledge (key 79, v1-2): records that a member of a share group is done with, or not (KIP-932).

Belongs to the share session that ShareFetch began; answered when everything is stored.

v2   renewals (KIP-1222), and how long a lock holds
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.share_partition.sessions import FINAL_EPOCH, INITIAL_EPOCH
from headrace.handlers.share_requests import acknowledge, lock_timeout_ms, session_key
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k79_share_acknowledge import (
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionData,
    ShareAcknowledgeRequest,
    ShareAcknowledgeResponse,
    ShareAcknowledgeTopicResponse,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: ShareAcknowledgeRequest) -> ShareAcknowledgeResponse:
    key = session_key(call, request.group_id, request.member_id)
    leader = call.services.share
    if request.share_session_epoch == INITIAL_EPOCH:
        raise Refusal(Error.INVALID_SHARE_SESSION_EPOCH)
    leader.sessions.step(key, request.share_session_epoch)
    outcomes = await acknowledge(call, key, request.topics, is_renew=request.is_renew_ack)
    if request.share_session_epoch == FINAL_EPOCH:
        leader.end_session(key)
    response = ShareAcknowledgeResponse(acquisition_lock_timeout_ms=lock_timeout_ms(call, key))
    topics: dict[bytes, ShareAcknowledgeTopicResponse] = {}
    for place, outcome in outcomes.items():
        if place.topic_id not in topics:
            topics[place.topic_id] = ShareAcknowledgeTopicResponse(place.topic_id)
        part = PartitionData(place.partition, outcome.error, outcome.message)
        if outcome.error is Error.NOT_LEADER_OR_FOLLOWER:
            node = call.services.controller.nodes(call.listener)[0]
            part.current_leader = LeaderIdAndEpoch(node.node_id, 0)
            response.node_endpoints = [NodeEndpoint(node.node_id, node.host, node.port, node.rack)]
        topics[place.topic_id].partitions.append(part)
    response.responses = list(topics.values())
    return response


def refused(request: ShareAcknowledgeRequest, error: int, message: str | None) -> ShareAcknowledgeResponse:
    del request, message
    return ShareAcknowledgeResponse(error_code=error)
