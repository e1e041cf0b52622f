"""Settings of topics and brokers through the admin APIs."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NamedTuple

from headrace.client.failures import check
from headrace.config.definition import Source, Type
from headrace.wire.messages.k32_describe_configs import DescribeConfigsRequest, DescribeConfigsResource
from headrace.wire.messages.k44_incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.client.cluster import Cluster
    from headrace.client.connection import Connection


class Resource(enum.IntEnum):
    """What has settings; number as in DescribeConfigs (`ConfigResource`)."""

    TOPIC = 2
    BROKER = 4
    GROUP = 32


class Operation(enum.IntEnum):
    """What IncrementalAlterConfigs does to a setting."""

    SET = 0
    DELETE = 1
    APPEND = 2
    SUBTRACT = 3


class Setting(NamedTuple):
    """One setting as the cluster tells of it."""

    name: str
    value: str | None
    source: Source
    type: Type | None
    """None from brokers that do not say."""
    read_only: bool
    sensitive: bool
    documentation: str | None

    @property
    def is_default(self) -> bool:
        """Whether nobody set it."""
        return self.source is Source.DEFAULT

    @property
    def is_own(self) -> bool:
        """Whether it was set for this resource, not for the whole cluster or in a broker's file."""
        return self.source is Source.DYNAMIC_TOPIC


class Change(NamedTuple):
    """One change of a setting."""

    operation: Operation
    name: str
    value: str | None = None


async def describe(
    cluster: Cluster, kind: Resource, name: str, *, documentation: bool = False
) -> list[Setting]:
    """Every setting of a topic, broker or group. Raises `Refused`."""
    request = DescribeConfigsRequest(
        resources=[DescribeConfigsResource(resource_type=kind, resource_name=name, configuration_keys=None)],
        include_documentation=documentation,
    )
    answer = await (await _answering(cluster, kind, name)).call(request)
    (result,) = answer.results
    check(f"no settings of {kind.name.lower()} {name}", result.error_code, result.error_message)
    return sorted(
        Setting(
            row.name,
            row.value,
            Source(row.config_source) if row.config_source in Source._value2member_map_ else Source.DEFAULT,
            Type(row.config_type) if row.config_type > 0 else None,
            row.read_only,
            row.is_sensitive,
            row.documentation,
        )
        for row in result.configs
    )


async def alter(
    cluster: Cluster, kind: Resource, name: str, changes: Sequence[Change], *, validate_only: bool = False
) -> None:
    """Change settings, all or none. The empty broker name is every broker. Raises `Refused`."""
    rows = [AlterableConfig(name=c.name, config_operation=c.operation, value=c.value) for c in changes]
    request = IncrementalAlterConfigsRequest(
        resources=[AlterConfigsResource(resource_type=kind, resource_name=name, configs=rows)],
        validate_only=validate_only,
    )
    answer = await (await _answering(cluster, kind, name)).call(request)
    (result,) = answer.responses
    whose = f"{kind.name.lower()} {name}" if name else "the cluster"
    check(f"cannot change the settings of {whose}", result.error_code, result.error_message)


async def _answering(cluster: Cluster, kind: Resource, name: str) -> Connection:
    """A broker answers for itself; anything else is the controller's."""
    if kind is Resource.BROKER and name:
        return await cluster.broker(int(name))
    return await cluster.controller()
