"""The coordinators over a fake engine: what stands in which log, when, and what a crash leaves."""

from __future__ import annotations

import asyncio
import itertools
from typing import NamedTuple

import pytest

from headrace.coordinator.group.coordinators import OFFSETS_TOPIC, GroupCoordinators
from headrace.coordinator.group.offsets import Commit, CommitPart
from headrace.coordinator.group.settings import GroupSettings
from headrace.coordinator.runtime.manual_timers import ManualTimers
from headrace.coordinator.transaction.coordinators import TRANSACTIONS_TOPIC, TransactionCoordinators
from headrace.coordinator.transaction.life import TransactionState
from headrace.coordinator.transaction.settings import TransactionSettings
from headrace.coordinator.transaction.view import Filter
from headrace.engine.fake import FakeEngine
from headrace.engine.port import Appended, Marker, Producer, Record, Verification
from headrace.model.errors import Error, Refusal

ID = "pay"
GROUP = "readers"
T0, T1, U0 = 1, 2, 3
"""Raft groups of t/0, t/1 and u/0."""
OFFSETS, STATE = 10, 20


class Partition(NamedTuple):
    group: int


class Topic(NamedTuple):
    name: str
    groups: tuple[int, ...]

    def partition(self, number):
        return Partition(self.groups[number]) if 0 <= number < len(self.groups) else None


class Engine(FakeEngine):
    """Some partitions take no markers."""

    def __init__(self, *, now_ms=1_700_000_000_000):
        super().__init__(now_ms=now_ms)
        self.deaf = {}
        """What they say instead, by Raft group; None: nothing."""
        self.unheard = []
        """Calls that nothing was said to."""

    def append_marker(self, group, producer, marker, *, expected_end=None):
        if group not in self.deaf:
            return super().append_marker(group, producer, marker, expected_end=expected_end)
        future = asyncio.get_running_loop().create_future()
        if self.deaf[group] is None:
            self.unheard.append(future)
        else:
            future.set_result(Appended(self.deaf[group], -1, -1))
        return future


class Topics:
    """In the controller's place."""

    def __init__(self):
        self.known = {"t": Topic("t", (T0, T1)), "u": Topic("u", (U0,))}
        self.listeners = []

    def topic(self, name):
        return self.known.get(name)

    def on_topics_removed(self, listener):
        self.listeners.append(listener)

    async def ensure_internal_topic(self, name):
        number = OFFSETS if name == OFFSETS_TOPIC else STATE
        return self.known.setdefault(name, Topic(name, (number, number + 1))).groups

    def remove(self, name):
        gone = self.known.pop(name)
        for listener in self.listeners:
            listener([gone])


class World:
    def __init__(self, engine=None, topics=None, time=None):
        self.engine = engine or Engine()
        self.topics = topics or Topics()
        self.time = time or ManualTimers()
        for group in (T0, T1, U0, OFFSETS, OFFSETS + 1, STATE, STATE + 1):
            self.engine.create(group)
        ids = itertools.count(100)

        async def new_id():
            return next(ids)

        self.groups = GroupCoordinators(
            self.engine, self.topics, GroupSettings(), self.time, lambda n: bytes(n), self.time
        )
        self.transactions = TransactionCoordinators(
            self.engine, self.topics, self.groups, new_id, TransactionSettings(), self.time, self.time
        )
        self.engine.start()
        self.engine.serve(lambda _: None, self.transactions.on_verifications)

    async def begin(self):
        await self.groups.ensure()
        await self.transactions.ensure()
        await turns()
        return self

    async def killed(self):
        """kill -9 and start again on what was committed."""
        other = World(self.engine.restarted(), self.topics, self.time)
        await other.groups.open()
        await other.transactions.open()
        await turns()
        return other

    async def producer(self):
        outcome = await self.transactions.init_producer(ID, 60_000, None)
        assert outcome.error is Error.NONE
        return Producer(outcome.producer_id, outcome.producer_epoch)

    def end(self, producer, *, committed=True, version=2):
        return self.transactions.end(ID, producer, committed=committed, client_version=version)

    async def state(self):
        return (await self.transactions.describe(ID)).state

    def markers(self, group):
        return [(s.producer, s.marker) for s in self.engine.logs[group].records if s.marker]

    async def verdict(self, token, *wanted, producer, adds=True, version=12):
        self.engine.ask(Verification(token, ID, producer, wanted, adds, version))
        await turns()
        return self.engine.verdicts[token]


