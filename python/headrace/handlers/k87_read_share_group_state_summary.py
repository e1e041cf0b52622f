"""ReadShareGroupStateSummary (key 87, v0-1): how far share-partitions are, for everybody else (KIP-932).

Between brokers; here the share coordinator is asked without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.share_states import results
from headrace.wire.messages.k87_read_share_group_state_summary import (
    PartitionResult,
    ReadShareGroupStateSummaryRequest,
    ReadShareGroupStateSummaryResponse,
    ReadStateSummaryResult,
)

if TYPE_CHECKING:
    from headrace.coordinator.share.machine import Told
    from headrace.coordinator.share.records import ShareKey
    from headrace.handlers.call import Call
    from headrace.wire.messages.k87_read_share_group_state_summary import PartitionData


async def handle(
    call: Call, request: ReadShareGroupStateSummaryRequest
) -> ReadShareGroupStateSummaryResponse:
    async def ask(key: ShareKey, partition: PartitionData) -> Told:
        del partition
        return await call.services.share_states.summary(key)

    found = await results(call, request, ask, _result)
    return ReadShareGroupStateSummaryResponse(results=[ReadStateSummaryResult(*topic) for topic in found])


def _result(number: int, told: Told, message: str | None) -> PartitionResult:
    state = told.state
    if state is None:
        return PartitionResult(number, told.error, message)
    return PartitionResult(
        number,
        told.error,
        message,
        state.state_epoch,
        state.leader_epoch,
        state.start_offset,
        state.delivery_complete_count,
    )


def refused(
    request: ReadShareGroupStateSummaryRequest, error: int, message: str | None
) -> ReadShareGroupStateSummaryResponse:
    return ReadShareGroupStateSummaryResponse(
        results=[
            ReadStateSummaryResult(
                topic.topic_id, [PartitionResult(p.partition, error, message) for p in topic.partitions]
            )
            for topic in request.topics
        ]
    )
