"""What the three calls about configurations share: who may touch which resource."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from headrace.controller.image import ResourceType
from headrace.handlers.broker_loggers import alter_loggers
from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.controller.decide_configs import ConfigResult, ResourceChange
    from headrace.handlers.call import Call


def forbidden(call: Call, operation: Operation, resource_type: int, resource_name: str) -> Error:
    """The error that refuses the caller this resource; NONE if it may."""
    match resource_type:
        case ResourceType.TOPIC:
            may, error = call.may_topic(operation, resource_name), Error.TOPIC_AUTHORIZATION_FAILED
        case ResourceType.GROUP:
            may = call.may(operation, "group", resource_name)
            error = Error.GROUP_AUTHORIZATION_FAILED
        case _:
            may, error = call.may_cluster(operation), Error.CLUSTER_AUTHORIZATION_FAILED
    return Error.NONE if may else error


def _loggers_altered(call: Call, change: ResourceChange, *, validate_only: bool) -> tuple[Error, str | None]:
    try:
        alter_loggers(change, call.services.controller.node_id, validate_only=validate_only)
    except Refusal as refusal:
        return refusal.error, refusal.message
    return Error.NONE, None


async def alter(
    call: Call, changes: Sequence[ResourceChange], *, validate_only: bool
) -> list[tuple[int, str, Error, str | None]]:
    """Change what the caller may change: resource type, name, error and message of each."""
    answers: list[tuple[int, str, Error, str | None]] = []
    allowed: list[ResourceChange] = []
    times = Counter((change.resource_type, change.resource_name) for change in changes)
    for change in changes:
        name = (change.resource_type, change.resource_name)
        if error := forbidden(call, Operation.ALTER_CONFIGS, *name):
            answers.append((*name, error, None))
        elif change.resource_type == ResourceType.BROKER_LOGGER and not change.replace and times[name] == 1:
            answers.append((*name, *_loggers_altered(call, change, validate_only=validate_only)))
        else:
            allowed.append(change)
    results: list[ConfigResult] = await call.services.controller.alter_configs(
        allowed, validate_only=validate_only
    )
    return answers + [
        (result.resource_type, result.resource_name, result.error, result.message) for result in results
    ]