async def turns(count=60):
    for _ in range(count):
        await asyncio.sleep(0)


def run(scenario):
    accidents = []

    async def watched():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: accidents.append(context))
        await asyncio.wait_for(scenario(), 10)

    asyncio.run(watched())
    assert not accidents


def commit(offset):
    return Commit(5, GROUP, "", None, -1, -1, [CommitPart("t", 0, offset, -1, None)])


def test_markers_come_when_the_decision_is_committed_and_not_before():
    async def scenario():
        world = await World().begin()
        producer = await world.producer()
        assert await world.transactions.add(ID, producer, frozenset({("t", 0), ("u", 0)}), 2) is Error.NONE
        world.engine.hold()
        ending = asyncio.create_task(world.end(producer))
        await turns()
        assert not ending.done()
        assert world.markers(T0) == []
        world.engine.release()
        outcome = await ending
        bumped = Producer(producer.producer_id, producer.producer_epoch + 1)
        assert outcome == (Error.NONE, *bumped)
        await turns()
        assert (
            world.markers(T0) == world.markers(U0) == [(bumped, Marker(committed=True, coordinator_epoch=0))]
        )
        assert world.markers(T1) == []
        assert await world.state() is TransactionState.COMPLETE_COMMIT

    run(scenario)


def test_a_crash_in_the_middle_of_prepare_commit_goes_on_by_itself():
    async def scenario():
        world = await World().begin()
        producer = await world.producer()
        await world.transactions.add(ID, producer, frozenset({("t", 0), ("t", 1)}), 2)
        world.engine.append(T0, [Record(None, b"a")], producer=producer)
        world.engine.deaf = {T0: None}
        assert (await world.end(producer)).error is Error.NONE
        await turns()
        assert await world.state() is TransactionState.PREPARE_COMMIT
        world = await world.killed()
        assert await world.state() is TransactionState.COMPLETE_COMMIT
        for group in (T0, T1):
            assert {marker.committed for _, marker in world.markers(group)} == {True}
        [info] = await world.engine.log_info([T0])
        assert info.last_stable == info.high_watermark
        assert (await world.end(producer)).error is Error.NONE  # the client never heard of it
        world = await world.killed()
        assert await world.state() is TransactionState.COMPLETE_COMMIT

    run(scenario)


def test_a_refused_marker_is_tried_again_and_a_deleted_topic_needs_none():
    async def scenario():
        world = await World().begin()
        producer = await world.producer()
        await world.transactions.add(ID, producer, frozenset({("t", 0), ("t", 1), ("u", 0)}), 2)
        world.topics.known.pop("u")
        # The engine has not heard of it yet, but the controller knows it: it is not gone.
        world.engine.deaf = {T1: Error.UNKNOWN_TOPIC_OR_PARTITION}
        assert (await world.end(producer)).error is Error.NONE
        await turns()
        world.time.advance(500)
        await turns()
        assert await world.state() is TransactionState.PREPARE_COMMIT
        assert (await world.end(producer)).error is Error.CONCURRENT_TRANSACTIONS
        world.engine.deaf = {}
        world.time.advance(2_000)
        await turns()
        assert await world.state() is TransactionState.COMPLETE_COMMIT
        assert len(world.markers(T0)) == 1
        assert len(world.markers(T1)) == 1

    run(scenario)


