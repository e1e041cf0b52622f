"""CreatePartitions (key 37, v0-3): give topics more partitions, each by itself. The count must grow."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from headrace.controller.decide_topics import MorePartitions
from headrace.handlers.call import Operation
from headrace.handlers.mutation_quota import mutation_quota
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k37_create_partitions import (
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopicResult,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


STRICT_SINCE: Final = 3
"""A version that may be refused for a quota (KIP-599)."""


async def handle(call: Call, request: CreatePartitionsRequest) -> CreatePartitionsResponse:
    if request.timeout_ms <= 0:
        raise Refusal(Error.REQUEST_TIMED_OUT)
    times = Counter(topic.name for topic in request.topics)
    answers: list[CreatePartitionsTopicResult] = []
    wanted: list[MorePartitions] = []
    for topic in request.topics:
        if times[topic.name] > 1:
            continue
        if not call.may_topic(Operation.ALTER, topic.name):
            answers.append(CreatePartitionsTopicResult(topic.name, Error.TOPIC_AUTHORIZATION_FAILED))
            continue
        chosen = None if topic.assignments is None else [a.broker_ids for a in topic.assignments]
        wanted.append(MorePartitions(topic.name, topic.count, chosen))
    answers += [
        CreatePartitionsTopicResult(name, Error.INVALID_REQUEST, "Duplicate topic name.")
        for name, count in times.items()
        if count > 1
    ]
    quota = mutation_quota(call, STRICT_SINCE)
    results = await call.services.controller.create_partitions(
        wanted, quota, validate_only=request.validate_only
    )
    answers += [CreatePartitionsTopicResult(r.name, r.error, r.message) for r in results]
    return CreatePartitionsResponse(quota.throttle_time_ms, answers)


def refused(request: CreatePartitionsRequest, error: Error, message: str | None) -> CreatePartitionsResponse:
    return CreatePartitionsResponse(
        results=[CreatePartitionsTopicResult(topic.name, error, message) for topic in request.topics]
    )
