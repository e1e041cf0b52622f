"""DeleteAcls (key 31, v1-3): delete the rules that match filters, each by itself. Without an authorizer all are refused.

v1  pattern types (KIP-290)
v3  users as resources (KIP-373)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.call import Operation
from headrace.handlers.no_authorizer import NO_AUTHORIZER, says_unknown
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k31_delete_acls import (
    DeleteAclsFilter,
    DeleteAclsFilterResult,
    DeleteAclsRequest,
    DeleteAclsResponse,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: DeleteAclsRequest) -> DeleteAclsResponse | None:
    if any(says_unknown(_codes(one)) for one in request.filters):
        return None
    if not call.may_cluster(Operation.ALTER):
        raise Refusal(Error.CLUSTER_AUTHORIZATION_FAILED)
    raise Refusal(Error.SECURITY_DISABLED, NO_AUTHORIZER)


def refused(request: DeleteAclsRequest, error: Error, message: str | None) -> DeleteAclsResponse:
    return DeleteAclsResponse(
        filter_results=[DeleteAclsFilterResult(error, message, []) for _ in request.filters]
    )


def _codes(one: DeleteAclsFilter) -> tuple[int, ...]:
    return (one.resource_type_filter, one.pattern_type_filter, one.operation, one.permission_type)
