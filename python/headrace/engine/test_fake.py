from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from headrace.engine.fake import FakeEngine
from headrace.engine.port import Marker, Producer, Record
from headrace.model.errors import Error

if TYPE_CHECKING:
    from headrace.engine.port import Engine


def test_it_is_an_engine():
    engine: Engine = FakeEngine()
    assert engine.metrics() == {}


def test_records_are_read_back_when_they_are_committed_and_survive_a_restart():
    async def scenario():
        engine = FakeEngine()
        engine.create(7)
        first = await engine.append(7, [Record(b"k", b"a"), Record(None, b"b")])
        assert (first.base_offset, first.end_offset) == (0, 2)
        engine.hold()
        second = engine.append(7, [Record(None, b"c")], expected_end=2)
        seen = await engine.read(7, 0, 1_000)
        assert [record.value for record in seen.records] == [b"a", b"b"]
        assert not second.done()
        after_crash = await engine.restarted().read(7, 0, 1_000)
        assert after_crash.high_watermark == 2
        engine.release()
        assert (await second).error is Error.NONE
        assert (await engine.read(7, 2, 1_000)).records[0].value == b"c"

    asyncio.run(scenario())


def test_an_append_at_the_wrong_end_or_refused_stores_nothing():
    async def scenario():
        engine = FakeEngine()
        engine.create(7)
        wrong = await engine.append(7, [Record(None, b"a")], expected_end=5)
        assert wrong.error is Error.NOT_LEADER_OR_FOLLOWER
        engine.refuse(Error.KAFKA_STORAGE_ERROR)
        assert (await engine.append(7, [Record(None, b"a")])).error is Error.KAFKA_STORAGE_ERROR
        assert engine.logs[7].end == 0

    asyncio.run(scenario())


def test_a_read_stops_at_its_bytes_but_gives_at_least_one_record():
    async def scenario():
        engine = FakeEngine()
        engine.create(7)
        await engine.append(7, [Record(None, b"x" * 100)] * 3)
        assert len((await engine.read(7, 0, 1)).records) == 1
        assert (await engine.read(7, 0, 250)).next_offset == 2

    asyncio.run(scenario())


def test_transactions_end_with_their_marker():
    async def scenario():
        engine = FakeEngine()
        engine.create(7)
        mine, newer = Producer(1, 0), Producer(1, 1)
        await engine.append(7, [Record(None, b"a")])
        await engine.append(7, [Record(None, b"b"), Record(None, b"c")], producer=mine)
        [info] = await engine.log_info([7])
        assert (info.last_stable, info.high_watermark) == (1, 3)
        [known] = await engine.producers(7)
        assert (known.producer_epoch, known.coordinator_epoch, known.transaction_start_offset) == (0, -1, 1)
        ended = await engine.append_marker(7, newer, Marker(True, 5), expected_end=3)
        assert (ended.error, ended.base_offset, ended.end_offset) == (Error.NONE, 3, 4)
        assert (await engine.log_info([7]))[0].last_stable == 4
        late = await engine.append(7, [Record(None, b"d")], producer=mine)
        assert late.error is Error.INVALID_PRODUCER_EPOCH
        fenced = await engine.append_marker(7, newer, Marker(True, 4))
        assert fenced.error is Error.TRANSACTION_COORDINATOR_FENCED
        stored = (await engine.read(7, 0, 1_000)).records[-1]
        assert (stored.producer, stored.marker, stored.value) == (newer, Marker(True, 5), None)

    asyncio.run(scenario())
