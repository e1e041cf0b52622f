"""DescribeTransactions (key 65, v0): transactional ids and their newest transaction (KIP-664).

Topics that the caller may not describe are left out of a transaction's partitions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.engine.slices import in_slices
from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k65_describe_transactions import (
    DescribeTransactionsRequest,
    DescribeTransactionsResponse,
    TopicData,
    TransactionState,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: DescribeTransactionsRequest) -> DescribeTransactionsResponse:
    states: list[TransactionState] = []
    async for part in in_slices(request.transactional_ids):
        states += [await _describe(call, transactional_id) for transactional_id in part]
    return DescribeTransactionsResponse(transaction_states=states)


async def _describe(call: Call, transactional_id: str) -> TransactionState:
    if not call.may_transaction(Operation.DESCRIBE, transactional_id):
        return TransactionState(Error.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, transactional_id)
    try:
        found = await call.services.transactions.describe(transactional_id)
    except Refusal as refusal:
        return TransactionState(refusal.error, transactional_id)
    if found is None:
        return TransactionState(Error.TRANSACTIONAL_ID_NOT_FOUND, transactional_id)
    topics: dict[str, TopicData] = {}
    for topic, partition in sorted(found.partitions):
        if call.may_topic(Operation.DESCRIBE, topic):
            topics.setdefault(topic, TopicData(topic, [])).partitions.append(partition)
    return TransactionState(
        Error.NONE,
        transactional_id,
        found.state.value,
        found.timeout_ms,
        found.start_ms,
        found.producer_id,
        found.producer_epoch,
        list(topics.values()),
    )


def refused(
    request: DescribeTransactionsRequest, error: Error, message: str | None
) -> DescribeTransactionsResponse:
    del message
    states = [TransactionState(error, transactional_id) for transactional_id in request.transactional_ids]
    return DescribeTransactionsResponse(transaction_states=states)
