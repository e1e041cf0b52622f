"""ReadShareGroupState (key 84, v0): the state of share-partitions, for their leader (KIP-932).

Between brokers; here the share coordinator is asked without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.share_states import results
from headrace.wire.messages.k84_read_share_group_state import (
    PartitionResult,
    ReadShareGroupStateRequest,
    ReadShareGroupStateResponse,
    ReadStateResult,
    StateBatch,
)

if TYPE_CHECKING:
    from headrace.coordinator.share.machine import Told
    from headrace.coordinator.share.records import ShareKey
    from headrace.handlers.call import Call
    from headrace.wire.messages.k84_read_share_group_state import PartitionData


async def handle(call: Call, request: ReadShareGroupStateRequest) -> ReadShareGroupStateResponse:
    async def ask(key: ShareKey, partition: PartitionData) -> Told:
        return await call.services.share_states.read(key, partition.leader_epoch)

    found = await results(call, request, ask, _result)
    return ReadShareGroupStateResponse(results=[ReadStateResult(*topic) for topic in found])


def _result(number: int, told: Told, message: str | None) -> PartitionResult:
    if told.state is None:
        return PartitionResult(number, told.error, message)
    batches = [StateBatch(*batch) for batch in told.state.batches]
    return PartitionResult(
        number, told.error, message, told.state.state_epoch, told.state.start_offset, batches
    )


def refused(
    request: ReadShareGroupStateRequest, error: int, message: str | None
) -> ReadShareGroupStateResponse:
    return ReadShareGroupStateResponse(
        results=[
            ReadStateResult(
                topic.topic_id, [PartitionResult(p.partition, error, message) for p in topic.partitions]
            )
            for topic in request.topics
        ]
    )
