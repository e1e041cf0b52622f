"""Configuration changes: what is asked, what becomes of it. Functions of an image; they change nothing.

Errors and their sentences are those of Kafka's `ConfigurationControlManager` and `ConfigAdminManager`.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NamedTuple

from headrace.config.catalog import (
    BROKER_CONFIGS,
    GROUP_CONFIGS,
    canonical_broker_name,
    canonical_topic_name,
)
from headrace.config.client_metrics import SubscriptionRefused, check_subscription
from headrace.config.definition import Scope, Type
from headrace.config.group import GroupConfigRefused, check_together
from headrace.config.rules import ValueRefused
from headrace.config.topic import TopicConfigRefused, checked, effective
from headrace.controller.decide_features import MIN_INSYNC_REPLICAS, eligible_leader_replicas
from headrace.controller.decide_topics import why_invalid
from headrace.controller.image import Image, ResourceType
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.metadata_records import ConfigRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.config.broker import BrokerConfig
    from headrace.config.definition import Definition
    from headrace.wire.schema import Message


class Change(enum.IntEnum):
    """What happens to one setting (Kafka, `AlterConfigOp.OpType`)."""

    SET = 0
    DELETE = 1
    APPEND = 2
    SUBTRACT = 3


class ConfigChange(NamedTuple):
    """One setting that somebody wants changed."""

    name: str
    change: Change
    value: str | None


class ResourceChange(NamedTuple):
    """Changes of one resource. `replace`: settings that are not named go back to their defaults (AlterConfigs)."""

    resource_type: int
    resource_name: str
    changes: Sequence[ConfigChange]
    replace: bool = False


class ConfigResult(NamedTuple):
    """What became of one resource."""

    resource_type: int
    resource_name: str
    error: Error
    message: str | None = None


class ConfigDecision(NamedTuple):
    """Records to append, all or none, and the answers that hold once they are committed."""

    records: list[Message]
    results: list[ConfigResult]


def decide_configs(
    image: Image, config: BrokerConfig, node_id: int, wanted: Sequence[ResourceChange]
) -> ConfigDecision:
    """Change configurations; each resource fails or succeeds by itself."""
    records: list[Message] = []
    results: list[ConfigResult] = []
    for resource in wanted:
        name = (resource.resource_type, resource.resource_name)
        try:
            if sum((other.resource_type, other.resource_name) == name for other in wanted) > 1:
                raise Refusal(Error.INVALID_REQUEST, "Each resource must appear at most once.")
            before = image.config_of(*name)
            after = _after(image, config, node_id, resource)
        except Refusal as refusal:
            results.append(ConfigResult(*name, refusal.error, refusal.message))
            continue
        records += [ConfigRecord(*name, key, None) for key in before if key not in after]
        records += [
            ConfigRecord(*name, key, value) for key, value in after.items() if before.get(key) != value
        ]
        results.append(ConfigResult(*name, Error.NONE))
    return ConfigDecision(records, results)


def _after(image: Image, config: BrokerConfig, node_id: int, resource: ResourceChange) -> dict[str, str]:
    """What is set on the resource afterwards. The order of the checks is Kafka's: it decides which error is told."""
    names = [change.name for change in resource.changes]
    if len(set(names)) != len(names):
        raise Refusal(Error.INVALID_REQUEST, "Error due to duplicate config keys")
    nulls = [c.name for c in resource.changes if c.value is None and c.change is not Change.DELETE]
    if nulls:
        raise Refusal(Error.INVALID_REQUEST, f"Null value not supported for : {','.join(nulls)}")
    _check_kind(node_id, resource)
    before = image.config_of(resource.resource_type, resource.resource_name)
    wanted: dict[str, str | None] = {} if resource.replace else dict(before)
    for change in resource.changes:
        name = _canonical(resource.resource_type, change.name)
        if change.change is Change.DELETE:
            wanted.pop(name, None)
        elif change.change is Change.SET:
            wanted[name] = change.value
        else:
            wanted[name] = _edited_list(config, resource, change, name, before)
    if resource.resource_type == ResourceType.TOPIC:
        _check_topic_name(resource.resource_name)
        after = _checked_topic(wanted)
        if resource.resource_name not in image.topics:
            missing = f"The topic '{resource.resource_name}' does not exist."
            raise Refusal(Error.UNKNOWN_TOPIC_OR_PARTITION, missing)
        return after
    if resource.resource_type == ResourceType.GROUP:
        if not resource.resource_name:
            raise Refusal(Error.INVALID_REQUEST, "Default group resources are not allowed.")
        return _checked_group(wanted, config)
    if resource.resource_type == ResourceType.CLIENT_METRICS:
        if not resource.resource_name:
            raise Refusal(Error.INVALID_REQUEST, "Subscription name can't be empty")
        return _checked_subscription(wanted)
    found = _checked_broker(wanted, before, per_broker=resource.resource_name != "")
    if eligible_leader_replicas(image):
        _check_min_insync(resource, before, found)
    return found


