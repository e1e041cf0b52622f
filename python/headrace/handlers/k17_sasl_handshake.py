"""SaslHandshake (key 17, v0-1): which mechanism a client authenticates by. Over PLAINTEXT nobody does, as in Kafka."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.model.errors import Error
from headrace.wire.messages.k17_sasl_handshake import SaslHandshakeRequest, SaslHandshakeResponse

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: SaslHandshakeRequest) -> SaslHandshakeResponse:
    del call, request
    return SaslHandshakeResponse(Error.ILLEGAL_SASL_STATE, [])
