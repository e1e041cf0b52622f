"""Clock and timers that a test or a simulator turns by hand."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from headrace.coordinator.runtime.effects import Now

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.coordinator.runtime.clock import Timer


class ManualTimers:
    """Both `Clock` and `Timers`; time stands still between calls of `advance`."""

    def __init__(self, start: Now = Now(0, 1_700_000_000_000)) -> None:  # noqa: B008 - immutable
        self._now = start
        self._due: list[tuple[int, int, _ManualTimer]] = []
        self._count = 0

    def now(self) -> Now:
        return self._now

    def call_later(self, delay_ms: int, callback: Callable[[], None]) -> Timer:
        self._count += 1
        timer = _ManualTimer(callback)
        heapq.heappush(self._due, (self._now.ms + delay_ms, self._count, timer))
        return timer

    def advance(self, ms: int) -> None:
        """Let time pass; due timers fire in order, each at its own moment, those they set too."""
        end = self._now.ms + ms
        while self._due and self._due[0][0] <= end:
            at, _, timer = heapq.heappop(self._due)
            self._to(max(at, self._now.ms))
            if not timer.cancelled:
                timer.callback()
        self._to(end)

    def _to(self, ms: int) -> None:
        self._now = Now(ms, self._now.wall_ms + ms - self._now.ms)


class _ManualTimer:
    __slots__ = ("callback", "cancelled")

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True
