"""A Kafka Streams program, unmodified, against a broker: both group protocols, both guarantees, ended and killed.

    python -m tests.clients.streams [--bootstrap HOST:PORT | --oracle] [--scenario NAME,...]

Starts a headrace of its own unless told where one is; `--oracle` starts Apache Kafka 4.2 instead, which shows that the
scenarios are right. Exit code 77 if the program's tools are missing. What the program does: java_streams/WordCount.java.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import sys
from typing import TYPE_CHECKING, Final

from headrace.testing import Broker
from tests.clients.apache_kafka import ApacheKafka
from tests.clients.programs import STREAMS, BuildFailed
from tests.clients.run import NOT_RUN_EXIT, perform

if TYPE_CHECKING:
    from collections.abc import Iterator

SCENARIOS: Final[dict[str, str]] = {
    "classic_at_least_once": "a second instance comes, the first one ends; classic groups",
    "classic_exactly_once_killed": "killed in the middle, started without its state: the counts are exact",
    "streams_at_least_once": "as the first, on streams groups (KIP-1071)",
    "streams_exactly_once_killed": "as the second, on streams groups; the dead member is missed when its session ends",
}
SETTINGS: Final[dict[str, str | int | bool]] = {
    "group.initial.rebalance.delay.ms": 0,
    "group.streams.min.session.timeout.ms": 6_000,
    "group.streams.session.timeout.ms": 6_000,
    "group.streams.min.heartbeat.interval.ms": 500,
    "group.streams.heartbeat.interval.ms": 500,
    "group.streams.initial.rebalance.delay.ms": 500,
}
"""Nobody waits long for a dead member; the program itself cannot ask for less than the broker's 45 s."""


def main() -> int:
    """Run the scenarios one after the other; print what happened; give the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--bootstrap", default=os.environ.get("HEADRACE_BOOTSTRAP", ""), help="use this broker"
    )
    parser.add_argument("--oracle", action="store_true", help="use Apache Kafka 4.2")
    parser.add_argument("--scenario", default="", help="scenarios, separated by commas")
    options = parser.parse_args()
    names = [name for name in options.scenario.split(",") if name] or list(SCENARIOS)
    if missing := STREAMS.missing():
        print(f"not run: {' and '.join(missing)} not found")
        return NOT_RUN_EXIT
    try:
        command = STREAMS.ready()
    except BuildFailed as failed:
        print(f"not run: its set-up failed: {failed}")
        return NOT_RUN_EXIT
    failures = 0
    with bootstrap(options) as where:
        for name in names:
            (outcome,) = perform("streams", command, where, f"r{secrets.token_hex(3)}", [name])
            failures += bool(outcome.error)
            print(f"{'FAILED' if outcome.error else 'ok':6} {name} ({outcome.seconds:.0f} s)", flush=True)
            if outcome.error:
                print(outcome.error)
    print(f"{len(names) - failures} passed, {failures} failed")
    return 1 if failures else 0


@contextlib.contextmanager
def bootstrap(options: argparse.Namespace) -> Iterator[str]:
    """Where the broker is."""
    if options.bootstrap:
        yield options.bootstrap
    elif options.oracle:
        with ApacheKafka() as kafka:
            yield kafka.bootstrap_servers
    else:
        with Broker(durable=True, settings=SETTINGS) as broker:
            yield broker.bootstrap_servers


if __name__ == "__main__":
    sys.exit(main())
