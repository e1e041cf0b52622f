"""DescribeTopicPartitions (key 75, v0): topics and partitions page by page, by topic name (KIP-966).

No topics means all of them. The answer ends at the limit of partitions and then names where to go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.controller.decide_topics import why_invalid
from headrace.handlers.authorized_operations import authorized_operations
from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k75_describe_topic_partitions import (
    DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponseCursor,
    DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.controller.image import PartitionState, TopicState
    from headrace.handlers.call import Call


async def handle(call: Call, request: DescribeTopicPartitionsRequest) -> DescribeTopicPartitionsResponse:
    limit_max = call.services.config.integer("max.request.partition.size.limit")
    left = max(min(limit_max, request.response_partition_limit), 1)
    first_name, first_number = "", 0
    if request.cursor is not None:
        first_name, first_number = request.cursor.topic_name, request.cursor.partition_index
        if request.topics and all(topic.name != first_name for topic in request.topics):
            raise Refusal(
                Error.INVALID_REQUEST,
                f"DescribeTopicPartitionsRequest topic list should contain the cursor topic: {first_name}",
            )
        if first_number < 0:
            raise Refusal(
                Error.INVALID_REQUEST, "DescribeTopicPartitionsRequest cursor partition must be valid"
            )
    if not first_name and any(not topic.name for topic in request.topics):
        raise Refusal(Error.UNKNOWN_SERVER_ERROR)  # as Kafka, which fails at an empty name
    response = DescribeTopicPartitionsResponse()
    for name in _names(call, request):
        if name < first_name:
            continue
        if left == 0:
            response.next_cursor = DescribeTopicPartitionsResponseCursor(name, 0)
            break
        topic = call.services.controller.topic(name)
        if topic is None or not call.may_topic(Operation.DESCRIBE, name):
            response.topics.append(_missing(call, name))
            continue
        start = first_number if name == first_name else 0
        shown = topic.partitions[start : start + left]
        response.topics.append(_topic(call, topic, shown))
        left -= len(shown)
        if start + len(shown) < len(topic.partitions):
            response.next_cursor = DescribeTopicPartitionsResponseCursor(name, start + len(shown))
            break
    return response


def refused(
    request: DescribeTopicPartitionsRequest, error: Error, message: str | None
) -> DescribeTopicPartitionsResponse:
    del message
    return DescribeTopicPartitionsResponse(
        topics=[DescribeTopicPartitionsResponseTopic(error, topic.name) for topic in request.topics]
    )


def _names(call: Call, request: DescribeTopicPartitionsRequest) -> list[str]:
    if request.topics:
        return sorted({topic.name for topic in request.topics})
    topics = call.services.controller.image.topics
    return sorted(name for name in topics if call.may_topic(Operation.DESCRIBE, name))


def _missing(call: Call, name: str) -> DescribeTopicPartitionsResponseTopic:
    if not call.may_topic(Operation.DESCRIBE, name):
        return DescribeTopicPartitionsResponseTopic(Error.TOPIC_AUTHORIZATION_FAILED, name)
    error = Error.INVALID_TOPIC_EXCEPTION if why_invalid(name) else Error.UNKNOWN_TOPIC_OR_PARTITION
    operations = authorized_operations(call, "topic", name)
    return DescribeTopicPartitionsResponseTopic(error, name, topic_authorized_operations=operations)


def _topic(
    call: Call, topic: TopicState, shown: Sequence[PartitionState]
) -> DescribeTopicPartitionsResponseTopic:
    return DescribeTopicPartitionsResponseTopic(
        name=topic.name,
        topic_id=topic.topic_id,
        is_internal=topic.internal,
        partitions=[
            DescribeTopicPartitionsResponsePartition(
                partition_index=partition.number,
                leader_id=partition.leader,
                leader_epoch=partition.leader_epoch,
                replica_nodes=list(partition.replicas),
                isr_nodes=list(partition.isr),
                eligible_leader_replicas=[],
                last_known_elr=[],
            )
            for partition in shown
        ],
        topic_authorized_operations=authorized_operations(call, "topic", topic.name),
    )
