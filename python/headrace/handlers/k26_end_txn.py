"""EndTxn (key 26, v0-5): commit or abort a transaction.

Answered when the decision is stored, and cannot become another one; the markers that tell the partitions follow. Until all
of them are written, whatever the producer asks for next is CONCURRENT_TRANSACTIONS.

v2  PRODUCER_FENCED; INVALID_PRODUCER_EPOCH before
v5  transaction.version 2 (KIP-890): the end raises the epoch, and the answer names the producer id and epoch to go on
    with; the same request once more is answered the same
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.transaction.transaction import VERSION_EPOCH_BUMP
from headrace.engine.port import Producer
from headrace.handlers.call import Operation
from headrace.handlers.fencing import fenced_error
from headrace.model.errors import Error
from headrace.wire.messages.k26_end_txn import EndTxnResponse

if TYPE_CHECKING:
    from headrace.handlers.call import Call
    from headrace.wire.messages.k26_end_txn import EndTxnRequest

VERSION_PRODUCER_FENCED = 2
VERSION_BUMPS = 5


async def handle(call: Call, request: EndTxnRequest) -> EndTxnResponse:
    if not call.may_transaction(Operation.WRITE, request.transactional_id):
        return EndTxnResponse(error_code=Error.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    outcome = await call.services.transactions.end(
        request.transactional_id,
        Producer(request.producer_id, request.producer_epoch),
        committed=request.committed,
        client_version=VERSION_EPOCH_BUMP if call.api_version >= VERSION_BUMPS else 0,
    )
    error = fenced_error(outcome.error, call, VERSION_PRODUCER_FENCED)
    if call.api_version < VERSION_BUMPS:
        return EndTxnResponse(error_code=error)
    return EndTxnResponse(
        error_code=error, producer_id=outcome.producer_id, producer_epoch=outcome.producer_epoch
    )
