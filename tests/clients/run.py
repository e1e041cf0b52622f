"""Other people's clients, unmodified, against a broker: every client, every scenario, every reader on every writer.

    python -m tests.clients.run [--bootstrap HOST:PORT | --oracle] [--only CLIENT,...] [--scenario NAME,...]

Starts a headrace of its own unless told where one is; `--oracle` starts Apache Kafka 4.2 instead, which shows that the
scenarios are right. A client whose tools are missing is *not run*, never passed. Exit code 77 if none could run.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from tests.clients import java_tools, programs
from tests.clients.apache_kafka import ApacheKafka
from tests.clients.python.contract import matrix_lines
from tests.clients.scenarios import MATRIX_READ, SCENARIOS, SHARE_SCENARIOS, SHARERS, TRANSACTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.clients.programs import Program

NOT_RUN_EXIT: Final = 77
CLIENTS_AT_ONCE: Final = 3
UNVERIFIED: Final = {"transaction.partition.verification.enable": "false"}
SMALL_JOURNAL: Final = {"headrace.journal.file.bytes": str(1 << 20), "headrace.journal.files.max": "4"}
BEHIND_BYTES: Final = 8 << 20
"""What is so far behind the end of a log with a small journal is in its files."""
PROGRAM_S_MAX: Final = 300
"""How long one client may take for all its scenarios; one alone gives up after 30 s."""


class Outcome(NamedTuple):
    """What came of one scenario of one client; no error: it passed."""

    client: str
    scenario: str
    error: str
    seconds: float


class Stoppable(Protocol):
    """A broker that we started."""

    @property
    def data_dir(self) -> Path:
        """Where it keeps its files."""

    def stop(self) -> object:
        """Stop it cleanly; its files stay."""


class Target(NamedTuple):
    """What the clients are pointed at, and how to see its segment files once it has stopped."""

    bootstrap: str
    broker: Stoppable | None


def main() -> int:
    """Run what was asked for; print what happened; give the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--bootstrap", default=os.environ.get("HEADRACE_BOOTSTRAP", ""), help="use this broker"
    )
    parser.add_argument("--oracle", action="store_true", help="use Apache Kafka 4.2")
    parser.add_argument("--only", default="", help="clients, separated by commas")
    parser.add_argument("--scenario", default="", help="scenarios, separated by commas")
    options = parser.parse_args()
    chosen = [name for name in options.only.split(",") if name] or [
        program.name for program in programs.PROGRAMS
    ]
    selected = [program for program in programs.PROGRAMS if program.name in chosen]
    if len(selected) != len(chosen):
        print(f"headrace: clients are {', '.join(p.name for p in programs.PROGRAMS)}", file=sys.stderr)
        return 2
    commands, not_run = prepare(selected)
    if not commands:
        print(f"0 run, {len(not_run)} not run")
        return NOT_RUN_EXIT
    wanted = [name for name in options.scenario.split(",") if name]
    with tempfile.TemporaryDirectory(prefix="headrace-clients-") as scratch, target(options) as where:
        outcomes = list(everything(where, commands, wanted, Path(scratch)))
    return report(outcomes, commands, not_run)


