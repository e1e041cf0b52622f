"""A walk: moves drawn from a seed, done on both sides in lockstep; and the shortest one that still shows a difference."""

from __future__ import annotations

import asyncio
import random  # noqa: TID251 - a seed is a walk
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headrace.model.errors import Error
from tests.differential.ask import differing
from tests.differential.case import READ_ONLY, Case
from tests.differential.line import Line
from tests.differential.report import known
from tests.differential.side import Heard, errors
from tests.differential.tree import Difference, tree
from tests.differential.walks import of_groups, of_topics
from tests.differential.walks.moves import TOPICS, Ask, Move, Settle
from tests.differential.world import World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.wire.schema import Message

MOVES: Final = {**of_topics.MOVES, **of_groups.MOVES}
STEPS: Final = 200
LINES_MAX: Final = 4
DRAWS: Final = 8
DRAW_MAX: Final = 1 << 16
ANSWER_S_MAX: Final = 8.0
"""A join waits for others as long as their rebalance timeout says."""
LATER: Final = {
    Error.CONCURRENT_TRANSACTIONS,
    Error.COORDINATOR_LOAD_IN_PROGRESS,
    Error.COORDINATOR_NOT_AVAILABLE,
    Error.NOT_COORDINATOR,
}
"""Errors that say that a broker is not ready: it is asked again."""
TRIES_MAX: Final = 500
TRIES_OF_READS: Final = 12
AGAIN_S: Final = 0.02


class Seen(NamedTuple):
    """A difference, and what both brokers said."""

    at: int
    """Which move."""
    move: Move
    ask: Ask
    differences: list[Difference]

    @property
    def place(self) -> tuple[int, str]:
        """What it is about: API key and field path of the first."""
        return self.ask.request.API_KEY, self.differences[0].field_path


class Outcome(NamedTuple):
    """What came of a walk."""

    seen: Seen | None
    answers: int
    good: int


class Walker:
    """One broker, as one walk uses it."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.world = World(prefix)
        self._lines = [Line(bootstrap) for _ in range(LINES_MAX)]

    async def hear(self, line: int, ask: Ask) -> tuple[Heard, Any]:
        """What the broker says once it is ready: to be compared, and as it is."""
        for _ in range(TRIES_MAX):
            heard, answer = await self._once(line, ask)
            if heard.tree is None or LATER.isdisjoint(errors(heard.tree)):
                break
            await asyncio.sleep(AGAIN_S)
        return heard, answer

    async def settle(self, line: int, settle: Settle) -> Any:
        """Ask until it is as it should be. Raises `TimeoutError` if that never happens."""
        for _ in range(TRIES_MAX):
            answer = await self._lines[line].ask(settle.request, settle.version)
            if settle.done(answer):
                return answer
            await asyncio.sleep(AGAIN_S)
        raise TimeoutError(f"never settled: {settle.request}")

    async def ask(self, request: Message, version: int) -> Any:
        """An answer that is not compared."""
        return await self._lines[0].ask(request, version)

    async def close(self) -> None:
        """Hang up."""
        for line in self._lines:
            await line.close()

    async def _once(self, line: int, ask: Ask) -> tuple[Heard, Any]:
        its = self._lines[line]
        case = Case(self.world.prefix, 0, ask.request.API_KEY, ask.version, "a step", lambda _: ask.request)
        framed = case.frame(self.world)
        assert framed is not None, "nothing is made wrong"
        await its.send(framed[1])
        outcome = await its.hear(ask.request, ask.version, wait_s=ANSWER_S_MAX)
        if outcome.answer is None:
            return Heard(outcome.kind), None
        return Heard(outcome.kind, tree(outcome.answer, ask.version, self.world)), outcome.answer


def drawn(seed: int, steps: int = STEPS) -> list[Move]:
    """The walk of a seed."""
    chance = random.Random(seed)
    lines = chance.randint(1, LINES_MAX)
    names, weights = list(MOVES), [weight for weight, _ in MOVES.values()]
    moves = [
        Move(name, chance.randrange(lines), tuple(chance.randrange(DRAW_MAX) for _ in range(DRAWS)))
        for name in chance.choices(names, weights, k=steps)
    ]
    # Most topics are there from the beginning on, so that more succeeds.
    for at in range(min(TOPICS - 1, steps)):
        moves[at] = moves[at]._replace(
            name="CreateTopics", draws=(at, *moves[at].draws[1:2], 1, *moves[at].draws[3:])
        )
    return moves


async def walk(kafka: Walker, headrace: Walker, moves: Sequence[Move]) -> Outcome:
    """Do the moves one after the other, as far as both answer the same."""
    answers = good = 0
    for at, move in enumerate(moves):
        doing = [MOVES[move.name][1](side.world, move.draws) for side in (kafka, headrace)]
        said: list[Any] = [None, None]
        while True:
            wanted = [_next(each, answer) for each, answer in zip(doing, said, strict=True)]
            if wanted[0] is None or wanted[1] is None:
                break
            if isinstance(wanted[0], Settle) and isinstance(wanted[1], Settle):
                said = [
                    await side.settle(move.line, one)
                    for side, one in zip((kafka, headrace), wanted, strict=True)
                    if isinstance(one, Settle)
                ]
                continue
            assert isinstance(wanted[0], Ask), "both were answered the same so far"
            assert isinstance(wanted[1], Ask), "both were answered the same so far"
            heard, said, different = await _compared(kafka, headrace, move.line, wanted[0], wanted[1])
            answers += 1
            good += heard.good
            if different:
                return Outcome(Seen(at, move, wanted[0], different), answers, good)
            if said[0] is None:
                break
    return Outcome(None, answers, good)


async def _compared(
    kafka: Walker, headrace: Walker, line: int, one: Ask, other: Ask
) -> tuple[Heard, list[Any], list[Difference]]:
    """Ask both; what only reads again, if they differ: in Kafka news reach one part of it before another.

    What the cases show already and is still to be mended is not told again.
    """
    request = one.request
    elsewhere = {(key, path) for _, key, path in known()}
    for _ in range(TRIES_OF_READS if request.API_KEY in READ_ONLY else 1):
        (heard, answer), (ours, our_answer) = await asyncio.gather(
            kafka.hear(line, one), headrace.hear(line, other)
        )
        different = [
            one for one in differing(heard, ours) if (request.API_KEY, one.field_path) not in elsewhere
        ]
        if not different:
            break
        await asyncio.sleep(AGAIN_S)
    return heard, [answer, our_answer], different


def _next(doing: Any, answer: Any) -> Ask | Settle | None:
    try:
        wanted: Ask | Settle = doing.send(answer)
    except StopIteration:
        return None
    return wanted


async def shortest(show: Any, moves: Sequence[Move], seen: Seen, runs_max: int) -> tuple[list[Move], Seen]:
    """Drop moves, many and then one at a time, while the difference stays. `show` does moves anew and says what is seen."""
    left = list(moves[: seen.at + 1])
    size = max(1, len(left) // 2)
    runs = 0
    while runs < runs_max:
        at = 0
        while at < len(left) - 1 and runs < runs_max:
            fewer = left[:at] + left[min(at + size, len(left) - 1) :]
            runs += 1
            again = await show(fewer)
            if again is not None and again.place == seen.place:
                left, seen = fewer[: again.at + 1], again
            else:
                at += size
        if size == 1:
            break
        size = max(1, size // 2)
    return left, seen
