"""AddPartitionsToTxn (key 24, v0-5): partitions become part of a transaction, before anything is written to them.

All or none: if one cannot be added, the others are OPERATION_NOT_ATTEMPTED.

v2  PRODUCER_FENCED; INVALID_PRODUCER_EPOCH before
v4  from brokers, for several transactions at once; `verify_only` asks whether partitions are part of the transaction
    (KIP-890). Whoever adds with it speaks transaction.version 2. Here the engine asks inside the process instead.
v5  TRANSACTION_ABORTABLE
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.controller.image import INTERNAL_TOPICS
from headrace.coordinator.transaction.transaction import VERSION_EPOCH_BUMP
from headrace.engine.port import Producer
from headrace.engine.slices import in_slices
from headrace.handlers.call import Operation
from headrace.handlers.fencing import fenced_error
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k24_add_partitions_to_txn import (
    AddPartitionsToTxnPartitionResult,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnResult,
    AddPartitionsToTxnTopicResult,
    AddPartitionsToTxnTransaction,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from headrace.handlers.call import Call
    from headrace.wire.messages.k24_add_partitions_to_txn import AddPartitionsToTxnTopic

VERSION_PRODUCER_FENCED = 2
VERSION_BROKERS = 4


async def handle(call: Call, request: AddPartitionsToTxnRequest) -> AddPartitionsToTxnResponse:
    if call.api_version >= VERSION_BROKERS:
        if not call.may_cluster(Operation.CLUSTER_ACTION):
            return AddPartitionsToTxnResponse(error_code=Error.CLUSTER_AUTHORIZATION_FAILED)
        results: list[AddPartitionsToTxnResult] = []
        async for part in in_slices(request.transactions):
            results += [AddPartitionsToTxnResult(one.transactional_id, await _one(call, one)) for one in part]
        return AddPartitionsToTxnResponse(results_by_transaction=results)
    only = AddPartitionsToTxnTransaction(
        request.v3_and_below_transactional_id,
        request.v3_and_below_producer_id,
        request.v3_and_below_producer_epoch,
        topics=request.v3_and_below_topics,
    )
    if call.may_transaction(Operation.WRITE, only.transactional_id):
        found = await _one(call, only)
    else:
        found = _same(only.topics, Error.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    return AddPartitionsToTxnResponse(results_by_topic_v3_and_below=found)


async def _one(call: Call, asked: AddPartitionsToTxnTransaction) -> list[AddPartitionsToTxnTopicResult]:
    named = dict.fromkeys((topic.name, number) for topic in asked.topics for number in topic.partitions)
    impossible: dict[tuple[str, int], Error] = {}
    async for part in in_slices(named):
        for place in part:
            if error := _why_not(call, *place):
                impossible[place] = error
    if impossible:
        return _each(asked.topics, lambda place: impossible.get(place, Error.OPERATION_NOT_ATTEMPTED))
    places = tuple(named)
    producer = Producer(asked.producer_id, asked.producer_epoch)
    transactions = call.services.transactions
    try:
        if asked.verify_only:
            verdicts = await transactions.verify(asked.transactional_id, producer, places)
            errors = dict(zip(places, verdicts, strict=True))
            return _each(asked.topics, lambda place: errors[place])
        version = VERSION_EPOCH_BUMP if call.api_version >= VERSION_BROKERS else 0
        error = await transactions.add(asked.transactional_id, producer, frozenset(places), version)
    except Refusal as refusal:
        error = refusal.error
    return _same(asked.topics, fenced_error(error, call, VERSION_PRODUCER_FENCED))


def _why_not(call: Call, name: str, number: int) -> Error:
    if call.api_version < VERSION_BROKERS and not _may_write(call, name):
        return Error.TOPIC_AUTHORIZATION_FAILED
    topic = call.services.controller.topic(name)
    known = topic is not None and topic.partition(number) is not None
    return Error.NONE if known else Error.UNKNOWN_TOPIC_OR_PARTITION


def _may_write(call: Call, name: str) -> bool:
    """Nobody writes to internal topics, so nobody adds them; offsets have an API of their own."""
    return name not in INTERNAL_TOPICS and call.may_topic(Operation.WRITE, name)


def _each(
    topics: Iterable[AddPartitionsToTxnTopic], error: Callable[[tuple[str, int]], Error]
) -> list[AddPartitionsToTxnTopicResult]:
    """Each by itself: what is named twice is answered once, as in Kafka."""
    named: dict[str, dict[int, None]] = {}
    for topic in topics:
        named.setdefault(topic.name, {}).update(dict.fromkeys(topic.partitions))
    return [
        AddPartitionsToTxnTopicResult(
            name, [AddPartitionsToTxnPartitionResult(n, error((name, n))) for n in partitions]
        )
        for name, partitions in named.items()
        if partitions
    ]


def _same(topics: Iterable[AddPartitionsToTxnTopic], error: Error) -> list[AddPartitionsToTxnTopicResult]:
    """The same for all, as they were named."""
    return [
        AddPartitionsToTxnTopicResult(
            topic.name, [AddPartitionsToTxnPartitionResult(n, error) for n in topic.partitions]
        )
        for topic in topics
    ]


def refused(
    request: AddPartitionsToTxnRequest, error: Error, message: str | None
) -> AddPartitionsToTxnResponse:
    """At the top since v4, on every partition before."""
    del message
    return AddPartitionsToTxnResponse(
        error_code=error, results_by_topic_v3_and_below=_same(request.v3_and_below_topics, error)
    )
