"""Every scenario in `transcripts/`: commands, and all that happens. `REWRITE=1` writes what happens now; review the diff."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headrace.coordinator.share_partition.transcript import Transcript

FILES = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))


def blocks(text):
    """Comment lines, command and expected lines of each block; blocks are parted by an empty line."""
    for block in text.strip().split("\n\n"):
        head, _, expected = block.partition("\n----")
        lines = head.split("\n")
        yield (
            [line for line in lines if line.startswith("#")],
            [line for line in lines if not line.startswith("#")],
            expected.strip("\n").split("\n") if expected.strip("\n") else [],
        )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_transcript(path):
    transcript = Transcript()
    rewritten = []
    for comments, commands, expected in blocks(path.read_text("utf-8")):
        said = [line for command in commands for line in transcript.run(command)]
        rewritten.append("\n".join([*comments, *commands, "----", *said]))
        if "REWRITE" not in os.environ:
            assert said == expected, f"{path.name}: after {commands}"
    if "REWRITE" in os.environ:
        path.write_text("\n\n".join(rewritten) + "\n", "utf-8")


def test_there_are_transcripts():
    assert len(FILES) >= 6
