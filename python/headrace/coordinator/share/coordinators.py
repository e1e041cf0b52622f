"""All share coordinators of this node: one driver for each partition of `__share_group_state`.

    states = ShareCoordinators(engine, topics, ShareCoordinatorSettings.of(config), timers, clock)
    await states.open()
    told = await states.read(ShareKey(group_id, topic_id, 0), leader_epoch)

Every method that answers raises `Refusal` when the coordinator cannot answer now. All of that is retriable.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any, Final, Protocol

from headrace.coordinator.runtime.driver import Driver, Phase
from headrace.coordinator.runtime.internal_topic import InternalTopic
from headrace.coordinator.runtime.internal_topic import Topics as InternalTopics
from headrace.coordinator.share.machine import Prune, ShareMachine, Told
from headrace.coordinator.share.records import ShareKey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace.coordinator.runtime.clock import Clock, Timers
    from headrace.coordinator.runtime.effects import Effects, Now, Waiter
    from headrace.coordinator.runtime.internal_topic import KnownTopic
    from headrace.coordinator.share.machine import Write
    from headrace.coordinator.share.settings import ShareCoordinatorSettings
    from headrace.engine.port import Engine

TOPIC_ID_BYTES: Final = 16
SHARE_TOPIC: Final = "__share_group_state"


class Topic(Protocol):
    @property
    def topic_id(self) -> bytes: ...
    @property
    def groups(self) -> Sequence[int]: ...


class Topics(InternalTopics, Protocol):
    """What share coordinators must know of topics; the controller is one."""

    def topic_by_id(self, topic_id: bytes) -> Topic | None:
        """The topic of this id, if there is one."""


def coordinator_key(key: ShareKey) -> str:
    """What is hashed to the partition that keeps it, and what FindCoordinator is asked for (`group:topicId:partition`)."""
    topic_id = urlsafe_b64encode(key.topic_id).decode().rstrip("=")
    return f"{key.group_id}:{topic_id}:{key.partition}"


def is_coordinator_key(text: str) -> bool:
    """Whether it could name a share-partition."""
    parts = text.split(":")
    if len(parts) != len(ShareKey._fields) or not parts[0]:
        return False
    try:
        topic_id = urlsafe_b64decode(parts[1] + "==")
        int(parts[2])
    except ValueError:
        return False
    return len(topic_id) == TOPIC_ID_BYTES


class ShareCoordinators:
    def __init__(
        self,
        engine: Engine,
        topics: Topics,
        settings: ShareCoordinatorSettings,
        timers: Timers,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._topics = topics
        self._settings = settings
        self._timers = timers
        self._clock = clock
        self._kept = InternalTopic(engine, topics, SHARE_TOPIC, self._driver)
        topics.on_topics_removed(self._topics_removed)

    async def open(self) -> None:
        """Begin to load what is stored; requests for partitions that still load are refused until they have."""
        await self._kept.open()

    async def ensure(self) -> None:
        """Make the topic on first use. Raises `Refusal`."""
        await self._kept.ensure()

    async def close(self) -> None:
        """Let appends end, then answer what is parked with a retriable error."""
        await self._kept.close()

    def _driver(self, group: int, number: int) -> Driver[ShareMachine]:
        def send(what: object, _fold: int) -> None:
            assert isinstance(what, Prune), "machines of this kind send nothing else"
            self._engine.delete_records(group, what.before)  # the next pruning finds what this one could not

        def loaded() -> None:
            # Topics may have been deleted while nobody kept these states.
            self._forget(driver)

        driver = Driver(
            self._engine,
            group,
            f"{SHARE_TOPIC}-{number}",
            lambda: ShareMachine(self._settings, self._topic_has),
            self._timers,
            self._clock,
            loaded,
            send,
        )
        return driver

    def _topic_has(self, topic_id: bytes, partition: int) -> bool:
        topic = self._topics.topic_by_id(topic_id)
        return topic is not None and 0 <= partition < len(topic.groups)

    def _topics_removed(self, removed: Sequence[KnownTopic]) -> None:
        del removed  # whatever they were: those that are kept and are not there are gone
        for driver in self._kept.drivers:
            self._forget(driver)

    def _forget(self, driver: Driver[ShareMachine]) -> None:
        held = {key.topic_id for key in driver.machine.states}
        if gone := {topic_id for topic_id in held if self._topics.topic_by_id(topic_id) is None}:
            driver.post(lambda machine, _now: machine.decide_topics_deleted(gone))

    # -- requests -----------------------------------------------------------------------------------------------------

    async def _submit(
        self, key: ShareKey, decide: Callable[[ShareMachine, Waiter, Now], Effects[Any]]
    ) -> Told:
        await self.ensure()
        told: Told = await self._kept.of(coordinator_key(key)).submit(decide)
        return told

    async def initialize(self, key: ShareKey, state_epoch: int, start_offset: int) -> Told:
        return await self._submit(
            key,
            lambda machine, waiter, now: machine.decide_initialize(
                key, state_epoch, start_offset, waiter, now
            ),
        )

    async def read(self, key: ShareKey, leader_epoch: int) -> Told:
        return await self._submit(
            key, lambda machine, waiter, now: machine.decide_read(key, leader_epoch, waiter, now)
        )

    async def write(self, write: Write) -> Told:
        return await self._submit(
            write.key, lambda machine, waiter, now: machine.decide_write(write, waiter, now)
        )

    async def delete(self, key: ShareKey) -> Told:
        return await self._submit(key, lambda machine, waiter, _: machine.decide_delete(key, waiter))

    async def summary(self, key: ShareKey) -> Told:
        await self.ensure()
        return await self._kept.of(coordinator_key(key)).read(lambda machine: machine.summary(key))

    def metrics(self) -> dict[str, float]:
        """Share-partitions stored, partitions that do not serve; Prometheus style."""
        drivers = self._kept.drivers
        return {
            "headrace_share_partitions_stored": sum(len(driver.machine.states) for driver in drivers),
            "headrace_share_state_partitions_not_serving": sum(
                driver.phase is not Phase.ACTIVE for driver in drivers
            ),
        }
