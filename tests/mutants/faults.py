"""The list of faults, read from `faults.toml`: each one line of the product, what it becomes, and the test that must go red."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final, NamedTuple

LIST: Final = Path(__file__).with_name("faults.toml")


class Fault(NamedTuple):
    """One fault. `old` is a whole line without its indentation and stands once in the file."""

    name: str
    file: str
    old: str
    new: str
    test: list[str]
    """`cargo ...` runs in engine/; `engine TEST` builds the extension module and gives TEST to pytest; else a pytest path."""

    def planted(self, text: str) -> str:
        """The file's text with the fault in it. Raises `ValueError` if the line is not there exactly once."""
        lines = text.splitlines(keepends=True)
        found = [at for at, line in enumerate(lines) if line.strip() == self.old]
        if len(found) != 1:
            raise ValueError(f"{self.name}: the line stands {len(found)} times in {self.file}: {self.old}")
        line = lines[found[0]]
        lines[found[0]] = line.replace(self.old, self.new)
        return "".join(lines)


def load() -> list[Fault]:
    """All faults in the list's order."""
    entries = tomllib.loads(LIST.read_text())["fault"]
    return [
        Fault(e["name"], e["file"], e["old"].strip(), e["new"].strip(), e["test"].split()) for e in entries
    ]
