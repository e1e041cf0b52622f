"""What of a StreamsGroupHeartbeat can be said without looking at its group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.group.modern.life import JOIN_EPOCH, LEAVE_STATIC_EPOCH
from headrace.coordinator.group.streams.topology import check_topology
from headrace.coordinator.runtime.stored_text import too_long
from headrace.model.errors import Error, Refusal

if TYPE_CHECKING:
    from headrace.wire.messages.k88_streams_group_heartbeat import StreamsGroupHeartbeatRequest


def check_request(request: StreamsGroupHeartbeatRequest, client_id: str) -> None:
    """Raises `Refusal` with Kafka's words, the first that apply."""
    _check_features(request)
    for text, name in (
        (request.member_id, "MemberId"),
        (request.group_id, "GroupId"),
        (request.instance_id, "InstanceId"),
        (request.rack_id, "RackId"),
    ):
        _unless(text is None or bool(text.strip()), f"{name} can't be empty.")
    if request.member_epoch == JOIN_EPOCH:
        _check_join(request)
    elif request.member_epoch == LEAVE_STATIC_EPOCH:
        _unless(request.instance_id is not None, "InstanceId can't be null.")
    elif request.member_epoch < LEAVE_STATIC_EPOCH:
        raise _invalid(f"MemberEpoch is {request.member_epoch}, but must be greater than or equal to -2.")
    owned = (request.active_tasks, request.standby_tasks, request.warmup_tasks)
    if any(tasks is not None for tasks in owned):
        _unless(None not in owned, "If one task-type is non-null, all must be non-null.")
    if request.member_epoch != JOIN_EPOCH:
        _unless(request.topology is None, "Topology can only be provided when (re-)joining.")
    _check_texts(request, client_id)


def _check_features(request: StreamsGroupHeartbeatRequest) -> None:
    """What the protocol has room for and Kafka 4.2 does not do yet."""
    _unless(request.instance_id is None, "Static membership is not yet supported.")
    _unless(request.task_offsets is None, "TaskOffsets are not supported yet.")
    _unless(request.task_end_offsets is None, "TaskEndOffsets are not supported yet.")
    _unless(not request.warmup_tasks, "WarmupTasks are not supported yet.")
    if request.topology is not None:
        for subtopology in request.topology.subtopologies:
            _unless(
                not subtopology.source_topic_regex,
                "Regular expressions for source topics are not supported yet.",
            )


def _check_join(request: StreamsGroupHeartbeatRequest) -> None:
    _unless(request.rebalance_timeout_ms != -1, "RebalanceTimeoutMs must be provided in first request.")
    _unless(request.active_tasks == [], "ActiveTasks must be empty when (re-)joining.")
    _unless(request.standby_tasks == [], "StandbyTasks must be empty when (re-)joining.")
    _unless(request.warmup_tasks == [], "WarmupTasks must be empty when (re-)joining.")
    if request.topology is None:
        raise _invalid("Topology must be non-null when (re-)joining.")
    check_topology(request.topology)


def _check_texts(request: StreamsGroupHeartbeatRequest, client_id: str) -> None:
    """Ours: what could not be stored."""
    tags = request.client_tags or ()
    host = request.user_endpoint.host if request.user_endpoint else None
    texts = (request.group_id, request.member_id, request.rack_id, request.process_id, client_id, host)
    _unless(
        not too_long(*texts, *(text for tag in tags for text in (tag.key, tag.value))),
        "A text of the request is too long to be stored.",
    )


def _unless(condition: bool, message: str) -> None:
    if not condition:
        raise _invalid(message)


def _invalid(message: str) -> Refusal:
    return Refusal(Error.INVALID_REQUEST, message)
