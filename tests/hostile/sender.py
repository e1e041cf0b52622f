"""Sends frames and reads what comes back: pipelined on one connection until one frame is malformed, then a new connection."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from headrace.wire.codec import decode
from headrace.wire.headers import read_response_header
from headrace.wire.wire_error import WireError
from tests.hostile.frames import RESPONSES, Frame, name_of

EPISODE_FRAMES_MAX: Final = 8
ANSWER_WAIT_S: Final = 0.3
"""Some requests park by design (a join waits for others): then the connection is left."""
CONNECT_TRIES: Final = 50
API_VERSIONS: Final = 18
UNSUPPORTED_VERSION: Final = 35


@dataclass
class Tally:
    """What was sent and what came of it, by class."""

    sent: Counter[str] = field(default_factory=Counter)
    decoding: Counter[str] = field(default_factory=Counter)
    pairs: Counter[tuple[int, int]] = field(default_factory=Counter)
    outcome: Counter[tuple[str, str]] = field(default_factory=Counter)
    closed_on_good: Counter[str] = field(default_factory=Counter)
    """Decodable frames that were answered by closing, by API: to look at, not a failure."""
    wrong: list[str] = field(default_factory=list)
    """What must not happen, each with the frame that shows it."""


def episodes(frames: list[Frame]) -> list[list[Frame]]:
    """Runs of frames for one connection each; a frame that does not decode is the last of its run."""
    runs: list[list[Frame]] = [[]]
    for frame in frames:
        runs[-1].append(frame)
        if not frame.decodes or len(runs[-1]) == EPISODE_FRAMES_MAX:
            runs.append([])
    return [run for run in runs if run]


async def play(host: str, port: int, frames: list[Frame], tally: Tally) -> None:
    """One episode."""
    for frame in frames:
        tally.sent[frame.kind] += 1
        tally.decoding[frame.kind] += frame.decodes
        tally.pairs[frame.key, frame.version] += 1
    reader, writer = await _connect(host, port)
    due = [frame for frame in frames if frame.answered]
    last = frames[-1]
    with contextlib.closing(writer):
        try:
            writer.write(b"".join(frame.data for frame in frames))
            for frame in due:
                answer = await asyncio.wait_for(_answer(reader), ANSWER_WAIT_S)
                tally.outcome[frame.kind, "answered"] += 1
                _check(frame, answer, tally)
            if not last.answered:
                await asyncio.wait_for(_answer(reader), ANSWER_WAIT_S)
                tally.outcome[last.kind, "answered"] += 1
        except (ConnectionError, asyncio.IncompleteReadError):
            tally.outcome[last.kind, "closed"] += 1
            if last.decodes and last.answered:
                tally.closed_on_good[name_of(last.key)] += 1
        except TimeoutError:
            tally.outcome[last.kind, "no answer yet"] += 1


async def _connect(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    for tries in range(CONNECT_TRIES):
        try:
            return await asyncio.open_connection(host, port)
        except ConnectionError:
            if tries + 1 == CONNECT_TRIES:
                raise
            await asyncio.sleep(0.1)
    raise AssertionError("the loop returns or raises")


async def _answer(reader: asyncio.StreamReader) -> bytes:
    (length,) = struct.unpack(">i", await reader.readexactly(4))
    return await reader.readexactly(length)


def _check(frame: Frame, answer: bytes, tally: Tally) -> None:
    """An answer to a good frame is the next one due, and is itself well-formed."""
    shown = f"frame {frame.number} ({name_of(frame.key)} v{frame.version}, {frame.kind})"
    try:
        correlation, body_at = read_response_header(frame.key, frame.version, answer)
        if correlation != frame.number & 0x7FFFFFFF:
            tally.wrong.append(f"{shown}: answered with correlation id {correlation}")
            return
        if frame.key == API_VERSIONS and answer[4:6] == struct.pack(">h", UNSUPPORTED_VERSION):
            return
        decode(RESPONSES[frame.key], frame.version, answer[body_at:])
    except WireError as error:
        tally.wrong.append(f"{shown}: the answer does not decode: {error}")
