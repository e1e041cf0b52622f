"""UnregisterBroker (key 64, v0): forget a broker (KIP-500). The only one there is registers anew at once, so what is known
of it stays; others are not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k64_unregister_broker import UnregisterBrokerRequest, UnregisterBrokerResponse

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: UnregisterBrokerRequest) -> UnregisterBrokerResponse:
    if not call.may_cluster(Operation.ALTER):
        raise Refusal(Error.CLUSTER_AUTHORIZATION_FAILED)
    if request.broker_id != call.services.controller.node_id:
        why = f"Broker ID {request.broker_id} is not currently registered"
        raise Refusal(Error.BROKER_ID_NOT_REGISTERED, why)
    return UnregisterBrokerResponse()


def refused(request: UnregisterBrokerRequest, error: Error, message: str | None) -> UnregisterBrokerResponse:
    del request
    return UnregisterBrokerResponse(error_code=error, error_message=message)
