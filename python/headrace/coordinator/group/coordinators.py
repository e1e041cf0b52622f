"""All group coordinators of this node: one driver for each partition of `__consumer_offsets`, and which group is whose.

    groups = GroupCoordinators(engine, topics, GroupSettings.of(config), timers, secrets.token_bytes, clock)
    await groups.open()
    response = await groups.join(request, asker)

Every method that answers a request raises `Refusal` when the coordinator cannot answer now: it is loading, has been
deposed, or is closing. All of that is retriable.
"""

from __future__ import annotations

import base64
import uuid
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from headrace.coordinator.group.classic.joining import Asker
from headrace.coordinator.group.classic.life import GroupState
from headrace.coordinator.group.consumer.regex import MatchTopics
from headrace.coordinator.group.initializing import Initializing
from headrace.coordinator.group.machine import GroupMachine
from headrace.coordinator.group.matching import Matching
from headrace.coordinator.group.modern.cluster import ClusterImage
from headrace.coordinator.group.modern.cluster import KnownTopic as ImageTopic
from headrace.coordinator.group.offsets import InOpenTransaction
from headrace.coordinator.group.share.states import Initialize
from headrace.coordinator.group.view import describe_group, fetch_offsets, list_groups
from headrace.coordinator.runtime.driver import Driver, Phase
from headrace.coordinator.runtime.internal_topic import InternalTopic, KnownTopic, Topics
from headrace.coordinator.runtime.stored_text import too_long
from headrace.model.errors import Error, Refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from headrace.coordinator.group.initializing import ShareStates
    from headrace.coordinator.group.offsets import Commit
    from headrace.coordinator.group.settings import GroupSettings
    from headrace.coordinator.group.turn import Turn
    from headrace.coordinator.group.view import GroupDescribed, GroupListed, OffsetFetched
    from headrace.coordinator.runtime.clock import Clock, Timers
    from headrace.engine.port import Engine, Marker, Producer
    from headrace.wire.messages.k11_join_group import JoinGroupRequest, JoinGroupResponse
    from headrace.wire.messages.k12_heartbeat import HeartbeatRequest
    from headrace.wire.messages.k13_leave_group import LeaveGroupResponse, MemberIdentity
    from headrace.wire.messages.k14_sync_group import SyncGroupRequest, SyncGroupResponse

OFFSETS_TOPIC: Final = "__consumer_offsets"

T = TypeVar("T")


class ClusterTopic(KnownTopic, ImageTopic, Protocol):
    """A topic as both of them want it."""


class Cluster(Topics, ClusterImage, Protocol):
    """What group coordinators must know of the cluster; the controller is one."""

    def topic(self, name: str) -> ClusterTopic | None:
        """The topic of this name, if there is one."""


