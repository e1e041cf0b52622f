"""KIP-890's races, by name: what arrives while a transaction's end is being written, and what comes after it.

The engine holds appends back, so that "being written" lasts as long as a test wants.
"""

from __future__ import annotations

import asyncio

import pytest

from headrace.coordinator.transaction.life import TransactionState
from headrace.coordinator.transaction.test_coordinators import ID, T0, T1, World, run, turns
from headrace.engine.port import Marker, Producer, Verification
from headrace.model.errors import Error

ABORT = Marker(committed=False, coordinator_epoch=0)
PLACE = frozenset({("t", 0)})


def bumped(producer, by=1):
    return Producer(producer.producer_id, producer.producer_epoch + by)


async def begun():
    world = await World().begin()
    producer = await world.producer()
    assert await world.transactions.add(ID, producer, PLACE, 2) is Error.NONE
    return world, producer


async def timed_out_while_written(world):
    """Its time is over and the record that says so is on its way."""
    world.engine.hold()
    world.time.advance(75_000)
    await turns()
    assert world.markers(T0) == []


@pytest.mark.parametrize("version", [0, 2])
def test_a_commit_that_arrives_while_the_timeouts_abort_is_written_commits_nothing(version):
    async def scenario():
        world, producer = await begun()
        await timed_out_while_written(world)
        ending = asyncio.create_task(world.end(producer, version=version))
        await turns()
        assert not ending.done()  # nobody is told what a crash could undo
        world.engine.release()
        await turns()
        refused = (await ending).error
        assert refused is (Error.CONCURRENT_TRANSACTIONS if version else Error.PRODUCER_FENCED)
        assert world.markers(T0) == [(bumped(producer), ABORT)]
        # Asked again, as clients do, it hears that it was aborted.
        again = (await world.end(producer, version=version)).error
        assert again is (Error.INVALID_TXN_STATE if version else Error.PRODUCER_FENCED)
        assert await world.state() is TransactionState.COMPLETE_ABORT

    run(scenario)


def test_a_commit_that_is_being_written_is_not_overtaken_by_its_timeout():
    async def scenario():
        world, producer = await begun()
        world.engine.hold()
        ending = asyncio.create_task(world.end(producer))
        await turns()
        world.time.advance(75_000)
        await turns()
        world.engine.release()
        assert await ending == (Error.NONE, *bumped(producer))
        await turns()
        assert world.markers(T0) == [(bumped(producer), Marker(committed=True, coordinator_epoch=0))]
        assert await world.state() is TransactionState.COMPLETE_COMMIT

    run(scenario)


def test_an_end_is_retried_with_the_epoch_before_until_it_is_heard():
    async def scenario():
        world, producer = await begun()
        world.engine.deaf = {T0: None}
        assert await world.end(producer) == (Error.NONE, *bumped(producer))
        # The answer got lost; the marker is not there yet.
        assert (await world.end(producer)).error is Error.CONCURRENT_TRANSACTIONS
        world = await world.killed()
        assert await world.end(producer) == (Error.NONE, *bumped(producer))
        assert (await world.end(producer, committed=False)).error is Error.INVALID_TXN_STATE
        # The next transaction of the same producer is not its business.
        assert await world.transactions.add(ID, bumped(producer), PLACE, 2) is Error.NONE
        for committed in (True, False):
            assert (await world.end(producer, committed=committed)).error is Error.PRODUCER_FENCED
        assert await world.state() is TransactionState.ONGOING

    run(scenario)


def test_a_new_producer_during_the_abort_waits_for_the_markers():
    async def scenario():
        world, producer = await begun()
        world.engine.deaf = {T0: Error.NOT_LEADER_OR_FOLLOWER}
        for _ in range(3):  # the first one begins the abort, the others find it
            outcome = await world.transactions.init_producer(ID, 60_000, None)
            assert outcome.error is Error.CONCURRENT_TRANSACTIONS
        await turns()
        assert await world.state() is TransactionState.PREPARE_ABORT
        world.engine.deaf = {}
        world.time.advance(2_000)
        await turns()
        assert world.markers(T0) == [(bumped(producer), ABORT)]
        successor = await world.producer()
        assert successor == bumped(producer, 2)
        # Both that came before are zombies now.
        for zombie in (producer, bumped(producer)):
            assert await world.transactions.add(ID, zombie, PLACE, 2) is Error.PRODUCER_FENCED
            assert (await world.verdict(zombie.producer_epoch, ("t", 0), producer=zombie)) == (
                Error.PRODUCER_FENCED,
            )
            for committed in (True, False):
                assert (await world.end(zombie, committed=committed)).error is Error.PRODUCER_FENCED
        assert await world.state() is TransactionState.EMPTY

    run(scenario)


def test_a_partition_that_is_verified_while_the_end_is_written_is_not_part_of_it():
    """Its marker would not reach that partition, and the transaction there would never end."""

    async def scenario():
        world, producer = await begun()
        world.engine.hold()
        ending = asyncio.create_task(world.end(producer))
        await turns()
        for token, adds in enumerate((True, False)):
            world.engine.ask(Verification(token, ID, producer, [("t", 1)], adds, 12))
        await turns()
        world.engine.release()
        await turns()
        assert (await ending).error is Error.NONE
        world.time.advance(1_000)
        await turns()
        for token in range(2):
            assert world.engine.verdicts[token][0] is not Error.NONE
        assert world.markers(T0) != []

    run(scenario)


@pytest.mark.parametrize("adds", [True, False])
def test_nothing_is_verified_between_a_partitions_marker_and_the_end(adds):
    """In the first protocol the epoch stays: a batch behind the marker would open a transaction that nobody ends."""

    async def scenario():
        world, producer = await begun()
        assert await world.transactions.add(ID, producer, frozenset({("t", 1)}), 0) is Error.NONE
        world.engine.deaf = {T1: None}
        assert (await world.end(producer, version=0)).error is Error.NONE
        await turns()
        assert len(world.markers(T0)) == 1
        assert await world.state() is TransactionState.PREPARE_COMMIT
        world.engine.ask(Verification(1, ID, producer, [("t", 0)], adds, 12))
        await turns()
        for _ in range(10):  # who adds waits for a moment, several times
            world.time.advance(20)
            await turns(10)
        assert world.engine.verdicts[1] == (Error.CONCURRENT_TRANSACTIONS,)

    run(scenario)
