"""WriteTxnMarkers (key 27, v1-2): end transactions in partitions, whatever their coordinator says.

Coordinators of other brokers send it; here they live in this process, so what comes this way is an administrator who ends
a transaction that hangs (`kafka-transactions abort`). A marker is written also where nothing is open.

v2  the transaction.version of the marker (KIP-1228)
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from headrace.engine.port import Marker, Producer
from headrace.engine.slices import in_slices
from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k27_write_txn_markers import (
    WritableTxnMarkerPartitionResult,
    WritableTxnMarkerResult,
    WritableTxnMarkerTopicResult,
    WriteTxnMarkersRequest,
    WriteTxnMarkersResponse,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: WriteTxnMarkersRequest) -> WriteTxnMarkersResponse:
    if not call.may_cluster(Operation.ALTER) and not call.may_cluster(Operation.CLUSTER_ACTION):
        return refused(request, Error.CLUSTER_AUTHORIZATION_FAILED, None)
    outcomes: dict[int, dict[str, dict[int, Error]]] = {}  # what is named twice is answered once
    wanted = (
        (topic.name, number, producer, end, possible)
        for marker in request.markers
        for producer in [Producer(marker.producer_id, marker.producer_epoch)]
        for end in [Marker(marker.transaction_result, marker.coordinator_epoch)]
        # Kafka can make no other marker either, and has no error for it.
        for possible in [-1 not in producer and marker.transaction_version >= 0]
        for topic in marker.topics
        for number in topic.partition_indexes
    )
    async for part in in_slices(wanted):  # begun in their order, and durable with one write
        errors = await asyncio.gather(*(_write(call, *one) for one in part))
        for (name, number, producer, *_), error in zip(part, errors, strict=True):
            outcomes.setdefault(producer.producer_id, {}).setdefault(name, {})[number] = error
    return WriteTxnMarkersResponse(
        [
            WritableTxnMarkerResult(
                producer_id,
                [
                    WritableTxnMarkerTopicResult(
                        name, [WritableTxnMarkerPartitionResult(n, error) for n, error in errors.items()]
                    )
                    for name, errors in by_topic.items()
                ],
            )
            for producer_id, by_topic in outcomes.items()
        ]
    )


async def _write(
    call: Call, name: str, number: int, producer: Producer, marker: Marker, possible: bool
) -> Error:
    topic = call.services.controller.topic(name)
    partition = topic.partition(number) if topic is not None else None
    if partition is None:
        return Error.UNKNOWN_TOPIC_OR_PARTITION
    if not possible:
        return Error.UNKNOWN_SERVER_ERROR
    groups = call.services.groups
    if name == groups.topic_name:  # its partitions have one writer
        try:
            return await groups.end_transaction(number, producer, marker)
        except Refusal:
            return Error.NOT_LEADER_OR_FOLLOWER
    return (await call.services.engine.append_marker(partition.group, producer, marker)).error


def refused(request: WriteTxnMarkersRequest, error: Error, message: str | None) -> WriteTxnMarkersResponse:
    del message
    return WriteTxnMarkersResponse(
        [
            WritableTxnMarkerResult(
                marker.producer_id,
                [
                    WritableTxnMarkerTopicResult(
                        topic.name,
                        [WritableTxnMarkerPartitionResult(n, error) for n in topic.partition_indexes],
                    )
                    for topic in marker.topics
                ],
            )
            for marker in request.markers
        ]
    )
