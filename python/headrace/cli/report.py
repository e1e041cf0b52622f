"""How a failure is told: one way for all commands."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.model.failure import Failure


def report(failure: Failure, *, as_json: bool) -> None:
    """Say what is wrong on stderr: one sentence, or one JSON object for programs."""
    if as_json:
        import json

        error = {"code": failure.code, "message": f"{failure.what}: {failure.detail}", "hint": failure.hint}
        sys.stderr.write(json.dumps({"error": error}) + "\n")
    else:
        sys.stderr.write(f"headrace: {failure}\n")


def outside(topic: str, partition: int, offset: int, low: int, high: int) -> None:
    """Say on stderr that an offset is not in the partition's log, `low` to `high`, and which one is taken for it."""
    taken = low if offset < low else high
    sys.stderr.write(
        f"headrace: {topic}-{partition} has offsets {low} to {high}: {offset} is taken for {taken}\n"
    )
