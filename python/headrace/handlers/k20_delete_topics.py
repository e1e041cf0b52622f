"""DeleteTopics (key 20, v1-6): delete topics and their records for ever, each by itself.

v5  error messages
v6  topics by name or by id (KIP-516)
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from headrace.handlers.call import Operation
from headrace.handlers.mutation_quota import mutation_quota
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k20_delete_topics import (
    DeletableTopicResult,
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    DeleteTopicState,
)
from headrace.wire.schema import NULL_UUID

if TYPE_CHECKING:
    from headrace.controller.image import TopicState
    from headrace.handlers.call import Call


STRICT_SINCE: Final = 5
"""A version that may be refused for a quota (KIP-599)."""


async def handle(call: Call, request: DeleteTopicsRequest) -> DeleteTopicsResponse:
    asked = _asked(request, call.api_version)
    if not call.services.config.boolean("delete.topic.enable"):
        disabled = Error.TOPIC_DELETION_DISABLED if call.api_version >= 3 else Error.INVALID_REQUEST
        raise Refusal(disabled, "Topic deletion is disabled.")
    if request.timeout_ms <= 0:
        raise Refusal(Error.REQUEST_TIMED_OUT)
    times = Counter((state.name, state.topic_id) for state in asked)
    answers: list[DeletableTopicResult] = []
    topics: list[TopicState] = []
    for name, topic_id in times:
        try:
            topics.append(_found(call, name, topic_id, times[name, topic_id]))
        except Refusal as refusal:
            answers.append(DeletableTopicResult(name, topic_id, refusal.error, refusal.message))
    if len({topic.topic_id for topic in topics}) < len(topics):
        raise Refusal(
            Error.INVALID_REQUEST, "The provided topic name maps to an ID that was already supplied."
        )
    quota = mutation_quota(call, STRICT_SINCE)
    for result in await call.services.controller.delete_topics(topics, quota):
        topic_id = result.topic.topic_id if result.topic else NULL_UUID
        answers.append(DeletableTopicResult(result.name, topic_id, result.error, result.message))
    return DeleteTopicsResponse(quota.throttle_time_ms, answers)


def refused(request: DeleteTopicsRequest, error: Error, message: str | None) -> DeleteTopicsResponse:
    states = request.topics or [DeleteTopicState(name) for name in request.topic_names]
    # Before v6 a result must have a name; those requests have nothing else.
    return DeleteTopicsResponse(
        responses=[DeletableTopicResult(state.name, state.topic_id, error, message) for state in states]
    )


def _asked(request: DeleteTopicsRequest, version: int) -> list[DeleteTopicState]:
    return request.topics if version >= 6 else [DeleteTopicState(name) for name in request.topic_names]


def _found(call: Call, name: str | None, topic_id: bytes, times: int) -> TopicState:
    controller = call.services.controller
    by_id = topic_id != NULL_UUID
    if name is not None and by_id:
        raise Refusal(Error.INVALID_REQUEST, "You may not specify both topic name and topic id.")
    if name is None and not by_id:
        raise Refusal(Error.INVALID_REQUEST, "Neither topic name nor id were specified.")
    if times > 1:
        raise Refusal(Error.INVALID_REQUEST, f"Duplicate topic {'id' if by_id else 'name'}.")
    topic = controller.topic_by_id(topic_id) if name is None else controller.topic(name)
    known = topic.name if topic is not None else name
    if known is not None and not call.may_topic(Operation.DELETE, known):
        raise Refusal(Error.TOPIC_AUTHORIZATION_FAILED)
    if topic is None:
        if by_id:
            raise Refusal(Error.UNKNOWN_TOPIC_ID, "This server does not host this topic ID.")
        raise Refusal(Error.UNKNOWN_TOPIC_OR_PARTITION, "This server does not host this topic-partition.")
    return topic
