"""`make diff`: the same requests to Apache Kafka 4.2 and to headrace, and every field in which their answers differ.

    python -m tests.differential.run [--only KEY|SCENE,...] [--self] [--record]

`--self` asks two Kafkas: what differs then is noise. `--record` keeps what Kafka said, for `make test` to compare with, and
writes the list of what is to be mended.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
from typing import TYPE_CHECKING, Final

from headrace.testing import Broker
from tests.clients.apache_kafka import CLUSTER_ID, ApacheKafka
from tests.differential import recorded
from tests.differential.all_cases import scenes, stateless
from tests.differential.ask import TRIES, ask, play
from tests.differential.report import known, show, summary, to_be_mended, unexplained, write_known
from tests.differential.side import Live

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.differential.ask import Found
    from tests.differential.case import Case
    from tests.differential.scene import Scene
    from tests.differential.side import Side

SETTINGS: Final[dict[str, str | int | bool]] = {
    "cluster.id": CLUSTER_ID,
    "auto.create.topics.enable": True,
    "group.initial.rebalance.delay.ms": 0,
    "offsets.topic.num.partitions": 5,
    "offsets.topic.replication.factor": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "controller.quorum.voters": "1@127.0.0.1:1",
    "inter.broker.listener.name": "PLAINTEXT",
    "num.network.threads": 1,
    "num.io.threads": 2,
}
"""As the Kafka beside it is set."""


def main() -> int:
    """Ask; print what differs; exit code 1 if anything unexplained does, or a bound is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="API keys and scenes, separated by commas")
    parser.add_argument("--self", action="store_true", help="Kafka against Kafka")
    parser.add_argument("--record", action="store_true", help="keep what Kafka said")
    parser.add_argument("--show", type=int, default=3, help="examples of each difference")
    given = parser.parse_args()
    only = {word for word in given.only.split(",") if word}
    cases, plays = stateless(only), scenes(only)
    began = time.monotonic()
    found: list[Found] = []
    # Scenes have brokers of their own: a Kafka that has thousands of topics takes long to start again.
    for asked, played in ((cases, []), ([], plays)):
        if asked or played:
            with contextlib.ExitStack() as stack:
                kafka, other = _kafka(stack), _kafka(stack) if given.self else _headrace(stack)
                print(f"both ready after {time.monotonic() - began:.1f} s", flush=True)
                found += asyncio.run(compare(kafka, other, asked, played))
    left = unexplained(found)
    show(left, given.show)
    if given.record:
        keep(found, [*cases, *(case for scene in plays for case in scene.cases())])
    bounds = summary(found, time.monotonic() - began, whole=not only, noise=given.self)
    return 1 if left or bounds else 0


async def compare(
    kafka: Side, headrace: Side, cases: Sequence[Case], plays: Sequence[Scene], tries: int = TRIES
) -> list[Found]:
    """Everything, said to both sides. Raises `OSError` or `EOFError` if one of them ends meanwhile."""
    try:
        await asyncio.gather(kafka.prepare(cases), headrace.prepare(cases))
        found = await ask(kafka, headrace, cases, tries) + await play(kafka, headrace, plays, tries)
        await asyncio.gather(kafka.still_there(), headrace.still_there())
        return found
    finally:
        await asyncio.gather(kafka.close(), headrace.close())


def _kafka(stack: contextlib.ExitStack) -> Live:
    kafka = stack.enter_context(ApacheKafka())
    return Live(kafka.bootstrap_servers, kafka.restart)


def _headrace(stack: contextlib.ExitStack) -> Live:
    broker = stack.enter_context(Broker(durable=True, settings=SETTINGS))
    return Live(broker.bootstrap_servers, broker.restart)


def keep(found: Sequence[Found], cases: Sequence[Case]) -> None:
    """Write what Kafka said, and what is to be mended of it."""
    recorded.write(found, cases)
    asked = {case.unit for case in cases}
    rest = {entry: count for entry, count in known().items() if entry[0] not in asked}
    write_known(rest | to_be_mended(found))


if __name__ == "__main__":
    sys.exit(main())
