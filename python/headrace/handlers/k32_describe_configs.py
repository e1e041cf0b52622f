"""DescribeConfigs (key 32, v1-4): the settings of topics, brokers and groups, and where each value comes from.

Null or no keys mean every setting.

v1  sources and synonyms
v3  types and documentation
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from headrace.config import client_metrics
from headrace.config.broker import Described, SynonymValue
from headrace.config.catalog import BROKER_CONFIGS, TOPIC_CONFIGS
from headrace.config.client_metrics import describe_subscription
from headrace.config.definition import Source, Type
from headrace.config.group import describe_group
from headrace.config.topic import describe, documentation
from headrace.controller.decide_topics import why_invalid
from headrace.controller.image import ResourceType
from headrace.handlers.call import Operation
from headrace.handlers.config_resources import forbidden
from headrace.model.errors import Error, Refusal
from headrace.observe import log
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


_KINDS: Final = frozenset(
    {
        ResourceType.TOPIC,
        ResourceType.BROKER,
        ResourceType.BROKER_LOGGER,
        ResourceType.CLIENT_METRICS,
        ResourceType.GROUP,
    }
)
_DOCS_OF: Final[dict[int, Literal["topic", "group"]]] = {
    ResourceType.TOPIC: "topic",
    ResourceType.GROUP: "group",
}


async def handle(call: Call, request: DescribeConfigsRequest) -> DescribeConfigsResponse:
    for resource in request.resources:
        if resource.resource_type not in _KINDS:
            # Nobody knows who may see it: it takes all others with it.
            raise Refusal(Error.INVALID_REQUEST, f"Unexpected resource type {resource.resource_type}")
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
            return _loggers(name, services.controller.node_id)
        case ResourceType.GROUP:
            if not name:
                raise Refusal(Error.INVALID_REQUEST, "Group name must not be empty")
            return describe_group(image.config_of(kind, name), services.config)
        case ResourceType.CLIENT_METRICS:
            if not name:
                raise Refusal(Error.INVALID_REQUEST, "Client metrics subscription name must not be empty")
            return describe_subscription(image.config_of(kind, name))
        case _:
            raise Refusal(Error.INVALID_REQUEST, f"Unsupported resource type: {kind}")


def _check_broker_name(name: str, node_id: int) -> None:
    """As `check_broker_name` of a change, in the other words that Kafka has here. Raises `Refusal`."""
    _check_number(name)
    if int(name) != node_id:
        expected = f"Unexpected broker id, expected {node_id} or empty string, but received {name}"
        raise Refusal(Error.INVALID_REQUEST, expected)


def _check_number(name: str) -> None:
    if not name.lstrip("-").isdecimal() or not name.isascii():
        raise Refusal(Error.INVALID_REQUEST, f"Broker id must be an integer, but it is: {name}")


def _loggers(name: str, node_id: int) -> list[Described]:
    if not name:
        raise Refusal(Error.INVALID_REQUEST, "Broker id must not be empty")
    _check_number(name)
    if int(name) != node_id:
        expected = f"Unexpected broker id, expected {node_id} but received {name}"
        raise Refusal(Error.INVALID_REQUEST, expected)
    return [
        Described(logger, level, Type.UNKNOWN, Source.BROKER_LOGGER, False, False, ())
        for logger, level in log.levels().items()
    ]


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
        documentation=(_documentation(kind, each.name) if request.include_documentation else None),
    )


def _documentation(kind: int, name: str) -> str:
    match kind:
        case ResourceType.CLIENT_METRICS:
            return client_metrics.DOCS[name]
        case ResourceType.BROKER_LOGGER:
            return ""
        case _:
            return documentation(name, _DOCS_OF.get(kind, "broker"))
