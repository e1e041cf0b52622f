"""The child's half of a broker that must not outlive its parent: end when the pipe on stdin ends."""

from __future__ import annotations

import os
import shutil
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ORPHANED = 1
"""Exit code of a broker whose parent is gone."""


def end_with_parent(remove: Path | None) -> None:
    """From now on, when stdin ends, remove the directory and exit at once, whatever the rest of the process does."""
    threading.Thread(target=_watch, args=(remove,), name="parent-pipe", daemon=True).start()


def _watch(remove: Path | None) -> None:
    while os.read(0, 4096):
        pass
    if remove is not None:
        # The broker still runs and may make a file between two looks; the second round takes it along.
        for _ in range(2):
            shutil.rmtree(remove, ignore_errors=True)
    os._exit(ORPHANED)
