"""Requests about configurations: described, and changed in the old way and the new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.wire.messages import k32_describe_configs as describe_configs
from headrace.wire.messages import k33_alter_configs as alter_configs
from headrace.wire.messages import k44_incremental_alter_configs as incremental

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.wire.schema import Message
    from tests.differential.world import World

TOPIC, BROKER, GROUP = 2, 4, 32
SET, DELETE, APPEND, SUBTRACT = 0, 1, 2, 3
KEYS: Final = ("cleanup.policy", "retention.ms")


def configs_asked(
    kind: int, *names: str, keys: tuple[str, ...] = KEYS, synonyms: bool = True, texts: bool = False
) -> Message:
    """A DescribeConfigs of these resources; no keys: all."""
    asked = [
        describe_configs.DescribeConfigsResource(
            resource_type=kind, resource_name=name, configuration_keys=list(keys) or None
        )
        for name in names
    ]
    return describe_configs.DescribeConfigsRequest(
        resources=asked, include_synonyms=synonyms, include_documentation=texts
    )


def altered(
    kind: int, name: str, configs: dict[str, str | None] | None = None, *, only_check: bool = False
) -> Message:
    """An AlterConfigs: these, and no others."""
    given = [alter_configs.AlterableConfig(name=key, value=value) for key, value in (configs or {}).items()]
    resource = alter_configs.AlterConfigsResource(resource_type=kind, resource_name=name, configs=given)
    return alter_configs.AlterConfigsRequest(resources=[resource], validate_only=only_check)


def changed(kind: int, name: str, *changes: tuple[str, int, str | None], only_check: bool = False) -> Message:
    """An IncrementalAlterConfigs: key, operation, value."""
    given = [
        incremental.AlterableConfig(name=key, config_operation=operation, value=value)
        for key, operation, value in changes
    ]
    resource = incremental.AlterConfigsResource(resource_type=kind, resource_name=name, configs=given)
    return incremental.IncrementalAlterConfigsRequest(resources=[resource], validate_only=only_check)


GOLDEN: Final[dict[int, dict[str, Callable[[World], Message]]]] = {
    32: {
        "two keys": lambda w: configs_asked(TOPIC, w.filled),
        "a topic": lambda w: configs_asked(TOPIC, w.filled, keys=()),
        "two topics": lambda w: configs_asked(TOPIC, w.filled, w.wide),
        "without synonyms": lambda w: configs_asked(TOPIC, w.wide, synonyms=False),
        "with texts": lambda w: configs_asked(TOPIC, w.filled, texts=True),
        "a topic that is not there": lambda w: configs_asked(TOPIC, w.absent),
        "a key that is not there": lambda w: configs_asked(TOPIC, w.filled, keys=("no.such",)),
        "the broker": lambda w: configs_asked(BROKER, "1", keys=("log.segment.bytes", "num.partitions")),
        "all of the broker": lambda w: configs_asked(BROKER, "1", keys=()),
        "all brokers": lambda w: configs_asked(BROKER, "", keys=()),
        "another broker": lambda w: configs_asked(BROKER, "9"),
        "a group": lambda w: configs_asked(GROUP, w.group, keys=()),
    },
    33: {
        "a topic": lambda w: altered(TOPIC, w.own_empty, {"retention.ms": "86400000"}),
        "two keys": lambda w: altered(
            TOPIC, w.own_empty, {"retention.ms": "86400000", "cleanup.policy": "compact,delete"}
        ),
        "back to nothing": lambda w: altered(TOPIC, w.own_empty),
        "only checked": lambda w: altered(TOPIC, w.own_empty, {"segment.ms": "60000"}, only_check=True),
        "a null value": lambda w: altered(TOPIC, w.own_empty, {"retention.ms": None}),
        "a bad value": lambda w: altered(TOPIC, w.own_empty, {"retention.ms": "soon"}),
        "a topic that is not there": lambda w: altered(TOPIC, w.absent, {"retention.ms": "1"}),
    },
    44: {
        "set": lambda w: changed(TOPIC, w.own_empty, ("retention.ms", SET, "86400000")),
        "delete": lambda w: changed(TOPIC, w.own_empty, ("retention.ms", DELETE, None)),
        "append": lambda w: changed(TOPIC, w.own_empty, ("cleanup.policy", APPEND, "compact")),
        "subtract": lambda w: changed(TOPIC, w.own_empty, ("cleanup.policy", SUBTRACT, "compact")),
        "only checked": lambda w: changed(
            TOPIC, w.own_empty, ("retention.ms", SET, "1000"), ("segment.ms", SET, "60000"), only_check=True
        ),
        "append to no list": lambda w: changed(TOPIC, w.own_empty, ("retention.ms", APPEND, "1")),
        "a bad value": lambda w: changed(TOPIC, w.own_empty, ("segment.bytes", SET, "-4")),
        "a key that is not there": lambda w: changed(TOPIC, w.own_empty, ("no.such", SET, "1")),
        "a key twice": lambda w: changed(
            TOPIC, w.own_empty, ("retention.ms", SET, "1000"), ("retention.ms", DELETE, None)
        ),
    },
}
