"""StreamsGroupHeartbeat (key 88, v0): a member of a streams group (KIP-1071) joins, stays and leaves.

Epoch 0 joins and brings the topology, -1 leaves. The answer holds the member's tasks when they changed, and says what is wrong
with the topics. Internal topics that are missing are made before it is sent, with the rights of who asks; the member learns
its tasks with a later heartbeat. Static members, regular expressions and task offsets are refused, as by Kafka 4.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.controller.decide_topics import NewTopic, why_invalid
from headrace.controller.image import INTERNAL_TOPICS
from headrace.coordinator.group.streams.heartbeat import Asker, heartbeat
from headrace.coordinator.group.streams.request import check_request
from headrace.coordinator.group.streams.topology import Status as StatusCode
from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k88_streams_group_heartbeat import Status, StreamsGroupHeartbeatResponse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.coordinator.group.streams.configure import InternalTopic
    from headrace.handlers.call import Call
    from headrace.wire.messages.k88_streams_group_heartbeat import StreamsGroupHeartbeatRequest, Topology

FAILURES_SHOWN: Final = 3
"""Topics that could not be made, in one sentence."""
BROKER_DEFAULT: Final = -1


async def handle(call: Call, request: StreamsGroupHeartbeatRequest) -> StreamsGroupHeartbeatResponse:
    if not enabled(call):
        raise Refusal(Error.UNSUPPORTED_VERSION)
    if not call.may(Operation.READ, "group", request.group_id):
        raise Refusal(Error.GROUP_AUTHORIZATION_FAILED)
    if request.topology is not None:
        _check_topics(call, request.topology)
    client_id = call.client_id or ""
    check_request(request, client_id)
    asker = Asker(client_id, f"/{call.peer_host}")
    heard = await call.services.groups.decide(
        request.group_id, lambda turn, machine: heartbeat(turn, machine, request, asker)
    )
    if heard.missing:
        detail = await _make(call, heard.missing)
        _add_detail(heard.response, detail)
    return heard.response


def refused(
    request: StreamsGroupHeartbeatRequest, error: int, message: str | None
) -> StreamsGroupHeartbeatResponse:
    del request
    return StreamsGroupHeartbeatResponse(error_code=error, error_message=message)


def enabled(call: Call) -> bool:
    """Whether the operator lets groups be streams groups."""
    return "streams" in call.services.config.items("group.coordinator.rebalance.protocols")


def _check_topics(call: Call, topology: Topology) -> None:
    topics: dict[str, None] = {}
    for part in topology.subtopologies:
        topics |= dict.fromkeys(part.source_topics)
        topics |= dict.fromkeys(part.repartition_sink_topics)
        topics |= dict.fromkeys(topic.name for topic in part.repartition_source_topics)
        topics |= dict.fromkeys(topic.name for topic in part.state_changelog_topics)
    if ours := [topic for topic in topics if topic in INTERNAL_TOPICS]:
        raise Refusal(
            Error.STREAMS_INVALID_TOPOLOGY,
            f"Use of Kafka internal topics {','.join(ours)} in a Kafka Streams topology is prohibited.",
        )
    if invalid := [topic for topic in topics if why_invalid(topic)]:
        raise Refusal(
            Error.STREAMS_INVALID_TOPOLOGY, f"Topic names {','.join(invalid)} are not valid topic names."
        )
    if not all(call.may_topic(Operation.DESCRIBE, topic) for topic in topics):
        raise Refusal(Error.TOPIC_AUTHORIZATION_FAILED)


async def _make(call: Call, missing: Sequence[InternalTopic]) -> str:
    """Make the topics; what is to be said of those that could not be made."""
    if not call.may_cluster(Operation.CREATE):
        forbidden = [topic.name for topic in missing if not call.may_topic(Operation.CREATE, topic.name)]
        if forbidden:
            return f"; Unauthorized to CREATE on topics {', '.join(forbidden)}."
    wanted = [
        NewTopic(
            topic.name, topic.partitions, topic.replication_factor or BROKER_DEFAULT, {}, dict(topic.configs)
        )
        for topic in missing
    ]
    try:
        results = await call.services.controller.create_topics(wanted)
    except Refusal as refusal:
        return f"; Creation failed: {refusal.message or refusal.error.name}."
    failed = [
        f"{result.name} ({result.message or result.error.name})"
        for result in results
        # Another member's heartbeat may have made it meanwhile.
        if result.error not in {Error.NONE, Error.TOPIC_ALREADY_EXISTS}
    ]
    if not failed:
        return ""
    more = f" and {len(failed) - FAILURES_SHOWN} more" if len(failed) > FAILURES_SHOWN else ""
    return f"; Creation failed: {', '.join(failed[:FAILURES_SHOWN])}{more}."


def _add_detail(response: StreamsGroupHeartbeatResponse, detail: str) -> None:
    response.status = [
        Status(status.status_code, status.status_detail + detail)
        if status.status_code == StatusCode.MISSING_INTERNAL_TOPICS
        else status
        for status in response.status or ()
    ]
