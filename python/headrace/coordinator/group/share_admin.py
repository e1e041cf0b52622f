"""What administrators do to share groups, step by step: the group's record says what is wanted, the share coordinator does it,
the group's record says that it is done.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from headrace.coordinator.group.initializing import initialize
from headrace.coordinator.group.share import commands
from headrace.coordinator.group.share.group import ShareGroup
from headrace.coordinator.group.share.states import initialized
from headrace.coordinator.share.machine import Told
from headrace.coordinator.share.records import ShareKey
from headrace.model.errors import Error, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from headrace.coordinator.group.coordinators import GroupCoordinators
    from headrace.coordinator.group.initializing import ShareStates
    from headrace.coordinator.group.machine import GroupMachine


class ShareAdmin:
    def __init__(self, groups: GroupCoordinators, states: ShareStates, forget: Callable[[str], None]) -> None:
        """`forget(group_id)`: the leader of its share-partitions reads them again."""
        self._groups = groups
        self._states = states
        self._forget = forget

    async def delete_group(self, group_id: str) -> Error:
        """A group of any kind; a share group's states go first. Raises `Refusal`."""
        parts = await self._groups.decide(
            group_id, lambda turn, machine: commands.begin_deletion(turn, machine, group_id)
        )
        for error in (await self._delete(group_id, parts)).values():
            if error:
                return error
        self._forget(group_id)
        return await self._groups.delete_group(group_id)

    async def alter_offsets(
        self, group_id: str, wanted: Mapping[str, Mapping[int, int]]
    ) -> tuple[dict[tuple[str, int], Error], Mapping[str, bytes]]:
        """An outcome for each partition, and the ids of the topics that there are. Raises `Refusal`."""
        done = await self._groups.decide(
            group_id, lambda turn, machine: commands.alter_offsets(turn, machine, group_id, wanted)
        )
        found = await initialize(self._states, done.asked) if done.asked.parts else {}
        good: dict[bytes, frozenset[int]] = {}
        for (topic_id, number), error in found.items():
            if not error:
                good[topic_id] = good.get(topic_id, frozenset()) | {number}
        if good:
            await self._groups.decide(
                group_id, lambda turn, machine: initialized(turn, machine, group_id, good, ok=True)
            )
        self._forget(group_id)
        return {
            (name, number): Error.UNKNOWN_TOPIC_OR_PARTITION
            if (name, number) in done.refused
            else found[done.ids[name], number]
            for name, offsets in wanted.items()
            for number in offsets
        }, done.ids

    async def delete_offsets(
        self, group_id: str, names: Iterable[str]
    ) -> tuple[commands.Deletion, dict[bytes, Error]]:
        """What was asked for, and what came of it for each topic. Raises `Refusal`."""
        asked = await self._groups.decide(
            group_id, lambda turn, machine: commands.begin_offset_deletion(turn, machine, group_id, names)
        )
        errors = await self._delete(group_id, asked.parts)
        found = dict.fromkeys(asked.names, Error.NONE)
        for (topic_id, _), error in errors.items():
            found[topic_id] = found[topic_id] or error
        good = [topic_id for topic_id, error in found.items() if not error]
        if good:
            await self._groups.decide(
                group_id, lambda turn, machine: commands.end_offset_deletion(turn, machine, group_id, good)
            )
        self._forget(group_id)
        return asked, found

    async def initialized(self, group_id: str) -> dict[str, list[int]]:
        """The partitions that have a state, by topic. Raises `Refusal`."""

        def view(machine: GroupMachine) -> dict[str, list[int]]:
            group = machine.find(group_id)
            if not isinstance(group, ShareGroup):
                return {}
            return {name: sorted(numbers) for name, numbers in group.states.initialized.values()}

        return await self._groups.read(group_id, view)

    async def summary(self, group_id: str, topic_id: bytes, number: int) -> Told:
        """How far a share-partition is."""
        try:
            return await self._states.summary(ShareKey(group_id, topic_id, number))
        except Refusal as refusal:
            return Told(refusal.error, refusal.message)

    async def _delete(
        self, group_id: str, parts: Iterable[tuple[bytes, int]]
    ) -> dict[tuple[bytes, int], Error]:
        async def one(topic_id: bytes, number: int) -> Error:
            try:
                return (await self._states.delete(ShareKey(group_id, topic_id, number))).error
            except Refusal as refusal:
                return refusal.error

        parts = list(parts)
        errors = await asyncio.gather(*(one(*part) for part in parts))
        return dict(zip(parts, errors, strict=True))
