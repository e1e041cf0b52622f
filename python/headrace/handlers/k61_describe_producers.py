"""DescribeProducers (key 61, v0): the producers that partitions remember, and their open transactions (KIP-664).

An answer has an end: partitions that come after too many producers are refused, and a short request makes no large answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.controller.decide_topics import why_invalid
from headrace.engine.slices import in_slices
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

PRODUCERS_MAX: Final = 100_000
"""In one answer: some 5 MB. A partition remembers at most a tenth of it."""
TOO_MANY: Final = f"The answer has more than {PRODUCERS_MAX} producers already: ask about fewer partitions."


async def handle(call: Call, request: DescribeProducersRequest) -> DescribeProducersResponse:
    response = DescribeProducersResponse()
    told = 0
    async for topics in in_slices(request.topics, lambda topic: len(topic.partition_indexes)):
        for topic in topics:
            answer = TopicResponse(topic.name)
            response.topics.append(answer)
            async for numbers in in_slices(topic.partition_indexes):
                for number in numbers:
                    if told < PRODUCERS_MAX:
                        found = await _partition(call, topic.name, number)
                        told += len(found.active_producers)
                    else:
                        found = PartitionResponse(number, Error.POLICY_VIOLATION, TOO_MANY)
                    answer.partitions.append(found)
    return response


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
