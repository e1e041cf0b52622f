"""IncrementalAlterConfigs (key 44, v0-1): set, delete, append to or subtract from single settings (KIP-339)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.controller.decide_configs import Change, ConfigChange, ResourceChange
from headrace.handlers.config_resources import alter
from headrace.model.errors import Error
from headrace.wire.messages.k44_incremental_alter_configs import (
    AlterConfigsResource,
    AlterConfigsResourceResponse,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call

_OPERATIONS: Final = frozenset(Change)


async def handle(call: Call, request: IncrementalAlterConfigsRequest) -> IncrementalAlterConfigsResponse:
    answers = []
    changes = []
    for resource in request.resources:
        names = [change.name for change in resource.configs]
        unknown = any(
            change.config_operation not in _OPERATIONS and change.value is not None
            for change in resource.configs
        )
        if unknown and len(set(names)) == len(names):
            answers.append(_response(resource, Error.UNKNOWN_SERVER_ERROR, None))
            continue
        edits = [ConfigChange(c.name, _change(c.config_operation), c.value) for c in resource.configs]
        changes.append(ResourceChange(resource.resource_type, resource.resource_name, edits))
    answers += [
        AlterConfigsResourceResponse(error, message, kind, name)
        for kind, name, error, message in await alter(call, changes, validate_only=request.validate_only)
    ]
    return IncrementalAlterConfigsResponse(responses=answers)


def _change(operation: int) -> Change:
    """Kafka looks for missing values and for names that stand there twice before it looks at operations: one that is unknown
    comes with either here."""
    return Change(operation) if operation in _OPERATIONS else Change.SET


def refused(
    request: IncrementalAlterConfigsRequest, error: Error, message: str | None
) -> IncrementalAlterConfigsResponse:
    return IncrementalAlterConfigsResponse(
        responses=[_response(resource, error, message) for resource in request.resources]
    )


def _response(
    resource: AlterConfigsResource, error: Error, message: str | None
) -> AlterConfigsResourceResponse:
    return AlterConfigsResourceResponse(error, message, resource.resource_type, resource.resource_name)
