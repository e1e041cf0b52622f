"""AlterPartitionReassignments (key 45, v0-1): give partitions other replicas (KIP-455). There is one node, so the only ones
that a partition may be given are those that it has.

v1  `allow_replication_factor_change`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.controller.decide_topics import checked_replicas
from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k45_alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
    ReassignablePartition,
    ReassignablePartitionResponse,
    ReassignableTopicResponse,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(
    call: Call, request: AlterPartitionReassignmentsRequest
) -> AlterPartitionReassignmentsResponse:
    if not call.may_cluster(Operation.ALTER):
        raise Refusal(Error.CLUSTER_AUTHORIZATION_FAILED)
    if request.timeout_ms <= 0:
        raise Refusal(Error.REQUEST_TIMED_OUT)
    responses = [
        ReassignableTopicResponse(topic.name, [_response(call, topic.name, p) for p in topic.partitions])
        for topic in request.topics
    ]
    return AlterPartitionReassignmentsResponse(
        allow_replication_factor_change=request.allow_replication_factor_change,
        error_message=None if request.topics else "",
        responses=responses,
    )


def refused(
    request: AlterPartitionReassignmentsRequest, error: Error, message: str | None
) -> AlterPartitionReassignmentsResponse:
    return AlterPartitionReassignmentsResponse(
        error_code=error,
        error_message=message,
        responses=[
            ReassignableTopicResponse(
                topic.name,
                [ReassignablePartitionResponse(p.partition_index, error, message) for p in topic.partitions],
            )
            for topic in request.topics
        ],
    )


def _response(call: Call, name: str, wanted: ReassignablePartition) -> ReassignablePartitionResponse:
    try:
        _check(call, name, wanted)
    except Refusal as refusal:
        return ReassignablePartitionResponse(wanted.partition_index, refusal.error, refusal.message)
    return ReassignablePartitionResponse(wanted.partition_index, Error.NONE, None)


def _check(call: Call, name: str, wanted: ReassignablePartition) -> None:
    """Raise `Refusal` unless the partition already is as it is wanted."""
    controller = call.services.controller
    topic = controller.topic(name)
    if topic is None:
        raise Refusal(Error.UNKNOWN_TOPIC_OR_PARTITION, f"Unable to find a topic named {name}.")
    if topic.partition(wanted.partition_index) is None:
        why = f"Unable to find partition {name}:{wanted.partition_index}."
        raise Refusal(Error.UNKNOWN_TOPIC_OR_PARTITION, why)
    if wanted.replicas is None:
        raise Refusal(Error.NO_REASSIGNMENT_IN_PROGRESS)
    checked_replicas(wanted.replicas, controller.node_id)
