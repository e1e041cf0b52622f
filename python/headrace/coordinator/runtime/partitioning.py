"""Which partition of an internal topic keeps a group or a transactional id: Kafka's hash, so that tools agree."""

from __future__ import annotations


def java_hash(text: str) -> int:
    """`String.hashCode`: over UTF-16 units, wrapping at 32 bits, signed."""
    units = text.encode("utf-16-be", "surrogatepass")
    value = 0
    for high, low in zip(units[::2], units[1::2], strict=True):
        value = (value * 31 + (high << 8 | low)) & 0xFFFFFFFF
    return value - (1 << 32) if value >= 1 << 31 else value


def partition_of(key: str, partitions: int) -> int:
    """Kafka's `Utils.abs`: the smallest integer has no positive twin and becomes 0."""
    value = java_hash(key)
    return (0 if value == -(1 << 31) else abs(value)) % partitions
