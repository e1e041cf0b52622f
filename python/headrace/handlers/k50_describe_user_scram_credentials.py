"""DescribeUserScramCredentials (key 50, v0): which users have credentials, by which mechanisms, of how many iterations, and
nothing else of them (KIP-554). None named: all users.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k50_describe_user_scram_credentials import (
    CredentialInfo,
    DescribeUserScramCredentialsRequest,
    DescribeUserScramCredentialsResponse,
    DescribeUserScramCredentialsResult,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(
    call: Call, request: DescribeUserScramCredentialsRequest
) -> DescribeUserScramCredentialsResponse:
    if not call.may_cluster(Operation.DESCRIBE):
        raise Refusal(Error.CLUSTER_AUTHORIZATION_FAILED)
    infos: dict[str, list[CredentialInfo]] = {}
    for (user, mechanism), stored in sorted(call.services.controller.image.scram.items()):
        infos.setdefault(user, []).append(CredentialInfo(mechanism, stored.iterations))
    named = [user.name for user in request.users or ()]
    return DescribeUserScramCredentialsResponse(
        results=[
            _result(user, infos, twice=named.count(user) > 1)
            for user in (sorted(set(named)) if named else infos)
        ]
    )


def refused(
    request: DescribeUserScramCredentialsRequest, error: Error, message: str | None
) -> DescribeUserScramCredentialsResponse:
    del request
    return DescribeUserScramCredentialsResponse(error_code=error, error_message=message, results=[])


def _result(
    user: str, infos: dict[str, list[CredentialInfo]], *, twice: bool
) -> DescribeUserScramCredentialsResult:
    if twice:
        why = f"Cannot describe SCRAM credentials for the same user twice in a single request: {user}"
        return DescribeUserScramCredentialsResult(user, Error.DUPLICATE_RESOURCE, why)
    if user not in infos:
        why = f"Attempt to describe a user credential that does not exist: {user}"
        return DescribeUserScramCredentialsResult(user, Error.RESOURCE_NOT_FOUND, why)
    return DescribeUserScramCredentialsResult(user, credential_infos=infos[user])
