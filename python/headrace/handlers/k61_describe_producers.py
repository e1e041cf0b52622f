"""DescribeProducers (key 61, v0): the producers that partitions remember, and their open transactions (KIP-664)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.controller.decide_topics import why_invalid
from headrace.handlers.call import Operation
from headrace.model.errors import Error
from headrace.wire.messages.k61_describe_producers import (
    DescribeProducersRequest,
    DescribeProducersResponse,
    PartitionResponse,
    ProducerState,
    TopicResponse,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: DescribeProducersRequest) -> DescribeProducersResponse:
    return DescribeProducersResponse(
        topics=[
            TopicResponse(
                topic.name, [await _partition(call, topic.name, number) for number in topic.partition_indexes]
            )
            for topic in request.topics
        ]
    )


def refused(
    request: DescribeProducersRequest, error: Error, message: str | None
) -> DescribeProducersResponse:
    return DescribeProducersResponse(
        topics=[
            TopicResponse(topic.name, [PartitionResponse(n, error, message) for n in topic.partition_indexes])
            for topic in request.topics
        ]
    )


async def _partition(call: Call, name: str, number: int) -> PartitionResponse:
    if not call.may_topic(Operation.READ, name):
        return PartitionResponse(number, Error.TOPIC_AUTHORIZATION_FAILED)
    if why := why_invalid(name):
        return PartitionResponse(number, Error.INVALID_TOPIC_EXCEPTION, why)
    topic = call.services.controller.topic(name)
    if topic is None:
        missing = Error.UNKNOWN_TOPIC_OR_PARTITION
        return PartitionResponse(number, missing, "This server does not host this topic-partition.")
    partition = topic.partition(number)
    if partition is None:
        return PartitionResponse(number, Error.UNKNOWN_TOPIC_OR_PARTITION)
    return PartitionResponse(
        number,
        active_producers=[
            ProducerState(*producer) for producer in await call.services.engine.producers(partition.group)
        ],
    )
