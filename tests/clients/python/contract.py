"""What the client programs agree on: their arguments, their answers and the records of the matrix.

    PROGRAM BOOTSTRAP RUN SCENARIO...

prints one JSON line for each scenario: `{"scenario", "ok", "ms"}` with `"error"` when it failed and `"records"` where a
scenario reads for the runner. Topics and groups are named `RUN-CLIENT-SCENARIO`, so that runs never meet.
`matrix_write` writes topic `RUN-CLIENT-matrix_write`; `matrix_read:WRITER` prints what WRITER wrote.
This module runs in the clients' own environment: standard library only.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
MATRIX_START_MS = 1_700_000_000_000
"""Years ago: what is written there needs `retention.ms=-1`, or retention takes it at its next round."""
MATRIX_RECORDS = 4
"""Records of each codec: with headers, without, with a null key, with a null value."""
ONE_MIB = 1 << 20
DEADLINE_S = 30.0
"""How long a scenario waits for anything; a broker that needs longer is broken."""


class Record(NamedTuple):
    """One record of the matrix, as every client can write and read it."""

    timestamp_ms: int
    key: str | None
    value: str | None
    headers: Sequence[tuple[str, str]]

    def line(self, offset: int) -> str:
        """The form in which a reader prints it."""
        pairs = ",".join(f"{name}={value}" for name, value in self.headers)
        return f"{offset} {self.timestamp_ms} {text(self.key)} {text(self.value)} {pairs or '-'}"


class Call(NamedTuple):
    """What a scenario gets."""

    bootstrap: str
    run: str
    client: str
    scenario: str
    writer: str

    @property
    def topic(self) -> str:
        """The topic of this scenario, which nobody else uses; its group has the same name."""
        return f"{self.run}-{self.client}-{self.scenario}"

    @property
    def matrix_topic(self) -> str:
        """Where the client to be read wrote its matrix."""
        return f"{self.run}-{self.writer}-matrix_write"


def text(value: str | None) -> str:
    """A key or value in a matrix line."""
    return "~" if value is None else value


def matrix(client: str, codec: str) -> list[Record]:
    """What `client` writes with `codec`, in order."""
    start = MATRIX_START_MS + 1000 * CODECS.index(codec)
    value = f"{client}-{codec}-" + "x" * 200
    return [
        Record(start, f"key-{codec}", value, [("client", client), ("codec", codec)]),
        Record(start + 1, f"key-{codec}", value, []),
        Record(start + 2, None, value, []),
        Record(start + 3, f"key-{codec}", None, []),
    ]


def matrix_lines(client: str) -> list[str]:
    """What every reader must print for `client`."""
    records = [record for codec in CODECS for record in matrix(client, codec)]
    return [record.line(offset) for offset, record in enumerate(records)]


def check(condition: bool, why: str) -> None:
    """A scenario's expectation."""
    if not condition:
        raise AssertionError(why)


def equal(got: object, want: object, what: str) -> None:
    """A scenario's expectation of a value."""
    check(got == want, f"{what}: {got!r}, expected {want!r}")


def deadline(seconds: float = DEADLINE_S) -> Callable[[str], None]:
    """A function that raises, naming what was waited for, once the time is over."""
    end = time.monotonic() + seconds

    def still(waiting_for: str) -> None:
        check(time.monotonic() < end, f"waited {seconds:.0f} s for {waiting_for}")

    return still


def strings(values: Iterable[bytes | None]) -> list[str | None]:
    """Keys or values as text."""
    return [None if value is None else value.decode() for value in values]


def main(client: str, scenarios: Mapping[str, Callable[[Call], object]]) -> None:
    """Run the scenarios that the command line names and answer each with a line."""
    bootstrap, run, *names = sys.argv[1:]
    for name in names or sorted(scenarios):
        base, _, writer = name.partition(":")
        began = time.monotonic()
        answer: dict[str, object] = {"scenario": name, "ok": True}
        try:
            records = scenarios[base](Call(bootstrap, run, client, base, writer))
            if records is not None:
                answer["records"] = records
        except Exception as error:  # noqa: BLE001 - the border: whatever a client throws is the scenario's answer
            answer |= {"ok": False, "error": f"{type(error).__name__}: {error}"[:2000]}
            traceback.print_exc()
        answer["ms"] = round(1000 * (time.monotonic() - began))
        print(json.dumps(answer), flush=True)
