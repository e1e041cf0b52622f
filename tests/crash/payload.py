"""What a record of the crash harness carries: who wrote it, which number it has, where it belongs, and a checksum of it all.

A value that was altered, or that turns up in another partition, no longer parses, whoever reads it.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple


class Wrote(NamedTuple):
    """The identity of a record: unique for a partition."""

    writer: str
    number: int


def make(topic: str, partition: int, wrote: Wrote, size: int) -> bytes:
    """The value of a record, of `size` bytes or a little more."""
    head = f"{topic}/{partition}/{wrote.writer}/{wrote.number}/"
    body = head + "x" * max(0, size - len(head) - 8)
    return f"{zlib.crc32(body.encode()):08x}{body}".encode()


def parse(topic: str, partition: int, value: bytes | None) -> Wrote | None:
    """Who wrote it; `None` if these are not the bytes that were written to this partition."""
    if value is None or len(value) < 8:
        return None
    checksum, body = value[:8], value[8:]
    if f"{zlib.crc32(body):08x}".encode() != checksum:
        return None
    where, index, writer, number, _ = body.decode().split("/", 4)
    return Wrote(writer, int(number)) if (where, index) == (topic, str(partition)) else None
