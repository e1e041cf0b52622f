"""WriteShareGroupState (key 85, v0-1): what changed in share-partitions (KIP-932).

Between brokers; here the share coordinator is asked without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.share.machine import Write
from headrace.coordinator.share.records import StateBatch
from headrace.handlers.share_states import results
from headrace.wire.messages.k85_write_share_group_state import (
    PartitionResult,
    WriteShareGroupStateRequest,
    WriteShareGroupStateResponse,
    WriteStateResult,
)

if TYPE_CHECKING:
    from headrace.coordinator.share.machine import Told
    from headrace.coordinator.share.records import ShareKey
    from headrace.handlers.call import Call
    from headrace.wire.messages.k85_write_share_group_state import PartitionData


async def handle(call: Call, request: WriteShareGroupStateRequest) -> WriteShareGroupStateResponse:
    async def ask(key: ShareKey, partition: PartitionData) -> Told:
        batches = tuple(
            StateBatch(b.first_offset, b.last_offset, b.delivery_state, b.delivery_count)
            for b in partition.state_batches
        )
        return await call.services.share_states.write(
            Write(
                key,
                partition.state_epoch,
                partition.leader_epoch,
                partition.start_offset,
                partition.delivery_complete_count,
                batches,
            )
        )

    found = await results(call, request, ask, _result)
    return WriteShareGroupStateResponse(results=[WriteStateResult(*topic) for topic in found])


def _result(number: int, told: Told, message: str | None) -> PartitionResult:
    return PartitionResult(number, told.error, message)


def refused(
    request: WriteShareGroupStateRequest, error: int, message: str | None
) -> WriteShareGroupStateResponse:
    return WriteShareGroupStateResponse(
        results=[
            WriteStateResult(
                topic.topic_id, [PartitionResult(p.partition, error, message) for p in topic.partitions]
            )
            for topic in request.topics
        ]
    )
