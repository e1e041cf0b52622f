"""All group coordinators of this node: one driver for each partition of `__consumer_offsets`, and which group is whose.

    groups = GroupCoordinators(engine, topics, GroupSettings.of(config), timers, secrets.token_bytes, clock)
    await groups.open()
    response = await groups.join(request, asker)

Every method that answers a request raises `Refusal` when the coordinator cannot answer now: it is loading, has been
deposed, or is closing. All of that is retriable.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Final, Protocol

from headrace.coordinator.group.joining import Asker
from headrace.coordinator.group.life import GroupState
from headrace.coordinator.group.machine import GroupMachine
from headrace.coordinator.group.partitioning import partition_of
from headrace.coordinator.group.settings import too_long
from headrace.coordinator.group.view import describe_group, fetch_offsets, list_groups
from headrace.coordinator.runtime.driver import Driver, Phase
from headrace.model.errors import Error, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from headrace.coordinator.group.offsets import Commit
    from headrace.coordinator.group.settings import GroupSettings
    from headrace.coordinator.group.view import GroupDescribed, GroupListed, OffsetFetched
    from headrace.coordinator.runtime.clock import Clock, Timers
    from headrace.engine.port import Engine
    from headrace.wire.messages.k11_join_group import JoinGroupRequest, JoinGroupResponse
    from headrace.wire.messages.k12_heartbeat import HeartbeatRequest
    from headrace.wire.messages.k13_leave_group import LeaveGroupResponse, MemberIdentity
    from headrace.wire.messages.k14_sync_group import SyncGroupRequest, SyncGroupResponse

OFFSETS_TOPIC: Final = "__consumer_offsets"


class KnownTopic(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def groups(self) -> Sequence[int]:
        """The Raft groups of its partitions, in order."""


class Topics(Protocol):
    """What coordinators must know of topics; the controller is one."""

    def topic(self, name: str) -> KnownTopic | None:
        """The topic of this name, if there is one."""

    def on_topics_removed(self, listener: Callable[[Sequence[KnownTopic]], None]) -> None:
        """Call back with topics that were deleted, after they are."""

    async def ensure_internal_topic(self, name: str) -> Sequence[int]:
        """Make an internal topic unless it is there; the Raft groups of its partitions. Raises `Refusal`."""


class GroupCoordinators:
    def __init__(
        self,
        engine: Engine,
        topics: Topics,
        settings: GroupSettings,
        timers: Timers,
        rng: Callable[[int], bytes],
        clock: Clock,
    ) -> None:
        """`rng`: n random bytes, for member ids."""
        self._topics = topics
        self._engine = engine
        self._settings = settings
        self._timers = timers
        self._rng = rng
        self._clock = clock
        self._drivers: list[Driver[GroupMachine]] = []
        self._closed = False
        topics.on_topics_removed(self._topics_removed)

    # -- life ---------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Begin to load what is stored; requests for partitions that still load are refused until they have."""
        if (topic := self._topics.topic(OFFSETS_TOPIC)) is not None:
            await self._open(topic.groups)

    async def ensure(self) -> None:
        """Make the offsets topic on first use. Raises `Refusal`."""
        if not self._drivers and not self._closed:
            await self._open(await self._topics.ensure_internal_topic(OFFSETS_TOPIC))

    async def _open(self, groups: Sequence[int]) -> None:
        if self._drivers:
            return  # another caller was first
        self._drivers = [self._driver(group, number) for number, group in enumerate(groups)]
        ends = {info.group: info.log_end for info in await self._engine.log_info(groups)}
        for group, driver in zip(groups, self._drivers, strict=True):
            if ends.get(group) == 0:
                driver.opened_empty()
            else:
                driver.load()

    def _driver(self, group: int, number: int) -> Driver[GroupMachine]:
        def loaded() -> None:
            # Topics may have been deleted while nobody kept these offsets.
            held = {topic for topics in driver.machine.offsets.values() for topic in topics}
            self._forget(driver, {topic for topic in held if self._topics.topic(topic) is None})

        driver = Driver(
            self._engine,
            group,
            f"{OFFSETS_TOPIC}-{number}",
            lambda: GroupMachine(self._settings),
            self._timers,
            self._clock,
            loaded,
        )
        return driver

    async def close(self) -> None:
        """Let appends end, then answer what is parked with a retriable error."""
        self._closed = True
        await asyncio.gather(*(driver.close() for driver in self._drivers))

    def _of(self, group_id: str) -> Driver[GroupMachine]:
        if too_long(group_id):
            raise Refusal(Error.INVALID_GROUP_ID)
        if not self._drivers:
            raise Refusal(Error.COORDINATOR_NOT_AVAILABLE if self._closed else Error.NOT_COORDINATOR)
        return self._drivers[partition_of(group_id, len(self._drivers))]

    def _topics_removed(self, removed: Sequence[KnownTopic]) -> None:
        names = [topic.name for topic in removed]
        if OFFSETS_TOPIC in names:  # with it goes all that was folded from it
            drivers, self._drivers = self._drivers, []
            for driver in drivers:
                driver.abandon()
        for driver in self._drivers:
            self._forget(driver, names)

    def _forget(self, driver: Driver[GroupMachine], names: Iterable[str]) -> None:
        if gone := frozenset(names):
            driver.post(lambda machine, now: machine.decide_topics_deleted(gone, now))

    # -- members ------------------------------------------------------------------------------------------------------

    async def join(
        self, request: JoinGroupRequest, api_version: int, client_id: str, client_host: str
    ) -> JoinGroupResponse:
        fresh = "" if request.member_id else str(uuid.UUID(bytes=self._rng(16), version=4))
        asker = Asker(api_version, client_id, client_host, fresh)
        answer: JoinGroupResponse = await self._of(request.group_id).submit(
            lambda machine, waiter, now: machine.decide_join(request, asker, waiter, now)
        )
        return answer

    async def sync(self, request: SyncGroupRequest) -> SyncGroupResponse:
        answer: SyncGroupResponse = await self._of(request.group_id).submit(
            lambda machine, waiter, now: machine.decide_sync(request, waiter, now)
        )
        return answer

    async def heartbeat(self, request: HeartbeatRequest) -> Error:
        answer: Error = await self._of(request.group_id).submit(
            lambda machine, waiter, now: machine.decide_heartbeat(request, waiter, now)
        )
        return answer

    async def leave(self, group_id: str, leaving: list[MemberIdentity]) -> LeaveGroupResponse:
        answer: LeaveGroupResponse = await self._of(group_id).submit(
            lambda machine, waiter, now: machine.decide_leave(group_id, leaving, waiter, now)
        )
        return answer

    # -- offsets ------------------------------------------------------------------------------------------------------

    async def commit(self, commit: Commit) -> list[Error]:
        """One outcome for each part, in their order."""
        outcome: Error | list[Error] = await self._of(commit.group_id).submit(
            lambda machine, waiter, now: machine.decide_commit(commit, waiter, now)
        )
        return [outcome] * len(commit.parts) if isinstance(outcome, Error) else outcome

    async def fetch(self, group_id: str, wanted: Sequence[tuple[str, int]] | None) -> list[OffsetFetched]:
        """The offsets of these partitions, in their order; None: all that are stored."""
        return await self._of(group_id).read(lambda machine: fetch_offsets(machine, group_id, wanted))

    async def delete_offsets(self, group_id: str, parts: list[tuple[str, int]]) -> Error | list[Error]:
        """An error for the whole, or one outcome for each part."""
        outcome: Error | list[Error] = await self._of(group_id).submit(
            lambda machine, waiter, now: machine.decide_delete_offsets(group_id, parts, waiter, now)
        )
        return outcome

    # -- whole groups -------------------------------------------------------------------------------------------------

    async def list_groups(self) -> list[GroupListed]:
        """All groups of this node, sorted by id. Raises `Refusal` while a partition loads: a part is not a list."""
        found: list[GroupListed] = []
        for driver in self._drivers:
            found += await driver.read(list_groups)
        return sorted(found)

    async def describe_group(self, group_id: str) -> GroupDescribed | None:
        """None: there is no such group."""
        return await self._of(group_id).read(lambda machine: describe_group(machine, group_id))

    async def delete_group(self, group_id: str) -> Error:
        outcome: Error = await self._of(group_id).submit(
            lambda machine, waiter, now: machine.decide_delete_group(group_id, waiter, now)
        )
        return outcome

    def metrics(self) -> dict[str, float]:
        """Groups by state, stored offsets, partitions that do not serve; Prometheus style."""
        found = {f'headrace_groups{{state="{state.value}"}}': 0.0 for state in GroupState}
        offsets = 0
        for driver in self._drivers:
            for group in driver.machine.groups.values():
                found[f'headrace_groups{{state="{group.state.value}"}}'] += 1
            offsets += sum(len(ps) for ts in driver.machine.offsets.values() for ps in ts.values())
        found["headrace_group_offsets"] = offsets
        idle = sum(driver.phase is not Phase.ACTIVE for driver in self._drivers)
        found["headrace_group_partitions_not_serving"] = idle
        return found
