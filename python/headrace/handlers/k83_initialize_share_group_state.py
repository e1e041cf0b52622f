"""InitializeShareGroupState (key 83, v0): begin with the state of share-partitions (KIP-932).

Between brokers; here the share coordinator is asked without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.share_states import results
from headrace.wire.messages.k83_initialize_share_group_state import (
    InitializeShareGroupStateRequest,
    InitializeShareGroupStateResponse,
    InitializeStateResult,
    PartitionResult,
)

if TYPE_CHECKING:
    from headrace.coordinator.share.machine import Told
    from headrace.coordinator.share.records import ShareKey
    from headrace.handlers.call import Call
    from headrace.wire.messages.k83_initialize_share_group_state import PartitionData


async def handle(call: Call, request: InitializeShareGroupStateRequest) -> InitializeShareGroupStateResponse:
    async def ask(key: ShareKey, partition: PartitionData) -> Told:
        return await call.services.share_states.initialize(key, partition.state_epoch, partition.start_offset)

    found = await results(call, request, ask, _result)
    return InitializeShareGroupStateResponse(results=[InitializeStateResult(*topic) for topic in found])


def _result(number: int, told: Told, message: str | None) -> PartitionResult:
    return PartitionResult(number, told.error, message)


def refused(
    request: InitializeShareGroupStateRequest, error: int, message: str | None
) -> InitializeShareGroupStateResponse:
    return InitializeShareGroupStateResponse(
        results=[
            InitializeStateResult(
                topic.topic_id, [PartitionResult(p.partition, error, message) for p in topic.partitions]
            )
            for topic in request.topics
        ]
    )
