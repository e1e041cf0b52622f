"""ExpireDelegationToken (key 40, v1-2): end a token's life. Nobody may over PLAINTEXT, as in Kafka."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.model.errors import Error
from headrace.wire.messages.k40_expire_delegation_token import (
    ExpireDelegationTokenRequest,
    ExpireDelegationTokenResponse,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call

NEVER: Final = -1


async def handle(call: Call, request: ExpireDelegationTokenRequest) -> ExpireDelegationTokenResponse:
    del call, request
    return ExpireDelegationTokenResponse(Error.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, NEVER)
