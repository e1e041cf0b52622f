"""Where a share group begins (`share.auto.offset.reset`), and what it reads of transactions (`share.isolation.level`)."""

from __future__ import annotations

import pytest

from headrace.engine.port import Marker, Producer, Record
from headrace.handlers.test_share_handlers import Share, acquired, run

HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("reset", "first"),
    [
        ("earliest", 0),
        ("latest", 3),
        ("by_duration:PT1H", 1),
        ("by_duration:P1DT2H3M4.5S", 0),
        ("by_duration:PT1S", 2),
        ("by_duration:PT0S", 2),
    ],
)
def test_where_a_group_begins(reset, first):
    async def scenario():
        share = await Share().open()
        share.world.controller.group_config = lambda _: {"share.auto.offset.reset": reset}
        engine, now_ms = share.world.engine, share.world.time.now().wall_ms
        for ago_ms in (2 * HOUR_MS, HOUR_MS // 2, 0):
            engine.now_ms = now_ms - ago_ms
            await share.produce(b"x")
        await share.join()
        await share.fetch_all(0)
        (led,) = share.world.share._led.values()
        assert led.partition.start == first

    run(scenario)


def test_records_of_aborted_transactions_are_not_delivered_to_who_reads_what_is_committed():
    async def scenario():
        share = await Share().open()
        share.world.controller.group_config = lambda _: {
            "share.auto.offset.reset": "earliest",
            "share.isolation.level": "read_committed",
        }
        engine, (group,) = share.world.engine, share.groups
        aborted, open_ = Producer(1, 0), Producer(2, 0)
        await engine.append(group, [Record(None, b"a")], producer=aborted)
        await share.produce(b"b")
        await engine.append_marker(group, aborted, Marker(False, 0))
        await engine.append(group, [Record(None, b"c")], producer=open_)
        await share.produce(b"d")
        await share.join()
        part = await share.fetch(0)
        assert [one[:2] for one in acquired(part)] == [(1, 2)]
        assert acquired(await share.fetch(1)) == []
        await engine.append_marker(group, open_, Marker(True, 0))
        assert [one[:2] for one in acquired(await share.fetch(2))] == [(3, 5)]

    run(scenario)
