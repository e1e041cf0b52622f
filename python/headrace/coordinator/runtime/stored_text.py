"""Texts that end up in stored records: how long they may be."""

from __future__ import annotations

from typing import Final

TEXT_BYTES_MAX: Final = 32_000
"""Of ids and names in UTF-8. Stored strings and old versions end at 32,767 bytes, and a member's id is 37 longer than the
client's; flexible versions would let longer ones in that could never be stored."""


def too_long(*texts: str | None) -> bool:
    """Whether any of them could not be stored."""
    return any(
        len(t) * 4 > TEXT_BYTES_MAX and len(t.encode()) > TEXT_BYTES_MAX for t in texts if t is not None
    )
