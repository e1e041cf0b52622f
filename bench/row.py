"""One line of the result: what was measured, how often, and what it is held against."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Row:
    """A figure with its runs. `better` says which way is good; `bar` is this version's, `goal` the project's."""

    name: str
    what: str
    unit: str
    better: Literal["less", "more"]
    bar: float | None
    goal: str = ""
    limit: str = ""
    values: list[float] = field(default_factory=list)
    probe: list[str] = field(default_factory=list)
    void: str = ""
    """Why all of it says nothing, if it does not."""
    dropped: list[str] = field(default_factory=list)
    """Why runs do not count, a sentence for each."""
    notes: list[str] = field(default_factory=list)

    def drop(self, why: str) -> None:
        """The last run does not count."""
        self.values.pop()
        self.probe.pop()
        self.dropped.append(why)

    def add(self, value: float, probe: str) -> None:
        """One more run."""
        self.values.append(value)
        self.probe.append(probe)

    @property
    def says_nothing(self) -> str:
        """Why the row is void, or nothing: more runs were dropped than count, or something made all of it void."""
        most = len(self.dropped) > len(self.values)
        return self.void or (self.dropped[-1] if most else "")

    @property
    def worst(self) -> float:
        """The run that looks worst."""
        return max(self.values) if self.better == "less" else min(self.values)

    @property
    def verdict(self) -> str:
        """`met` and `MISSED` judge the median; no bar, no judgement."""
        if self.says_nothing:
            return "VOID"
        if not self.values:
            return "NOT RUN"
        if self.bar is None:
            return ""
        middle = median(self.values)
        met = middle <= self.bar if self.better == "less" else middle >= self.bar
        return "met" if met else "MISSED"

    def cells(self) -> list[str]:
        """The row as text: name, what, median, worst, bar, goal, limit, probe, verdict."""
        sign = "≤" if self.better == "less" else "≥"
        middle, worst = ("-", "-") if not self.values else (figure(median(self.values)), figure(self.worst))
        bar = "" if self.bar is None else f"{sign} {figure(self.bar)}"
        probe = self.probe[len(self.probe) // 2] if self.probe else ""
        return [
            self.name,
            f"{self.what} [{self.unit}]",
            middle,
            worst,
            bar,
            self.goal,
            self.limit,
            probe,
            self.verdict,
        ]

    def json(self) -> dict[str, Any]:
        """Everything, for the result file."""
        return {
            "name": self.name,
            "what": self.what,
            "unit": self.unit,
            "median": median(self.values) if self.values else None,
            "worst": self.worst if self.values else None,
            "values": self.values,
            "bar": self.bar,
            "goal": self.goal,
            "limit": self.limit,
            "probe": self.probe,
            "verdict": self.verdict,
            "void": self.says_nothing,
            "dropped": self.dropped,
            "notes": self.notes,
        }


def attempt(
    rows: dict[str, Row], names: tuple[str, ...], part: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Measure one part of a run. What goes wrong in it makes its rows void and leaves the other rows alone."""
    try:
        return part()
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        for name in names:
            rows[name].void = rows[name].void or str(error)
        return {"rows": names, "failed": str(error)}


def figure(value: float) -> str:
    """Three digits that matter."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


HEAD = ["row", "what", "median", "worst", "bar", "goal", "limit", "probe", ""]


def table(rows: list[Row]) -> str:
    """All rows, columns aligned, notes below the row they belong to."""
    cells = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(HEAD))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
    out = [lines[0], "-" * len(lines[0])]
    for row, line in zip(rows, lines[1:], strict=True):
        out.append(line)
        void = [f"void: {row.says_nothing}"] if row.says_nothing else []
        runs = len(row.values) + len(row.dropped)
        dropped = [f"{len(row.dropped)} of {runs} runs dropped: {row.dropped[-1]}"] if row.dropped else []
        out.extend(f"      {note}" for note in void + dropped + row.notes)
    return "\n".join(out)
