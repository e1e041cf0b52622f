"""Producer ids: handed out one by one from blocks that the controller's log has set aside (Kafka, KIP-730).

A block that was begun is lost with the process; ids are plenty, and none is ever given twice.
"""

from __future__ import annotations

from typing import Final

BLOCK: Final = 1000
"""Ids in a block: how many a restart may waste, and how rarely the log is asked (Kafka, `PRODUCER_ID_BLOCK_SIZE`)."""


class ProducerIds:
    """The rest of one block. Empty until `refill`."""

    def __init__(self) -> None:
        self._next = 0
        self._end = 0

    def take(self) -> int | None:
        """An id, or None when the block is used up."""
        if self._next == self._end:
            return None
        self._next += 1
        return self._next - 1

    def refill(self, first: int) -> None:
        """Go on with the block that begins at `first`."""
        assert first >= self._end, "blocks are never given twice"
        self._next, self._end = first, first + BLOCK
