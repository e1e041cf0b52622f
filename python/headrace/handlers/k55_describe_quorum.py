"""DescribeQuorum (key 55, v0-2): who votes on the controller's log, and how far each has it (KIP-595). One node does.

v1  times of fetches (KIP-836)
v2  the voters' directories and controller listeners (KIP-853); this node has none of either
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.controller.image import METADATA_GROUP, METADATA_TOPIC
from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k55_describe_quorum import (
    DescribeQuorumRequest,
    DescribeQuorumResponse,
    DescribeQuorumResponsePartitionData,
    DescribeQuorumResponseTopicData,
    Node,
    ReplicaState,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call

NOT_HERE: Final = "This server does not host this topic-partition."
MESSAGES_SINCE: Final = 2
NOT_KNOWN_MS: Final = -1


async def handle(call: Call, request: DescribeQuorumRequest) -> DescribeQuorumResponse:
    if not call.may_cluster(Operation.DESCRIBE):
        raise Refusal(Error.CLUSTER_AUTHORIZATION_FAILED)
    asked = [(topic.topic_name, [p.partition_index for p in topic.partitions]) for topic in request.topics]
    if asked == [(METADATA_TOPIC, [0])]:
        return await _quorum(call)
    why = NOT_HERE if call.api_version >= MESSAGES_SINCE else ""
    missing = Error.UNKNOWN_TOPIC_OR_PARTITION
    return DescribeQuorumResponse(
        topics=[
            DescribeQuorumResponseTopicData(
                name, [DescribeQuorumResponsePartitionData(number, missing, why) for number in numbers]
            )
            for name, numbers in asked
        ]
    )


def refused(request: DescribeQuorumRequest, error: Error, message: str | None) -> DescribeQuorumResponse:
    del request
    return DescribeQuorumResponse(error, message or "", [], [])


async def _quorum(call: Call) -> DescribeQuorumResponse:
    node_id = call.services.controller.node_id
    (log,) = await call.services.engine.log_info([METADATA_GROUP])
    now_ms = call.services.clock.now().wall_ms if call.api_version >= 1 else NOT_KNOWN_MS
    voter = ReplicaState(
        node_id,
        log_end_offset=log.log_end,
        last_fetch_timestamp=now_ms,
        last_caught_up_timestamp=now_ms,
    )
    partition = DescribeQuorumResponsePartitionData(
        leader_id=node_id,
        leader_epoch=log.epoch,
        high_watermark=log.high_watermark,
        current_voters=[voter],
    )
    topics = [DescribeQuorumResponseTopicData(METADATA_TOPIC, [partition])]
    return DescribeQuorumResponse(
        topics=topics, nodes=[Node(node_id, [])] if call.api_version >= MESSAGES_SINCE else []
    )
