"""DescribeAcls (key 29, v1-3): which rules match a filter. Without an authorizer there are none to speak of.

v1  pattern types (KIP-290)
v3  users as resources (KIP-373)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.call import Operation
from headrace.handlers.no_authorizer import NO_AUTHORIZER, says_unknown
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k29_describe_acls import DescribeAclsRequest, DescribeAclsResponse

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: DescribeAclsRequest) -> DescribeAclsResponse | None:
    if says_unknown(
        (
            request.resource_type_filter,
            request.pattern_type_filter,
            request.operation,
            request.permission_type,
        )
    ):
        return None
    if not call.may_cluster(Operation.DESCRIBE):
        raise Refusal(Error.CLUSTER_AUTHORIZATION_FAILED)
    raise Refusal(Error.SECURITY_DISABLED, NO_AUTHORIZER.removesuffix(".") + " on the broker")


def refused(request: DescribeAclsRequest, error: Error, message: str | None) -> DescribeAclsResponse:
    del request
    return DescribeAclsResponse(error_code=error, error_message=message, resources=[])
