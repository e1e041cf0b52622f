"""DescribeDelegationToken (key 41, v1-3): the tokens that there are. Nobody is told over PLAINTEXT, as in Kafka."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.model.errors import Error
from headrace.wire.messages.k41_describe_delegation_token import (
    DescribeDelegationTokenRequest,
    DescribeDelegationTokenResponse,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: DescribeDelegationTokenRequest) -> DescribeDelegationTokenResponse:
    del call, request
    return DescribeDelegationTokenResponse(Error.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, [])
