"""The driver: what is committed is told, whatever happens on the way."""

from __future__ import annotations

import asyncio

import pytest

from headrace.config.broker import BrokerConfig
from headrace.controller.controller import Controller
from headrace.controller.decide_topics import NewTopic
from headrace.controller.image import INTERNAL_TOPICS, METADATA_GROUP, METADATA_TOPIC_ID
from headrace.controller.record_format import write_record
from headrace.engine.fake import FakeEngine
from headrace.engine.port import Stored
from headrace.engine.slices import SLICE_MAX
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.metadata_records import RemoveTopicRecord


def made(engine, rng=None, *, keep_unnamed=False):
    numbers = iter(range(1, 1000))
    return Controller(
        engine,
        BrokerConfig({}),
        rng or (lambda size: next(numbers).to_bytes(size, "big")),
        node_id=1,
        cluster_id="c",
        addresses=[("127.0.0.1", 9092)],
        keep_unnamed=keep_unnamed,
    )


async def opened(engine=None):
    engine = engine or FakeEngine()
    controller = made(engine)
    await controller.load()
    return engine, controller


def test_a_topic_is_answered_only_when_it_is_durable_and_told():
    async def scenario():
        engine, controller = await opened()
        engine.hold()
        asked = asyncio.ensure_future(controller.create_topics([NewTopic("t", 2)]))
        await engine.log_info([])  # a turn of the loop
        log = engine.logs[METADATA_GROUP]
        assert log.end > log.committed
        assert controller.topic("t") is None
        assert not asked.done()
        engine.release()
        await asked
        assert controller.topic("t").topic_id in engine.told

    asyncio.run(scenario())


def test_an_append_that_was_cancelled_but_committed_is_found_and_told_before_the_next_change():
    async def scenario():
        engine, controller = await opened()
        engine.hold()
        asked = asyncio.ensure_future(controller.create_topics([NewTopic("t", 2)]))
        await engine.log_info([])
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        engine.release()
        await controller.create_topics([NewTopic("u", 1)])
        assert [topic.name for topic in engine.told.values()] == ["__cluster_metadata", "t", "u"]
        assert (controller.topic("t").groups, controller.topic("u").groups) == ([1, 2], [3])

    asyncio.run(scenario())


def test_a_refused_change_leaves_nothing_and_the_next_goes_through():
    async def scenario():
        engine, controller = await opened()
        engine.refuse(Error.KAFKA_STORAGE_ERROR)
        with pytest.raises(Refusal):
            await controller.create_topics([NewTopic("t")])
        assert controller.topic("t") is None
        await controller.create_topics([NewTopic("t")])
        assert controller.topic("t").groups == [1]

    asyncio.run(scenario())


def test_group_numbers_and_producer_ids_are_never_given_twice():
    async def scenario():
        engine, controller = await opened()
        await controller.create_topics([NewTopic("t", 3)])
        await controller.delete_topics([controller.topic("t")])
        ids = [await controller.producer_id() for _ in range(5)]
        engine, controller = await opened(engine.restarted())
        await controller.create_topics([NewTopic("t", 1)])
        assert controller.topic("t").groups == [4]
        assert await controller.producer_id() > max(ids)

    asyncio.run(scenario())


def test_internal_topics_are_made_once_with_kafkas_settings():
    async def scenario():
        engine, controller = await opened()
        for name in INTERNAL_TOPICS:
            first, second = await asyncio.gather(
                controller.ensure_internal_topic(name), controller.ensure_internal_topic(name)
            )
            assert first == second
            assert len(first) == 50
            told = engine.told[controller.topic(name).topic_id]
            assert told.internal
            policy = "delete" if name == "__share_group_state" else "compact"
            assert told.configs["cleanup.policy"] == policy

    asyncio.run(scenario())


def test_the_metadata_log_is_kept_for_ever_and_is_no_topic():
    async def scenario():
        engine, controller = await opened()
        told = engine.told[METADATA_TOPIC_ID]
        assert (told.configs["retention.ms"], told.configs["retention.bytes"]) == ("-1", "-1")
        assert controller.topic("__cluster_metadata") is None

    asyncio.run(scenario())


def test_topic_ids_are_random_uuids_that_no_command_line_takes_for_an_option():
    draws = iter([b"\xf8" + bytes(15), b"\xfb" + bytes(15), b"\x41" + b"\xff" * 15])
    topic_id = made_id(draws)
    assert topic_id[0] == 0x41
    assert (topic_id[6] >> 4, topic_id[8] >> 6) == (4, 2)


def made_id(draws):
    async def scenario():
        controller = made(FakeEngine(), lambda size: next(draws))
        await controller.load()
        (result,) = await controller.create_topics([NewTopic("t")])
        return result.topic.topic_id

    return asyncio.run(scenario())


def with_a_recorded_end(engine, controller):
    """As a crash leaves it: the end of topic `t` is in the log, its partitions are still in the engine."""
    left = engine.restarted()
    image = controller.image
    end = write_record(RemoveTopicRecord(topic_id=image.topics["t"].topic_id))
    log = left.logs[METADATA_GROUP]
    log.records.append(Stored(log.end, left.now_ms, None, end))
    log.committed = log.end
    return left


def test_partitions_of_a_topic_whose_end_is_recorded_are_removed_at_the_next_start():
    async def scenario():
        engine, controller = await opened()
        await controller.create_topics([NewTopic("t", 2), NewTopic("u", 1)])
        (kept,) = controller.topic("u").groups
        left = with_a_recorded_end(engine, controller)
        assert len(left.logs) == 4
        await made(left).load()
        assert set(left.logs) == {METADATA_GROUP, kept}

    asyncio.run(scenario())


def test_nothing_is_removed_for_want_of_a_name_where_the_names_may_be_lost():
    async def scenario():
        engine, controller = await opened()
        await controller.create_topics([NewTopic("t", 2)])
        left = with_a_recorded_end(engine, controller)
        await made(left, keep_unnamed=True).load()
        assert len(left.logs) == 3
        nameless = engine.restarted()
        nameless.logs[METADATA_GROUP].records.clear()
        nameless.logs[METADATA_GROUP].committed = 0
        await made(nameless).load()
        assert len(nameless.logs) == 3

    asyncio.run(scenario())


def test_readers_have_a_large_topic_whole_or_not_at_all():
    async def scenario():
        _, controller = await opened()
        asked = asyncio.ensure_future(controller.create_topics([NewTopic("t", 5 * SLICE_MAX)]))
        seen = set()
        while not asked.done():
            topic = controller.topic("t")
            seen.add(len(topic.partitions) if topic else None)
            await asyncio.sleep(0)
        assert seen <= {None, 5 * SLICE_MAX}
        assert len(controller.topic("t").partitions) == 5 * SLICE_MAX

    asyncio.run(scenario())
