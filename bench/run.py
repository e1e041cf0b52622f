"""`make bench`: measure, print each figure beside what it is held against, keep everything in `bench/results/`.

`--only first`, `path` or `groups`, or names of rows (`--only G4,G5p50`). Exit code 0 says the bench ran; whether a row is met
stands in the table.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench import first, groups, path
from bench.generator import Generator, build
from bench.path import Settings
from bench.row import table

ROOT = Path(__file__).resolve().parent.parent
SUITES = {"first": first, "path": path, "groups": groups}
RUNS_MIN = 5
"""Fewer runs are for trying things out; the table says so."""


def main() -> int:
    """Run what was asked for; print and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="first,path", help="first, path, groups, or names of rows")
    parser.add_argument("--runs", type=int, default=RUNS_MIN)
    parser.add_argument("--seconds", type=float, default=4, help="measured part of each load")
    parser.add_argument(
        "--dir", type=Path, default=ROOT / "data" / "bench", help="where brokers keep their data"
    )
    given = parser.parse_args()
    asked = set(given.only.split(","))
    rows_of = {name: frozenset(suite.rows()) for name, suite in SUITES.items()}
    if unknown := asked - set(SUITES) - frozenset().union(*rows_of.values()):
        print(
            f"headrace: no rows {', '.join(sorted(unknown))}; there are first, path, groups, "
            f"{', '.join(name for names in rows_of.values() for name in sorted(names))}",
            file=sys.stderr,
        )
        return 2
    if (os.cpu_count() or 1) < 2:
        print(
            "headrace: the bench needs two cores: one for the broker, one for the generator", file=sys.stderr
        )
        return 77
    generator = Generator(build())
    for name, suite in SUITES.items():
        wanted = asked & rows_of[name]
        if name not in asked and not wanted:
            continue
        settings = Settings(
            given.runs, given.seconds, given.dir, frozenset() if name in asked else frozenset(wanted)
        )
        given.dir.mkdir(parents=True, exist_ok=True)
        try:
            rows, raw = suite.measure(generator, settings)
        finally:
            shutil.rmtree(given.dir, ignore_errors=True)
        print(
            f"\n{name}: medians and worst of {given.runs} runs"
            + (" (too few to quote)" if given.runs < RUNS_MIN else "")
        )
        print(table(rows), flush=True)
        _keep(
            name,
            {"machine": _machine(), "runs": given.runs, "rows": [row.json() for row in rows], "raw": raw},
        )
    return 0


def _machine() -> dict[str, object]:
    model = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "",
    )
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "kernel": platform.release(),
        "cpu": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "commit": commit,
    }


def _keep(name: str, result: dict[str, object]) -> None:
    folder = ROOT / "bench" / "results"
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    file.write_text(json.dumps(result, indent=1) + "\n")
    print(f"kept in {file.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
