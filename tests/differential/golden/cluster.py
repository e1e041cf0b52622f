"""Requests about the cluster as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.wire.messages import k18_api_versions as api_versions
from headrace.wire.messages import k60_describe_cluster as describe_cluster

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.wire.schema import Message
    from tests.differential.world import World

BROKERS, CONTROLLERS = 1, 2


def versions_asked(name: str = "diff", version: str = "1.0") -> Message:
    """An ApiVersions of a client with this name."""
    return api_versions.ApiVersionsRequest(client_software_name=name, client_software_version=version)


def cluster_asked(kind: int = BROKERS, *, operations: bool = False, fenced: bool = False) -> Message:
    """A DescribeCluster."""
    return describe_cluster.DescribeClusterRequest(
        endpoint_type=kind,
        include_cluster_authorized_operations=operations,
        include_fenced_brokers=fenced,
    )


GOLDEN: Final[dict[int, dict[str, Callable[[World], Message]]]] = {
    18: {
        "named": lambda w: versions_asked(),
        "with a dash": lambda w: versions_asked("apache-kafka-java", "4.2.0-rc1"),
        "a name with a space": lambda w: versions_asked("a b"),
    },
    60: {
        "it": lambda w: cluster_asked(),
        "with operations": lambda w: cluster_asked(operations=True),
        "with fenced brokers": lambda w: cluster_asked(fenced=True),
        "controllers": lambda w: cluster_asked(CONTROLLERS),
    },
}
