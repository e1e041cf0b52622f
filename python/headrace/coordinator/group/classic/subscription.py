"""The topics that a consumer's metadata in JoinGroup names (`ConsumerProtocolSubscription`), read leniently.

The metadata belongs to the clients; the coordinator looks into it only to know which offsets are in use.
"""

from __future__ import annotations

import struct


def subscribed_topics(metadata: bytes) -> frozenset[str] | None:
    """Topic names: int16 version, then an array of strings; what follows is not looked at. None: not of this shape."""
    try:
        version, count = struct.unpack_from(">hi", metadata)
        if version < 0 or not 0 <= count <= len(metadata) // 2:
            return None
        topics, at = [], 6
        for _ in range(count):
            (length,) = struct.unpack_from(">h", metadata, at)
            name = metadata[at + 2 : at + 2 + length]
            if length < 0 or len(name) != length:
                return None
            topics.append(name.decode())
            at += 2 + length
    except (struct.error, UnicodeDecodeError):
        return None
    return frozenset(topics)
