"""AlterConfigs (key 33, v0-2): replace the settings of resources; what is not named goes back to its default.

Kept for old clients; IncrementalAlterConfigs (key 44) has taken its place (KIP-339).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.controller.decide_configs import Change, ConfigChange, ResourceChange
from headrace.handlers.config_resources import alter
from headrace.wire.messages.k33_alter_configs import (
    AlterConfigsRequest,
    AlterConfigsResourceResponse,
    AlterConfigsResponse,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call
    from headrace.model.errors import Error


async def handle(call: Call, request: AlterConfigsRequest) -> AlterConfigsResponse:
    changes = [
        ResourceChange(
            resource.resource_type,
            resource.resource_name,
            [ConfigChange(config.name, Change.SET, config.value) for config in resource.configs],
            replace=True,
        )
        for resource in request.resources
    ]
    return AlterConfigsResponse(
        responses=[
            AlterConfigsResourceResponse(error, message, kind, name)
            for kind, name, error, message in await alter(call, changes, validate_only=request.validate_only)
        ]
    )


def refused(request: AlterConfigsRequest, error: Error, message: str | None) -> AlterConfigsResponse:
    return AlterConfigsResponse(
        responses=[
            AlterConfigsResourceResponse(error, message, resource.resource_type, resource.resource_name)
            for resource in request.resources
        ]
    )
