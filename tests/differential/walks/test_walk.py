"""A walk and its shrinking, without a broker."""

from __future__ import annotations

import asyncio
import struct

from headrace.wire.messages.k18_api_versions import ApiVersionsRequest
from tests.differential.tree import Difference
from tests.differential.walks.moves import Ask, Move, in_version
from tests.differential.walks.of_groups import MOVES as OF_GROUPS
from tests.differential.walks.of_topics import MOVES as OF_TOPICS
from tests.differential.walks.walk import LINES_MAX, MOVES, STEPS, Seen, Walker, drawn, shortest, walk

ASK = Ask(ApiVersionsRequest(), 0)


def seen(at: int, move: Move, path: str = "error_code") -> Seen:
    return Seen(at, move, ASK, [Difference(path, 0, 1)])


def test_a_seed_is_always_the_same_walk() -> None:
    assert drawn(7) == drawn(7) != drawn(8)
    assert len(drawn(7)) == STEPS
    assert {move.line for seed in range(20) for move in drawn(seed)} == set(range(LINES_MAX))


def test_no_move_hides_another() -> None:
    assert len(MOVES) == len(OF_TOPICS) + len(OF_GROUPS)
    assert {move.name for seed in range(20) for move in drawn(seed)} == set(MOVES)


def test_small_draws_are_the_newest_version_within_bounds() -> None:
    assert [in_version(ApiVersionsRequest(), draw, low=2).version for draw in range(4)] == [4, 3, 2, 4]


def test_the_shortest_walk_keeps_what_the_difference_needs() -> None:
    """It shows after moves 3 and 11, at move 40, whatever else there is; another difference is not taken for it."""
    moves = [Move("Fetch", 0, (n,)) for n in range(60)]
    runs = 0

    async def show(fewer: list[Move]) -> Seen | None:
        nonlocal runs
        runs += 1
        draws = [move.draws[0] for move in fewer]
        if 40 in draws and {3, 11} <= set(draws[: draws.index(40)]):
            return seen(draws.index(40), moves[40])
        return seen(0, fewer[0], "topics.#") if 11 not in draws else None

    left, found = asyncio.run(shortest(show, moves, seen(40, moves[40]), 150))
    assert [move.draws[0] for move in left] == [3, 11, 40]
    assert (found.at, found.place) == (2, (18, "error_code"))
    assert runs < 150
    cut, _ = asyncio.run(shortest(show, moves, seen(40, moves[40]), 3))
    assert len(cut) > 3, "as far as the runs go"


def test_both_sides_are_asked_in_lockstep_and_a_difference_ends_the_walk() -> None:
    """Two that answer: the second one tells of one topic more after three answers."""

    async def run() -> None:
        answered = [0, 0]

        async def serve(side: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                try:
                    (size,) = struct.unpack(">i", await reader.readexactly(4))
                    frame = await reader.readexactly(size)
                except asyncio.IncompleteReadError:
                    return writer.close()
                answered[side] += 1
                assert abs(answered[0] - answered[1]) <= 1, "one request in flight"
                error = 35 if side and answered[1] > 3 else 0
                body = frame[4:8] + struct.pack(">hi", error, 0)
                writer.write(struct.pack(">i", len(body)) + body)

        servers = [
            await asyncio.start_server(lambda r, w, side=side: serve(side, r, w), "127.0.0.1", 0)
            for side in (0, 1)
        ]
        sides = [Walker(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", "s_test") for server in servers]
        MOVES["test"] = (0, lambda w, draws: iter_asks())
        try:
            outcome = await walk(sides[0], sides[1], [Move("test", 0, ()), Move("test", 1, ())])
        finally:
            del MOVES["test"]
        for side in sides:
            await side.close()
        for server in servers:
            server.close()
        assert outcome.seen is not None
        assert (outcome.seen.at, outcome.seen.place) == (1, (18, "error_code"))
        assert (outcome.answers, outcome.good) == (4, 4)

    asyncio.run(run())


def iter_asks():
    yield ASK
    yield ASK
