"""An engine of lists in memory, for unit tests of everything above the seam.

    engine = FakeEngine()
    engine.create(7)                     # a partition without a topic
    engine.hold()                        # appends stay uncommitted ...
    engine.release()                     # ... until now
    engine.refuse(Error.NOT_LEADER_OR_FOLLOWER)   # the next append fails
    engine = engine.restarted()          # what a crash leaves: committed records only

Outcomes arrive through the loop, after the call returned, in the order of the calls, as with the real engine. What it
was told and what was answered can be looked at: `told`, `answers`, `values`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from headrace.engine.port import (
    Appended,
    Batch,
    Batches,
    EpochEnd,
    Feature,
    LogInfo,
    Marker,
    Producer,
    ProducerInfo,
    Record,
    Request,
    Slice,
    Stored,
    Topic,
    Verification,
)
from headrace.model.errors import Error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")

ANSWER_S_MAX: Final = 10.0
"""A test that waits longer for an answer has failed."""


class FakeLog:
    """One partition: its records and how many of them are committed.

    Invariant: `start <= committed <= end`.
    """

    def __init__(self) -> None:
        self.start = 0
        self.committed = 0
        self.records: list[Stored] = []
        """From offset 0 on, markers too; what is before `start` is still here and never given out."""
        self.producers: list[ProducerInfo] = []
        """What a test says that there are, before those that appended here."""

    @property
    def end(self) -> int:
        return len(self.records)

    @property
    def last_stable(self) -> int:
        """First offset of the oldest open transaction, or `committed`."""
        starts = [info.transaction_start_offset for info in self.known().values()]
        return min([self.committed, *(start for start in starts if start >= 0)])

    def known(self) -> dict[int, ProducerInfo]:
        """The producers that appended within transactions, by id, as the records tell it."""
        found: dict[int, ProducerInfo] = {}
        for stored in self.records:
            if stored.producer is None:
                continue
            producer_id, epoch = stored.producer
            before = found.get(producer_id)
            coordinator_epoch = before.coordinator_epoch if before else -1
            start = before.transaction_start_offset if before else -1
            if stored.marker is not None:
                coordinator_epoch, start = stored.marker.coordinator_epoch, -1
            elif start < 0:
                start = stored.offset
            found[producer_id] = ProducerInfo(
                producer_id, epoch, -1, stored.timestamp_ms, coordinator_epoch, start
            )
        return found

    def aborts(self, stored: Stored) -> bool:
        """Whether the transaction that this record is part of was aborted."""
        ends = (s.marker for s in self.records[stored.offset :] if s.producer == stored.producer and s.marker)
        return (
            stored.producer is not None and (marker := next(ends, None)) is not None and not marker.committed
        )

    def why_not(self, producer: Producer, marker: Marker | None) -> Error:
        """Why these records or this marker of the producer are refused, or NONE."""
        known = self.known().get(producer.producer_id)
        if known is None:
            return Error.NONE
        if producer.producer_epoch < known.producer_epoch:
            return Error.INVALID_PRODUCER_EPOCH
        if marker is not None and marker.coordinator_epoch < known.coordinator_epoch:
            return Error.TRANSACTION_COORDINATOR_FENCED
        return Error.NONE


class FakeEngine:
    """`Engine` for one test and its loop."""

    def __init__(self, *, now_ms: int = 1_700_000_000_000) -> None:
        self.now_ms = now_ms
        """Timestamp of appended records; a test moves it."""
        self.logs: dict[int, FakeLog] = {}
        self.told: dict[bytes, Topic] = {}
        """Topics as of the last `topics` call, by id."""
        self.answers: dict[int, bytes | None] = {}
        """Answers by token."""
        self.values: dict[str, str] = {}
        self.features: tuple[int, list[Feature]] = (-1, [])
        self._awaited: dict[int, asyncio.Future[bytes | None]] = {}
        self.running = False
        self.verdicts: dict[int, tuple[Error, ...]] = {}
        """Outcomes of verifications by token."""
        self._on_requests: Callable[[Sequence[Request]], None] | None = None
        self._on_verifications: Callable[[Sequence[Verification]], None] | None = None
        self._held: list[tuple[asyncio.Future[Any], object, FakeLog | None, int]] | None = None
        self._refusals: list[Error] = []
        self.makes_room = False
        self.close_connections: Callable[[Sequence[int]], None] = lambda _: None
        """Tells of connections that a test closes."""
        self._watches: list[tuple[int, int, bool, asyncio.Future[None]]] = []
        """What the last append said of itself."""

    # -- for tests ----------------------------------------------------------------------------------------------------

    def create(self, group: int) -> FakeLog:
        """Make a partition that belongs to no topic."""
        return self.logs.setdefault(group, FakeLog())

    def hold(self) -> None:
        """Leave appends uncommitted from now on."""
        assert self._held is None, "appends are held already"
        self._held = []

    def release(self) -> None:
        """Commit what was held, in order, and hold no more."""
        assert self._held is not None, "appends are not held"
        held, self._held = self._held, None
        for future, outcome, log, end in held:
            self._commit(future, outcome, log, end)

    def refuse(self, error: Error) -> None:
        """Refuse the next append (after those already refused) with this error; nothing of it is stored."""
        self._refusals.append(error)

    def restarted(self) -> Self:
        """A new engine over what was committed, as after kill -9."""
        other = type(self)(now_ms=self.now_ms)
        for group, log in self.logs.items():
            left = other.create(group)
            left.start = log.start
            left.records = log.records[: log.committed]
            left.committed = log.committed
        return other

    def receive(self, *requests: Request) -> None:
        """Hand over requests as a drain does."""
        assert self._on_requests is not None, "the engine is started first"
        self._on_requests(requests)

    def ask(self, *verifications: Verification) -> None:
        """Hand over verifications as a drain does."""
        assert self._on_verifications is not None, "the engine is started first"
        self._on_verifications(verifications)

    async def answered(self, token: int) -> bytes | None:
        """The answer to a request, once it is given."""
        if token in self.answers:
            return self.answers[token]
        waiter = self._awaited.setdefault(token, asyncio.get_running_loop().create_future())
        async with asyncio.timeout(ANSWER_S_MAX):
            return await waiter

    # -- Engine -------------------------------------------------------------------------------------------------------

    def start(self) -> Sequence[tuple[str, int]]:
        self.running = True
        return [("127.0.0.1", 9092)]

    def serve(
        self,
        on_requests: Callable[[Sequence[Request]], None],
        on_verifications: Callable[[Sequence[Verification]], None],
    ) -> None:
        self._on_requests = on_requests
        self._on_verifications = on_verifications

    def verified(self, token: int, errors: Sequence[Error]) -> None:
        assert token not in self.verdicts, f"verification {token} is answered twice"
        self.verdicts[token] = tuple(errors)

    def answer(self, token: int, response: bytes | None) -> None:
        assert token not in self.answers, f"request {token} is answered twice"
        self.answers[token] = response
        if waiter := self._awaited.pop(token, None):
            waiter.set_result(response)

    def topics(self, changed: Sequence[Topic], removed: Sequence[bytes]) -> asyncio.Future[None]:
        for topic in changed:
            self.told[topic.topic_id] = topic
            for partition in topic.partitions:
                self.create(partition.group)
        for topic_id in removed:
            gone = self.told.pop(topic_id, None)
            for partition in gone.partitions if gone else ():
                self.logs.pop(partition.group, None)
        self._look()
        return self._soon(None)

    def remove_unnamed(self) -> None:
        named = {partition.group for topic in self.told.values() for partition in topic.partitions}
        for group in self.logs.keys() - named:
            del self.logs[group]

    def append(
        self,
        group: int,
        records: Sequence[Record],
        *,
        expected_end: int | None = None,
        makes_room: bool = False,
        producer: Producer | None = None,
    ) -> asyncio.Future[Appended]:
        self.makes_room = makes_room
        return self._append(
            group, [(record.key, record.value) for record in records], expected_end, producer, None
        )

    def append_marker(
        self, group: int, producer: Producer, marker: Marker, *, expected_end: int | None = None
    ) -> asyncio.Future[Appended]:
        return self._append(group, [(None, None)], expected_end, producer, marker)

    def _append(
        self,
        group: int,
        records: Sequence[tuple[bytes | None, bytes | None]],
        expected_end: int | None,
        producer: Producer | None,
        marker: Marker | None,
    ) -> asyncio.Future[Appended]:
        log = self.logs.get(group)
        if log is None:
            return self._soon(Appended(Error.UNKNOWN_TOPIC_OR_PARTITION, -1, -1))
        if self._refusals:
            return self._soon(Appended(self._refusals.pop(0), -1, -1))
        if expected_end is not None and expected_end != log.end:
            return self._soon(Appended(Error.NOT_LEADER_OR_FOLLOWER, -1, -1))
        if producer is not None and (error := log.why_not(producer, marker)):
            return self._soon(Appended(error, -1, -1))
        base = log.end
        log.records += [
            Stored(base + place, self.now_ms, key, value, producer, marker)
            for place, (key, value) in enumerate(records)
        ]
        future: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        outcome = Appended(Error.NONE, base, log.end)
        if self._held is not None:
            self._held.append((future, outcome, log, log.end))
        else:
            self._commit(future, outcome, log, log.end)
        return future

    def read(self, group: int, offset: int, max_bytes: int) -> asyncio.Future[Slice]:
        log = self.logs.get(group)
        if log is None:
            return self._soon(Slice(Error.UNKNOWN_TOPIC_OR_PARTITION, (), offset, -1))
        if not log.start <= offset <= log.end:
            return self._soon(Slice(Error.OFFSET_OUT_OF_RANGE, (), offset, log.committed))
        found: list[Stored] = []
        size = 0
        for record in log.records[offset : log.committed]:
            size += len(record.key or b"") + len(record.value or b"")
            if found and size > max_bytes:
                break
            found.append(record)
        return self._soon(Slice(Error.NONE, found, offset + len(found), log.committed))

    def log_info(self, groups: Sequence[int]) -> asyncio.Future[Sequence[LogInfo]]:
        found: list[LogInfo] = []
        for group in groups:
            if log := self.logs.get(group):
                size = sum(len(r.key or b"") + len(r.value or b"") for r in log.records[log.start :])
                found.append(LogInfo(group, 0, log.start, log.last_stable, log.committed, log.end, size))
        return self._soon(found)

    def delete_records(self, group: int, before: int) -> asyncio.Future[tuple[Error, int]]:
        log = self.logs.get(group)
        if log is None:
            return self._soon((Error.UNKNOWN_TOPIC_OR_PARTITION, -1))
        if before > log.committed:
            return self._soon((Error.OFFSET_OUT_OF_RANGE, -1))
        log.start = max(log.start, log.committed if before == -1 else before)
        return self._soon((Error.NONE, log.start))

    def epoch_end(self, group: int, current_epoch: int, epoch: int) -> asyncio.Future[EpochEnd]:
        log = self.logs.get(group)
        if log is None:
            return self._soon(EpochEnd(Error.UNKNOWN_TOPIC_OR_PARTITION, -1, -1))
        if current_epoch > 0:
            return self._soon(EpochEnd(Error.UNKNOWN_LEADER_EPOCH, -1, -1))
        known = epoch == 0
        return self._soon(EpochEnd(Error.NONE, 0 if known else -1, log.committed if known else -1))

    def producers(self, group: int) -> asyncio.Future[Sequence[ProducerInfo]]:
        log = self.logs.get(group)
        return self._soon((*log.producers, *log.known().values()) if log else ())

    def read_batches(
        self, group: int, offset: int, max_bytes: int, *, committed: bool
    ) -> asyncio.Future[Batches]:
        """Each record is a batch of its own here, and its bytes are its value."""
        log = self.logs.get(group)
        if log is None:
            return self._soon(Batches(Error.UNKNOWN_TOPIC_OR_PARTITION, (), b"", -1, -1, -1))
        marks = (log.start, log.last_stable, log.committed)
        if not log.start <= offset <= log.end:
            return self._soon(Batches(Error.OFFSET_OUT_OF_RANGE, (), b"", *marks))
        spans: list[Batch] = []
        data = b""
        for stored in log.records[offset : log.last_stable if committed else log.committed]:
            value = stored.value or b""
            if spans and len(data) + len(value) > max_bytes:
                break
            data += value
            aborted = committed and stored.marker is None and log.aborts(stored)
            spans.append(Batch(stored.offset, stored.offset, len(value), aborted))
        return self._soon(Batches(Error.NONE, spans, data, *marks))

    def await_more(self, group: int, seen: int, *, committed: bool) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._watches.append((group, seen, committed, future))
        asyncio.get_running_loop().call_soon(self._look)
        return future

    def _look(self) -> None:
        """Tell those who wait for more."""
        watches, self._watches = self._watches, []
        for group, seen, committed, future in watches:
            log = self.logs.get(group)
            if log is not None and seen >= (log.last_stable if committed else log.committed):
                self._watches.append((group, seen, committed, future))
            elif not future.done():
                future.set_result(None)

    def offset_of_time(self, group: int, timestamp_ms: int) -> asyncio.Future[tuple[Error, int]]:
        log = self.logs.get(group)
        if log is None:
            return self._soon((Error.UNKNOWN_TOPIC_OR_PARTITION, -1))
        later = [s.offset for s in log.records[log.start : log.committed] if s.timestamp_ms >= timestamp_ms]
        return self._soon((Error.NONE, later[0] if later else -1))

    def on_closed(self, listener: Callable[[Sequence[int]], None]) -> None:
        self.close_connections = listener

    def set_values(self, values: Mapping[str, str]) -> None:
        self.values |= values

    def set_features(self, epoch: int, features: Sequence[Feature]) -> None:
        self.features = (epoch, list(features))

    def metrics(self) -> Mapping[str, float]:
        return {}

    def stop_accepting(self) -> None:
        self._on_requests = None

    def stop(self) -> None:
        self.running = False

    def _commit(self, future: asyncio.Future[Any], outcome: object, log: FakeLog | None, end: int) -> None:
        def arrive() -> None:
            if log is not None:
                log.committed = max(log.committed, end)
                self._look()
            if not future.done():
                future.set_result(outcome)

        asyncio.get_running_loop().call_soon(arrive)

    def _soon(self, outcome: T) -> asyncio.Future[T]:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._commit(future, outcome, None, 0)
        return future
