"""State batches laid over each other, as Kafka's `PersisterStateBatchCombiner` does.

What is behind the start offset is dropped. Where batches overlap, the higher delivery count holds, and at the same count the
higher state; neighbours that say the same become one.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from headrace.coordinator.share.records import StateBatch

if TYPE_CHECKING:
    from collections.abc import Iterable


def combine(
    known: Iterable[StateBatch], new: Iterable[StateBatch], start_offset: int
) -> tuple[StateBatch, ...]:
    """`start_offset` -1: nothing is dropped."""
    waiting = sorted(
        batch._replace(first_offset=max(batch.first_offset, start_offset))
        for batch in (*known, *new)
        if batch.last_offset >= max(batch.first_offset, start_offset)
    )
    combined: list[StateBatch] = []
    covering: list[
        tuple[int, int, int]
    ] = []  # what has begun: rank negated, so that the highest is first; last offset
    place, offset = 0, 0
    while place < len(waiting) or covering:
        if not covering:
            offset = max(offset, waiting[place].first_offset)
        while place < len(waiting) and waiting[place].first_offset <= offset:
            batch = waiting[place]
            heapq.heappush(covering, (-batch.delivery_count, -batch.delivery_state, batch.last_offset))
            place += 1
        while covering and covering[0][2] < offset:
            heapq.heappop(covering)
        if covering:
            count, state, last = covering[0]
            if place < len(waiting):
                last = min(last, waiting[place].first_offset - 1)
            _append(combined, StateBatch(offset, last, -state, -count))
            offset = last + 1
    return tuple(combined)


def _append(combined: list[StateBatch], batch: StateBatch) -> None:
    before = combined[-1] if combined else None
    adjacent = before is not None and before.last_offset + 1 == batch.first_offset
    if before is not None and adjacent and before[2:] == batch[2:]:
        combined[-1] = before._replace(last_offset=batch.last_offset)
    else:
        combined.append(batch)
