"""DeleteShareGroupState (key 86, v0): forget the state of share-partitions (KIP-932).

Between brokers; here the share coordinator is asked without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.share_states import results
from headrace.wire.messages.k86_delete_share_group_state import (
    DeleteShareGroupStateRequest,
    DeleteShareGroupStateResponse,
    DeleteStateResult,
    PartitionResult,
)

if TYPE_CHECKING:
    from headrace.coordinator.share.machine import Told
    from headrace.coordinator.share.records import ShareKey
    from headrace.handlers.call import Call
    from headrace.wire.messages.k86_delete_share_group_state import PartitionData


async def handle(call: Call, request: DeleteShareGroupStateRequest) -> DeleteShareGroupStateResponse:
    async def ask(key: ShareKey, partition: PartitionData) -> Told:
        del partition
        return await call.services.share_states.delete(key)

    found = await results(call, request, ask, _result)
    return DeleteShareGroupStateResponse(results=[DeleteStateResult(*topic) for topic in found])


def _result(number: int, told: Told, message: str | None) -> PartitionResult:
    return PartitionResult(number, told.error, message)


def refused(
    request: DeleteShareGroupStateRequest, error: int, message: str | None
) -> DeleteShareGroupStateResponse:
    return DeleteShareGroupStateResponse(
        results=[
            DeleteStateResult(
                topic.topic_id, [PartitionResult(p.partition, error, message) for p in topic.partitions]
            )
            for topic in request.topics
        ]
    )
