"""Transcripts of state machines: text files of commands, and all that happens after each. For tests.

    # a comment
    command argument...
    ----
    what happened, a line each

Blocks are parted by an empty line. `REWRITE=1` in the environment writes what happens now; review the diff.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class Player(Protocol):
    """A machine that is told what to do in words."""

    def run(self, command: str) -> list[str]:
        """Do it; what happened."""


def transcripts_beside(module: str) -> list[Path]:
    """The files in `transcripts/` beside a test module, named by its `__file__`."""
    return sorted((Path(module).parent / "transcripts").glob("*.txt"))


def play(path: Path, player: Player) -> None:
    """Run all commands of a file. Raises `AssertionError` where something else happens than is written."""
    rewritten = []
    for comments, commands, expected in _blocks(path.read_text("utf-8")):
        said = [line for command in commands for line in player.run(command)]
        rewritten.append("\n".join([*comments, *commands, "----", *said]))
        if "REWRITE" not in os.environ:
            assert said == expected, f"{path.name}: after {commands}: {said} instead of {expected}"
    if "REWRITE" in os.environ:
        path.write_text("\n\n".join(rewritten) + "\n", "utf-8")


def _blocks(text: str) -> Iterator[tuple[list[str], list[str], list[str]]]:
    """Comment lines, command lines and expected lines of each block."""
    for block in text.strip().split("\n\n"):
        head, _, expected = block.partition("\n----")
        lines = head.split("\n")
        yield (
            [line for line in lines if line.startswith("#")],
            [line for line in lines if not line.startswith("#")],
            expected.strip("\n").split("\n") if expected.strip("\n") else [],
        )
