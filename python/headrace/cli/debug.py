"""`headrace debug`: what a broker says on the wire, beside what it should say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from headrace.cli.connect import (
    DEFAULT_BOOTSTRAP,
    Bootstrap,
    Json,
    counted,
    on_cluster,
    print_json,
    print_table,
    say,
)
from headrace.model.failure import ExitCode, Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.client.cluster import Cluster

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

AGAINST: Final = "kafka-4.2"
TELEMETRY: Final = frozenset({71, 72})
"""Kafka advertises these only with a plugin that takes clients' metrics."""

Range = tuple[int, int]


@app.callback()
def debug() -> None:
    """What a broker says on the wire, beside what it should say."""


@app.command("apis")
def apis(
    against: Annotated[str, typer.Option("--against", metavar="NAME", help="Compare with it.")] = AGAINST,
    bootstrap: Bootstrap = DEFAULT_BOOTSTRAP,
    as_json: Json = False,
) -> int:
    """The APIs and versions that a broker advertises, beside those of Kafka 4.2. Exit code 1 when they differ."""
    if against != AGAINST:
        raise Failure("nothing to compare with", f"no table of {against}", f"use {AGAINST}", ExitCode.USAGE)
    ours = on_cluster(bootstrap, _advertised)
    theirs = kafka()
    rows = differences(ours, theirs)
    if as_json:
        found = {"keys": len(ours), "versions": pairs(ours), "differences": rows}
        print_json({**found, "expected": {"keys": len(theirs), "versions": pairs(theirs)}})
    else:
        say(
            f"{counted(len(ours), 'key')}, {counted(pairs(ours), 'version')};"
            f" {against} has {len(theirs)} and {pairs(theirs)}"
        )
        if rows:
            print_table(("KEY", "NAME", "BROKER", AGAINST.upper()), [tuple(row.values()) for row in rows])
    return ExitCode.FAILED if rows else ExitCode.OK


async def _advertised(cluster: Cluster) -> dict[int, Range]:
    return dict((await cluster.any_broker()).versions)


def kafka() -> dict[int, Range]:
    """What a Kafka 4.2 broker advertises to clients."""
    from headrace.wire.keys import APIS

    return {api.key: (api.advertised_low, api.high) for api in APIS if api.key not in TELEMETRY}


def pairs(ranges: Mapping[int, Range]) -> int:
    """How many (key, version) pairs there are."""
    return sum(high - low + 1 for low, high in ranges.values())


def differences(ours: Mapping[int, Range], theirs: Mapping[int, Range]) -> list[dict[str, str | int]]:
    """Keys that one of them lacks or has in other versions."""
    from headrace.wire.keys import BY_KEY

    return [
        {
            "key": key,
            "name": BY_KEY[key].name if key in BY_KEY else "?",
            "broker": _text(ours.get(key)),
            "expected": _text(theirs.get(key)),
        }
        for key in sorted({*ours, *theirs})
        if ours.get(key) != theirs.get(key)
    ]


def _text(found: Range | None) -> str:
    if found is None:
        return "-"
    low, high = found
    return str(low) if low == high else f"{low}-{high}"
