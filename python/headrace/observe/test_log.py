"""What a line looks like, and that nothing from outside can break it."""

from __future__ import annotations

import io
import json
import logging

import pytest

from headrace.observe import log as logs


@pytest.fixture
def written():
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.raiseExceptions
    out = io.StringIO()
    yield out
    root.handlers[:], root.level, logging.raiseExceptions = before[0], before[1], before[2]


def test_a_line_has_time_level_source_message_and_fields(written):
    logs.set_up(stream=written)
    logs.get("headrace.coordinator.group").info("rebalanced", group="orders", generation=3)
    time, rest = written.getvalue().split(" ", 1)
    assert rest == "INFO coordinator.group rebalanced group=orders generation=3\n"
    assert len(time) == len("2026-11-23T14:39:32.123Z")
    assert time.endswith("Z")


def test_values_from_outside_stay_on_their_line(written):
    logs.set_up(stream=written)
    logs.get("headrace.x").warning("odd", client='a\nERROR x "forged" b=c', raw=b"\xff\x00", empty="")
    (line,) = written.getvalue().splitlines()
    assert r'client="a\nERROR x \"forged\" b=c"' in line
    assert r'raw="\\xff\u0000"' in line
    assert line.endswith('empty=""')


@pytest.mark.parametrize(
    "value", ["x" * 10_000, "é" * 10_000, "\N{GRINNING FACE}" * 10_000, b"\xff" * 10_000]
)
def test_no_value_takes_more_than_256_bytes(value):
    assert len(logs.cut(logs._text(value)).encode()) <= logs.VALUE_BYTES_MAX


def test_json_lines_are_json(written):
    logs.set_up("json", stream=written)
    logs.get("headrace.node").info("ready", kafka="127.0.0.1:9092", pid=7, time="mine")
    line = json.loads(written.getvalue())
    assert (line["level"], line["source"], line["message"], line["pid"], line["time_"]) == (
        "INFO",
        "node",
        "ready",
        7,
        "mine",
    )


def test_a_traceback_follows_indented(written):
    logs.set_up(stream=written)
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        logs.get("headrace.node").exception("handler failed", api=3)
    first, *rest = written.getvalue().splitlines()
    assert first.endswith("ERROR node handler failed api=3")
    assert all(line.startswith("    ") for line in rest)
    assert any("ValueError: first" in line for line in rest)


def test_the_level_decides(written):
    logs.set_up(level="warning", stream=written)
    logs.get("headrace.node").info("unseen")
    assert written.getvalue() == ""
