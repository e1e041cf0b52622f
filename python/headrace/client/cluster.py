"""A cluster through its brokers: finds the right one for each request and says what the cluster consists of."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, NamedTuple

from headrace.client.connection import Connection
from headrace.client.failures import Refused, Unreachable, check
from headrace.config.listeners import Address, parse_address
from headrace.model.errors import Error
from headrace.wire.messages.k03_metadata import MetadataRequest, MetadataRequestTopic
from headrace.wire.messages.k10_find_coordinator import FindCoordinatorRequest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType


class Broker(NamedTuple):
    """A broker as the cluster tells of it."""

    node_id: int
    address: Address
    rack: str | None


class PartitionState(NamedTuple):
    """Where a partition lives."""

    number: int
    leader: int
    epoch: int
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]


class TopicState(NamedTuple):
    """A topic and its partitions in order."""

    name: str
    topic_id: bytes
    internal: bool
    partitions: tuple[PartitionState, ...]


class ClusterState(NamedTuple):
    """One answer of Metadata."""

    cluster_id: str | None
    controller_id: int
    brokers: tuple[Broker, ...]
    topics: tuple[TopicState, ...]


class Cluster:
    """Connections to a cluster. Use as `async with Cluster(bootstrap) as cluster`."""

    def __init__(self, bootstrap: str) -> None:
        """`bootstrap`: HOST:PORT, or several with commas. Raises `Failure` if it is none of these."""
        self._bootstrap = [parse_address(part, "--bootstrap") for part in bootstrap.split(",")]
        self._connections: dict[Address, Connection] = {}
        self._brokers: dict[int, Address] = {}
        try:
            self._version = version("headrace")
        except PackageNotFoundError:
            self._version = "0"  # from a source tree that was not built

    async def __aenter__(self) -> Cluster:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in self._connections.values():
            connection.close()

    async def connection(self, address: Address) -> Connection:
        """The connection to a broker, opened at first use."""
        if address not in self._connections:
            self._connections[address] = await Connection.open(address, self._version)
        return self._connections[address]

    async def any_broker(self) -> Connection:
        """A connection to whichever bootstrap address answers first. Raises the last `Unreachable`."""
        failure: Unreachable | None = None
        for address in self._bootstrap:
            try:
                return await self.connection(address)
            except Unreachable as unreachable:
                failure = unreachable
        assert failure is not None, "there is at least one address"
        raise failure

    async def state(self, topics: Sequence[str] | None = None) -> ClusterState:
        """What the cluster consists of: all topics, or the named ones. Never makes a topic.

        Raises `Refused` for a named topic that does not exist.
        """
        named = None if topics is None else [MetadataRequestTopic(name=name) for name in topics]
        answer = await (await self.any_broker()).call(
            MetadataRequest(topics=named, allow_auto_topic_creation=False)
        )
        brokers = tuple(
            Broker(row.node_id, Address(row.host, row.port), row.rack)
            for row in sorted(answer.brokers, key=lambda row: row.node_id)
        )
        self._brokers = {broker.node_id: broker.address for broker in brokers}
        for topic in answer.topics:
            check(f"no description of topic {topic.name}", topic.error_code)
        return ClusterState(
            answer.cluster_id,
            answer.controller_id,
            brokers,
            tuple(_topic_state(topic) for topic in sorted(answer.topics, key=lambda topic: topic.name)),
        )

    async def broker(self, node_id: int) -> Connection:
        """The connection to a broker by its number."""
        if node_id not in self._brokers:
            await self.state([])
        if node_id not in self._brokers:
            raise Unreachable(
                f"broker {node_id}", "the cluster does not know it", "see headrace cluster status"
            )
        return await self.connection(self._brokers[node_id])

    async def controller(self) -> Connection:
        """The connection that takes changes of topics and configurations."""
        state = await self.state([])
        return await self.broker(state.controller_id) if state.controller_id >= 0 else await self.any_broker()

    async def coordinator(self, group: str) -> Connection:
        """The connection to the broker that coordinates a group."""
        answer = await (await self.any_broker()).call(
            FindCoordinatorRequest(key_type=0, coordinator_keys=[group])
        )
        (found,) = answer.coordinators
        check(f"no coordinator for group {group}", found.error_code, found.error_message)
        return await self.connection(Address(found.host, found.port))

    async def exists(self, topic: str) -> bool:
        """Whether the cluster has this topic."""
        try:
            await self.state([topic])
        except Refused as refused:
            if refused.error is Error.UNKNOWN_TOPIC_OR_PARTITION:
                return False
            raise
        return True


def _topic_state(topic: Any) -> TopicState:
    partitions = sorted(topic.partitions, key=lambda row: row.partition_index)
    return TopicState(
        topic.name,
        topic.topic_id,
        topic.is_internal,
        tuple(
            PartitionState(
                row.partition_index,
                row.leader_id,
                row.leader_epoch,
                tuple(row.replica_nodes),
                tuple(row.isr_nodes),
            )
            for row in partitions
        ),
    )
