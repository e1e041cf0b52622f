"""The driver of one internal partition: one fold, the only writer of its log.

    UNLOADED -> LOADING -> ACTIVE -> (refused append) -> UNLOADED ...  and CLOSED from anywhere

A request is decided on the fold, its records are applied at once (speculatively) and appended with the log end that the
fold was built on; its answer, and every later one, is released when the log has committed what the fold held when it
was given. All appends of one wake-up travel as one, but records of different producers' transactions and the markers that
end them are batches of their own; the order stays. There is no undo: any refusal throws the fold away with all that is
parked on it (NOT_COORDINATOR) and builds it again from the log. Outcomes that belong to an old fold are dropped.

Invariant: `_next_offset` is the end of the log as this driver left it, so a foreign append is noticed by the next one.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import gc
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from headrace.coordinator.runtime.effects import (
    NOBODY,
    Answer,
    Effects,
    EndOfTransaction,
    InTransaction,
    Machine,
    Now,
    RottenRecordError,
    SetTimer,
    Waiter,
)
from headrace.model.errors import Error, Refusal
from headrace.observe import log

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from headrace.coordinator.runtime.clock import Clock, Timer, Timers
    from headrace.coordinator.runtime.effects import Entry
    from headrace.engine.port import Appended, Engine, Producer, Record, Stored

_log: Final = log.get(__name__)

T = TypeVar("T")
M = TypeVar("M", bound="Machine[Any]")

APPEND_BYTES_MAX: Final = 512 * 1024
"""Of one append: half of `max.message.bytes`, so that a batch with its headers always fits."""
READ_BYTES_MAX: Final = 1024 * 1024
"""Of one read while loading."""
LOAD_SLICE_MS: Final = 2
"""How long loading may hold the loop before others get their turn."""
LOAD_CHECK_RECORDS: Final = 64
"""Records between two looks at the clock while loading; about 0.2 ms."""
CLOSE_S_MAX: Final = 5
"""How long closing waits for appends; what is not committed by then has an unknown outcome, and is told so."""
FREEZE_RECORDS_MIN: Final = 10_000
"""A load of at least so many records is taken out of the collector's sight."""
PARKED_MAX: Final = 100_000
"""Waiters of one partition. Beyond it requests are refused as if the partition were loading."""


class Phase(enum.Enum):
    UNLOADED = "unloaded"
    LOADING = "loading"
    ACTIVE = "active"
    FAILED = "failed"
    """The log does not parse. Stays so until the process is restarted; said once in the log."""
    CLOSED = "closed"


class _Due:
    """What is released when the log has committed what the fold held."""

    __slots__ = ("answers", "sends")

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.sends: list[object] = []

    def add(self, effects: Effects[Any]) -> None:
        self.answers += effects.answers
        self.sends += effects.sends


