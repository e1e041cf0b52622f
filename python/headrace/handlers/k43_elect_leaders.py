"""ElectLeaders (key 43, v0-2): make the preferred replica lead, or any that is left. Each partition has one replica, which
leads, so no election is needed.

v0  only the preferred one
v1  election types (KIP-460), an error of its own
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.controller.decide_topics import NAME_LENGTH_MAX
from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k43_elect_leaders import (
    ElectLeadersRequest,
    ElectLeadersResponse,
    PartitionResult,
    ReplicaElectionResult,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call

ELECTION_TYPES: Final = (0, 1)
"""Preferred, unclean."""
ERROR_SINCE: Final = 1


async def handle(call: Call, request: ElectLeadersRequest) -> ElectLeadersResponse:
    try:
        _check(call, request)
    except Refusal as refusal:
        response = refused(request, refusal.error, refusal.message)
        if call.api_version >= ERROR_SINCE:
            response.error_code = refusal.error
        return response
    asked = request.topic_partitions
    if asked is None:  # partitions that need no election are not named then
        every = [ReplicaElectionResult(name, []) for name in call.services.controller.image.topics]
        return ElectLeadersResponse(replica_election_results=every)
    results = [
        ReplicaElectionResult(one.topic, [_result(call, one.topic, number) for number in one.partitions])
        for one in asked
    ]
    return ElectLeadersResponse(replica_election_results=results)


def _check(call: Call, request: ElectLeadersRequest) -> None:
    if not call.may_cluster(Operation.ALTER):
        raise Refusal(Error.CLUSTER_AUTHORIZATION_FAILED)
    if request.topic_partitions == []:
        return
    if request.election_type not in ELECTION_TYPES:
        raise Refusal(Error.INVALID_REQUEST, f"Unknown election type {request.election_type}")
    if request.timeout_ms <= 0:
        raise Refusal(Error.REQUEST_TIMED_OUT)


def refused(request: ElectLeadersRequest, error: Error, message: str | None) -> ElectLeadersResponse:
    """Without an error of its own, which the oldest version does not have."""
    return ElectLeadersResponse(
        replica_election_results=[
            ReplicaElectionResult(
                one.topic, [PartitionResult(number, error, message) for number in one.partitions]
            )
            for one in request.topic_partitions or ()
        ],
    )


def _result(call: Call, name: str, number: int) -> PartitionResult:
    topic = call.services.controller.topic(name)
    if topic is None:
        return PartitionResult(
            number, Error.UNKNOWN_TOPIC_OR_PARTITION, f"No such topic as {name[:NAME_LENGTH_MAX]}"
        )
    if topic.partition(number) is None:
        why = f"No such partition as {name}-{number}"
        return PartitionResult(number, Error.UNKNOWN_TOPIC_OR_PARTITION, why)
    why = "Leader election not needed for topic partition."
    return PartitionResult(number, Error.ELECTION_NOT_NEEDED, why)
