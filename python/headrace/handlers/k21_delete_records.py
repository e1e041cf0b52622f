"""DeleteRecords (key 21, v0-2): move the log start of partitions; what is before it is gone.

Offset -1 is the high watermark; an offset at or before the log start changes nothing and succeeds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.config.topic import effective_value
from headrace.controller.image import ResourceType
from headrace.handlers.call import Operation
from headrace.model.errors import Error
from headrace.wire.messages.k21_delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsPartitionResult,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopicResult,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call

HIGH_WATERMARK = -1
NO_LOW_WATERMARK = -1


async def handle(call: Call, request: DeleteRecordsRequest) -> DeleteRecordsResponse:
    # Of a partition that is named twice the last word counts, and a topic without partitions is passed over, as in Kafka.
    asked: dict[str, dict[int, DeleteRecordsPartition]] = {}
    for topic in request.topics:
        for partition in topic.partitions:
            asked.setdefault(topic.name, {})[partition.partition_index] = partition
    return DeleteRecordsResponse(
        topics=[
            DeleteRecordsTopicResult(
                name, [await _delete(call, name, partition) for partition in partitions.values()]
            )
            for name, partitions in asked.items()
        ]
    )


def refused(request: DeleteRecordsRequest, error: Error, message: str | None) -> DeleteRecordsResponse:
    del message
    return DeleteRecordsResponse(
        topics=[
            DeleteRecordsTopicResult(
                topic.name, [_failed(partition, error) for partition in topic.partitions]
            )
            for topic in request.topics
        ]
    )


async def _delete(call: Call, name: str, asked: DeleteRecordsPartition) -> DeleteRecordsPartitionResult:
    if not call.may_topic(Operation.DELETE, name):
        return _failed(asked, Error.TOPIC_AUTHORIZATION_FAILED)
    controller = call.services.controller
    topic = controller.topic(name)
    partition = topic.partition(asked.partition_index) if topic else None
    if topic is None or partition is None:
        return _failed(asked, Error.UNKNOWN_TOPIC_OR_PARTITION)
    if topic.internal:
        return _failed(asked, Error.INVALID_TOPIC_EXCEPTION)
    overrides = controller.image.config_of(ResourceType.TOPIC, name)
    if effective_value("cleanup.policy", overrides, call.services.config) == ["compact"]:
        return _failed(asked, Error.POLICY_VIOLATION)
    if asked.offset < HIGH_WATERMARK:
        return _failed(asked, Error.OFFSET_OUT_OF_RANGE)
    error, log_start = await call.services.engine.delete_records(partition.group, asked.offset)
    if error:
        return _failed(asked, error)
    return DeleteRecordsPartitionResult(asked.partition_index, log_start)


def _failed(asked: DeleteRecordsPartition, error: Error) -> DeleteRecordsPartitionResult:
    return DeleteRecordsPartitionResult(asked.partition_index, NO_LOW_WATERMARK, error)
