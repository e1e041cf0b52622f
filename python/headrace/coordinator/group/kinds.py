"""The kinds of modern groups: a new kind adds its class here. How one is made: `modern/group.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headrace.coordinator.group.consumer.group import ConsumerGroup
from headrace.coordinator.group.share.group import ShareGroup
from headrace.coordinator.group.streams.group import StreamsGroup

if TYPE_CHECKING:
    from headrace.coordinator.group.modern.group import ModernGroup

KINDS: Final[tuple[type[ModernGroup[Any]], ...]] = (ConsumerGroup, ShareGroup, StreamsGroup)

KIND_OF_RECORD: Final = {key: kind for kind in KINDS for key in kind.RECORDS}
"""By the kind of a stored key (its first two bytes)."""
