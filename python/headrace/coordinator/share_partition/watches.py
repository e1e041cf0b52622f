"""Who waits for more in which partition: one wait in the engine for each partition, however many share-partitions want it.

The engine's wait has no end but that there is more, so it outlives those who began it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from headrace.engine.port import Engine


class Watched(NamedTuple):
    group: int
    """The partition's Raft group."""
    committed: bool


class Watches:
    """Bounded by the partitions that there are."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: dict[Watched, set[Callable[[], None]]] = {}

    def call_when_more(self, watched: Watched, seen: int, callback: Callable[[], None]) -> None:
        """Call back once when there is more to see than up to `seen`; maybe earlier, too. Asking twice is once."""
        waiting = self._waiting.get(watched)
        if waiting is not None:
            waiting.add(callback)
            return
        self._waiting[watched] = {callback}
        future = self._engine.await_more(watched.group, seen, committed=watched.committed)
        future.add_done_callback(lambda done: self._more(watched, done))

    def _more(self, watched: Watched, done: asyncio.Future[None]) -> None:
        waiting = self._waiting.pop(watched)
        if not done.cancelled():
            for callback in waiting:
                callback()

    def forget(self, watched: Watched, callback: Callable[[], None]) -> None:
        """Do not call back."""
        self._waiting.get(watched, set()).discard(callback)
