"""What the commands that talk to a cluster share: their options, one event loop, one way to print."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from headrace.cli.report import report
from headrace.model.failure import ExitCode, Failure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

DEFAULT_BOOTSTRAP: Final = "127.0.0.1:9092"

Bootstrap = Annotated[
    str,
    typer.Option(
        "--bootstrap",
        "--bootstrap-server",
        "--brokers",
        "-b",
        metavar="HOST:PORT",
        envvar="HEADRACE_BOOTSTRAP",
        help="A broker of the cluster.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TopicOption = Annotated[str | None, typer.Option("--topic", hidden=True)]
"""Kafka's spelling of the topic argument."""

T = TypeVar("T")


def on_cluster(bootstrap: str, action: Callable[[Any], Awaitable[T]]) -> T:
    """Run one action on a cluster and close the connections. `action` takes a `headrace.client.cluster.Cluster`."""
    from headrace.client.cluster import Cluster

    async def act() -> T:
        async with Cluster(bootstrap) as cluster:
            return await action(cluster)

    return asyncio.run(act())


def reach(bootstrap: str) -> None:
    """Raise `Unreachable` at once where librdkafka would try again for ever, silently."""
    on_cluster(bootstrap, lambda cluster: cluster.state([]))


def named(argument: str | None, option: str | None, what: str = "topic") -> str:
    """The name given as an argument or in Kafka's way as an option."""
    name = argument or option
    if not name:
        raise Failure("bad command line", f"no {what} named", f"name the {what}", ExitCode.USAGE)
    return name


def pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """`KEY=VALUE` words as a dictionary; Kafka's own tools take several with commas, so do these."""
    found: dict[str, str] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name.strip():
            what = f"bad option {option}" if option.startswith("-") else "bad command line"
            raise Failure(what, repr(text), f"write {option} KEY=VALUE", ExitCode.USAGE)
        found[name.strip()] = value.strip()
    return found


def print_json(value: object) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def print_table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns, as wide as they must be; numbers to the right."""
    table = [[_cell(value) for value in row] for row in rows]
    numeric = [bool(table) and all(_is_number(row[at]) for row in table) for at in range(len(heads))]
    widths = [max([len(head), *(len(row[at]) for row in table)]) for at, head in enumerate(heads)]
    for line in [list(heads), *table]:
        cells = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ]
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def say(text: str) -> None:
    """One line on stdout."""
    sys.stdout.write(text + "\n")


def counted(count: int, thing: str) -> str:
    """`1 topic`, `2 topics`."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def human_bytes(count: int) -> str:
    """A size for people."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value)) or "-"
    return str(value)


def _is_number(text: str) -> bool:
    return text == "-" or text.removeprefix("-").isdigit()


def raise_all(failures: Sequence[Failure], *, as_json: bool) -> None:
    """Tell of each thing that failed; the last one ends the command."""
    for failure in failures[:-1]:
        report(failure, as_json=as_json)
    for failure in failures[-1:]:
        raise failure
