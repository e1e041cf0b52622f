"""`make diff`: the same requests to Apache Kafka 4.2 and to headrace, and every field in which their answers differ.

    python -m tests.differential.run [--only KEY,...] [--self] [--kafka HOST:PORT]

`--self` asks two Kafkas: what differs then is noise.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import sys
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.testing import Broker
from headrace.wire.keys import ADVERTISED, BY_KEY
from tests.clients.apache_kafka import CLUSTER_ID, ApacheKafka
from tests.differential.case import Case, cases
from tests.differential.line import Line, Outcome
from tests.differential.tree import Difference, differences, tree
from tests.differential.world import VICTIMS, World, make

if TYPE_CHECKING:
    from collections.abc import Iterator

EXPLAINED: Final = Path(__file__).with_name("explained.toml")
LINES_AT_ONCE: Final = 32
SILENCE_S: Final = 0.5
CHANGE_SILENCE_S: Final = 5.0
"""Of what changes something: Kafka, asked by so many at once, takes longer than it has to."""
READ_ONLY: Final = {1, 2, 3, 9, 10, 15, 16, 18, 23, 32, 35, 60, 61, 75}
TRIES: Final = 4
DELETE_TOPICS: Final = 20


class Found(NamedTuple):
    """One case's outcome."""

    case: Case
    kafka: Outcome
    headrace: Outcome
    differences: list[Difference]


def main() -> int:
    """Ask; print what differs; exit code 1 if anything unexplained does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="API keys")
    parser.add_argument("--self", action="store_true", help="Kafka against Kafka")
    parser.add_argument("--kafka", default="", help="a Kafka that runs already, fresh")
    parser.add_argument("--show", type=int, default=3, help="examples of each difference")
    given = parser.parse_args()
    keys = {int(key) for key in given.only.split(",") if key}
    pairs = [
        (key, version)
        for key, low, high in ADVERTISED
        for version in range(low, high + 1)
        if not keys or key in keys
    ]
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        kafka = given.kafka or stack.enter_context(ApacheKafka()).bootstrap_servers
        if given.self:
            other = stack.enter_context(ApacheKafka()).bootstrap_servers
        else:
            settings: dict[str, str | int | bool] = {
                "cluster.id": CLUSTER_ID,
                "auto.create.topics.enable": True,
                "group.initial.rebalance.delay.ms": 0,
                "offsets.topic.num.partitions": 5,
                "offsets.topic.replication.factor": 1,
                "transaction.state.log.replication.factor": 1,
                "transaction.state.log.min.isr": 1,
                "share.coordinator.state.topic.replication.factor": 1,
                "share.coordinator.state.topic.min.isr": 1,
                "num.network.threads": 1,
                "num.io.threads": 2,
            }
            other = stack.enter_context(Broker(durable=True, settings=settings)).bootstrap_servers
        print(f"both ready after {time.monotonic() - began:.1f} s", flush=True)
        found = asyncio.run(ask(kafka, other, pairs))
    return report(found, time.monotonic() - began, given.show)


async def ask(kafka: str, headrace: str, pairs: list[tuple[int, int]]) -> list[Found]:
    """Every case of these pairs, said to both."""
    worlds: list[dict[str, tuple[World, int]]] = []
    for _ in range(2):
        named = [(f"k{key}v{version}", VICTIMS if key == DELETE_TOPICS else 0) for key, version in pairs]
        worlds.append({prefix: (World(prefix), victims) for prefix, victims in named})
    began = time.monotonic()
    await asyncio.gather(make(_line(kafka), worlds[0]), make(_line(headrace), worlds[1]))
    print(f"worlds made in {time.monotonic() - began:.1f} s", flush=True)
    at_once = asyncio.Semaphore(LINES_AT_ONCE)

    async def one(key: int, version: int) -> list[Found]:
        async with at_once:
            prefix = f"k{key}v{version}"
            lines = [_line(kafka), _line(headrace)]
            both = [worlds[0][prefix][0], worlds[1][prefix][0]]
            try:
                return [
                    found
                    for case in list(cases(key, version, World(prefix)))
                    if (found := await compare(case, lines, both)) is not None
                ]
            finally:
                for line in lines:
                    await line.close()

    done = await asyncio.gather(*(one(key, version) for key, version in pairs))
    return [found for pair in done for found in pair]


async def compare(case: Case, lines: list[Line], worlds: list[World]) -> Found | None:
    """Say one case to both."""
    found = None
    wait_s = SILENCE_S if case.key in READ_ONLY else CHANGE_SILENCE_S
    for _ in range(TRIES if case.key in READ_ONLY else 1):
        said = [case.frame(world) for world in worlds]
        if said[0] is None or said[1] is None:
            return None
        outcomes = await asyncio.gather(
            *(
                line.say(message, case.version, frame, wait_s)
                for line, (message, frame) in zip(lines, [said[0], said[1]], strict=True)
            )
        )
        found = Found(case, outcomes[0], outcomes[1], _differences(case, outcomes, worlds))
        if not found.differences:
            break
    return found


def _differences(case: Case, outcomes: list[Outcome], worlds: list[World]) -> list[Difference]:
    kafka, headrace = outcomes
    if kafka.kind != headrace.kind:
        return [Difference("outcome", kafka.kind, headrace.kind)]
    if kafka.answer is None or headrace.answer is None:
        return []
    version = min(case.version, kafka.answer.VERSIONS[1])
    return differences(tree(kafka.answer, version, worlds[0]), tree(headrace.answer, version, worlds[1]))


def _line(bootstrap: str) -> Line:
    host, port = bootstrap.rsplit(":", 1)
    return Line(host, int(port))


def report(found: list[Found], seconds: float, show: int) -> int:
    """Print every unexplained difference once, with how many cases show it."""
    explained = {
        (entry["key"], entry["path"]) for entry in tomllib.loads(EXPLAINED.read_text()).get("difference", [])
    }
    groups: dict[tuple[int, str], list[tuple[Found, Difference]]] = collections.defaultdict(list)
    touched: set[int] = set()
    for number, one in enumerate(found):
        for difference in one.differences:
            where = (one.case.key, difference.field_path)
            if where in explained:
                touched.add(number)
            else:
                groups[where].append((one, difference))
    for (key, path), shown in sorted(groups.items()):
        print(f"\n{BY_KEY[key].name} {path}: {len(shown)} cases")
        for one, difference in shown[:: max(1, len(shown) // show)][:show]:
            print(
                f"    v{one.case.version} {one.case.name}: Kafka {_short(difference.kafka)}, headrace {_short(difference.headrace)}"
            )
    good = sum(_is_good(one.kafka) for one in found)
    outcomes = collections.Counter(one.kafka.kind for one in found)
    bad = sum(
        1 for one in found if any((one.case.key, d.field_path) not in explained for d in one.differences)
    )
    print(
        f"\n{len(found)} cases in {seconds:.0f} s; Kafka: {dict(outcomes)}, {100 * good // max(1, len(found))} % with error 0; "
        f"{bad} with unexplained differences at {len(groups)} places; {len(touched)} with explained ones"
    )
    return 1 if groups else 0


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 90 else text[:87] + "..."


def _is_good(outcome: Outcome) -> bool:
    return outcome.answer is not None and not any(_errors(outcome.answer))


def _errors(part: object) -> Iterator[int]:
    for field in getattr(type(part), "FIELDS", ()):
        value = getattr(part, field.name)
        if field.name == "error_code":
            yield value
        elif field.kind == "struct":
            for item in (
                value if field.array and value else [value] if value is not None and not field.array else []
            ):
                yield from _errors(item)


if __name__ == "__main__":
    sys.exit(main())
