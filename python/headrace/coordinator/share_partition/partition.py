"""A share-partition as its leader has it: which records are whose (KIP-932). Knows no clock, log or persister.

    start                                                        end
      │ acknowledged │ acquired by a │ available │ acquired by b │ not looked at yet ...

    AVAILABLE -> ACQUIRED -> ACKNOWLEDGED        accepted
                    │  ├───> AVAILABLE           released, or the lock ran out; ARCHIVED after the last delivery that may be
                    │  └───> ARCHIVED            rejected, or a gap
                    └ renewed: the lock begins anew

Acquiring is not stored: after a restart what was acquired is available, and its deliveries are not counted. What is
acknowledged is in `change` until it is written, then it counts; if it cannot be written it is as before. The start moves past
what is done with; what is behind it is nobody's business.

Records that were delivered half as often as they may be come in fewer and fewer at a time, and alone for the last time, so that
one bad record spoils no others.

Duties of the caller: give `Change.batches` to the persister in the order of the changes, and then call `written`; call
`locks_over` when `next_lock_ms` has come.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.coordinator.share.records import StateBatch
from headrace.coordinator.share_partition.in_flight import NOBODY, InFlight, InFlightBatch, RecordState, Run
from headrace.model.errors import Error, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headrace.coordinator.share.records import ShareState
    from headrace.engine.port import Batch

GAP, ACCEPT, RELEASE, REJECT, RENEW = range(5)
"""Kinds of acknowledgement, as on the wire."""
STATE_AFTER: Final = {
    GAP: RecordState.ARCHIVED,
    ACCEPT: RecordState.ACKNOWLEDGED,
    RELEASE: RecordState.AVAILABLE,
    REJECT: RecordState.ARCHIVED,
}
NEVER: Final = -1
THROTTLE_FROM_MIN: Final = 2
"""Records that were delivered less often come as many as there are."""


class Acquired(NamedTuple):
    """Records that now belong to who asked for them."""

    first_offset: int
    last_offset: int
    delivery_count: int


class Acknowledgement(NamedTuple):
    first_offset: int
    last_offset: int
    types: Sequence[int]
    """One for all, or one for each record."""


class Wish(NamedTuple):
    """What a member wants to acquire."""

    member: str
    max_records: int
    batch_size: int
    """Batches of new records end where a record batch does, after so many records."""
    record_limit: bool
    """Never more than `max_records`; else a batch comes as a whole (KIP-1206)."""


@dataclass(slots=True, eq=False)
class Change:
    """What is to be written; `start_offset` and `complete_count` belong to it."""

    batches: list[StateBatch] = field(default_factory=list)
    start_offset: int = -1
    complete_count: int = 0


class SharePartition:
    """Invariant: the batches in flight do not overlap, and the last one ends before `end`; without batches `end` is `start`."""

    def __init__(self, delivery_count_limit: int, max_record_locks: int) -> None:
        self.start = 0
        self.end = 0
        """One past the last record in flight."""
        self.complete_count = 0
        """Records from `start` on that are done with."""
        self.in_flight = InFlight()
        self._limit = delivery_count_limit
        self._locks_max = max_record_locks
        self._throttle_from = max(THROTTLE_FROM_MIN, math.ceil(delivery_count_limit / 2))
        self._may_be_available = False
        """False: there is nothing available between `start` and `end`, no need to look."""

    def load(self, state: ShareState, start: int) -> None:
        """Begin with what is stored. What is missing between the stored batches was acquired, and is available.

        Raises `ValueError`: what is stored cannot be.
        """
        self.start = self.end = start
        for batch in state.batches:
            first, last, number, count = batch
            if first < self.end or last < first:
                raise ValueError(f"batch {first}-{last} behind {self.end}")
            if first > self.end:
                self.in_flight.add(InFlightBatch(Run(self.end, first - 1, RecordState.AVAILABLE, 0)))
            run = Run(first, last, RecordState(number), count)
            self.in_flight.add(InFlightBatch(run))
            self.complete_count += run.size if run.state.is_terminal else 0
            self.end = last + 1
        self._may_be_available = True
        self.move_start()

    # -- acquiring ----------------------------------------------------------------------------------------------------

    @property
    def next_fetch_offset(self) -> int:
        """Where the next records to be acquired are read from."""
        if self._may_be_available:
            for run in self.in_flight.runs():
                if run.is_available and run.last >= self.start:
                    return max(run.first, self.start)
            self._may_be_available = False
        return self.end

    @property
    def can_acquire(self) -> bool:
        return self.next_fetch_offset != self.end or self.end - self.start < self._locks_max

    def acquire(self, wish: Wish, fetch_offset: int, spans: Sequence[Batch], lock_ms: int) -> list[Acquired]:
        """Acquire of what was read from `fetch_offset` on. `lock_ms`: when it is taken back."""
        if not spans or wish.max_records <= 0 or spans[-1].last < self.start:
            return []
        first, last = spans[0].first, spans[-1].last
        left = min(wish.max_records, self._locks_max - (self.end - self.start))
        if left <= 0:  # no room for new records, but for some of those in flight
            left = min(wish.max_records, self.end - fetch_offset)
            last = min(last, self.end - 1)
        if left <= 0:
            return []
        if fetch_offset < first:  # the log has them no more
            self._archive(fetch_offset, first - 1, RecordState.AVAILABLE)
            self.move_start()
        first = max(first, self.start)
        known = self.in_flight.overlapping(first, last)
        acquired: list[Acquired] = []
        taken = 0
        for batch in known:
            if taken >= left:
                break
            throttled = self._is_throttled(batch, first, last)
            if throttled and taken > 0:
                left = 0  # they come alone
                break
            got = self._acquire_known(batch, wish, left - taken, (first, last), lock_ms, throttled)
            acquired += got
            taken += sum(one.last_offset - one.first_offset + 1 for one in got)
            if throttled and got:
                left = 0
                break
        behind = known[-1].last + 1 if known else max(first, self.end)
        if taken < left and behind <= last:
            acquired += self._acquire_new(wish, left - taken, (behind, last), spans, lock_ms)
        return self._without_aborted(acquired, spans, wish.member)

    def _acquire_known(
        self,
        batch: InFlightBatch,
        wish: Wish,
        left: int,
        span: tuple[int, int],
        lock_ms: int,
        throttled: bool,
    ) -> list[Acquired]:
        first, last = span
        as_one = batch.first >= first and batch.last <= last and not batch.split and not throttled
        if not batch.split and not batch.whole.is_available:
            return []
        if as_one and not (wish.record_limit and batch.size > left):
            run = batch.whole
            self._take(run, wish.member, lock_ms)
            return [Acquired(run.first, run.last, run.count)]
        acquired: list[Acquired] = []
        taken, most = 0, None
        for run in batch.within(first, last):
            if not run.is_available:
                continue
            size = run.size
            last_time = self._limit > THROTTLE_FROM_MIN and run.count == self._limit - 1
            if last_time and taken:
                break
            if run.count >= self._throttle_from and most is None:
                most = max(1, batch.size >> (run.count - self._throttle_from + 1))
            if last_time:
                size = 1
            if wish.record_limit:
                size = min(size, left - taken)
            if most is not None and most > taken:
                size = min(size, most - taken)
            run = batch.cut(run, size)
            self._take(run, wish.member, lock_ms)
            taken += size
            _append(acquired, Acquired(run.first, run.last, run.count))
            if last_time or (wish.record_limit and taken == left) or taken == most:
                break
        return acquired

    def _is_throttled(self, batch: InFlightBatch, first: int, last: int) -> bool:
        """Whether it holds records that were delivered so often that they come in smaller numbers."""
        return any(
            run.is_available and run.count >= self._throttle_from
            for run in batch.runs
            if not batch.split or (run.last >= first and run.first <= last)
        )

    def _acquire_new(
        self, wish: Wish, left: int, span: tuple[int, int], spans: Sequence[Batch], lock_ms: int
    ) -> list[Acquired]:
        """Records that were never looked at."""
        first, last = span
        if left < last - first + 1:
            last = _end_of_batch(spans, first + left - 1)
        if not self.in_flight:
            self.start = first  # the log has nothing between
        self.end = last + 1

        def run(begin: int, end: int) -> Run:
            return Run(begin, end, RecordState.ACQUIRED, 1, wish.member, lock_ms)

        if wish.record_limit:
            taken = min(last, first + left - 1)
            runs = [run(first, taken)]
            if taken < last:
                runs.append(Run(taken + 1, last, RecordState.AVAILABLE, 0))
                self._may_be_available = True
            self.in_flight.add(InFlightBatch(*runs, split=len(runs) > 1))
            return [Acquired(first, taken, 1)]
        begins = [first]
        if last - first + 1 > wish.batch_size:
            for batch in spans:
                if batch.first <= last and batch.first - begins[-1] >= max(wish.batch_size, 1):
                    begins.append(batch.first)
        ends = [begin - 1 for begin in begins[1:]] + [last]
        for begin, end in zip(begins, ends, strict=True):
            self.in_flight.add(InFlightBatch(run(begin, end)))
        return [Acquired(begin, end, 1) for begin, end in zip(begins, ends, strict=True)]

    @staticmethod
    def _take(run: Run, member: str, lock_ms: int) -> None:
        run.state, run.member, run.lock_ms = RecordState.ACQUIRED, member, lock_ms
        run.count += 1

    def _without_aborted(
        self, acquired: list[Acquired], spans: Sequence[Batch], member: str
    ) -> list[Acquired]:
        """What is part of an aborted transaction is done with before it is delivered."""
        aborted = [span for span in spans if span.aborted]
        if not aborted or not acquired:
            return acquired
        for span in aborted:
            self._archive(span.first, span.last, RecordState.ACQUIRED, member)
        self.move_start()
        left: list[Acquired] = []
        for one in acquired:
            begin = one.first_offset
            for span in aborted:
                if span.last < begin or span.first > one.last_offset:
                    continue
                if span.first > begin:
                    left.append(one._replace(first_offset=begin, last_offset=span.first - 1))
                begin = span.last + 1
            if begin <= one.last_offset:
                left.append(one._replace(first_offset=begin))
        return left

    # -- acknowledging ------------------------------------------------------------------------------------------------

    def acknowledge(self, member: str, acknowledgements: Iterable[Acknowledgement], lock_ms: int) -> Change:
        """All or nothing, but renewals. Raises `Refusal`. `lock_ms`: when renewed locks end."""
        change = Change()
        try:
            for acknowledgement in acknowledgements:
                self._acknowledge(change, member, acknowledgement, lock_ms)
        except Refusal:
            self._undo(change, now_ms=NEVER)
            raise
        return self._ready(change)

    def _acknowledge(self, change: Change, member: str, asked: Acknowledgement, lock_ms: int) -> None:
        if any(not GAP <= kind <= RENEW for kind in asked.types) or not asked.types:
            raise Refusal(Error.INVALID_REQUEST, f"Invalid acknowledge type: {list(asked.types)}")
        if asked.last_offset < self.start:
            return
        for batch in self._asked_for(asked):
            if batch.last < self.start:
                continue
            if not batch.split and batch.whole.member == NOBODY:
                raise _invalid("The batch cannot be acknowledged. The batch is not in the acquired state.")
            if not batch.split and batch.whole.member != member:
                raise _invalid("Member is not the owner of batch record")
            full = batch.first >= max(asked.first_offset, self.start) and batch.last <= asked.last_offset
            if full and not batch.split and len(asked.types) == 1:
                self._settle(change, batch.whole, asked.types[0], lock_ms)
                continue
            first, last = max(asked.first_offset, self.start), asked.last_offset
            for run in batch.within(first, last):
                if run.state is not RecordState.ACQUIRED:
                    raise _invalid("The offset cannot be acknowledged. The offset is not acquired.")
                if run.member != member:
                    raise _invalid("Member is not the owner of offset")
                kind, size = _kind_at(asked, run)
                self._settle(change, batch.cut(run, size), kind, lock_ms)  # what is cut off comes next

    def _asked_for(self, asked: Acknowledgement) -> list[InFlightBatch]:
        floor = self.in_flight.floor(asked.first_offset)
        if floor is None and asked.first_offset < self.start <= asked.last_offset:
            floor = self.in_flight.floor(self.start)
        if floor is None:
            raise _invalid("Batch record not found. The request batch offsets are not found in the cache.")
        found = self.in_flight.from_batch(floor, asked.last_offset)
        if found[-1].last < asked.first_offset:
            raise Refusal(
                Error.INVALID_REQUEST,
                "Batch record not found. The first offset in request is past acquired records.",
            )
        if found[-1].last < asked.last_offset:
            raise Refusal(
                Error.INVALID_REQUEST,
                "Batch record not found. The last offset in request is past acquired records.",
            )
        return found

    def _settle(self, change: Change, run: Run, kind: int, lock_ms: int) -> None:
        if kind == RENEW:
            run.lock_ms = lock_ms
        else:
            self._begin(change, run, STATE_AFTER[kind])

    def _begin(self, change: Change, run: Run, state: RecordState) -> None:
        """The run changes, and is sure to have when the change is written."""
        run.begin(change, self._or_archived(run, state))
        change.batches.append(StateBatch(run.first, run.last, run.state, run.count))
        if run.state.is_terminal:
            self.complete_count += self._counted(run)

    def _or_archived(self, run: Run, state: RecordState) -> RecordState:
        if run.last < self.start or (state is RecordState.AVAILABLE and run.count >= self._limit):
            return RecordState.ARCHIVED
        return state

    def _counted(self, run: Run) -> int:
        """How many of its records count among those that are done with."""
        return max(run.last - max(run.first, self.start) + 1, 0)

    def release(self, member: str) -> Change:
        """The member is gone: what it has acquired is available again. The delivery counts."""
        change = Change()
        for batch in self.in_flight.batches:
            for run in batch.runs:
                if run.state is RecordState.ACQUIRED and run.member == member:
                    self._begin(change, run, RecordState.AVAILABLE)
        return self._ready(change)

    @property
    def next_lock_ms(self) -> int | None:
        """When the next lock ends."""
        return min(
            (run.lock_ms for run in self.in_flight.runs() if run.state is RecordState.ACQUIRED), default=None
        )

    def locks_over(self, now_ms: int) -> Change:
        """Take back what was acquired too long ago; that holds at once."""
        change = Change()
        for batch in self.in_flight.batches:
            for run in batch.runs:
                if run.state is RecordState.ACQUIRED and run.lock_ms <= now_ms:
                    self._begin(change, run, RecordState.AVAILABLE)
                    run.change = None
                    self._may_be_available = True
        return self._ready(change)

    def _ready(self, change: Change) -> Change:
        change.start_offset, change.complete_count = self.start, self.complete_count
        return change

    def written(self, change: Change, *, ok: bool, now_ms: int) -> None:
        """The change is written, or is not: then what it concerns is as before, unless its lock ran out meanwhile."""
        if not ok:
            self._undo(change, now_ms)
        for run in self.in_flight.runs():
            if run.change is change:
                run.change = None
        self._may_be_available = True
        self.move_start()

    def _undo(self, change: Change, now_ms: int) -> None:
        for run in self.in_flight.runs():
            if run.change is not change:
                continue
            run.change = None
            if run.state.is_terminal:
                self.complete_count -= self._counted(run)
            run.state, run.member = run.before
            if run.lock_ms <= now_ms:
                run.state, run.member = self._or_archived(run, RecordState.AVAILABLE), NOBODY
                if run.state.is_terminal:
                    self.complete_count += self._counted(run)

    # -- the start ----------------------------------------------------------------------------------------------------

    def move_start(self) -> None:
        """Past everything that is done with."""
        batches = self.in_flight.batches
        done = 0
        for batch in batches:
            if any(not self._pass(run) for run in batch.runs):
                break
            done += 1
        del batches[:done]
        if not batches:
            self.start = self.end = max(self.start, self.end)
            self.complete_count = 0
        elif batches[0].first > self.start:
            self.start = batches[0].first

    def _pass(self, run: Run) -> bool:
        """Move the start past it, if it is done with; whatever is behind the start is."""
        if run.last < self.start:
            return True
        if not run.state.is_terminal or run.change is not None:
            return False
        self.complete_count -= self._counted(run)
        self.start = run.last + 1
        return True

    def log_start_moved(self, log_start: int) -> None:
        """Records before it are gone from the log."""
        if log_start <= self.start:
            return
        for run in self.in_flight.runs():
            if run.state.is_terminal:
                self.complete_count -= max(min(run.last, log_start - 1) - max(run.first, self.start) + 1, 0)
        self._archive(self.start, log_start - 1, RecordState.AVAILABLE, counts=False)
        self.start = log_start
        self.end = max(self.end, self.start)
        self._may_be_available = True
        self.move_start()

    def _archive(
        self, first: int, last: int, state: RecordState, member: str = NOBODY, *, counts: bool = True
    ) -> None:
        """What is in this state, and this member's, is done with."""
        for batch in self.in_flight.overlapping(first, last) if first <= last else ():
            if not any(run.state is state and run.member == member for run in batch.runs):
                continue
            whole = not batch.split and batch.first >= first and batch.last <= last
            for run in batch.runs if whole else batch.within(first, last):
                if run.state is state and run.member == member:
                    run.state, run.member, run.change = RecordState.ARCHIVED, NOBODY, None
                    self.complete_count += self._counted(run) if counts else 0


def _invalid(why: str) -> Refusal:
    return Refusal(Error.INVALID_RECORD_STATE, why)


def _kind_at(asked: Acknowledgement, run: Run) -> tuple[int, int]:
    """How the run's first record is acknowledged, and how many of its records are so."""
    if len(asked.types) == 1:
        return asked.types[0], run.size
    begin = run.first - asked.first_offset
    kind, size = asked.types[begin], 1
    while size < run.size and asked.types[begin + size] == kind:
        size += 1
    return kind, size


def _end_of_batch(spans: Sequence[Batch], offset: int) -> int:
    """The last offset of the record batch that holds it."""
    for span in spans:
        if span.first <= offset <= span.last:
            return span.last
    return offset


def _append(acquired: list[Acquired], one: Acquired) -> None:
    before = acquired[-1] if acquired else None
    if before is not None and before[1:] == (one.first_offset - 1, one.delivery_count):
        acquired[-1] = before._replace(last_offset=one.last_offset)
    else:
        acquired.append(one)