def test_what_became_of_an_older_folds_markers_is_not_taken_for_the_newer_ones():
    async def scenario():
        world = await World().begin()
        producer = await world.producer()
        await world.transactions.add(ID, producer, frozenset({("t", 0)}), 0)
        world.engine.deaf = {T0: None}
        assert (await world.end(producer, version=0)).error is Error.NONE
        await turns()
        world.engine.refuse(Error.NOT_LEADER_OR_FOLLOWER)  # the next append, which is to the log of states
        with pytest.raises(Refusal):
            await world.transactions.init_producer("an id of the same log", 60_000, None)
        await turns()
        old, new = world.engine.unheard
        old.set_result(Appended(Error.NONE, 0, 1))
        await turns()
        assert await world.state() is TransactionState.PREPARE_COMMIT
        new.set_result(Appended(Error.NONE, 1, 2))
        await turns()
        assert await world.state() is TransactionState.COMPLETE_COMMIT

    run(scenario)


def test_offsets_are_committed_by_the_marker_in_their_own_log():
    async def scenario():
        world = await World().begin()
        producer = await world.producer()
        place = await world.groups.partition_of(GROUP)
        assert await world.transactions.add(ID, producer, frozenset({place}), 2) is Error.NONE

        async def verify(asked):
            assert asked == place
            return (await world.transactions.verify(ID, producer, (asked,)))[0]

        assert await world.groups.commit_in_transaction(commit(7), producer, verify) == [Error.NONE]
        [found] = await world.groups.fetch(GROUP, [("t", 0)], stable=True)
        assert (found.offset, found.unstable) == (-1, True)
        assert (await world.end(producer)).error is Error.NONE
        await turns()
        [found] = await world.groups.fetch(GROUP, [("t", 0)], stable=True)
        assert (found.offset, found.unstable) == (7, False)
        assert await world.state() is TransactionState.COMPLETE_COMMIT
        world = await world.killed()
        [found] = await world.groups.fetch(GROUP, [("t", 0)], stable=True)
        assert (found.offset, found.unstable) == (7, False)
        assert (await world.groups.commit(commit(8))) == [Error.NONE]  # the marker took one offset

    run(scenario)


def test_a_marker_between_the_verification_and_the_offsets_makes_them_void():
    async def scenario():
        world = await World().begin()
        producer = await world.producer()
        place = await world.groups.partition_of(GROUP)
        await world.transactions.add(ID, producer, frozenset({place}), 0)

        async def verify(asked):
            verdict = (await world.transactions.verify(ID, producer, (asked,)))[0]
            assert (await world.end(producer, version=0)).error is Error.NONE
            await turns()
            return verdict

        assert await world.groups.commit_in_transaction(commit(7), producer, verify) == [
            Error.INVALID_TXN_STATE
        ]
        assert await world.groups.fetch(GROUP, None, stable=False) == []
        [found] = await world.groups.fetch(GROUP, [("t", 0)], stable=True)
        assert not found.unstable

    run(scenario)


def test_a_verification_tells_what_is_part_of_the_transaction():
    async def scenario():
        world = await World().begin()
        producer = await world.producer()
        await world.transactions.add(ID, producer, frozenset({("t", 0)}), 0)
        looks = {"producer": producer, "adds": False}
        assert await world.verdict(1, ("t", 0), ("t", 1), **looks) == (
            Error.NONE,
            Error.TRANSACTION_ABORTABLE,
        )
        zombie = Producer(producer.producer_id, producer.producer_epoch - 1)
        fenced = (Error.PRODUCER_FENCED,)
        assert await world.verdict(2, ("t", 0), producer=zombie, adds=False) == fenced
        assert await world.verdict(3, ("t", 1), producer=zombie) == fenced
        assert await world.verdict(4, ("t", 1), ("u", 0), producer=producer) == (Error.NONE, Error.NONE)
        found = await world.transactions.describe(ID)
        assert found.partitions == {("t", 0), ("t", 1), ("u", 0)}

    run(scenario)


def test_a_verification_of_nobodys_partition_is_told_to_come_again():
    async def scenario():
        world = World()
        world.engine.ask(Verification(1, ID, Producer(1, 0), [("t", 0)], True, 12))
        await turns()
        assert world.engine.verdicts[1] == (Error.NOT_COORDINATOR,)

    run(scenario)


