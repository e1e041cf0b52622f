"""What the requests about share group state have in common (keys 83-87, between brokers; 90-92, of administrators)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from headrace.coordinator.group.share_admin import ShareAdmin
from headrace.coordinator.share.machine import Told
from headrace.coordinator.share.records import ShareKey
from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from headrace.handlers.call import Call

MESSAGES: Final = {
    Error.UNKNOWN_SERVER_ERROR: "The server experienced an unexpected error when processing the request.",
    Error.UNKNOWN_TOPIC_OR_PARTITION: "This server does not host this topic-partition.",
    Error.FENCED_LEADER_EPOCH: "The leader epoch in the request is older than the epoch on the broker.",
    Error.FENCED_STATE_EPOCH: "The share coordinator rejected the request because the share-group state epoch did not match.",
    Error.TOPIC_AUTHORIZATION_FAILED: "Topic authorization failed.",
    Error.CLUSTER_AUTHORIZATION_FAILED: "Cluster authorization failed.",
}
"""What Kafka says where there is nothing else to say."""


class Topic(Protocol):
    topic_id: bytes

    @property
    def partitions(self) -> Sequence[Any]: ...


class Request(Protocol):
    group_id: str

    @property
    def topics(self) -> Sequence[Topic]: ...


R = TypeVar("R")


def share_admin(call: Call) -> ShareAdmin:
    services = call.services
    return ShareAdmin(services.groups, services.share_states, services.share.forget_group)


async def results(
    call: Call,
    request: Request,
    ask: Callable[[ShareKey, Any], Awaitable[Told]],
    result: Callable[[int, Told, str | None], R],
) -> list[tuple[bytes, list[R]]]:
    """One outcome for each share-partition, by topic; none at all if something is missing, as in Kafka."""
    if not request.group_id or not all(topic.partitions for topic in request.topics):
        return []
    found: dict[bytes, dict[int, R]] = {}
    for topic in request.topics:
        of_topic = found.setdefault(topic.topic_id, {})
        for partition in topic.partitions:
            key = ShareKey(request.group_id, topic.topic_id, partition.partition)
            told = await _ask(call, ask, key, partition)
            message = told.message or MESSAGES.get(told.error)
            of_topic[key.partition] = result(key.partition, told, message)
    return [(topic_id, list(of_topic.values())) for topic_id, of_topic in found.items()]


async def _ask(
    call: Call, ask: Callable[[ShareKey, Any], Awaitable[Told]], key: ShareKey, partition: object
) -> Told:
    if not call.may_cluster(Operation.CLUSTER_ACTION):
        return Told(Error.CLUSTER_AUTHORIZATION_FAILED)
    try:
        return await ask(key, partition)
    except Refusal as refusal:
        return Told(refusal.error, refusal.message)
