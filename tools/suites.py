"""Run the test suites, one after the other, and say what ran, how long it took and what did not run.

A suite whose tools are missing counts as not run, never as passed. Exit code 0 only if everything that ran passed.
`--only name[,name]` runs a part; suites marked `by name` run only when named.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
PYTHON = str(BIN / "python")
NOT_RUN_EXIT = 77
"""Exit code of a suite that has nothing to run with (the automake convention)."""


class Suite(NamedTuple):
    """One suite: what it shows, the command, where it runs, and whether it runs only when named."""

    name: str
    shows: str
    command: list[str]
    cwd: Path = ROOT
    by_name: bool = False


SUITES = [
    Suite(
        "engine",
        "unit and property tests of every crate",
        ["cargo", "test", "--locked", "--workspace", "--exclude", "headrace-py"],
        ROOT / "engine",
    ),
    Suite("python", "unit and transcript tests beside the code", [PYTHON, "-m", "pytest", "python"]),
    Suite("broker", "a real broker through its public surface", [PYTHON, "-m", "pytest", "tests/broker"]),
    Suite("others", "what broke other compatible brokers' users", [PYTHON, "-m", "pytest", "tests/others"]),
    Suite("clients", "seven client libraries, unmodified", [PYTHON, "-m", "tests.clients.run"]),
    Suite(
        "streams",
        "a Kafka Streams program on both group protocols, ended and killed",
        [PYTHON, "-m", "tests.clients.streams"],
    ),
    Suite(
        "checker",
        "what the crash checkers and the comparison with Kafka must find",
        [PYTHON, "-m", "pytest", "tests/crash", "tests/eos", "tests/differential"],
    ),
    Suite(
        "recorded",
        "every answer is the one that Kafka gave, but for what is explained or known",
        [PYTHON, "-m", "tests.differential.replay"],
    ),
    Suite(
        "crash", "kill -9 under load, at each moment once", [PYTHON, "-m", "tests.crash.run", "--runs", "7"]
    ),
    Suite(
        "eos",
        "consume, transform, produce, exactly once, while brokers and workers are killed",
        [PYTHON, "-m", "tests.eos.run", "--runs", "2", "--inputs", "8000"],
    ),
    Suite(
        "hostile", "hostile frames at a live broker", [PYTHON, "-m", "tests.hostile.run", "--frames", "5000"]
    ),
    Suite(
        "io",
        "every operation ended, failed and held up at each change of the disk (part of engine)",
        ["cargo", "test", "--locked", "-p", "headrace-partition", "--test", "io", "--", "--nocapture"],
        ROOT / "engine",
        by_name=True,
    ),
    Suite(
        "compaction",
        "10,000 histories of a compacted topic with kills and power cuts (200 are part of engine), and io",
        [
            *["env", "HISTORIES=10000", "cargo", "test", "--locked", "-p", "headrace-partition"],
            *["--test", "compaction", "--test", "io", "--", "--nocapture"],
        ],
        ROOT / "engine",
        by_name=True,
    ),
    Suite(
        "mutants", "one-line faults that a test must find", [PYTHON, "-m", "tests.mutants.run"], by_name=True
    ),
]


def main() -> int:
    """Run what was asked for; print a table; give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="suite names, separated by commas")
    chosen = [name for name in parser.parse_args().only.split(",") if name]
    known = {suite.name for suite in SUITES}
    if unknown := sorted(set(chosen) - known):
        print(
            f"headrace: no suite {', '.join(unknown)}; there are {', '.join(sorted(known))}", file=sys.stderr
        )
        return 2
    wanted = [suite for suite in SUITES if (suite.name in chosen if chosen else not suite.by_name)]
    return report([run(suite) for suite in wanted])


def run(suite: Suite) -> tuple[str, str, float]:
    """Run one suite; gives name, outcome and seconds."""
    print(f"== {suite.name}: {suite.shows}", flush=True)
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    began = time.monotonic()
    code = subprocess.run(suite.command, cwd=suite.cwd, env=environment, check=False).returncode
    outcome = {0: "passed", NOT_RUN_EXIT: "not run"}.get(code, "FAILED")
    return suite.name, outcome, time.monotonic() - began


def report(rows: list[tuple[str, str, float]]) -> int:
    """Print the table and the closing line."""
    print("\n== suites")
    for name, outcome, seconds in rows:
        print(f"{name:10} {outcome:8} {seconds:7.1f} s")
    count = {outcome: sum(row[1] == outcome for row in rows) for outcome in ("passed", "FAILED", "not run")}
    print(f"{count['passed']} passed, {count['FAILED']} failed, {count['not run']} skipped")
    return 1 if count["FAILED"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
