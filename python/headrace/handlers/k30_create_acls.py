"""CreateAcls (key 30, v1-3): add rules, each by itself. Without an authorizer every one is refused.

v1  pattern types (KIP-290)
v3  users as resources (KIP-373)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.call import Operation
from headrace.handlers.no_authorizer import NO_AUTHORIZER, says_unknown
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k30_create_acls import (
    AclCreation,
    AclCreationResult,
    CreateAclsRequest,
    CreateAclsResponse,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: CreateAclsRequest) -> CreateAclsResponse | None:
    if any(says_unknown(_codes(creation)) for creation in request.creations):
        return None
    if not call.may_cluster(Operation.ALTER):
        raise Refusal(Error.CLUSTER_AUTHORIZATION_FAILED)
    raise Refusal(Error.SECURITY_DISABLED, NO_AUTHORIZER)


def refused(request: CreateAclsRequest, error: Error, message: str | None) -> CreateAclsResponse:
    return CreateAclsResponse(results=[AclCreationResult(error, message) for _ in request.creations])


def _codes(creation: AclCreation) -> tuple[int, ...]:
    return (
        creation.resource_type,
        creation.resource_pattern_type,
        creation.operation,
        creation.permission_type,
    )
