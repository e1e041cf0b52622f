"""Unsigned varints: seven bits a byte, the lowest first (Kafka, `ByteUtils.writeUnsignedVarint`)."""

from __future__ import annotations

from headrace.wire.wire_error import WireError

UVARINT_BYTES_MAX = 5
"""Kafka's are 32 bits wide."""


def read_uvarint(data: bytes, position: int) -> tuple[int, int]:
    """The number at `position` and where it ends. Raises `WireError`, and `IndexError` at the end of the data."""
    value = 0
    for place in range(UVARINT_BYTES_MAX):
        byte = data[position + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            if value > 0xFFFF_FFFF:
                break
            return value, position + place + 1
    raise WireError("a varint is longer than 32 bits")


def uvarint(value: int) -> bytes:
    """The bytes of a number that is not negative."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
