"""Ask the share coordinator to begin with the share-partitions of a group, and tell the group what came of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

from headrace.coordinator.group.share.states import initialized
from headrace.coordinator.share.records import ShareKey
from headrace.model.errors import Error, Refusal
from headrace.observe import log

if TYPE_CHECKING:
    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.share.states import Initialize
    from headrace.coordinator.runtime.driver import Driver
    from headrace.coordinator.share.machine import Told

_log: Final = log.get(__name__)


class ShareStates(Protocol):
    """Who keeps the states of share-partitions; the share coordinators do."""

    async def ensure(self) -> None:
        """There is a place to keep them. Raises `Refusal`."""

    async def initialize(self, key: ShareKey, state_epoch: int, start_offset: int) -> Told:
        """Raises `Refusal`."""

    async def delete(self, key: ShareKey) -> Told:
        """Raises `Refusal`."""

    async def summary(self, key: ShareKey) -> Told:
        """Raises `Refusal`."""


class Initializing:
    """What is under way; a group asks again for the same only after a while."""

    def __init__(self, states: ShareStates) -> None:
        self._states = states
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, driver: Driver[GroupMachine], asked: Initialize) -> None:
        task = asyncio.get_running_loop().create_task(self._initialize(driver, asked))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _initialize(self, driver: Driver[GroupMachine], asked: Initialize) -> None:
        errors = await initialize(self._states, asked)
        for error in set(errors.values()):
            parts: dict[bytes, frozenset[int]] = {}
            for (topic_id, number), its_error in errors.items():
                if its_error is error:
                    parts[topic_id] = parts.get(topic_id, frozenset()) | {number}
            ok = error is Error.NONE
            if not ok:
                _log.warning("share-partitions are not initialized", group=asked.group_id, error=error.name)
            driver.post(
                lambda machine, now, parts=parts, ok=ok: machine.decide_unasked(  # type: ignore[misc]
                    lambda turn, machine: initialized(turn, machine, asked.group_id, parts, ok=ok), now
                )
            )

    async def close(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


async def initialize(states: ShareStates, asked: Initialize) -> dict[tuple[bytes, int], Error]:
    """What came of each part."""

    async def one(topic_id: bytes, number: int, start_offset: int) -> Error:
        try:
            key = ShareKey(asked.group_id, topic_id, number)
            return (await states.initialize(key, asked.state_epoch, start_offset)).error
        except Refusal as refusal:
            return refusal.error

    try:
        await states.ensure()
    except Refusal as refusal:
        return {(topic_id, number): refusal.error for topic_id, number, _ in asked.parts}
    errors = await asyncio.gather(*(one(*part) for part in asked.parts))
    return {
        (topic_id, number): error for (topic_id, number, _), error in zip(asked.parts, errors, strict=True)
    }
