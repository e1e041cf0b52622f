"""SaslAuthenticate (key 36, v0-2): a step of an authentication. Over PLAINTEXT there is none under way, as in Kafka."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.model.errors import Error
from headrace.wire.messages.k36_sasl_authenticate import SaslAuthenticateRequest, SaslAuthenticateResponse

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: SaslAuthenticateRequest) -> SaslAuthenticateResponse:
    del call, request
    return SaslAuthenticateResponse(
        Error.ILLEGAL_SASL_STATE, "SaslAuthenticate request received after successful authentication"
    )
