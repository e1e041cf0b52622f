"""ListConfigResources (key 74, v0-1): everything that has a configuration of its own, by type (KIP-714, KIP-1142).

v0  subscriptions to clients' metrics, and nothing else
v1  types; none: every type
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.controller.image import ResourceType
from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k74_list_config_resources import (
    ConfigResource,
    ListConfigResourcesRequest,
    ListConfigResourcesResponse,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.handlers.call import Call

TYPES: Final = (
    ResourceType.GROUP,
    ResourceType.CLIENT_METRICS,
    ResourceType.BROKER_LOGGER,
    ResourceType.BROKER,
    ResourceType.TOPIC,
)


async def handle(call: Call, request: ListConfigResourcesRequest) -> ListConfigResourcesResponse:
    if not call.may_cluster(Operation.DESCRIBE_CONFIGS):
        raise Refusal(Error.CLUSTER_AUTHORIZATION_FAILED)
    wanted = set(request.resource_types) or set(TYPES)
    if call.api_version == 0:
        wanted = {ResourceType.CLIENT_METRICS}
    if not wanted.issubset(TYPES):
        raise Refusal(Error.UNSUPPORTED_VERSION)
    return ListConfigResourcesResponse(
        config_resources=[
            ConfigResource(name, kind) for kind in TYPES if kind in wanted for name in _names(call, kind)
        ]
    )


def _names(call: Call, kind: int) -> Iterable[str]:
    controller = call.services.controller
    match kind:
        case ResourceType.TOPIC:
            return controller.image.topics
        case ResourceType.BROKER | ResourceType.BROKER_LOGGER:
            return (str(controller.node_id),)
        case _:
            return [name for of_kind, name in controller.image.configs if of_kind == kind]
