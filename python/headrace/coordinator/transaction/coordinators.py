"""All transaction coordinators of this node: one driver for each partition of `__transaction_state`, and what they do to
other logs: markers.

    transactions = TransactionCoordinators(engine, topics, groups, controller.producer_id, settings, timers, clock)
    await transactions.open()
    outcome = await transactions.init_producer("orders", 60_000, None)

Every method that answers a request raises `Refusal` when the coordinator cannot answer now: it is loading, has been
deposed, or is closing. All of that is retriable.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

from headrace.coordinator.runtime.driver import Driver, Phase
from headrace.coordinator.runtime.internal_topic import InternalTopic
from headrace.coordinator.runtime.stored_text import too_long
from headrace.coordinator.transaction.life import TransactionState
from headrace.coordinator.transaction.machine import TransactionMachine
from headrace.coordinator.transaction.transaction import VERSION_EPOCH_BUMP
from headrace.coordinator.transaction.turn import NEEDS_PRODUCER_ID, Outcome, SendMarkers
from headrace.coordinator.transaction.view import list_transactions
from headrace.model.errors import Error, Refusal
from headrace.observe import log

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from headrace.coordinator.runtime.clock import Clock, Timers
    from headrace.coordinator.runtime.internal_topic import Topics
    from headrace.coordinator.transaction.settings import TransactionSettings
    from headrace.coordinator.transaction.transaction import Place, Transaction
    from headrace.coordinator.transaction.view import Filter, TransactionListed
    from headrace.engine.port import Appended, Engine, Marker, Producer, Verification

_log: Final = log.get(__name__)

TRANSACTIONS_TOPIC: Final = "__transaction_state"
COORDINATOR_EPOCH: Final = 0
"""With one node nobody else ever leads a partition of `__transaction_state`."""


class OffsetsLog(Protocol):
    """Whoever writes the offsets topic: its partitions have one writer, so their markers go through it."""

    @property
    def topic_name(self) -> str: ...

    async def end_transaction(self, number: int, producer: Producer, marker: Marker) -> Error:
        """Write the marker to a partition of the offsets topic. Raises `Refusal`."""


class TransactionCoordinators:
    def __init__(
        self,
        engine: Engine,
        topics: Topics,
        offsets: OffsetsLog,
        new_producer_id: Callable[[], Awaitable[int]],
        settings: TransactionSettings,
        timers: Timers,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._topics = topics
        self._offsets = offsets
        self._new_producer_id = new_producer_id
        self._settings = settings
        self._timers = timers
        self._clock = clock
        self._kept = InternalTopic(engine, topics, TRANSACTIONS_TOPIC, self._driver)
        self._under_way: set[asyncio.Task[None]] = set()
        """Markers for the offsets topic, and verifications; at most as many as the engine and the machines wait for."""

    # -- life ---------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Begin to load what is stored, and to go on with what was decided before."""
        await self._kept.open()

    async def ensure(self) -> None:
        """Make the topic on first use. Raises `Refusal`."""
        await self._kept.ensure()

    async def close(self) -> None:
        """Let appends end, then answer what is parked with a retriable error. Markers go on after the next start."""
        await self._kept.close()
        for task in list(self._under_way):
            task.cancel()

    def _driver(self, group: int, number: int) -> Driver[TransactionMachine]:
        def send(what: object, fold: int) -> None:
            assert isinstance(what, SendMarkers), "machines of this kind send nothing else"
            self._send(driver, what, fold)

        driver = Driver(
            self._engine,
            group,
            f"{TRANSACTIONS_TOPIC}-{number}",
            lambda: TransactionMachine(self._settings, COORDINATOR_EPOCH),
            self._timers,
            self._clock,
            send=send,
        )
        return driver

    def _of(self, transactional_id: str) -> Driver[TransactionMachine]:
        if not transactional_id or too_long(transactional_id):
            raise Refusal(Error.INVALID_REQUEST)
        return self._kept.of(transactional_id)

    # -- requests -----------------------------------------------------------------------------------------------------

    async def init_producer(
        self, transactional_id: str, timeout_ms: int, expected: Producer | None
    ) -> Outcome:
        """A producer id and an epoch above all that were given for this transactional id."""
        driver = self._of(transactional_id)
        if not 0 < timeout_ms <= self._settings.timeout_ms_max:
            return Outcome(Error.INVALID_TRANSACTION_TIMEOUT)

        async def ask(fresh_id: int | None) -> Outcome:
            outcome: Outcome = await driver.submit(
                lambda machine, waiter, now: machine.decide_init(
                    transactional_id, timeout_ms, expected, fresh_id, waiter, now
                )
            )
            return outcome

        return await self._with_id(ask)

    async def end(
        self, transactional_id: str, producer: Producer, *, committed: bool, client_version: int
    ) -> Outcome:
        """Commit or abort; told once that is decided for good. Markers follow."""
        driver = self._of(transactional_id)

        async def ask(fresh_id: int | None) -> Outcome:
            outcome: Outcome = await driver.submit(
                lambda machine, waiter, now: machine.decide_end(
                    transactional_id,
                    producer,
                    committed=committed,
                    client_version=client_version,
                    fresh_id=fresh_id,
                    waiter=waiter,
                    now=now,
                )
            )
            return outcome

        return await self._with_id(ask)

    async def _with_id(self, ask: Callable[[int | None], Awaitable[Outcome]]) -> Outcome:
        outcome = await ask(None)
        return await ask(await self._new_producer_id()) if outcome is NEEDS_PRODUCER_ID else outcome

    async def add(
        self, transactional_id: str, producer: Producer, partitions: frozenset[Place], client_version: int
    ) -> Error:
        """Make the partitions part of the transaction, all or none."""
        outcome: Error = await self._of(transactional_id).submit(
            lambda machine, waiter, now: machine.decide_add(
                transactional_id, producer, partitions, client_version, waiter, now
            )
        )
        return outcome

    async def verify(
        self, transactional_id: str, producer: Producer, partitions: tuple[Place, ...]
    ) -> tuple[Error, ...]:
        """Whether each partition is part of the producer's transaction, in their order."""
        return await self._of(transactional_id).read(
            lambda machine: machine.verify(transactional_id, producer, partitions)
        )

    # -- views --------------------------------------------------------------------------------------------------------

    async def describe(self, transactional_id: str) -> Transaction | None:
        """None: there is no such id."""
        return await self._of(transactional_id).read(
            lambda machine: machine.transactions.get(transactional_id)
        )

    async def list_transactions(self, wanted: Filter) -> list[TransactionListed]:
        """All of this node, sorted by id. Raises `Refusal` while a partition loads: a part is not a list."""
        wall_ms = self._clock.now().wall_ms
        found: list[TransactionListed] = []
        for driver in self._kept.drivers:
            found += await driver.read(lambda machine: list_transactions(machine, wanted, wall_ms))
        return sorted(found)

    def metrics(self) -> dict[str, float]:
        """Transactional ids by state, prepared ones that wait for markers, partitions that do not serve."""
        found = {f'headrace_transactions{{state="{s.value}"}}': 0.0 for s in TransactionState}
        ending = 0
        for driver in self._kept.drivers:
            for transaction in driver.machine.transactions.values():
                found[f'headrace_transactions{{state="{transaction.state.value}"}}'] += 1
            ending += len(driver.machine.endings)
        found["headrace_transactions_ending"] = ending
        idle = sum(driver.phase is not Phase.ACTIVE for driver in self._kept.drivers)
        found["headrace_transaction_partitions_not_serving"] = idle
        return found

    # -- verifications ------------------------------------------------------------------------------------------------

    def on_verifications(self, verifications: Sequence[Verification]) -> None:
        """Produces that wait to hear whether their partitions are part of their transactions."""
        for verification in verifications:
            self._begin(self._verify(verification))

    async def _verify(self, asked: Verification) -> None:
        try:
            errors = await (self._add_for(asked) if asked.adds else self._look_for(asked))
        except Refusal as refusal:
            errors = (refusal.error,) * len(asked.partitions)
        self._engine.verified(asked.token, errors)

    async def _look_for(self, asked: Verification) -> tuple[Error, ...]:
        return await self.verify(asked.transactional_id, asked.producer, tuple(asked.partitions))

    async def _add_for(self, asked: Verification) -> tuple[Error, ...]:
        """The producer may be ahead of its last transaction's markers: for a moment that is waited for here."""
        waited_ms = 0
        while True:
            error = await self.add(
                asked.transactional_id, asked.producer, frozenset(asked.partitions), VERSION_EPOCH_BUMP
            )
            waited_ms += self._settings.add_retry_ms
            if error is not Error.CONCURRENT_TRANSACTIONS or waited_ms > self._settings.add_retry_ms_max:
                return (error,) * len(asked.partitions)
            await self._pause(self._settings.add_retry_ms)

    async def _pause(self, delay_ms: int) -> None:
        over = asyncio.Event()
        timer = self._timers.call_later(delay_ms, over.set)
        try:
            await over.wait()
        finally:
            timer.cancel()

    # -- markers ------------------------------------------------------------------------------------------------------

    def _send(self, driver: Driver[TransactionMachine], what: SendMarkers, fold: int) -> None:
        for place in what.partitions:
            topic = self._topics.topic(place[0])
            partition = topic.partition(place[1]) if topic is not None else None
            if partition is None:  # deleted: there is nothing to end
                self._sent(driver, what, place, fold, Error.UNKNOWN_TOPIC_OR_PARTITION)
            elif place[0] == self._offsets.topic_name:
                self._begin(self._send_to_offsets(driver, what, place, fold))
            else:
                future = self._engine.append_marker(partition.group, what.producer, what.marker)
                future.add_done_callback(
                    lambda done, place=place: self._appended(driver, what, place, fold, done)  # type: ignore[misc]
                )

    def _appended(
        self,
        driver: Driver[TransactionMachine],
        what: SendMarkers,
        place: Place,
        fold: int,
        done: asyncio.Future[Appended],
    ) -> None:
        if done.cancelled():
            return  # the node stops; what is prepared goes on after the next start
        error = done.result().error
        # The topic is there, so the engine only has not heard of it yet, or just lost it: the next try will tell.
        known = error is not Error.UNKNOWN_TOPIC_OR_PARTITION
        self._sent(driver, what, place, fold, error if known else Error.NOT_LEADER_OR_FOLLOWER)

    async def _send_to_offsets(
        self, driver: Driver[TransactionMachine], what: SendMarkers, place: Place, fold: int
    ) -> None:
        try:
            error = await self._offsets.end_transaction(place[1], what.producer, what.marker)
        except Refusal as refusal:
            error = refusal.error
        if error is Error.UNKNOWN_TOPIC_OR_PARTITION:
            error = Error.NOT_LEADER_OR_FOLLOWER
        self._sent(driver, what, place, fold, error)

    def _sent(
        self, driver: Driver[TransactionMachine], what: SendMarkers, place: Place, fold: int, error: Error
    ) -> None:
        if error and what.attempts == 0:
            _log.warning(
                "marker not written",
                transactional_id=what.transactional_id,
                partition=f"{place[0]}-{place[1]}",
                error=error.name,
            )
        driver.post(
            lambda machine, now: machine.decide_marker(what.transactional_id, place, error, now), fold
        )

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
