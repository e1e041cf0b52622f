"""The driver's promises, with a machine that could not be simpler: it remembers words."""

from __future__ import annotations

import asyncio

import pytest

from headrace.coordinator.runtime.driver import APPEND_BYTES_MAX, Driver, Phase
from headrace.coordinator.runtime.effects import (
    Answer,
    CancelTimer,
    Effects,
    EndOfTransaction,
    InTransaction,
    RottenRecordError,
    SetTimer,
)
from headrace.coordinator.runtime.manual_timers import ManualTimers
from headrace.engine.fake import FakeEngine
from headrace.engine.port import Marker, Producer, Record
from headrace.model.errors import Error, Refusal

GROUP = 7


class Words:
    """Hard state: `words`. Soft state: who is parked."""

    def __init__(self):
        self.words = []
        self.parked = []
        self.began = 0

    def apply(self, record):
        self.words.append(record)

    def encode(self, record):
        return Record(b"word", record)

    def decode(self, stored):
        if stored.value == b"rot":
            raise RottenRecordError("this word is rotten")
        return stored.value if stored.key == b"word" else None

    def loaded(self, now):
        self.began = now.ms
        return Effects()

    def fired(self, key, now):
        parked, self.parked = self.parked, []
        return Effects(answers=[Answer(waiter, key) for waiter in parked])

    def decide_say(self, *words):
        return lambda machine, waiter, now: Effects(list(words), answers=[Answer(waiter, len(machine.words))])

    def decide_park(self, key="bell", delay_ms=1000):
        def decide(machine, waiter, now):
            machine.parked.append(waiter)
            return Effects(timers=[SetTimer(key, delay_ms)])

        return decide


SAY = Words().decide_say
PARK = Words().decide_park


class Engine(FakeEngine):
    """Counts appends, and the most records that one of them brought."""

    def __init__(self):
        super().__init__()
        self.appends = []

    def append(self, group, records, *, expected_end=None, producer=None):
        if records:
            self.appends.append((len(records), expected_end))
        return super().append(group, records, expected_end=expected_end, producer=producer)


class World:
    def __init__(self, *values):
        self.engine = Engine()
        self.log = self.engine.create(GROUP)
        self.time = ManualTimers()
        self.activations = 0
        self.driver = Driver(self.engine, GROUP, "words-7", Words, self.time, self.time, self.activated)
        for value in values:
            self.engine.append(GROUP, [Record(b"word", value)])
        self.engine.appends.clear()

    def activated(self):
        self.activations += 1

    async def loaded(self):
        await self.driver.load()
        assert self.driver.phase is Phase.ACTIVE
        return self

    def submit(self, decide):
        return asyncio.create_task(self.driver.submit(decide))

    def read(self):
        return asyncio.create_task(self.driver.read(lambda machine: list(machine.words)))


def run(scenario):
    accidents = []

    async def watched():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: accidents.append(context))
        await asyncio.wait_for(scenario(), 10)

    asyncio.run(watched())
    assert not accidents


async def turns(count=20):
    """Let the loop do all it can do by itself."""
    for _ in range(count):
        await asyncio.sleep(0)


async def refusal(task):
    with pytest.raises(Refusal) as refused:
        await task
    return refused.value.error


def test_an_answer_waits_for_the_commit_and_so_do_later_reads():
    async def scenario():
        world = await World().loaded()
        world.engine.hold()
        said, read = world.submit(SAY(b"a")), world.read()
        await turns()
        late_read = world.read()
        await turns()
        assert not said.done()
        assert not read.done()
        assert not late_read.done()
        world.engine.release()
        assert await said == 0
        assert await read == [b"a"] == await late_read

    run(scenario)


def test_a_read_of_committed_state_does_not_wait():
    async def scenario():
        world = await World(b"a").loaded()
        coroutine = world.driver.read(lambda machine: list(machine.words))
        with pytest.raises(StopIteration) as done:
            coroutine.send(None)
        assert done.value.value == [b"a"]

    run(scenario)


def test_one_wake_up_is_one_append_and_wake_ups_do_not_wait_for_each_other():
    async def scenario():
        world = await World(b"old").loaded()
        world.engine.hold()
        first = [world.submit(SAY(b"a")), world.submit(SAY(b"b", b"c")), world.submit(SAY(b"d"))]
        await turns()
        second = world.submit(SAY(b"e"))
        await turns()
        assert world.engine.appends == [(4, 1), (1, 5)]
        world.engine.release()
        assert await asyncio.gather(*first, second) == [1, 2, 4, 5]

    run(scenario)


