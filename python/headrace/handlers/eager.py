"""Coroutines that begin at once and become a task only if they wait (CPython 3.12 has `eager_task_factory`, 3.11 has not).

Most handlers answer without waiting; a task for each would cost more than the answer. Until its first wait a handler has
no current task, so `asyncio.timeout` and `asyncio.TaskGroup` are not for handlers: deadlines belong to the timers of a
state machine.
"""

from __future__ import annotations

import asyncio
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator


class EagerStarter:
    """Starts coroutines that give nothing back and do not raise; keeps those that wait alive.

    They are as many as requests that the engine has handed over and not yet got an answer for, which it bounds.
    """

    def __init__(self) -> None:
        self._waiting: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many have begun and not ended."""
        return len(self._waiting)

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        try:
            awaited = coroutine.send(None)
        except StopIteration:
            return
        task = asyncio.get_running_loop().create_task(_rest(coroutine, awaited))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def finish(self, timeout_s: float) -> None:
        """Wait for those that have begun, at most so long; for a node that stops."""
        if self._waiting:
            await asyncio.wait(set(self._waiting), timeout=timeout_s)

    def cancel(self) -> None:
        """Cancel what waits; for a node that stops."""
        for task in list(self._waiting):
            task.cancel()


async def _rest(coroutine: Coroutine[Any, Any, None], awaited: Any) -> None:
    await _continue(coroutine, awaited)


@types.coroutine
def _continue(coroutine: Coroutine[Any, Any, None], awaited: Any) -> Generator[Any, Any, None]:
    """What `await` would have done, from the first wait on: hand each thing awaited to the task, and back what comes."""
    try:
        while True:
            try:
                sent = yield awaited
            except BaseException as raised:  # noqa: BLE001 - cancellation too belongs to the coroutine
                awaited = coroutine.throw(raised)
            else:
                awaited = coroutine.send(sent)
    except StopIteration:
        return
