"""The drivers of one internal topic: one for each partition, made at first use, gone with the topic."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from headrace.coordinator.runtime.partitioning import partition_of
from headrace.model.errors import Error, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace.coordinator.runtime.driver import Driver
    from headrace.coordinator.runtime.effects import Machine
    from headrace.engine.port import Engine

M = TypeVar("M", bound="Machine[Any]")


class KnownPartition(Protocol):
    @property
    def group(self) -> int:
        """Its Raft group."""


class KnownTopic(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def groups(self) -> Sequence[int]:
        """The Raft groups of its partitions, in order."""

    def partition(self, number: int) -> KnownPartition | None:
        """The partition of this number, if there is one."""


class Topics(Protocol):
    """What coordinators must know of topics; the controller is one."""

    def topic(self, name: str) -> KnownTopic | None:
        """The topic of this name, if there is one."""

    def on_topics_removed(self, listener: Callable[[Sequence[KnownTopic]], None]) -> None:
        """Call back with topics that were deleted, after they are."""

    async def ensure_internal_topic(self, name: str) -> Sequence[int]:
        """Make an internal topic unless it is there; the Raft groups of its partitions. Raises `Refusal`."""


class InternalTopic(Generic[M]):
    """Which driver keeps which key."""

    def __init__(
        self, engine: Engine, topics: Topics, name: str, new_driver: Callable[[int, int], Driver[M]]
    ) -> None:
        """`new_driver(group, number)`: the driver of a partition."""
        self.name = name
        self.drivers: list[Driver[M]] = []
        """One for each partition, by number; empty before the first use."""
        self._engine = engine
        self._topics = topics
        self._new_driver = new_driver
        self._closed = False
        topics.on_topics_removed(self._topics_removed)

    async def open(self) -> None:
        """Begin to load what is stored; requests for partitions that still load are refused until they have."""
        if (topic := self._topics.topic(self.name)) is not None:
            await self._open(topic.groups)

    async def ensure(self) -> None:
        """Make the topic on first use. Raises `Refusal`."""
        if not self.drivers and not self._closed:
            await self._open(await self._topics.ensure_internal_topic(self.name))

    async def _open(self, groups: Sequence[int]) -> None:
        if self.drivers:
            return  # another caller was first
        self.drivers = [self._new_driver(group, number) for number, group in enumerate(groups)]
        ends = {info.group: info.log_end for info in await self._engine.log_info(groups)}
        for group, driver in zip(groups, self.drivers, strict=True):
            if ends.get(group) == 0:
                driver.opened_empty()
            else:
                driver.load()

    async def close(self) -> None:
        """Let appends end, then answer what is parked with a retriable error."""
        self._closed = True
        await asyncio.gather(*(driver.close() for driver in self.drivers))

    def number_of(self, key: str) -> int:
        """The partition that keeps this key. Raises `Refusal`."""
        self._must_be_open()
        return partition_of(key, len(self.drivers))

    def of(self, key: str) -> Driver[M]:
        """The driver that keeps this key. Raises `Refusal`."""
        return self.drivers[self.number_of(key)]

    def numbered(self, number: int) -> Driver[M]:
        """The driver of a partition. Raises `Refusal`."""
        self._must_be_open()
        if not 0 <= number < len(self.drivers):
            raise Refusal(Error.UNKNOWN_TOPIC_OR_PARTITION)
        return self.drivers[number]

    def _must_be_open(self) -> None:
        if not self.drivers:
            raise Refusal(Error.COORDINATOR_NOT_AVAILABLE if self._closed else Error.NOT_COORDINATOR)

    def _topics_removed(self, removed: Sequence[KnownTopic]) -> None:
        if any(topic.name == self.name for topic in removed):  # with it goes all that was folded from it
            drivers, self.drivers = self.drivers, []
            for driver in drivers:
                driver.abandon()
