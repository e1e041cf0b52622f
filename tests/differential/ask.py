"""Says every case and scene to both sides, and finds what differs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.differential.case import READ_ONLY
from tests.differential.tree import Difference, differences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.differential.case import Case
    from tests.differential.scene import Scene, Step
    from tests.differential.side import Heard, Side

LANES: Final = 64
"""Connections to each side at the same time."""
CASES_AT_ONCE: Final = 25
"""That a lane takes from the list."""
TRIES: Final = 8
"""Of what only reads: in Kafka news of a topic reach one part of it before another."""
AGAIN_S: Final = 0.05


class Found(NamedTuple):
    """One case's outcome."""

    case: Case
    kafka: Heard
    headrace: Heard
    differences: list[Difference]


async def ask(kafka: Side, headrace: Side, cases: Sequence[Case], tries: int = TRIES) -> list[Found]:
    """Every case, said to both; in their order. `tries`: of what only reads."""
    found: dict[int, Found] = {}
    numbered = list(enumerate(cases))
    beside = [one for one in numbered if not one[1].alone]
    parts = [beside[at : at + CASES_AT_ONCE] for at in range(0, len(beside), CASES_AT_ONCE)]

    async def run(lane: int) -> None:
        while parts:
            for number, case in parts.pop(0):
                found[number] = await compare(case, lane, kafka, headrace, tries)

    await asyncio.gather(*(run(lane) for lane in range(LANES)))
    for number, case in numbered:
        if case.alone:
            await asyncio.gather(kafka.lonely(case), headrace.lonely(case))
            found[number] = await compare(case, 0, kafka, headrace, tries)
    return [found[number] for number, _ in numbered]


async def compare(case: Case, lane: int, kafka: Side, headrace: Side, tries: int) -> Found:
    """Say one case to both."""
    for _ in range(tries if case.key in READ_ONLY else 1):
        heard = await asyncio.gather(kafka.hear(case, lane), headrace.hear(case, lane))
        one = Found(case, *heard, differing(*heard))
        if not one.differences:
            break
        await asyncio.sleep(AGAIN_S)
    return one


async def play(kafka: Side, headrace: Side, scenes: Sequence[Scene], tries: int = TRIES) -> list[Found]:
    """Every scene on both, at the same time; those that have a restart go on after the one restart that there is."""
    acts = [scene.acts() for scene in scenes]
    first = await asyncio.gather(*(_act(kafka, headrace, before, tries) for before, _ in acts))
    if any(after for _, after in acts):
        await asyncio.gather(kafka.restart(), headrace.restart())
    second = await asyncio.gather(*(_act(kafka, headrace, after, tries) for _, after in acts))
    return [found for one, two in zip(first, second, strict=True) for found in one + two]


async def _act(kafka: Side, headrace: Side, steps: Sequence[Step], tries: int) -> list[Found]:
    out: list[Found] = []
    for step in steps:
        one = None
        for _ in range(tries if step.repeats else 1):
            heard = await asyncio.gather(kafka.act(step), headrace.act(step))
            if heard[0] is None or heard[1] is None:
                break
            one = Found(step.case, heard[0], heard[1], differing(heard[0], heard[1]))
            if not one.differences:
                break
            await asyncio.sleep(AGAIN_S)
        if one is not None:
            out.append(one)
    return out


def differing(kafka: Heard, headrace: Heard) -> list[Difference]:
    """What differs between two outcomes."""
    if kafka.kind != headrace.kind:
        return [Difference("outcome", kafka.kind, headrace.kind)]
    if kafka.tree is None or headrace.tree is None:
        return []
    return differences(kafka.tree, headrace.tree)
