"""The one failure of everything that reads Kafka's wire format."""

from __future__ import annotations


class WireError(ValueError):
    """Bytes that are not what they claim to be; the connection they came from is closed."""
