"""OffsetForLeaderEpoch (key 23, v2-4): where a leader epoch ends in a partition's log, so that a consumer sees truncation.

v3  the replica id says who asks: -1 a consumer, -2 a debugger
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.call import Operation
from headrace.model.errors import Error
from headrace.wire.messages.k23_offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition,
    OffsetForLeaderTopicResult,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: OffsetForLeaderEpochRequest) -> OffsetForLeaderEpochResponse:
    return OffsetForLeaderEpochResponse(
        topics=[
            OffsetForLeaderTopicResult(
                topic.topic, [await _end(call, topic.topic, partition) for partition in topic.partitions]
            )
            for topic in request.topics
        ]
    )


def refused(
    request: OffsetForLeaderEpochRequest, error: Error, message: str | None
) -> OffsetForLeaderEpochResponse:
    del message
    return OffsetForLeaderEpochResponse(
        topics=[
            OffsetForLeaderTopicResult(
                topic.topic, [EpochEndOffset(error, partition.partition) for partition in topic.partitions]
            )
            for topic in request.topics
        ]
    )


async def _end(call: Call, name: str, asked: OffsetForLeaderPartition) -> EpochEndOffset:
    if not call.may_topic(Operation.DESCRIBE, name):
        return EpochEndOffset(Error.TOPIC_AUTHORIZATION_FAILED, asked.partition)
    topic = call.services.controller.topic(name)
    partition = topic.partition(asked.partition) if topic else None
    if partition is None:
        return EpochEndOffset(Error.UNKNOWN_TOPIC_OR_PARTITION, asked.partition)
    end = await call.services.engine.epoch_end(
        partition.group, asked.current_leader_epoch, asked.leader_epoch
    )
    return EpochEndOffset(end.error, asked.partition, end.epoch, end.end_offset)
