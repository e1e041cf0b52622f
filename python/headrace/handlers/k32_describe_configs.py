"""DescribeConfigs (key 32, v1-4): the settings of topics, brokers and groups, and where each value comes from.

Null or no keys mean every setting.

v1  sources and synonyms
v3  types and documentation
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.config.broker import Described, SynonymValue
from headrace.config.catalog import BROKER_CONFIGS, GROUP_CONFIGS, TOPIC_CONFIGS
from headrace.config.definition import Source
from headrace.config.topic import describe, documentation
from headrace.controller.decide_topics import why_invalid
from headrace.controller.image import ResourceType
from headrace.handlers.call import Operation
from headrace.handlers.config_resources import forbidden
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k32_describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
    DescribeConfigsSynonym,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.handlers.call import Call


async def handle(call: Call, request: DescribeConfigsRequest) -> DescribeConfigsResponse:
    return DescribeConfigsResponse(
        results=[_result(call, request, resource) for resource in request.resources]
    )


def refused(request: DescribeConfigsRequest, error: Error, message: str | None) -> DescribeConfigsResponse:
    return DescribeConfigsResponse(
        results=[
            DescribeConfigsResult(error, message, resource.resource_type, resource.resource_name)
            for resource in request.resources
        ]
    )


def _result(
    call: Call, request: DescribeConfigsRequest, resource: DescribeConfigsResource
) -> DescribeConfigsResult:
    kind, name = resource.resource_type, resource.resource_name
    if error := forbidden(call, Operation.DESCRIBE_CONFIGS, kind, name):
        return DescribeConfigsResult(error, None, kind, name)
    try:
        described = _described(call, kind, name)
    except Refusal as refusal:
        return DescribeConfigsResult(refusal.error, refusal.message, kind, name)
    wanted = set(resource.configuration_keys or ())
    return DescribeConfigsResult(
        Error.NONE,
        "",
        kind,
        name,
        [_setting(request, kind, each) for each in described if not wanted or each.name in wanted],
    )


def _described(call: Call, kind: int, name: str) -> list[Described]:
    services = call.services
    image = services.controller.image
    match kind:
        case ResourceType.TOPIC:
            if why := why_invalid(name):
                raise Refusal(Error.INVALID_TOPIC_EXCEPTION, why)
            if name not in image.topics:
                raise Refusal(Error.UNKNOWN_TOPIC_OR_PARTITION, "")
            overrides = image.config_of(kind, name)
            return [
                describe(key, overrides, services.config)
                for key, definition in TOPIC_CONFIGS.items()
                if not definition.internal
            ]
        case ResourceType.BROKER if name:
            _check_broker_name(name, services.controller.node_id)
            return services.config.describe_all()
        case ResourceType.BROKER:
            return _cluster_defaults(image.config_of(kind, ""))
        case ResourceType.BROKER_LOGGER:
            _check_broker_name(name, services.controller.node_id)
            return []
        case ResourceType.GROUP:
            if not name:
                raise Refusal(Error.INVALID_REQUEST, "Group name must not be empty")
            return _group(image.config_of(kind, name))
        case ResourceType.CLIENT_METRICS:
            if not name:
                raise Refusal(Error.INVALID_REQUEST, "Client metrics subscription name must not be empty")
            return []
        case _:
            raise Refusal(Error.INVALID_REQUEST, f"Unsupported resource type: {kind}")


def _check_broker_name(name: str, node_id: int) -> None:
    """As `check_broker_name` of a change, in the other words that Kafka has here. Raises `Refusal`."""
    if not name.lstrip("-").isdecimal() or not name.isascii():
        raise Refusal(Error.INVALID_REQUEST, f"Broker id must be an integer, but it is: {name}")
    if int(name) != node_id:
        expected = f"Unexpected broker id, expected {node_id} or empty string, but received {name}"
        raise Refusal(Error.INVALID_REQUEST, expected)


def _cluster_defaults(values: Mapping[str, str]) -> list[Described]:
    """What was set for all brokers, and nothing else, as in Kafka."""
    found = []
    for name, value in values.items():
        definition = BROKER_CONFIGS[name]
        shown = None if definition.sensitive else value
        synonym = SynonymValue(name, shown, Source.DYNAMIC_DEFAULT_BROKER)
        found.append(
            Described(name, shown, definition.type, synonym.source, False, definition.sensitive, (synonym,))
        )
    return found


def _group(overrides: Mapping[str, str]) -> list[Described]:
    found = []
    for name, definition in GROUP_CONFIGS.items():
        default = definition.canonical(definition.default)
        value = overrides.get(name, default)
        synonyms = [SynonymValue(name, value, Source.GROUP)] if name in overrides else []
        synonyms.append(SynonymValue(name, default, Source.DEFAULT))
        found.append(
            Described(name, value, definition.type, synonyms[0].source, False, False, tuple(synonyms))
        )
    return found


def _setting(request: DescribeConfigsRequest, kind: int, each: Described) -> DescribeConfigsResourceResult:
    return DescribeConfigsResourceResult(
        name=each.name,
        value=each.value,
        read_only=each.read_only,
        config_source=each.source,
        is_sensitive=each.sensitive,
        synonyms=(
            [DescribeConfigsSynonym(*synonym) for synonym in each.synonyms]
            if request.include_synonyms
            else []
        ),
        config_type=each.type,
        documentation=(
            documentation(each.name, topic=kind == ResourceType.TOPIC)
            if request.include_documentation
            else None
        ),
    )