def _check_min_insync(resource: ResourceChange, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """What is eligible to lead is counted against one number for all brokers, so it must be there, and be the only one."""
    if resource.resource_name and any(change.name == MIN_INSYNC_REPLICAS for change in resource.changes):
        raise Refusal(
            Error.INVALID_CONFIG,
            f"Broker-level {MIN_INSYNC_REPLICAS} cannot be altered while ELR is enabled.",
        )
    if not resource.resource_name and MIN_INSYNC_REPLICAS in before and MIN_INSYNC_REPLICAS not in after:
        raise Refusal(
            Error.INVALID_CONFIG,
            f"Cluster-level {MIN_INSYNC_REPLICAS} cannot be removed while ELR is enabled.",
        )


def _check_topic_name(name: str) -> None:
    if not name:
        raise Refusal(Error.INVALID_REQUEST, "Default topic resources are not allowed.")
    if why := why_invalid(name):
        raise Refusal(Error.INVALID_TOPIC_EXCEPTION, why)


def _check_kind(node_id: int, resource: ResourceChange) -> None:
    match resource.resource_type:
        case ResourceType.TOPIC | ResourceType.GROUP | ResourceType.CLIENT_METRICS:
            pass
        case ResourceType.BROKER:
            if resource.resource_name:
                check_broker_name(resource.resource_name, node_id)
        case unknown:
            raise Refusal(Error.INVALID_REQUEST, f"Unknown resource type {unknown}")


def check_broker_name(name: str, node_id: int) -> None:
    """The name of a broker resource must be this node's number. Raises `Refusal`."""
    if not name.lstrip("-").isdecimal() or not name.isascii():
        raise Refusal(Error.INVALID_REQUEST, f"Node id must be an integer, but it is: {name}")
    if int(name) != node_id:
        raise Refusal(Error.INVALID_REQUEST, f"Unexpected broker id, expected {node_id}, but received {name}")


def _canonical(resource_type: int, name: str) -> str:
    """The setting that is meant, or the name as given, to be refused by the check."""
    if resource_type == ResourceType.TOPIC:
        return canonical_topic_name(name) or name
    if resource_type == ResourceType.BROKER:
        return canonical_broker_name(name) or name
    return name


def _edited_list(
    config: BrokerConfig,
    resource: ResourceChange,
    change: ConfigChange,
    name: str,
    before: Mapping[str, str],
) -> str:
    kind = _definition(resource.resource_type, name)
    verb = change.change.name
    if kind is None or kind.type is not Type.LIST:
        raise Refusal(Error.INVALID_CONFIG, f"Can't {verb} to key {name} because its type is not LIST.")
    if resource.resource_type == ResourceType.TOPIC:
        present = effective(before, config).get(name)
    else:
        present = before.get(name, config.text(name))
    items = _items(present)
    edited = _items(change.value)
    if change.change is Change.APPEND:
        items += edited  # the check takes out what stands there twice
    else:
        items = [item for item in items if item not in edited]
    return ",".join(items)


def _items(text: str | None) -> list[str]:
    return [item.strip() for item in text.split(",")] if text else []


def _definition(resource_type: int, name: str) -> Definition | None:
    from headrace.config.catalog import TOPIC_CONFIGS

    if resource_type == ResourceType.TOPIC:
        return TOPIC_CONFIGS.get(name)
    if resource_type == ResourceType.CLIENT_METRICS:
        return None  # Kafka asks for lists among topics', brokers' and groups' settings only
    return BROKER_CONFIGS.get(name) if resource_type == ResourceType.BROKER else GROUP_CONFIGS.get(name)


def _checked_topic(wanted: Mapping[str, str | None]) -> dict[str, str]:
    try:
        return checked(wanted)
    except (TopicConfigRefused, ValueRefused) as refusal:
        raise Refusal(Error.INVALID_CONFIG, str(refusal)) from None


def _checked_group(wanted: Mapping[str, str | None], config: BrokerConfig) -> dict[str, str]:
    found = _checked_values(wanted, GROUP_CONFIGS, Error.INVALID_CONFIG)
    try:
        check_together(found, config)
    except GroupConfigRefused as refusal:
        raise Refusal(Error.INVALID_CONFIG, str(refusal)) from None
    return found


def _checked_subscription(wanted: Mapping[str, str | None]) -> dict[str, str]:
    found = {name: value for name, value in wanted.items() if value is not None}
    try:
        check_subscription(found)
    except SubscriptionRefused as refusal:
        error = Error.INVALID_REQUEST if refusal.is_request else Error.INVALID_CONFIG
        raise Refusal(error, str(refusal)) from None
    except ValueRefused as refusal:
        raise Refusal(Error.INVALID_CONFIG, str(refusal)) from None
    return found


def _checked_broker(
    wanted: Mapping[str, str | None], before: Mapping[str, str], *, per_broker: bool
) -> dict[str, str]:
    # INVALID_REQUEST where INVALID_CONFIG would be meant: Kafka keeps it for its old clients (KAFKA-13609).
    changed = [name for name, value in wanted.items() if before.get(name) != value]
    fixed = [name for name in changed if name in BROKER_CONFIGS and BROKER_CONFIGS[name].read_only]
    if fixed:
        raise Refusal(
            Error.INVALID_REQUEST, f"Cannot update these configs dynamically: Set({', '.join(fixed)})"
        )
    if not per_broker:
        own = [
            name
            for name in changed
            if name in BROKER_CONFIGS and BROKER_CONFIGS[name].scope is Scope.PER_BROKER
        ]
        if own:
            raise Refusal(
                Error.INVALID_REQUEST,
                f"Cannot update these configs at default cluster level: Set({', '.join(own)})",
            )
    return _checked_values(wanted, BROKER_CONFIGS, Error.INVALID_REQUEST)


def _checked_values(
    wanted: Mapping[str, str | None], known: Mapping[str, Definition], error: Error
) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, text in wanted.items():
        definition = known.get(name)
        if definition is None:
            kind = "group config" if known is GROUP_CONFIGS else "configuration"
            raise Refusal(error, f"Unknown {kind} name: {name}")
        try:
            value = definition.canonical(text)
        except ValueRefused as refusal:
            raise Refusal(error, str(refusal)) from None
        if value is not None:
            found[name] = value
    return found
