"""InitProducerId (key 22, v0-5): an id for an idempotent producer; every call gives a new one with epoch 0.

There are no transactions yet: a transactional id is refused with INVALID_REQUEST, which is fatal to the producer at once,
where COORDINATOR_NOT_AVAILABLE would have it retry for a minute.

v3  the producer's present id and epoch (KIP-360), of use to transactions only
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.call import Operation
from headrace.model.errors import Error
from headrace.wire.messages.k22_init_producer_id import InitProducerIdRequest, InitProducerIdResponse

if TYPE_CHECKING:
    from headrace.handlers.call import Call

NONE = -1


async def handle(call: Call, request: InitProducerIdRequest) -> InitProducerIdResponse:
    if request.transactional_id is not None:
        return _refuse(Error.INVALID_REQUEST)
    if (request.producer_id == NONE) != (request.producer_epoch == NONE):
        return _refuse(Error.INVALID_REQUEST)
    # Kafka also allows it to who may write to any topic; every topic is asked only if the cluster says no.
    if not call.may_cluster(Operation.IDEMPOTENT_WRITE) and not any(
        call.may_topic(Operation.WRITE, name) for name in call.services.controller.image.topics
    ):
        return _refuse(Error.CLUSTER_AUTHORIZATION_FAILED)
    producer_id = await call.services.controller.producer_id()
    return InitProducerIdResponse(producer_id=producer_id, producer_epoch=0)


def refused(request: InitProducerIdRequest, error: Error, message: str | None) -> InitProducerIdResponse:
    del request, message
    return _refuse(error)


def _refuse(error: Error) -> InitProducerIdResponse:
    return InitProducerIdResponse(error_code=error, producer_id=NONE, producer_epoch=NONE)
