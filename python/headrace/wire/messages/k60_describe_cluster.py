"""DescribeCluster (key 60, v0-2).

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off
# ruff: noqa: RUF012 - msgspec gives each struct a list of its own

from __future__ import annotations

from typing import ClassVar

from headrace.wire.schema import Field, Message, Part


class DescribeClusterRequest(Message):
    include_cluster_authorized_operations: bool = False
    endpoint_type: int = 1
    include_fenced_brokers: bool = False
    API_KEY: ClassVar[int] = 60
    VERSIONS: ClassVar[tuple[int, int]] = (0, 2)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("include_cluster_authorized_operations", "bool", (0, 32767)),
        Field("endpoint_type", "int8", (1, 32767)),
        Field("include_fenced_brokers", "bool", (2, 32767)),
    )


class DescribeClusterBroker(Part):
    broker_id: int = 0
    host: str = ""
    port: int = 0
    rack: str | None = None
    is_fenced: bool = False
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("broker_id", "int32", (0, 32767)),
        Field("host", "string", (0, 32767)),
        Field("port", "int32", (0, 32767)),
        Field("rack", "string", (0, 32767), nullable=(0, 32767)),
        Field("is_fenced", "bool", (2, 32767)),
    )


class DescribeClusterResponse(Message):
    throttle_time_ms: int = 0
    error_code: int = 0
    error_message: str | None = None
    endpoint_type: int = 1
    cluster_id: str = ""
    controller_id: int = -1
    brokers: list[DescribeClusterBroker] = []
    cluster_authorized_operations: int = -2147483648
    API_KEY: ClassVar[int] = 60
    VERSIONS: ClassVar[tuple[int, int]] = (0, 2)
    FLEXIBLE_FROM: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("throttle_time_ms", "int32", (0, 32767)),
        Field("error_code", "int16", (0, 32767)),
        Field("error_message", "string", (0, 32767), nullable=(0, 32767)),
        Field("endpoint_type", "int8", (1, 32767)),
        Field("cluster_id", "string", (0, 32767)),
        Field("controller_id", "int32", (0, 32767)),
        Field("brokers", "struct", (0, 32767), array=True, of=DescribeClusterBroker),
        Field("cluster_authorized_operations", "int32", (0, 32767)),
    )