def test_an_addition_waits_a_moment_for_the_markers_of_the_transaction_before():
    async def scenario():
        world = await World().begin()
        producer = await world.producer()
        await world.transactions.add(ID, producer, frozenset({("t", 0)}), 2)
        world.engine.deaf = {T0: None}
        outcome = await world.end(producer)
        after = Producer(outcome.producer_id, outcome.producer_epoch)
        world.engine.ask(Verification(1, ID, after, [("t", 1)], True, 12))
        await turns()
        assert 1 not in world.engine.verdicts
        world.engine.unheard[0].set_result(Appended(Error.NONE, 0, 1))
        await turns()
        world.time.advance(20)
        await turns()
        assert world.engine.verdicts[1] == (Error.NONE,)

    run(scenario)


def test_but_not_for_ever():
    async def scenario():
        world = await World().begin()
        producer = await world.producer()
        await world.transactions.add(ID, producer, frozenset({("t", 0)}), 2)
        world.engine.deaf = {T0: None}
        outcome = await world.end(producer)
        after = Producer(outcome.producer_id, outcome.producer_epoch)
        world.engine.ask(Verification(1, ID, after, [("t", 1)], True, 12))
        for _ in range(6):
            await turns()
            world.time.advance(20)
        await turns()
        assert world.engine.verdicts[1] == (Error.CONCURRENT_TRANSACTIONS,)

    run(scenario)


def test_a_transaction_that_takes_too_long_is_aborted_in_its_partitions():
    async def scenario():
        world = await World().begin()
        producer = await world.producer()
        await world.transactions.add(ID, producer, frozenset({("t", 0)}), 2)
        world.time.advance(80_000)
        await turns()
        fenced = Producer(producer.producer_id, producer.producer_epoch + 1)
        assert world.markers(T0) == [(fenced, Marker(committed=False, coordinator_epoch=0))]
        assert await world.state() is TransactionState.COMPLETE_ABORT
        late = await world.engine.append(T0, [Record(None, b"late")], producer=producer)
        assert late.error is Error.INVALID_PRODUCER_EPOCH

    run(scenario)


def test_the_topic_of_states_may_be_deleted():
    async def scenario():
        world = await World().begin()
        await world.producer()
        world.topics.remove(TRANSACTIONS_TOPIC)
        with pytest.raises(Refusal, match="NOT_COORDINATOR"):
            await world.transactions.describe(ID)
        assert await world.transactions.list_transactions(Filter()) == []
        for group in (STATE, STATE + 1):
            world.engine.logs.pop(group)
            world.engine.create(group)
        await world.transactions.ensure()
        await turns()
        assert await world.transactions.describe(ID) is None

    run(scenario)


def test_a_marker_that_an_administrator_wrote_into_the_log_of_states_ends_nothing():
    async def scenario():
        world = await World().begin()
        await world.producer()
        for group in (STATE, STATE + 1):
            marked = await world.engine.append_marker(group, Producer(1, 0), Marker(True, 0))
            assert marked.error is Error.NONE
        with pytest.raises(Refusal):  # somebody else has written here: once more from the log
            await world.producer()
        await turns()
        assert (await world.producer()).producer_epoch == 1
        world = await world.killed()
        assert (await world.producer()).producer_epoch == 2

    run(scenario)


@pytest.mark.parametrize("name", ["", "x" * 32_001])
def test_ids_that_could_not_be_stored_are_refused(name):
    async def scenario():
        world = await World().begin()
        with pytest.raises(Refusal, match="INVALID_REQUEST"):
            await world.transactions.init_producer(name, 60_000, None)

    run(scenario)


def test_metrics_tell_what_is_going_on():
    async def scenario():
        world = await World().begin()
        producer = await world.producer()
        await world.transactions.add(ID, producer, frozenset({("t", 0)}), 2)
        metrics = world.transactions.metrics()
        assert metrics['headrace_transactions{state="Ongoing"}'] == 1
        assert metrics["headrace_transaction_partitions_not_serving"] == 0
        await world.transactions.close()
        assert world.transactions.metrics()["headrace_transaction_partitions_not_serving"] == 2
        with pytest.raises(Refusal):
            await world.transactions.describe(ID)

    run(scenario)
