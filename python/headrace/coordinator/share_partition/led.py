"""One share-partition and what is under way with it: a load, writes, a read, locks that end, fetches that wait."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

from headrace.coordinator.share.machine import Write
from headrace.coordinator.share_partition.partition import SharePartition
from headrace.coordinator.share_partition.settings import duration_ms, lock_duration_ms
from headrace.coordinator.share_partition.watches import Watched
from headrace.model.errors import Error, Refusal
from headrace.observe import log

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headrace.coordinator.runtime.clock import Clock, Timer, Timers
    from headrace.coordinator.share.machine import Told
    from headrace.coordinator.share.records import ShareKey
    from headrace.coordinator.share_partition.partition import Acknowledgement, Acquired, Change, Wish
    from headrace.coordinator.share_partition.settings import ShareSettings
    from headrace.coordinator.share_partition.watches import Watches
    from headrace.engine.port import Batch, Engine

_log: Final = log.get(__name__)

LEADER_EPOCH: Final = 0
"""With one node nobody else ever leads a share-partition."""
FENCING: Final = frozenset(
    {Error.NOT_LEADER_OR_FOLLOWER, Error.GROUP_ID_NOT_FOUND, Error.UNKNOWN_TOPIC_OR_PARTITION}
)
"""After these the share-partition is not ours to lead as we know it: it is read again."""
UNAVAILABLE: Final = frozenset(
    {Error.NOT_COORDINATOR, Error.COORDINATOR_NOT_AVAILABLE, Error.COORDINATOR_LOAD_IN_PROGRESS}
)
STALE: Final = frozenset({Error.FENCED_LEADER_EPOCH, Error.FENCED_STATE_EPOCH})
AS_THEY_ARE: Final = frozenset({Error.GROUP_ID_NOT_FOUND, Error.UNKNOWN_TOPIC_OR_PARTITION})


class Persister(Protocol):
    """Where the states are kept; the share coordinators are one."""

    async def read(self, key: ShareKey, leader_epoch: int) -> Told:
        """Raises `Refusal`."""

    async def write(self, write: Write) -> Told:
        """Writes of one key that are begun one after the other are written so. Raises `Refusal`."""


class World(Protocol):
    """What a share-partition works with."""

    engine: Engine
    persister: Persister
    settings: ShareSettings
    watches: Watches
    timers: Timers
    clock: Clock

    def configs(self, group_id: str) -> Mapping[str, str]:
        """What is set for the group (resource type GROUP)."""


class Led:
    """Invariant: at most one fetch reads and acquires at a time (`busy`)."""

    def __init__(self, world: World, key: ShareKey, group: int, fenced: Callable[[Led], None]) -> None:
        """`group`: the partition's Raft group; `fenced` is called when this is not to be used any more."""
        self.key = key
        self.busy = False
        self.turned_away: set[asyncio.Event] = set()
        """Of fetches that found it busy."""
        self.partition = SharePartition(world.settings.delivery_count_limit, world.settings.max_record_locks)
        self.group = group
        self._world = world
        self._fenced = fenced
        self._state_epoch = 0
        self._is_fenced = False
        self._waiting: set[asyncio.Event] = set()
        self._locks: Timer | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._loading = asyncio.get_running_loop().create_task(self._load())
        self._loading.add_done_callback(lambda task: task.cancelled() or task.exception())  # told by `ready`

    # -- the state ----------------------------------------------------------------------------------------------------

    async def _load(self) -> None:
        try:
            told = await self._world.persister.read(self.key, LEADER_EPOCH)
            self._must_be_well(told)
            assert told.state is not None, "what is read well has a state"
            start = told.state.start_offset
            self.partition.load(told.state, await self._initial_offset() if start == -1 else start)
            self._state_epoch = told.state.state_epoch
        except Refusal as refusal:
            self.fence()
            raise Refusal(*_as_leader(refusal.error, refusal.message)) from refusal
        except ValueError as error:
            self.fence()
            _log.exception("a stored share-partition cannot be read", group=self.key.group_id, error=error)
            raise Refusal(Error.UNKNOWN_SERVER_ERROR, str(error)) from error

    async def ready(self) -> None:
        """Loaded. Raises `Refusal` if it could not be."""
        if not self._loading.done():
            await asyncio.wait({self._loading})
        if self._loading.cancelled() or (self._is_fenced and self._loading.exception() is None):
            raise Refusal(Error.NOT_LEADER_OR_FOLLOWER)
        failure = self._loading.exception()
        if isinstance(failure, Refusal):
            raise Refusal(failure.error, failure.message)
        if failure is not None:
            raise failure

    @staticmethod
    def _must_be_well(told: Told) -> None:
        if told.error:
            raise Refusal(told.error, told.message)

    async def _initial_offset(self) -> int:
        """By `share.auto.offset.reset`."""
        reset = self._world.configs(self.key.group_id).get("share.auto.offset.reset", "latest")
        infos = await self._world.engine.log_info([self.group])
        if not infos:
            raise Refusal(Error.UNKNOWN_TOPIC_OR_PARTITION)
        if reset == "latest":
            return infos[0].high_watermark
        if reset == "earliest":
            return infos[0].log_start
        since = self._world.clock.now().wall_ms - duration_ms(reset.removeprefix("by_duration:"))
        error, offset = await self._world.engine.offset_of_time(self.group, since)
        if error:
            raise Refusal(error)
        return infos[0].high_watermark if offset < 0 else offset

    async def _write(self, change: Change) -> None:
        """Have the change written, or undo it. Raises `Refusal`."""
        if not change.batches:
            return
        write = Write(
            self.key,
            self._state_epoch,
            LEADER_EPOCH,
            change.start_offset,
            change.complete_count,
            tuple(change.batches),
        )
        ok = False
        try:
            told = await self._world.persister.write(write)
            self._must_be_well(told)
            ok = True
        except Refusal as refusal:
            error, message = _as_leader(refusal.error, refusal.message)
            if error in FENCING:
                self.fence()
            raise Refusal(error, message) from refusal
        finally:
            self.partition.written(change, ok=ok, now_ms=self._world.clock.now().ms)
            self.wake()

    def _write_for_nobody(self, change: Change) -> None:
        task = asyncio.get_running_loop().create_task(self._write_quietly(change))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _write_quietly(self, change: Change) -> None:
        try:
            await self._write(change)
        except Refusal as refusal:
            _log.warning(
                "a share-partition's change is not written",
                group=self.key.group_id,
                error=refusal.error.name,
            )

    # -- what members do ----------------------------------------------------------------------------------------------

    def acquire(self, wish: Wish, fetch_offset: int, spans: Sequence[Batch]) -> list[Acquired]:
        acquired = self.partition.acquire(wish, fetch_offset, spans, self._lock_ms())
        if acquired:
            self._watch_locks()
        return acquired

    async def acknowledge(self, member: str, acknowledgements: Sequence[Acknowledgement]) -> None:
        """Raises `Refusal`."""
        await self.ready()
        await self._write(self.partition.acknowledge(member, acknowledgements, self._lock_ms()))

    def release(self, member: str) -> None:
        """The member is gone."""
        if not self._is_fenced and self._loading.done():
            self._write_for_nobody(self.partition.release(member))
            self.wake()

    # -- time ---------------------------------------------------------------------------------------------------------

    def _lock_ms(self) -> int:
        """When a lock ends that begins now."""
        duration = lock_duration_ms(self._world.settings, self._world.configs(self.key.group_id))
        return self._world.clock.now().ms + duration

    def _watch_locks(self) -> None:
        if self._locks is None and (due := self.partition.next_lock_ms) is not None:
            delay = max(due - self._world.clock.now().ms, 0)
            self._locks = self._world.timers.call_later(delay, self._locks_due)

    def _locks_due(self) -> None:
        self._locks = None
        change = self.partition.locks_over(self._world.clock.now().ms)
        self._write_for_nobody(change)
        self._watch_locks()
        self.wake()

    # -- waiting ------------------------------------------------------------------------------------------------------

    def wait(self, event: asyncio.Event) -> None:
        """Set the event when it may be worth to look again."""
        self._waiting.add(event)

    def wait_no_more(self, event: asyncio.Event) -> None:
        self._waiting.discard(event)

    def wake(self) -> None:
        for event in self._waiting:
            event.set()

    def end_busy(self) -> None:
        self.busy = False
        turned_away, self.turned_away = self.turned_away, set()
        for event in turned_away:
            event.set()

    def watch(self, seen: int, *, committed: bool) -> None:
        """Wake up when there is more in the log than up to `seen`."""
        self._world.watches.call_when_more(Watched(self.group, committed), seen, self.wake)

    def fence(self) -> None:
        """This is not to be used any more; whoever comes next loads it anew."""
        if self._is_fenced:
            return
        self._is_fenced = True
        if self._locks is not None:
            self._locks.cancel()
            self._locks = None
        for committed in (False, True):
            self._world.watches.forget(Watched(self.group, committed), self.wake)
        self._fenced(self)
        self.wake()

    @property
    def is_fenced(self) -> bool:
        return self._is_fenced

    async def close(self) -> None:
        """Nothing is begun any more; what is under way has an end."""
        self.fence()
        self._loading.cancel()
        await asyncio.gather(self._loading, *self._under_way, return_exceptions=True)


def _as_leader(error: Error, message: str | None) -> tuple[Error, str | None]:
    """What a member hears of the persister's errors, in Kafka's words."""
    if error in UNAVAILABLE:
        return Error.COORDINATOR_NOT_AVAILABLE, message
    if error in STALE:
        return Error.NOT_LEADER_OR_FOLLOWER, message
    return (error if error in AS_THEY_ARE else Error.UNKNOWN_SERVER_ERROR), message
