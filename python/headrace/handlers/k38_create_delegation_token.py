"""CreateDelegationToken (key 38, v1-3): a token to authenticate with. Nobody is given one over PLAINTEXT, as in Kafka.

v3  for somebody else (KIP-373)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.model.errors import Error
from headrace.wire.messages.k38_create_delegation_token import (
    CreateDelegationTokenRequest,
    CreateDelegationTokenResponse,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call

NEVER: Final = -1


async def handle(call: Call, request: CreateDelegationTokenRequest) -> CreateDelegationTokenResponse:
    kind, _, name = call.principal.partition(":")
    owner = (kind, name)
    if request.owner_principal_name:
        owner = (request.owner_principal_type or "", request.owner_principal_name)
    asks = (kind, name) if call.api_version >= 3 else ("", "")
    refused = Error.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED
    return CreateDelegationTokenResponse(refused, *owner, *asks, NEVER, NEVER, NEVER)
