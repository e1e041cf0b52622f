"""The cluster as modern groups see it: topics, and what is set for single groups."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sized

HASH_BYTES: Final = 8


class KnownTopic(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def topic_id(self) -> bytes: ...
    @property
    def partitions(self) -> Sized: ...


class ClusterImage(Protocol):
    """What is known now; the controller is one."""

    @property
    def topics_version(self) -> int:
        """Rises when a topic is made, grows or is deleted."""

    def topic(self, name: str) -> KnownTopic | None:
        """The topic of this name, if there is one."""

    def topic_by_id(self, topic_id: bytes) -> KnownTopic | None:
        """The topic of this id, if there is one."""

    def topic_names(self) -> Iterable[str]:
        """All names, in no order."""

    def group_config(self, group_id: str) -> Mapping[str, str]:
        """What was set for this group (resource type GROUP), by name."""


class NoCluster:
    """A cluster without topics."""

    topics_version = 0

    def topic(self, name: str) -> None:
        del name

    def topic_by_id(self, topic_id: bytes) -> None:
        del topic_id

    def topic_names(self) -> Iterable[str]:
        return ()

    def group_config(self, group_id: str) -> Mapping[str, str]:
        del group_id
        return {}


def group_setting(image: ClusterImage, group_id: str, name: str, otherwise: int) -> int:
    """What is set for the group, or else the broker's."""
    text = image.group_config(group_id).get(name)
    return otherwise if text is None else int(text)


def metadata_hash(image: ClusterImage, names: Iterable[str]) -> int:
    """Changes when one of these topics is made, grows, is deleted, or made anew; 0 if there is none of them.

    Stored with the group epoch, where Kafka has a hash of its own kind: only its changes mean something.
    """
    found = [topic for name in sorted(set(names)) if (topic := image.topic(name)) is not None]
    if not found:
        return 0
    hashed = hashlib.blake2b(digest_size=HASH_BYTES)
    for topic in found:
        name = topic.name.encode()
        hashed.update(topic.topic_id + struct.pack(">ii", len(topic.partitions), len(name)) + name)
    return int.from_bytes(hashed.digest(), "big", signed=True)
