"""The records between a share-partition's start and end, as runs of neighbours in the same state.

Records were acquired in batches, whose bounds count as long as one of them is in flight: a batch that is whole is acquired,
acknowledged and released as one. One that is split is looked at record by record, though neighbours are still kept together.
"""

from __future__ import annotations

import enum
from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = ""


class RecordState(enum.IntEnum):
    """Of one record; the numbers are stored."""

    AVAILABLE = 0
    ACQUIRED = 1
    ACKNOWLEDGED = 2
    ARCHIVED = 4
    """Never delivered again: rejected, delivered too often, a gap, or aborted."""

    @property
    def is_terminal(self) -> bool:
        return self in {RecordState.ACKNOWLEDGED, RecordState.ARCHIVED}


class Run:
    """Neighbouring records of one batch in the same state."""

    __slots__ = ("before", "change", "count", "first", "last", "lock_ms", "member", "state")

    def __init__(
        self, first: int, last: int, state: RecordState, count: int, member: str = NOBODY, lock_ms: int = 0
    ) -> None:
        self.first = first
        self.last = last
        self.state = state
        self.count = count
        """Deliveries, this one included."""
        self.member = member
        """Who has acquired them."""
        self.lock_ms = lock_ms
        """When they are taken from whoever has acquired them."""
        self.change: object | None = None
        """The change whose write they wait for; nothing else is done with them meanwhile."""
        self.before: tuple[RecordState, str] = (state, member)
        """State and member before `change`."""

    @property
    def size(self) -> int:
        return self.last - self.first + 1

    @property
    def is_available(self) -> bool:
        return self.state is RecordState.AVAILABLE and self.change is None

    def begin(self, change: object, state: RecordState) -> None:
        self.change, self.before = change, (self.state, self.member)
        self.state, self.member = state, NOBODY

    def tail(self, first: int) -> Run:
        """Cut off what begins at `first`."""
        cut = Run(first, self.last, self.state, self.count, self.member, self.lock_ms)
        cut.change, cut.before = self.change, self.before
        self.last = first - 1
        return cut


class InFlightBatch:
    """Invariant: `runs` are neighbours from `first` to `last`; a batch that is not `split` has one."""

    __slots__ = ("first", "last", "runs", "split")

    def __init__(self, *runs: Run, split: bool = False) -> None:
        self.first = runs[0].first
        self.last = runs[-1].last
        self.runs = list(runs)
        self.split = split

    @property
    def size(self) -> int:
        return self.last - self.first + 1

    @property
    def whole(self) -> Run:
        """The state of all its records; only while it is not split."""
        assert not self.split, "it has many states"
        return self.runs[0]

    def within(self, first: int, last: int) -> Iterator[Run]:
        """Its runs in this range, cut at its ends; the batch is split."""
        self.split = True
        place = 0
        while place < len(self.runs):
            run = self.runs[place]
            place += 1
            if run.last < first or run.first > last:
                continue
            if run.first < first:
                self.runs.insert(place, run.tail(first))
                continue
            if run.last > last:
                self.runs.insert(place, run.tail(last + 1))
            yield run

    def cut(self, run: Run, size: int) -> Run:
        """Only so many of the run's records; the rest is a run of its own."""
        if size < run.size:
            self.split = True
            self.runs.insert(self.runs.index(run) + 1, run.tail(run.first + size))
        return run


class InFlight:
    """The batches, by their first offset."""

    def __init__(self) -> None:
        self.batches: list[InFlightBatch] = []

    def __bool__(self) -> bool:
        return bool(self.batches)

    def runs(self) -> Iterator[Run]:
        for batch in self.batches:
            yield from batch.runs

    def add(self, batch: InFlightBatch) -> None:
        place = self._place(batch.first)
        assert place == 0 or self.batches[place - 1].last < batch.first, "batches do not overlap"
        self.batches.insert(place, batch)

    def overlapping(self, first: int, last: int) -> list[InFlightBatch]:
        place = max(self._place(first) - 1, 0)
        return [
            batch
            for batch in self.batches[place : self._place(last)]
            if batch.last >= first and batch.first <= last
        ]

    def floor(self, offset: int) -> InFlightBatch | None:
        """The last batch that begins at the offset or before."""
        place = self._place(offset)
        return self.batches[place - 1] if place else None

    def from_batch(self, batch: InFlightBatch, last: int) -> list[InFlightBatch]:
        """This one and those behind it that begin at `last` or before."""
        return self.batches[self._place(batch.first) - 1 : max(self._place(last), self._place(batch.first))]

    def _place(self, offset: int) -> int:
        return bisect_right(self.batches, offset, key=_first)


def _first(batch: InFlightBatch) -> int:
    return batch.first
