"""Where the coordinators read the time, and how they ask to be woken: protocols, and the real ones over asyncio."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from headrace.coordinator.runtime.effects import Now

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class Clock(Protocol):
    def now(self) -> Now:
        """Monotonic and wall time, in milliseconds."""


class Timer(Protocol):
    def cancel(self) -> None:
        """The callback will not be called. Harmless when it already was."""


class Timers(Protocol):
    def call_later(self, delay_ms: int, callback: Callable[[], None]) -> Timer:
        """Call back once, not before `delay_ms` have passed and never from within this call."""


class SystemClock:
    """This machine's clocks."""

    def now(self) -> Now:
        return Now(time.monotonic_ns() // 1_000_000, time.time_ns() // 1_000_000)


class LoopTimers:
    """Timers of the running event loop.

    A due timer takes one more turn through the loop's queue: requests that came in before it was due and wait in the
    same wake-up are heard first, so a heartbeat that arrived in time saves its session.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def call_later(self, delay_ms: int, callback: Callable[[], None]) -> Timer:
        return _LoopTimer(self._loop, delay_ms, callback)


class _LoopTimer:
    __slots__ = ("_callback", "_handle", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, delay_ms: int, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._handle: asyncio.Handle = loop.call_later(delay_ms / 1000, self._due)

    def _due(self) -> None:
        self._handle = self._loop.call_soon(self._callback)

    def cancel(self) -> None:
        self._handle.cancel()
