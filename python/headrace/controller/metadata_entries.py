"""Metadata answers joined from encoded topics: one topic is encoded once per version, until it changes.

A client asks for Metadata at its start, every five minutes and after every error; a cluster's worth of partitions costs
a millisecond for each thousand to encode, and one join when the pieces are there. An entry is the same over every
listener, since only the list of brokers holds addresses; authorized operations depend on the caller and are never kept.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from headrace.model.errors import Error
from headrace.wire.codec import encode, encode_part
from headrace.wire.messages.k03_metadata import (
    MetadataResponse,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from headrace.wire.varint import uvarint

if TYPE_CHECKING:
    from headrace.controller.image import TopicState

FLEXIBLE_FROM: Final = MetadataResponse.FLEXIBLE_FROM
GARBAGE_MAX: Final = 1_000
"""Entries of topics that are gone, per version, before they are dropped."""


class MetadataEntries:
    """Encoded topics by version and id. Bounded by the topics there are, the versions, and `GARBAGE_MAX`."""

    def __init__(self) -> None:
        self._kept: dict[int, dict[bytes, tuple[TopicState, bytes]]] = {}

    def entry(self, topic: TopicState, version: int, topics: int) -> bytes:
        """The topic's bytes in this version; `topics`: how many there are now."""
        kept = self._kept.setdefault(version, {})
        found = kept.get(topic.topic_id)
        if found is not None and found[0] is topic:
            return found[1]
        if len(kept) > topics + GARBAGE_MAX:
            kept.clear()
        data = encode_entry(topic_entry(topic), version)
        kept[topic.topic_id] = (topic, data)
        return data


def topic_entry(topic: TopicState) -> MetadataResponseTopic:
    """A topic as Metadata tells it."""
    return MetadataResponseTopic(
        error_code=Error.NONE,
        name=topic.name,
        topic_id=topic.topic_id,
        is_internal=topic.internal,
        partitions=[
            MetadataResponsePartition(
                partition_index=partition.number,
                leader_id=partition.leader,
                leader_epoch=partition.leader_epoch,
                replica_nodes=list(partition.replicas),
                isr_nodes=list(partition.isr),
            )
            for partition in topic.partitions
        ],
    )


def encode_entry(entry: MetadataResponseTopic, version: int) -> bytes:
    return encode_part(entry, version, flexible=version >= FLEXIBLE_FROM)


def join(response: MetadataResponse, version: int, entries: list[bytes]) -> bytes:
    """`response`, which has no topics, with these as its topics."""
    assert not response.topics, "topics come as entries"
    whole = encode(response, version)
    flexible = version >= FLEXIBLE_FROM
    # What stands behind the topics: cluster operations, the error, and the count of tagged fields.
    behind = (4 if 8 <= version <= 10 else 0) + (2 if version >= 13 else 0) + flexible
    cut = len(whole) - behind
    empty, count = (1, uvarint(len(entries) + 1)) if flexible else (4, struct.pack(">i", len(entries)))
    return b"".join([whole[: cut - empty], count, *entries, whole[cut:]])