def test_large_gatherings_are_cut_at_records_and_answered_with_the_last():
    async def scenario():
        world = await World().loaded()
        big = bytes(APPEND_BYTES_MAX // 2)
        assert await world.submit(SAY(big, b"a", big, b"b", big)) == 0
        assert [count for count, _ in world.engine.appends] == [2, 2, 1]
        assert [expected for _, expected in world.engine.appends] == [0, 2, 4]

    run(scenario)


MINE, THEIRS = Producer(1, 0), Producer(2, 0)


class Transactions(Words):
    """Words are `(producer or None, word)`; a word of None is a marker."""

    def encode(self, record):
        producer, word = record
        if word is None:
            return EndOfTransaction(producer, Marker(committed=True, coordinator_epoch=0))
        stored = Record(b"word", word)
        return stored if producer is None else InTransaction(stored, producer)

    def decode(self, stored):
        return (stored.producer, stored.value)


def test_transactions_are_batches_of_their_own_and_the_order_stays():
    async def scenario():
        world = World()
        world.driver = Driver(world.engine, GROUP, "words-7", Transactions, world.time, world.time)
        await world.loaded()
        words = [
            (None, b"a"),
            (MINE, b"b"),
            (MINE, b"c"),
            (THEIRS, b"d"),
            (MINE, None),
            (None, b"e"),
            (MINE, b"f"),
        ]
        assert await world.submit(SAY(*words)) == 0
        # The marker is at offset 4, and what comes behind it is appended behind it.
        assert world.engine.appends == [(1, 0), (2, 1), (1, 3), (1, 5), (1, 6)]
        assert [(s.producer, s.value) for s in world.log.records] == words
        assert await world.submit(SAY((None, b"g"))) == 7
        world.driver = Driver(world.engine, GROUP, "words-7", Transactions, world.time, world.time)
        await world.loaded()
        assert await world.read() == [*words, (None, b"g")]

    run(scenario)


def test_what_is_sent_leaves_when_its_reason_is_committed_and_comes_back_to_its_own_fold():
    async def scenario():
        world = World()
        sent = []
        world.driver = Driver(
            world.engine,
            GROUP,
            "words-7",
            Words,
            world.time,
            world.time,
            send=lambda what, fold: sent.append((what, fold)),
        )
        await world.loaded()
        world.engine.hold()
        world.driver.post(lambda machine, now: Effects([b"a"], sends=["because of a"]))
        world.driver.post(lambda machine, now: Effects(sends=["after a"]))
        await turns()
        assert sent == []
        world.engine.release()
        await turns()
        assert [what for what, _ in sent] == ["because of a", "after a"]
        world.driver.post(lambda machine, now: Effects(sends=["at once"]))
        assert [what for what, _ in sent][2:] == ["at once"]
        fold = sent[0][1]
        world.driver.post(lambda machine, now: Effects([b"b"]), fold)
        assert await world.read() == [b"a", b"b"]
        world.engine.refuse(Error.NOT_LEADER_OR_FOLLOWER)
        await refusal(world.submit(SAY(b"lost")))
        await turns()
        world.driver.post(lambda machine, now: Effects([b"of an older fold"]), fold)
        assert await world.read() == [b"a", b"b"]

    run(scenario)


def test_what_a_lost_fold_wanted_to_send_is_never_sent():
    async def scenario():
        world = World()
        sent = []
        world.driver = Driver(
            world.engine,
            GROUP,
            "words-7",
            Words,
            world.time,
            world.time,
            send=lambda *what: sent.append(what),
        )
        await world.loaded()
        world.engine.refuse(Error.NOT_LEADER_OR_FOLLOWER)
        world.driver.post(lambda machine, now: Effects([b"a"], sends=["because of a"]))
        await turns()
        assert world.driver.phase is Phase.ACTIVE
        assert sent == []

    run(scenario)


def test_a_refusal_throws_the_fold_away_and_loads_again():
    async def scenario():
        world = await World(b"a").loaded()
        parked = world.submit(PARK())
        await turns()
        world.engine.refuse(Error.NOT_LEADER_OR_FOLLOWER)
        said, read = world.submit(SAY(b"lost")), world.read()
        assert await refusal(said) is Error.NOT_COORDINATOR
        assert await refusal(read) is Error.NOT_COORDINATOR
        assert await refusal(parked) is Error.NOT_COORDINATOR
        await turns()
        assert world.driver.phase is Phase.ACTIVE
        assert await world.read() == [b"a"]
        assert world.activations == 2
        world.time.advance(5000)  # the old fold's bell rings for nobody

    run(scenario)


def test_another_writer_is_noticed():
    async def scenario():
        world = await World(b"a").loaded()
        world.engine.append(GROUP, [Record(b"word", b"foreign")])
        assert await refusal(world.submit(SAY(b"b"))) is Error.NOT_COORDINATOR
        await turns()
        assert await world.read() == [b"a", b"foreign"]
        assert await world.submit(SAY(b"c")) == 2

    run(scenario)


def test_outcomes_of_an_old_fold_are_dropped():
    async def scenario():
        world = await World().loaded()
        world.engine.hold()
        first = world.submit(SAY(b"a"))
        await turns()
        world.engine.refuse(Error.NOT_LEADER_OR_FOLLOWER)
        second = world.submit(SAY(b"b"))
        await turns()
        world.engine.release()  # the first was stored, the second not; both are told to look again
        assert await refusal(first) is Error.NOT_COORDINATOR
        assert await refusal(second) is Error.NOT_COORDINATOR
        await turns()
        assert await world.read() == [b"a"]

    run(scenario)


def test_loading_gives_others_their_turn_and_refuses_meanwhile():
    async def scenario():
        world = World(*[b"%d" % number for number in range(1000)])

        class SlowClock:
            """Every look at it takes a millisecond."""

            ms = 0

            def now(self):
                self.ms += 1
                return world.time.now()._replace(ms=self.ms)

        world.driver = Driver(world.engine, GROUP, "words-7", Words, world.time, SlowClock())
        loading = world.driver.load()
        refused = 0
        while not loading.done():
            await asyncio.sleep(0)
            if world.driver.phase is Phase.LOADING:
                with pytest.raises(Refusal, match="COORDINATOR_LOAD_IN_PROGRESS"):
                    world.driver.read(len).send(None)
                refused += 1
        assert refused >= 4
        assert len(await world.read()) == 1000

    run(scenario)


def test_the_first_request_loads():
    async def scenario():
        world = World(b"a")
        assert await refusal(world.read()) is Error.COORDINATOR_LOAD_IN_PROGRESS
        await turns()
        assert await world.read() == [b"a"]

    run(scenario)


def test_unknown_kinds_are_skipped_and_compacted_heads_too():
    async def scenario():
        world = World(b"gone", b"a")
        world.engine.append(GROUP, [Record(b"newer", b"?"), Record(b"word", b"b")])
        await turns()
        await world.engine.delete_records(GROUP, 1)
        await world.loaded()
        assert await world.read() == [b"a", b"b"]
        assert await world.submit(SAY(b"c")) == 2
        assert world.engine.appends[-1] == (1, 4)

    run(scenario)


def test_rot_is_not_served():
    async def scenario():
        world = World(b"a", b"rot")
        await world.driver.load()
        assert world.driver.phase is Phase.FAILED
        assert await refusal(world.read()) is Error.COORDINATOR_NOT_AVAILABLE
        assert await refusal(world.read()) is Error.COORDINATOR_NOT_AVAILABLE

    run(scenario)


def test_timers_fire_once_and_can_be_replaced_and_cancelled():
    async def scenario():
        world = await World().loaded()
        first, second = world.submit(PARK(delay_ms=1000)), world.submit(PARK(delay_ms=2000))
        await turns()
        world.time.advance(1500)
        await turns()
        assert not first.done()  # the second setting replaced the first
        world.driver.post(lambda machine, now: Effects(timers=[CancelTimer("bell")]))
        world.time.advance(9000)
        await turns()
        assert not second.done()
        third = world.submit(PARK("gong", 10))
        await turns()
        world.time.advance(10)
        assert await asyncio.gather(first, second, third) == ["gong"] * 3

    run(scenario)


def test_a_decision_that_breaks_off_takes_the_fold_with_it():
    async def scenario():
        world = await World(b"a").loaded()
        parked = world.submit(PARK())

        def broken(machine, waiter, now):
            machine.words.append(b"half")
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await world.submit(broken)
        assert await refusal(parked) is Error.NOT_COORDINATOR
        await refusal(world.read())
        await turns()
        assert await world.read() == [b"a"]

    run(scenario)


def test_a_record_that_cannot_be_written_is_never_applied():
    async def scenario():
        world = await World(b"a").loaded()
        world.driver.machine.encode = lambda record: Record(
            b"word", record.encode()
        )  # bytes have no such method
        with pytest.raises(AttributeError):
            await world.submit(SAY(b"b"))
        await refusal(world.read())
        await turns()
        assert await world.read() == [b"a"]
        assert await world.submit(SAY(b"c")) == 1

    run(scenario)


def test_close_lets_appends_end_and_refuses_what_is_parked():
    async def scenario():
        world = await World().loaded()
        parked = world.submit(PARK())
        world.engine.hold()
        said = world.submit(SAY(b"a"))
        await turns()
        closing = asyncio.create_task(world.driver.close())
        await turns()
        assert not closing.done()
        world.engine.release()
        await closing
        assert await said == 0
        assert await refusal(parked) is Error.COORDINATOR_NOT_AVAILABLE
        assert await refusal(world.read()) is Error.NOT_COORDINATOR

    run(scenario)
