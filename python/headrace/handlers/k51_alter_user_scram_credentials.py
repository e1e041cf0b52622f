"""AlterUserScramCredentials (key 51, v0): store and delete credentials of SCRAM users (KIP-554).

Passwords come salted; of those two keys are stored, and none of it is ever told or logged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.controller.decide_scram import Deletion, Upsertion
from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k51_alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    AlterUserScramCredentialsResponse,
    AlterUserScramCredentialsResult,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: AlterUserScramCredentialsRequest) -> AlterUserScramCredentialsResponse:
    if not call.may_cluster(Operation.ALTER):
        raise Refusal(Error.CLUSTER_AUTHORIZATION_FAILED)
    deletions = [Deletion(one.name, one.mechanism) for one in request.deletions]
    upsertions = [
        Upsertion(one.name, one.mechanism, one.iterations, one.salt, one.salted_password)
        for one in request.upsertions
    ]
    results = await call.services.controller.alter_scram(deletions, upsertions)
    return AlterUserScramCredentialsResponse(
        results=[AlterUserScramCredentialsResult(*result) for result in results]
    )


def refused(
    request: AlterUserScramCredentialsRequest, error: Error, message: str | None
) -> AlterUserScramCredentialsResponse:
    named = dict.fromkeys([one.name for one in request.deletions] + [one.name for one in request.upsertions])
    return AlterUserScramCredentialsResponse(
        results=[AlterUserScramCredentialsResult(name, error, message) for name in named]
    )
