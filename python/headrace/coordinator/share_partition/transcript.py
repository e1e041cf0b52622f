"""A share-partition on a stage: commands in words, and all that comes of them in words.

log 0-4 5-9                    record batches; `5-9!` is of an aborted transaction
fetch a max=3 batch=500 limit  a member acquires; `limit`: never more than `max`
ack a 0-2=accept 3-4=reject    acknowledged; one word for all, or one for each record: `3-4=accept,release`
written | failed               what became of the oldest change
time 30000                     time passes; locks last 30 s
release a | start 7 | restart
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.coordinator.share.combine import combine
from headrace.coordinator.share.records import ShareState
from headrace.coordinator.share_partition.partition import (
    ACCEPT,
    GAP,
    REJECT,
    RELEASE,
    RENEW,
    Acknowledgement,
    SharePartition,
    Wish,
)
from headrace.engine.port import Batch
from headrace.model.errors import Refusal

if TYPE_CHECKING:
    from headrace.coordinator.share_partition.partition import Change

LIMIT: Final = 5
LOCKS_MAX: Final = 20
LOCK_MS: Final = 30_000
KINDS: Final = {"gap": GAP, "accept": ACCEPT, "release": RELEASE, "reject": REJECT, "renew": RENEW}


class Transcript:
    def __init__(self) -> None:
        self._now_ms = 0
        self._spans: list[Batch] = []
        self._state = ShareState(start_offset=0)
        self._changes: list[Change] = []
        self._partition = SharePartition(LIMIT, LOCKS_MAX)

    def run(self, line: str) -> list[str]:
        """One command and all that it caused."""
        word, *rest = line.split()
        said: list[str] = getattr(self, f"_do_{word}")(*rest)
        return [*said, self._picture()]

    def _picture(self) -> str:
        partition = self._partition
        runs = [
            f"{run.first}-{run.last} {run.state.name.lower()}{f' by {run.member}' if run.member else ''}"
            f" {run.count}{' unwritten' if run.change else ''}"
            for run in partition.in_flight.runs()
        ]
        return f"{partition.start}..{partition.end}: {', '.join(runs) or 'nothing in flight'}"

    def _do_log(self, *ranges: str) -> list[str]:
        for text in ranges:
            first, last = map(int, text.rstrip("!").split("-"))
            self._spans.append(Batch(first, last, last - first + 1, text.endswith("!")))
        return []

    def _do_fetch(self, member: str, *options: str) -> list[str]:
        given = dict(option.split("=") for option in options if "=" in option)
        wish = Wish(member, int(given.get("max", 500)), int(given.get("batch", 500)), "limit" in options)
        if not self._partition.can_acquire:
            return ["no room"]
        offset = self._partition.next_fetch_offset
        spans = [span for span in self._spans if span.last >= offset]
        acquired = self._partition.acquire(wish, offset, spans, self._now_ms + LOCK_MS)
        return [
            f"acquired {one.first_offset}-{one.last_offset} for the {one.delivery_count}." for one in acquired
        ]

    def _do_ack(self, member: str, *ranges: str) -> list[str]:
        acknowledgements = []
        for text in ranges:
            span, _, kinds = text.partition("=")
            first, last = map(int, span.split("-"))
            acknowledgements.append(Acknowledgement(first, last, [KINDS[kind] for kind in kinds.split(",")]))
        try:
            change = self._partition.acknowledge(member, acknowledgements, self._now_ms + LOCK_MS)
        except Refusal as refusal:
            return [f"{refusal.error.name}: {refusal.message}"]
        return self._changed(change)

    def _changed(self, change: Change) -> list[str]:
        self._changes.append(change)
        return [
            f"write {b.first_offset}-{b.last_offset} {b.delivery_state}/{b.delivery_count}"
            for b in change.batches
        ]

    def _do_written(self) -> list[str]:
        change = self._changes.pop(0)
        start = max(change.start_offset, self._state.start_offset)
        batches = combine(self._state.batches, change.batches, start)
        self._state = self._state._replace(start_offset=start, batches=batches)
        self._partition.written(change, ok=True, now_ms=self._now_ms)
        return []

    def _do_failed(self) -> list[str]:
        self._partition.written(self._changes.pop(0), ok=False, now_ms=self._now_ms)
        return []

    def _do_time(self, ms: str) -> list[str]:
        self._now_ms += int(ms)
        due = self._partition.next_lock_ms
        return (
            []
            if due is None or due > self._now_ms
            else self._changed(self._partition.locks_over(self._now_ms))
        )

    def _do_release(self, member: str) -> list[str]:
        return self._changed(self._partition.release(member))

    def _do_start(self, offset: str) -> list[str]:
        self._spans = [span for span in self._spans if span.last >= int(offset)]
        self._partition.log_start_moved(int(offset))
        return []

    def _do_restart(self) -> list[str]:
        self._changes.clear()
        self._partition = SharePartition(LIMIT, LOCKS_MAX)
        self._partition.load(self._state, self._state.start_offset)
        return []
