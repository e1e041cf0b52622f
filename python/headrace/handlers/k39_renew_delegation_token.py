"""RenewDelegationToken (key 39, v1-2): make a token live longer. Nobody may over PLAINTEXT, as in Kafka."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.model.errors import Error
from headrace.wire.messages.k39_renew_delegation_token import (
    RenewDelegationTokenRequest,
    RenewDelegationTokenResponse,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call

NEVER: Final = -1


async def handle(call: Call, request: RenewDelegationTokenRequest) -> RenewDelegationTokenResponse:
    del call, request
    return RenewDelegationTokenResponse(Error.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, NEVER)
