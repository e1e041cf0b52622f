"""Runs commands against a `TransactionMachine` and writes down everything that happens; for tests and to try things out.

    init id=a
    ----
    store a: Empty 1/0
    answer 1: NONE 1/0

A producer is `id/epoch`. Markers that are sent stay with us until `marked` says what became of them. Producer ids that the
machine asks for count from 1. `restart` replays the stored bytes into a new machine, as a crash does.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final

from headrace.coordinator.runtime.effects import Answer, Effects, SetTimer
from headrace.coordinator.runtime.manual_timers import ManualTimers
from headrace.coordinator.transaction.machine import TransactionMachine
from headrace.coordinator.transaction.records import TransactionStored
from headrace.coordinator.transaction.settings import TransactionSettings
from headrace.coordinator.transaction.transaction import NO_PRODUCER_ID
from headrace.coordinator.transaction.turn import NEEDS_PRODUCER_ID, Outcome, SendMarkers
from headrace.engine.port import Producer, Stored
from headrace.model.errors import Error

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from headrace.coordinator.runtime.clock import Timer
    from headrace.coordinator.transaction.transaction import Place, Transaction

SETTINGS: Final = TransactionSettings()
COORDINATOR_EPOCH: Final = 3


class Transcript:
    def __init__(self) -> None:
        self.time = ManualTimers()
        self.settings = SETTINGS
        self.machine = TransactionMachine(self.settings, COORDINATOR_EPOCH)
        self.log: list[Stored] = []
        self.said: list[str] = []
        self.sent: list[SendMarkers] = []
        """All markers that were ever sent, for tests."""
        self._timers: dict[Hashable, Timer] = {}
        self._asked = 0
        self._next_id = 0
        self._perform(self.machine.loaded(self.time.now()))

    def run(self, line: str) -> list[str]:
        """One command and all that it caused."""
        word, *rest = shlex.split(line)
        said = self.said = []
        getattr(self, "do_" + word.replace("-", "_"))(**dict(part.split("=", 1) for part in rest))
        return said

    # -- commands -----------------------------------------------------------------------------------------------------

    def do_init(self, id: str, producer: str | None = None, timeout: str = "60000") -> None:  # noqa: A002 - short
        """`producer`: what it takes itself for (KIP-360)."""
        number = self._number()
        expected = None if producer is None else parsed(producer)
        self._with_id(
            lambda fresh: self.machine.decide_init(id, int(timeout), expected, fresh, number, self.time.now())
        )

    def do_add(self, id: str, producer: str, partitions: str, tv: str = "2") -> None:  # noqa: A002
        """`partitions`: `topic/partition`, with commas between. `tv`: the client's transaction.version."""
        places = frozenset(_places(partitions))
        self._perform(
            self.machine.decide_add(id, parsed(producer), places, int(tv), self._number(), self.time.now())
        )

    def do_verify(self, id: str, producer: str, partitions: str) -> None:  # noqa: A002
        errors = self.machine.verify(id, parsed(producer), tuple(_places(partitions)))
        self.said.append(", ".join(error.name for error in errors))

    def do_commit(self, id: str, producer: str, tv: str = "2") -> None:  # noqa: A002
        self._end(id, producer, int(tv), committed=True)

    def do_abort(self, id: str, producer: str, tv: str = "2") -> None:  # noqa: A002
        self._end(id, producer, int(tv), committed=False)

    def do_marked(self, id: str, partitions: str, error: str = "NONE") -> None:  # noqa: A002
        """What became of the markers for these partitions."""
        for place in _places(partitions):
            self._perform(self.machine.decide_marker(id, place, Error[error], self.time.now()))

    def do_give(self, id: str, producer: str) -> None:  # noqa: A002
        """Pretend that the id has come to this producer, as after 32,000 transactions."""
        before = self.machine.transactions[id]
        producer_id, epoch = parsed(producer)
        self._store(id, before._replace(producer_id=producer_id, producer_epoch=epoch))

    def do_describe(self, id: str) -> None:  # noqa: A002
        found = self.machine.transactions.get(id)
        self.said.append("no such id" if found is None else _transaction(found))

    def do_pass(self, ms: str) -> None:
        self.time.advance(int(ms))

    def do_set(self, **values: str) -> None:
        """Settings, by the names of `TransactionSettings`."""
        self.settings = self.settings._replace(**{name: int(value) for name, value in values.items()})
        self.machine.settings = self.settings

    def do_restart(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self.machine = replayed(self.log, self.settings)
        self._perform(self.machine.loaded(self.time.now()))

    # -- effects ------------------------------------------------------------------------------------------------------

    def _number(self) -> int:
        self._asked += 1
        return self._asked

    def _end(self, transactional_id: str, producer: str, version: int, *, committed: bool) -> None:
        number = self._number()
        self._with_id(
            lambda fresh: self.machine.decide_end(
                transactional_id,
                parsed(producer),
                committed=committed,
                client_version=version,
                fresh_id=fresh,
                waiter=number,
                now=self.time.now(),
            )
        )

    def _with_id(self, decide: Callable[[int | None], Effects[TransactionStored]]) -> None:
        effects = decide(None)
        if any(answer.outcome is NEEDS_PRODUCER_ID for answer in effects.answers):
            self._next_id += 1
            effects = decide(self._next_id)
        self._perform(effects)

    def _store(self, transactional_id: str, value: Transaction | None) -> None:
        record = TransactionStored(transactional_id, value)
        self.machine.apply(record)
        key, stored = self.machine.encode(record)
        self.log.append(Stored(len(self.log), self.time.now().wall_ms, key, stored))
        self.said.append(f"store {transactional_id}: {'gone' if value is None else _transaction(value)}")

    def _perform(self, effects: Effects[TransactionStored]) -> None:
        for record in effects.records:
            self._store(*record)
        for change in effects.timers:
            timer = self._timers.pop(change.key, None)
            if timer is not None:
                timer.cancel()
            if isinstance(change, SetTimer):
                self._timers[change.key] = self._arm(change)
                self.said.append(f"timer {change.key} in {change.delay_ms} ms")
        self.said += map(_answer, effects.answers)
        for markers in effects.sends:
            assert isinstance(markers, SendMarkers), "nothing else is sent here"
            self.sent.append(markers)
            self.said.append(_sent(markers))

    def _arm(self, change: SetTimer) -> Timer:
        def due() -> None:
            del self._timers[change.key]
            self.said.append(f"timer {change.key} fires")
            self._perform(self.machine.fired(change.key, self.time.now()))

        return self.time.call_later(change.delay_ms, due)


def replayed(log: list[Stored], settings: TransactionSettings) -> TransactionMachine:
    """A machine with the hard state that these records give."""
    machine = TransactionMachine(settings, COORDINATOR_EPOCH)
    for stored in log:
        record = machine.decode(stored)
        assert record is not None, "all of them were written here"
        machine.apply(record)
    return machine


def parsed(producer: str) -> Producer:
    producer_id, _, epoch = producer.partition("/")
    return Producer(int(producer_id), int(epoch))


def _places(text: str) -> list[Place]:
    return [(topic, int(number)) for topic, _, number in (part.partition("/") for part in text.split(","))]


def _partitions(places: Any) -> str:
    return ", ".join(f"{topic}/{number}" for topic, number in sorted(places))


def _transaction(value: Transaction) -> str:
    text = f"{value.state.value} {value.producer_id}/{value.producer_epoch}"
    if value.partitions:
        text += f" [{_partitions(value.partitions)}]"
    if value.next_producer_id != NO_PRODUCER_ID:
        text += f" next={value.next_producer_id}"
    return text


def _sent(markers: SendMarkers) -> str:
    how = "commit" if markers.marker.committed else "abort"
    producer_id, epoch = markers.producer
    where = _partitions(markers.partitions)
    return f"send {how} {producer_id}/{epoch} by {markers.marker.coordinator_epoch} to {where}"


def _answer(answer: Answer) -> str:
    outcome = answer.outcome
    if isinstance(outcome, Outcome):
        text = outcome.error.name
        if outcome.producer_id != NO_PRODUCER_ID:
            text += f" {outcome.producer_id}/{outcome.producer_epoch}"
    else:
        assert isinstance(outcome, Error), "there are no other outcomes"
        text = outcome.name
    return f"answer {answer.waiter}: {text}"
