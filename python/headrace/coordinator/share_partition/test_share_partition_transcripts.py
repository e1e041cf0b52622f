"""Every scenario in `transcripts/`: commands, and all that happens. `REWRITE=1` writes what happens now; review the diff."""

from __future__ import annotations

import pytest

from headrace.coordinator.runtime.transcripts import play, transcripts_beside
from headrace.coordinator.share_partition.transcript import Transcript

FILES = transcripts_beside(__file__)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_transcript(path):
    play(path, Transcript())


def test_there_are_transcripts():
    assert len(FILES) >= 9