def prepare(selected: list[Program]) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Build each client: commands by name, and the reason for each that cannot run."""
    commands: dict[str, list[str]] = {}
    not_run: dict[str, str] = {}
    for program in selected:
        began = time.monotonic()
        if missing := program.missing():
            not_run[program.name] = f"{' and '.join(missing)} not found"
            continue
        try:
            commands[program.name] = program.ready()
        except programs.BuildFailed as failed:
            not_run[program.name] = f"its set-up failed: {failed}"
            continue
        if (seconds := time.monotonic() - began) > 1:
            print(f"   set up {program.name} in {seconds:.0f} s", flush=True)
    return commands, not_run


@contextlib.contextmanager
def target(options: argparse.Namespace) -> Iterator[Target]:
    """The broker to run against."""
    if options.bootstrap:
        yield Target(options.bootstrap, None)
    elif options.oracle:
        with ApacheKafka() as kafka:
            yield Target(kafka.bootstrap_servers, kafka)
    else:
        from headrace.testing import Broker

        with Broker(durable=True) as broker:
            yield Target(broker.bootstrap_servers, broker)


def everything(
    where: Target, commands: dict[str, list[str]], wanted: list[str], scratch: Path
) -> Iterator[Outcome]:
    """All scenarios of all clients, then every reader on every writer, then the tools on the files."""
    run = f"r{secrets.token_hex(3)}"
    names = [name for name in SCENARIOS if not wanted or name in wanted]
    reads = [f"{MATRIX_READ}:{writer}" for writer in commands] if not wanted or MATRIX_READ in wanted else []
    if reads and "matrix_write" not in names:
        names.append("matrix_write")
    shared = [name for name in SHARE_SCENARIOS if not wanted or name in wanted]
    sharing = dict.fromkeys(SHARERS, shared)
    with ThreadPoolExecutor(CLIENTS_AT_ONCE) as pool:
        for step, more in ((names, sharing), (reads, {})):
            jobs = [
                pool.submit(perform, name, command, where.bootstrap, run, [*step, *more.get(name, ())])
                for name, command in commands.items()
            ]
            for job in jobs:
                yield from job.result()
    if "java" in commands:
        names = [name for name in TRANSACTIONS if not wanted or name in wanted]
        yield from perform("java", programs.java_command("Transactions"), where.bootstrap, run, names)
        yield from use_tools(where, run, wanted, scratch)


def perform(client: str, command: list[str], bootstrap: str, run: str, names: list[str]) -> list[Outcome]:
    """One client's scenarios in one process."""
    if not names:
        return []
    process = subprocess.Popen(
        [*command, bootstrap, run, *names],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    try:
        printed, complaints = process.communicate(timeout=PROGRAM_S_MAX)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        printed, complaints = process.communicate()
    answers = {answer["scenario"]: answer for answer in map(json.loads, printed.splitlines())}
    ended = f"no answer; the program ended with code {process.returncode}: {complaints[-1000:]}"
    outcomes = []
    for name in names:
        answer = answers.get(name, {"ok": False, "error": ended, "ms": 0})
        error = "" if answer["ok"] else answer["error"] or "failed"
        if not error and name.startswith(MATRIX_READ):
            error = difference(answer.get("records", []), matrix_lines(name.partition(":")[2]))
        outcomes.append(Outcome(client, name, error, answer["ms"] / 1000))
    return outcomes


def difference(got: list[str], want: list[str]) -> str:
    """The first line that differs, or nothing."""
    for one, other in zip(got, want, strict=False):
        if one != other:
            return f"read    {one}\n    written {other}"
    return "" if len(got) == len(want) else f"read {len(got)} records of {len(want)}"


def use_tools(where: Target, run: str, wanted: list[str], scratch: Path) -> Iterator[Outcome]:
    """Kafka's command-line tools; dump-log last, on the files of a broker that has stopped."""
    tools = java_tools.Tools(programs.java_libraries(), where.bootstrap, run, scratch)
    for name, scenario in java_tools.TOOL_SCENARIOS.items():
        if not wanted or name in wanted:
            yield attempt(name, functools.partial(scenario, tools))
    broker = where.broker
    if broker is None:
        return
    if not wanted or "tool_hanging_transactions" in wanted:
        with another(broker, UNVERIFIED) as (bootstrap, _):
            there = tools._replace(bootstrap=bootstrap)
            scenario = functools.partial(java_tools.hanging_transactions, there)
            yield attempt("tool_hanging_transactions", scenario)
    if not wanted or "tool_dump_txn_index" in wanted:
        with another(broker, {} if isinstance(broker, ApacheKafka) else SMALL_JOURNAL) as (bootstrap, spare):
            there = tools._replace(bootstrap=bootstrap)
            yield attempt("tool_dump_txn_index", functools.partial(dump_txn_index, there, spare))
    if not wanted or "tool_dump_log" in wanted:
        broker.stop()
        files = segments(broker, tools.topic("perf"))
        yield attempt("tool_dump_log", functools.partial(java_tools.dump_log, tools, files))


@contextlib.contextmanager
def another(like: Stoppable, settings: dict[str, str]) -> Iterator[tuple[str, Stoppable]]:
    """A broker of the same kind with other settings, and where it is."""
    if isinstance(like, ApacheKafka):
        with ApacheKafka(**settings) as kafka:
            yield kafka.bootstrap_servers, kafka
    else:
        from headrace.testing import Broker

        with Broker(settings=settings) as broker:
            yield broker.bootstrap_servers, broker


def dump_txn_index(tool: java_tools.Tools, broker: Stoppable) -> None:
    """Have an aborted transaction written into files, and read its index with Kafka's tool."""
    topic = tool.create("aborted")
    producer_id = java_tools.write_aborted(tool.bootstrap, topic, BEHIND_BYTES)
    broker.stop()
    files = [file for file in broker.data_dir.glob("**/*.txnindex") if file.stat().st_size]
    java_tools.dump_txn_index(tool, files, producer_id)


def segments(broker: Stoppable, topic: str) -> list[Path]:
    """Segment files with something in them: of one topic of Kafka's, of any topic of ours (folders there are ids)."""
    if isinstance(broker, ApacheKafka):
        return broker.segments(topic)
    files = sorted(broker.data_dir.glob("topics/*/*/*.log"), key=lambda file: file.stat().st_size)
    return [file for file in files if file.stat().st_size][-4:]


def attempt(name: str, scenario: Callable[[], object]) -> Outcome:
    """A scenario of the tools as an outcome."""
    began = time.monotonic()
    error = ""
    try:
        scenario()
    except (AssertionError, OSError, ValueError, LookupError, subprocess.SubprocessError) as failed:
        error = f"{type(failed).__name__}: {failed}"
    return Outcome("java", name, error, time.monotonic() - began)


def report(outcomes: list[Outcome], commands: dict[str, list[str]], not_run: dict[str, str]) -> int:
    """Print failures, a line for each client, and the closing lines."""
    failures = [outcome for outcome in outcomes if outcome.error]
    for outcome in failures:
        print(f"FAILED {outcome.client} {outcome.scenario} ({outcome.seconds:.1f} s)\n    {outcome.error}")
    for program in programs.PROGRAMS:
        mine = [outcome for outcome in outcomes if outcome.client == program.name]
        if mine:
            good = sum(not outcome.error for outcome in mine)
            seconds = sum(outcome.seconds for outcome in mine)
            print(
                f"{program.name:13} {good:3} of {len(mine):3} scenarios  {seconds:5.0f} s  {program.library}"
            )
    for name, reason in not_run.items():
        print(f"not run: {name}: {reason}")
    print(f"{len(commands)} run, {len(not_run)} not run")
    print(f"{len(outcomes) - len(failures)} passed, {len(failures)} failed, {len(not_run)} skipped")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
