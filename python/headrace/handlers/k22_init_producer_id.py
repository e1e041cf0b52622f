"""InitProducerId (key 22, v0-5): an id and an epoch for a producer.

Without a transactional id every call gives a new id with epoch 0. With one the id stays and the epoch rises, so that
whoever had it before is fenced; a transaction of theirs that is open is aborted, and CONCURRENT_TRANSACTIONS asks the
caller to come again when that is done. The coordinator keeps it (FindCoordinator).

v3  the producer's present id and epoch (KIP-360): it goes on after an error, unless somebody else has come meanwhile
v4  PRODUCER_FENCED; INVALID_PRODUCER_EPOCH before
Not here: two-phase commit (v6, KIP-939), which Kafka 4.2 does not advertise either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.engine.port import Producer
from headrace.handlers.call import Operation
from headrace.handlers.fencing import fenced_error
from headrace.model.errors import Error
from headrace.wire.messages.k22_init_producer_id import InitProducerIdRequest, InitProducerIdResponse

if TYPE_CHECKING:
    from headrace.handlers.call import Call

NONE = -1
VERSION_PRODUCER_FENCED = 4


async def handle(call: Call, request: InitProducerIdRequest) -> InitProducerIdResponse:
    if error := _unauthorized(call, request.transactional_id):
        return _refuse(error)
    if (request.producer_id == NONE) != (request.producer_epoch == NONE):
        return _refuse(Error.INVALID_REQUEST)
    if request.transactional_id is None:
        producer_id = await call.services.controller.producer_id()
        return InitProducerIdResponse(producer_id=producer_id, producer_epoch=0)
    expected = None
    if request.producer_id != NONE:
        expected = Producer(request.producer_id, request.producer_epoch)
    outcome = await call.services.transactions.init_producer(
        request.transactional_id, request.transaction_timeout_ms, expected
    )
    error = fenced_error(outcome.error, call, VERSION_PRODUCER_FENCED)
    return InitProducerIdResponse(
        error_code=error, producer_id=outcome.producer_id, producer_epoch=outcome.producer_epoch
    )


def _unauthorized(call: Call, transactional_id: str | None) -> Error:
    if transactional_id is not None:
        may = call.may_transaction(Operation.WRITE, transactional_id)
        return Error.NONE if may else Error.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    # Kafka also allows it to who may write to any topic; every topic is asked only if the cluster says no.
    may = call.may_cluster(Operation.IDEMPOTENT_WRITE) or any(
        call.may_topic(Operation.WRITE, name) for name in call.services.controller.image.topics
    )
    return Error.NONE if may else Error.CLUSTER_AUTHORIZATION_FAILED


def refused(request: InitProducerIdRequest, error: Error, message: str | None) -> InitProducerIdResponse:
    del request, message
    return _refuse(error)


def _refuse(error: Error) -> InitProducerIdResponse:
    return InitProducerIdResponse(error_code=error, producer_id=NONE, producer_epoch=NONE)
