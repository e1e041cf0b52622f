"""DescribeCluster (key 60, v0-2): brokers and controller (KIP-700); Java's Admin asks this instead of Metadata.

v1  brokers or controllers (KIP-919): on a broker's listener only brokers
v2  fenced brokers too (KIP-1073); we have none
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.handlers.authorized_operations import NOT_ASKED, authorized_operations
from headrace.handlers.call import CLUSTER, Operation
from headrace.model.errors import Error
from headrace.wire.messages.k60_describe_cluster import (
    DescribeClusterBroker,
    DescribeClusterRequest,
    DescribeClusterResponse,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call

BROKERS: Final = 1
CONTROLLERS: Final = 2


async def handle(call: Call, request: DescribeClusterRequest) -> DescribeClusterResponse:
    if request.endpoint_type != BROKERS:
        known = request.endpoint_type == CONTROLLERS
        return DescribeClusterResponse(
            error_code=Error.MISMATCHED_ENDPOINT_TYPE if known else Error.UNSUPPORTED_ENDPOINT_TYPE,
            error_message="The request was sent to an endpoint of type BROKER",
        )
    controller = call.services.controller
    asked = request.include_cluster_authorized_operations and call.may_cluster(Operation.DESCRIBE)
    return DescribeClusterResponse(
        cluster_id=controller.cluster_id,
        controller_id=controller.node_id,
        brokers=[DescribeClusterBroker(*node) for node in controller.nodes(call.listener)],
        cluster_authorized_operations=(
            authorized_operations(call, "cluster", CLUSTER) if asked else NOT_ASKED
        ),
    )
