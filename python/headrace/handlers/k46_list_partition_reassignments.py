"""ListPartitionReassignments (key 46, v0): partitions that are on their way to other replicas (KIP-455). Never any here: a
reassignment to what a partition has is over at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k46_list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(
    call: Call, request: ListPartitionReassignmentsRequest
) -> ListPartitionReassignmentsResponse:
    del request
    if not call.may_cluster(Operation.DESCRIBE):
        raise Refusal(Error.CLUSTER_AUTHORIZATION_FAILED)
    return ListPartitionReassignmentsResponse(error_message=None, topics=[])


def refused(
    request: ListPartitionReassignmentsRequest, error: Error, message: str | None
) -> ListPartitionReassignmentsResponse:
    del request
    return ListPartitionReassignmentsResponse(error_code=error, error_message=message, topics=[])
