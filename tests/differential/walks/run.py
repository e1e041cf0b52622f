"""`make diff WALKS=n`: random walks over one Apache Kafka 4.2 and one headrace, which must answer every step the same.

    python -m tests.differential.walks.run [--walks N] [--seed N] [--self]

Each walk has topics, groups and producers of its own, named by its seed. A difference is printed with the seed and the shortest
walk that was found to show it; `--seed` does that walk again.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
from typing import TYPE_CHECKING, Final

from headrace.testing import Broker
from headrace.wire.keys import BY_KEY
from tests.clients.apache_kafka import ApacheKafka
from tests.differential.golden.topics import deleted
from tests.differential.line import Line
from tests.differential.make import make
from tests.differential.run import SETTINGS
from tests.differential.walks.moves import TOPICS, Move
from tests.differential.walks.walk import STEPS, Outcome, Seen, Walker, drawn, shortest, walk

if TYPE_CHECKING:
    from collections.abc import Sequence

AT_ONCE: Final = 6
"""Walks at the same time: they meet nowhere, and most of a walk is waiting."""
SHRINK_RUNS_MAX: Final = 150
SHOWN_MAX: Final = 10
"""Differences that are shrunk; more of them are counted."""
GOOD_SHARE_MIN: Final = 0.5


class Pair:
    """Both brokers, and what walks over them came to."""

    def __init__(self, kafka: str, headrace: str) -> None:
        self.addresses = (kafka, headrace)
        self.answers = self.good = self.walked = 0
        self.seen: dict[int, Seen] = {}
        self._worlds = 0

    async def settle(self) -> None:
        """Wait until both have their coordinators."""
        for address in self.addresses:
            line = Line(address)
            await make([line], [])
            await line.close()

    async def one(self, moves: Sequence[Move], name: str) -> Outcome:
        """These moves, in a world that nobody has used."""
        self._worlds += 1
        sides = [Walker(address, f"s_{name}r{self._worlds}") for address in self.addresses]
        try:
            return await walk(sides[0], sides[1], moves)
        finally:
            for side in sides:
                await clean(side)
                await side.close()

    async def all(self, seeds: list[int]) -> None:
        """The walks of these seeds."""
        while seeds:
            seed = seeds.pop(0)
            outcome = await self.one(drawn(seed), f"w{seed}")
            self.walked += 1
            self.answers += outcome.answers
            self.good += outcome.good
            if outcome.seen is not None:
                self.seen[seed] = outcome.seen
                print(f"seed {seed}: {said(outcome.seen)}", flush=True)

    async def shrink(self, seed: int, seen: Seen) -> None:
        """Print the shortest walk that shows it."""

        async def show(moves: Sequence[Move]) -> Seen | None:
            return (await self.one(moves, f"w{seed}")).seen

        moves = drawn(seed)
        again = await show(moves)
        if again is None or again.place != seen.place:
            print(f"\nseed {seed}: not seen again; a matter of time, on one side at least", flush=True)
            return
        moves, seen = await shortest(show, moves, again, SHRINK_RUNS_MAX)
        print(f"\nseed {seed}: after {len(moves)} moves {said(seen)}")
        for move in moves:
            print(f"    {move.line}: {move.name} {move.draws}")
        print(f"    {seen.ask.request} v{seen.ask.version}", flush=True)


async def clean(side: Walker) -> None:
    """Delete the walk's topics."""
    names = [side.world.named(f"t{n}") for n in range(TOPICS)]
    with contextlib.suppress(OSError, EOFError, TimeoutError):
        await side.ask(deleted(side.world, *names), 6)


def said(seen: Seen) -> str:
    """A difference in words."""
    api = BY_KEY[seen.ask.request.API_KEY].name
    lines = [
        f"{one.path}: Kafka {one.kafka!r:.200}, headrace {one.headrace!r:.200}" for one in seen.differences
    ]
    return f"step {seen.at}, {seen.move.name}, {api} v{seen.ask.version}, " + "; ".join(lines[:4])


async def compare(addresses: tuple[str, str], seeds: list[int]) -> int:
    """Walk, and tell; exit code 1 if anything differs or too little succeeds."""
    began = time.monotonic()
    pair = Pair(*addresses)
    await pair.settle()
    left = list(seeds)
    await asyncio.gather(*(pair.all(left) for _ in range(AT_ONCE)))
    share = pair.good / max(1, pair.answers)
    print(
        f"{pair.walked} walks of {STEPS} steps, {pair.answers} answers compared in {time.monotonic() - began:.0f} s; "
        f"{100 * share:.0f} % with error 0; {len(pair.seen)} walks differ",
        flush=True,
    )
    places: dict[tuple[int, str], int] = {}
    for seed, seen in sorted(pair.seen.items()):
        places.setdefault(seen.place, seed)
    for seed in list(places.values())[:SHOWN_MAX]:
        await pair.shrink(seed, pair.seen[seed])
    if share < GOOD_SHARE_MIN:
        print(f"bound: {100 * share:.0f} % with error 0, at least {100 * GOOD_SHARE_MIN:.0f} % are wanted")
    return int(bool(pair.seen) or share < GOOD_SHARE_MIN)


def main() -> int:
    """Start both and walk."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--walks", type=int, default=500)
    parser.add_argument("--seed", type=int, help="this walk alone")
    parser.add_argument("--self", action="store_true", help="Kafka against Kafka")
    given = parser.parse_args()
    seeds = list(range(given.walks)) if given.seed is None else [given.seed]
    with contextlib.ExitStack() as stack:
        kafka = stack.enter_context(ApacheKafka()).bootstrap_servers
        if given.self:
            other = stack.enter_context(ApacheKafka()).bootstrap_servers
        else:
            other = stack.enter_context(Broker(durable=True, settings=SETTINGS)).bootstrap_servers
        return asyncio.run(compare((kafka, other), seeds))


if __name__ == "__main__":
    sys.exit(main())