class GroupCoordinators:
    def __init__(
        self,
        engine: Engine,
        topics: Cluster,
        settings: GroupSettings,
        timers: Timers,
        rng: Callable[[int], bytes],
        clock: Clock,
        share_states: ShareStates | None = None,
    ) -> None:
        """`rng`: n random bytes, for member ids. `share_states`: None where there are no share groups."""
        self._topics = topics
        self._engine = engine
        self.settings = settings
        self._timers = timers
        self._rng = rng
        self._clock = clock
        self._matching = Matching(topics)
        self._initializing = None if share_states is None else Initializing(share_states)
        self._kept = InternalTopic(engine, topics, OFFSETS_TOPIC, self._driver)
        topics.on_topics_removed(self._topics_removed)

    # -- life ---------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Begin to load what is stored; requests for partitions that still load are refused until they have."""
        await self._kept.open()

    async def ensure(self) -> None:
        """Make the offsets topic on first use. Raises `Refusal`."""
        await self._kept.ensure()

    def _driver(self, group: int, number: int) -> Driver[GroupMachine]:
        def loaded() -> None:
            # Topics may have been deleted while nobody kept these offsets.
            held = {topic for topics in driver.machine.offsets.values() for topic in topics}
            held |= driver.machine.pending.topics()
            self._forget(driver, {topic for topic in held if self._topics.topic(topic) is None})

        driver = Driver(
            self._engine,
            group,
            f"{OFFSETS_TOPIC}-{number}",
            lambda: GroupMachine(self.settings, self._topics),
            self._timers,
            self._clock,
            loaded,
            lambda what, fold: self._send(driver, what, fold),
        )
        return driver

    async def close(self) -> None:
        """Let appends end, then answer what is parked with a retriable error."""
        await self._matching.close()
        if self._initializing is not None:
            await self._initializing.close()
        await self._kept.close()

    def _of(self, group_id: str) -> Driver[GroupMachine]:
        if too_long(group_id):
            raise Refusal(Error.INVALID_GROUP_ID)
        return self._kept.of(group_id)

    def _topics_removed(self, removed: Sequence[KnownTopic]) -> None:
        names = [topic.name for topic in removed]
        for driver in self._kept.drivers:
            self._forget(driver, names)

    def _forget(self, driver: Driver[GroupMachine], names: Iterable[str]) -> None:
        if gone := frozenset(names):
            driver.post(lambda machine, now: machine.decide_topics_deleted(gone, now))

    # -- modern groups ------------------------------------------------------------------------------------------------

    async def decide(self, group_id: str, decision: Callable[[Turn, GroupMachine], T]) -> T:
        """Let the machine that keeps this group decide. Raises the `Refusal` that the decision raised, too."""
        outcome: T | Refusal = await self._of(group_id).submit(
            lambda machine, waiter, now: machine.decide(decision, waiter, now)
        )
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome

    async def read(self, group_id: str, view: Callable[[GroupMachine], T | Refusal]) -> T:
        """Look at the machine that keeps this group. Raises the `Refusal` that the view gave, too."""
        seen = await self._of(group_id).read(view)
        if isinstance(seen, Refusal):
            raise seen
        return seen

    def fresh_member_id(self) -> str:
        """A random one, as Kafka writes its ids."""
        random = uuid.UUID(bytes=self._rng(16), version=4).bytes
        return base64.urlsafe_b64encode(random).decode().rstrip("=")

    def _send(self, driver: Driver[GroupMachine], what: object, fold: int) -> None:
        if isinstance(what, Initialize):
            assert self._initializing is not None, "who has share groups has their states"
            self._initializing.begin(driver, what)
            return
        assert isinstance(what, MatchTopics), "machines of groups send nothing else"
        self._matching.begin(driver, what, fold)

    # -- members of classic groups ----------------------------------------------------------------------------------------------------

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

    async def commit_in_transaction(
        self, commit: Commit, producer: Producer, verify: Callable[[tuple[str, int]], Awaitable[Error]]
    ) -> list[Error]:
        """Offsets that count once the producer's transaction is committed. One outcome for each part, in their order.

        `verify(partition)` tells whether the partition of the offsets topic is part of that transaction. What it says may
        be history when it is heard, so the marker must not have come since it was asked.
        """
        driver = self._of(commit.group_id)
        await driver.read(lambda _: None)  # so that it is loaded
        asked, since = driver.machine, driver.machine.pending.position + 1
        error = await verify((OFFSETS_TOPIC, self._kept.number_of(commit.group_id)))
        if error:
            return [error] * len(commit.parts)
        if driver.machine is not asked:
            raise Refusal(Error.NOT_COORDINATOR)
        return await self.commit(commit._replace(transaction=InOpenTransaction(producer, since)))

    async def partition_of(self, group_id: str) -> tuple[str, int]:
        """The partition that keeps this group's offsets; made if this is its first use. Raises `Refusal`."""
        await self.ensure()
        return OFFSETS_TOPIC, self._kept.number_of(group_id)

    @property
    def topic_name(self) -> str:
        return OFFSETS_TOPIC

    async def end_transaction(self, number: int, producer: Producer, marker: Marker) -> Error:
        """Write the marker that ends a producer's transaction in a partition of the offsets topic."""
        outcome: Error = await self._kept.numbered(number).submit(
            lambda machine, waiter, now: machine.decide_end_transaction(producer, marker, waiter, now)
        )
        return outcome

    async def fetch(
        self,
        group_id: str,
        wanted: Sequence[tuple[str, int]] | None,
        *,
        stable: bool,
        member_id: str | None = None,
        member_epoch: int = -1,
    ) -> list[OffsetFetched]:
        """The offsets of these partitions, in their order; None: all that are stored. `stable`: only what no open
        transaction has written to. `member_id` and `member_epoch`: who asks, if it is a member of a modern group.
        """

        def view(machine: GroupMachine) -> list[OffsetFetched] | Refusal:
            group = machine.find(group_id)
            if group is not None and (error := group.why_no_fetch(member_id, member_epoch)):
                return Refusal(error)
            return fetch_offsets(machine, group_id, wanted, stable=stable)

        return await self.read(group_id, view)

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
        for driver in self._kept.drivers:
            found += await driver.read(list_groups)
        return sorted(found)

    async def describe_group(self, group_id: str) -> GroupDescribed:
        """Of the classic kind. Raises `Refusal`, GROUP_ID_NOT_FOUND if there is none of this id."""
        return await self.read(group_id, lambda machine: describe_group(machine, group_id))

    async def delete_group(self, group_id: str) -> Error:
        outcome: Error = await self._of(group_id).submit(
            lambda machine, waiter, now: machine.decide_delete_group(group_id, waiter, now)
        )
        return outcome

    def metrics(self) -> dict[str, float]:
        """Groups by state, stored offsets, partitions that do not serve; Prometheus style."""
        found = {f'headrace_groups{{state="{state.value}"}}': 0.0 for state in GroupState}
        offsets = 0
        for driver in self._kept.drivers:
            for group in driver.machine.all_groups():
                name = f'headrace_groups{{state="{group.state_name}"}}'
                found[name] = found.get(name, 0) + 1
            offsets += sum(len(ps) for ts in driver.machine.offsets.values() for ps in ts.values())
        found["headrace_group_offsets"] = offsets
        idle = sum(driver.phase is not Phase.ACTIVE for driver in self._kept.drivers)
        found["headrace_group_partitions_not_serving"] = idle
        return found