class Driver(Generic[M]):
    """Runs one `Machine` over one partition. All methods on the loop's thread."""

    def __init__(
        self,
        engine: Engine,
        group: int,
        name: str,
        new_machine: Callable[[], M],
        timers: Timers,
        clock: Clock,
        loaded: Callable[[], None] = lambda: None,
        send: Callable[[object, int], None] = lambda _sent, _fold: None,
    ) -> None:
        """`group`: the partition's Raft group; `name`: for log lines, `__consumer_offsets-12`; `loaded` is called each
        time a fold has become active. `send(what, fold)` performs what the machine sends, and posts the outcome to `fold`.
        """
        self.phase = Phase.UNLOADED
        self.machine: M = new_machine()
        self._engine = engine
        self._group = group
        self._name = name
        self._new_machine = new_machine
        self._timers = timers
        self._clock = clock
        self._loaded = loaded
        self._send = send
        self._fold = 0  # counts folds; late outcomes carry an old number
        self._next_offset = 0
        self._last_waiter: Waiter = NOBODY
        self._parked: dict[Waiter, asyncio.Future[object]] = {}
        self._set: dict[Hashable, Timer] = {}
        self._gathered: list[Entry] = []
        self._gathered_due = _Due()
        self._in_flight: deque[_Due] = deque()
        self._loading: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._idle.set()

    # -- requests -----------------------------------------------------------------------------------------------------

    async def submit(self, decide: Callable[[M, Waiter, Now], Effects[Any]]) -> Any:
        """Decide, and give the outcome of its answer once that may be told. Raises `Refusal`."""
        if self.phase is not Phase.ACTIVE:
            self.load()
            raise Refusal(self._unavailable())
        if len(self._parked) >= PARKED_MAX:
            raise Refusal(Error.COORDINATOR_LOAD_IN_PROGRESS)
        self._last_waiter = waiter = self._last_waiter + 1
        effects, stored = self._decided(lambda machine: decide(machine, waiter, self._clock.now()))
        if self._settled and not effects.records and not effects.timers and not effects.sends:
            answers = effects.answers
            if len(answers) == 1 and answers[0].waiter == waiter:
                return answers[0].outcome  # the common case, a heartbeat: nothing to wait for
        future = self._parked[waiter] = asyncio.get_running_loop().create_future()
        self._perform(effects, stored)
        try:
            return await future
        finally:
            self._parked.pop(waiter, None)

    async def read(self, view: Callable[[M], T]) -> T:
        """Look at the fold; what was seen is told once it is committed. Raises `Refusal`."""
        seen: T = await self.submit(
            lambda machine, waiter, _: Effects(answers=[Answer(waiter, view(machine))])
        )
        return seen

    def post(self, decide: Callable[[M, Now], Effects[Any]], fold: int | None = None) -> None:
        """Decide for nobody in particular; nothing happens unless the fold is there (a load looks for itself).

        `fold`: only for this one; what an older one had asked for says nothing to those that came after it.
        """
        if self.phase is Phase.ACTIVE and fold in {None, self._fold}:
            self._perform(*self._decided(lambda machine: decide(machine, self._clock.now())))

    def _decided(self, decide: Callable[[M], Effects[Any]]) -> tuple[Effects[Any], list[Entry]]:
        """Effects, and their records as they are stored. A decision that breaks off has left soft state half changed:
        the fold goes with it, and the border reports.
        """
        try:
            effects = decide(self.machine)
            return effects, [self.machine.encode(record) for record in effects.records]
        except Exception:
            self._discard(Error.NOT_COORDINATOR, Phase.UNLOADED)
            raise

    @property
    def _settled(self) -> bool:
        """Everything the fold holds is committed."""
        return not self._in_flight and not self._gathered

    def _unavailable(self) -> Error:
        if self.phase is Phase.LOADING:
            return Error.COORDINATOR_LOAD_IN_PROGRESS
        return Error.COORDINATOR_NOT_AVAILABLE if self.phase is Phase.FAILED else Error.NOT_COORDINATOR

    # -- effects ------------------------------------------------------------------------------------------------------

    def _perform(self, effects: Effects[Any], stored: list[Entry]) -> None:
        if effects.records:
            for record in effects.records:
                self.machine.apply(record)
            if not self._gathered:
                self._idle.clear()
                asyncio.get_running_loop().call_soon(self._append, self._fold)
            self._gathered += stored
        for change in effects.timers:
            if timer := self._set.pop(change.key, None):
                timer.cancel()
            if isinstance(change, SetTimer):
                self._set[change.key] = self._timer(change)
        if self._gathered:
            self._gathered_due.add(effects)
        elif self._in_flight:
            self._in_flight[-1].add(effects)
        else:
            self._release(effects.answers, effects.sends)

    def _timer(self, change: SetTimer) -> Timer:
        key = change.key

        def due() -> None:  # never for an older fold: its timers are cancelled with it
            self._set.pop(key, None)
            self._perform(*self._decided(lambda machine: machine.fired(key, self._clock.now())))

        return self._timers.call_later(change.delay_ms, due)

    def _release(self, answers: list[Answer], sends: list[object]) -> None:
        for waiter, outcome in answers:
            future = self._parked.pop(waiter, None)
            if future is not None and not future.done():
                future.set_result(outcome)
        fold = self._fold  # what is sent may come back at once and cost this fold its life
        for what in sends:
            self._send(what, fold)

    # -- the log ------------------------------------------------------------------------------------------------------

    def _append(self, fold: int) -> None:
        """Send what this wake-up gathered. A batch takes whole records only, so a crash keeps a prefix of them."""
        if fold != self._fold or not self._gathered:
            return
        entries, self._gathered = self._gathered, []
        due, self._gathered_due = self._gathered_due, _Due()
        batches = _batches(entries)
        for number, batch in enumerate(batches, 1):
            self._in_flight.append(due if number == len(batches) else _Due())
            future = self._append_one(batch)
            self._next_offset += 1 if isinstance(batch, EndOfTransaction) else len(batch.records)
            future.add_done_callback(lambda done, fold=fold: self._appended(fold, done))  # type: ignore[misc]

    def _append_one(self, batch: _Batch | EndOfTransaction) -> asyncio.Future[Appended]:
        end = self._next_offset
        if isinstance(batch, EndOfTransaction):
            return self._engine.append_marker(self._group, batch.producer, batch.marker, expected_end=end)
        return self._engine.append(self._group, batch.records, expected_end=end, producer=batch.producer)

    def _appended(self, fold: int, done: asyncio.Future[Appended]) -> None:
        if fold != self._fold:
            return
        if done.cancelled() or done.result().error:
            why = "cancelled" if done.cancelled() else done.result().error.name
            _log.warning("append refused, loading again", partition=self._name, error=why)
            self._discard(Error.NOT_COORDINATOR, Phase.UNLOADED)
            self.load()
            return
        due = self._in_flight.popleft()
        self._release(due.answers, due.sends)
        if self._settled:
            self._idle.set()

    def _discard(self, error: Error, phase: Phase) -> None:
        """Throw the fold away; whoever is parked on it hears a retriable error."""
        self._fold += 1
        self.phase = phase
        for timer in self._set.values():
            timer.cancel()
        self._set.clear()
        self._gathered, self._gathered_due = [], _Due()
        self._in_flight.clear()
        self._idle.set()
        parked, self._parked = self._parked, {}
        self.machine = self._new_machine()
        for future in parked.values():
            if not future.done():
                future.set_exception(Refusal(error))

    # -- loading ------------------------------------------------------------------------------------------------------

    def load(self) -> asyncio.Task[None] | None:
        """Begin to load unless that is done, under way or pointless; the task is done when loading has ended."""
        if self.phase is Phase.UNLOADED:
            self.phase = Phase.LOADING
            self._loading = asyncio.get_running_loop().create_task(self._load(self._fold))
        return self._loading if self.phase is Phase.LOADING else None

    def opened_empty(self) -> None:
        """The log is known to be empty: nothing to load."""
        if self.phase is Phase.UNLOADED:
            self._activate(0)

    async def _load(self, fold: int) -> None:
        machine = self._new_machine()
        settled = await self._engine.append(
            self._group, []
        )  # what an old fold has in flight is over after this
        if settled.error:
            self._not_loaded(fold, settled.error)
            return
        infos = await self._engine.log_info([self._group])
        offset = infos[0].log_start if infos else 0
        while True:
            found = await self._engine.read(self._group, offset, READ_BYTES_MAX)
            if found.error:
                self._not_loaded(fold, found.error)
                return
            try:
                await self._fold_slice(machine, found.records)
            except RottenRecordError as rotten:
                _log.error("cannot load", partition=self._name, detail=rotten)
                if fold == self._fold:
                    self.phase = Phase.FAILED
                return
            if found.next_offset >= found.high_watermark or found.next_offset <= offset:
                break
            offset = found.next_offset
        if fold == self._fold and self.phase is Phase.LOADING:
            self.machine = machine
            self._activate(found.next_offset)
            if found.next_offset >= FREEZE_RECORDS_MIN:
                gc.freeze()  # the collector need not walk a million stored offsets

    async def _fold_slice(self, machine: M, records: Sequence[Stored]) -> None:
        started = self._clock.now().ms
        for number, stored in enumerate(records, 1):
            if (record := machine.decode(stored)) is not None:
                machine.apply(record)
            if number % LOAD_CHECK_RECORDS == 0 and self._clock.now().ms - started >= LOAD_SLICE_MS:
                await asyncio.sleep(0)
                started = self._clock.now().ms

    def _activate(self, next_offset: int) -> None:
        self._next_offset = next_offset
        self.phase = Phase.ACTIVE
        self._perform(*self._decided(lambda machine: machine.loaded(self._clock.now())))
        self._loaded()

    def _not_loaded(self, fold: int, error: Error) -> None:
        """The next request tries again; clients come back by themselves."""
        _log.warning("cannot load yet", partition=self._name, error=error.name)
        if fold == self._fold and self.phase is Phase.LOADING:
            self.phase = Phase.UNLOADED

    # -- the end ------------------------------------------------------------------------------------------------------

    def abandon(self) -> None:
        """The partition is gone, or another's: drop everything at once, for good."""
        self._discard(Error.NOT_COORDINATOR, Phase.CLOSED)

    async def close(self) -> None:
        """Let what is appended be committed and answered, then refuse what is still parked."""
        if self._loading is not None and not self._loading.done():
            self._loading.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), CLOSE_S_MAX)
        self._discard(Error.COORDINATOR_NOT_AVAILABLE, Phase.CLOSED)


class _Batch:
    """Records of one producer's transaction, or of none, in order; at most `APPEND_BYTES_MAX` unless it is one record."""

    __slots__ = ("producer", "records", "room")

    def __init__(self, producer: Producer | None) -> None:
        self.producer = producer
        self.records: list[Record] = []
        self.room = APPEND_BYTES_MAX


def _batches(entries: list[Entry]) -> list[_Batch | EndOfTransaction]:
    """Cut into what the log takes at once, in order; a larger record travels alone."""
    batches: list[_Batch | EndOfTransaction] = []
    open_batch: _Batch | None = None
    for entry in entries:
        if isinstance(entry, EndOfTransaction):
            batches.append(entry)
            open_batch = None
            continue
        record, producer = entry if isinstance(entry, InTransaction) else (entry, None)
        size = len(record.key or b"") + len(record.value or b"") + 16
        if open_batch is None or open_batch.producer != producer or size > open_batch.room:
            open_batch = _Batch(producer)
            batches.append(open_batch)
        open_batch.records.append(record)
        open_batch.room -= size
    return batches
