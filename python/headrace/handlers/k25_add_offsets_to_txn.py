"""AddOffsetsToTxn (key 25, v0-4): a group's offsets become part of a transaction, before TxnOffsetCommit.

What is added is the partition of the offsets topic that keeps the group. Clients at transaction.version 2 leave this out:
TxnOffsetCommit adds it by itself (KIP-890).

v2  PRODUCER_FENCED; INVALID_PRODUCER_EPOCH before
v4  TRANSACTION_ABORTABLE
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.engine.port import Producer
from headrace.handlers.call import Operation
from headrace.handlers.fencing import fenced_error
from headrace.model.errors import Error
from headrace.wire.messages.k25_add_offsets_to_txn import AddOffsetsToTxnResponse

if TYPE_CHECKING:
    from headrace.handlers.call import Call
    from headrace.wire.messages.k25_add_offsets_to_txn import AddOffsetsToTxnRequest

VERSION_PRODUCER_FENCED = 2


async def handle(call: Call, request: AddOffsetsToTxnRequest) -> AddOffsetsToTxnResponse:
    if not call.may_transaction(Operation.WRITE, request.transactional_id):
        return AddOffsetsToTxnResponse(error_code=Error.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    if not call.may(Operation.READ, "group", request.group_id):
        return AddOffsetsToTxnResponse(error_code=Error.GROUP_AUTHORIZATION_FAILED)
    place = await call.services.groups.partition_of(request.group_id)
    error = await call.services.transactions.add(
        request.transactional_id, Producer(request.producer_id, request.producer_epoch), frozenset({place}), 0
    )
    return AddOffsetsToTxnResponse(error_code=fenced_error(error, call, VERSION_PRODUCER_FENCED))
