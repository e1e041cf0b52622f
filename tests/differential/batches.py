"""Record batches of an answer as a tree: what a broker drew by name, what it computes as whether it is right."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Any, Final

from tests.hostile.batches import crc32c

if TYPE_CHECKING:
    from tests.differential.world import World

HEADER: Final = struct.Struct(">qiibIhiqqqhii")
LOG_APPEND_TIME: Final = 8
SHORT_BYTES: Final = 32
"""Longer ones are compared by their digest, so that the files of recorded answers stay small."""
NOW_MS: Final = 1_720_000_000_000
"""Times from then on are the clock's: all that is produced from here is older."""


def batches(data: bytes, world: World) -> Any:
    """The batches in these bytes; a last one that is cut off as its size."""
    out: list[Any] = []
    at = 0
    while at < len(data):
        if len(data) - at < HEADER.size:
            out.append({"cut_off_bytes": len(data) - at})
            break
        base, length, epoch, magic, crc, *rest = HEADER.unpack_from(data, at)
        end = at + 12 + length
        if magic != 2 or length < HEADER.size - 12 or end > len(data):
            out.append({"cut_off_bytes": len(data) - at})
            break
        attributes, last, first_ms, largest_ms, producer, producer_epoch, sequence, count = rest
        out.append(
            {
                "base_offset": base,
                "bytes": length,
                "leader_epoch": "set" if world.restarted else epoch,
                "crc": "right" if crc32c(data[at + 21 : end]) == crc else "wrong",
                "attributes": attributes,
                "last_offset_delta": last,
                "first_ms": time(first_ms),
                "largest_ms": time(largest_ms),
                "producer_id": world.names.get(producer, producer),
                "producer_epoch": producer_epoch,
                "sequence": sequence,
                "count": count,
                "records": _short(data[at + HEADER.size : end]),
            }
        )
        at = end
    return out


def time(timestamp_ms: int) -> int | str:
    """A time that the clock said is not compared."""
    return "now" if timestamp_ms >= NOW_MS else timestamp_ms


def _short(data: bytes) -> str:
    return data.hex() if len(data) <= SHORT_BYTES else hashlib.sha256(data).hexdigest()[:16]
