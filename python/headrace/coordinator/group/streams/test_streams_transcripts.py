"""Every scenario in `transcripts/`: commands, and all that happens. `REWRITE=1` writes what happens now; review the diff."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headrace.coordinator.group.streams.transcript import StreamsTranscript
from headrace.coordinator.group.test_transcripts import blocks

FILES = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_transcript(path):
    transcript = StreamsTranscript()
    rewritten = []
    for comments, commands, expected in blocks(path.read_text("utf-8")):
        said = [line for command in commands for line in transcript.run(command)]
        rewritten.append("\n".join([*comments, *commands, "----", *said]))
        if "REWRITE" not in os.environ:
            assert said == expected, f"{path.name}: after {commands}"
    if "REWRITE" in os.environ:
        path.write_text("\n\n".join(rewritten) + "\n", "utf-8")


def test_there_are_transcripts():
    assert len(FILES) >= 8
