"""Metadata answers joined from encoded topics: one topic is encoded once per version, until it changes.

A client asks for Metadata at its start, every five minutes and after every error; a cluster's worth of partitions costs
a millisecond for each thousand to encode, and one join when the pieces are there. An entry is the same over every
listener, since only the list of brokers holds addresses; authorized operations depend on the caller and are never kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.engine.slices import in_slices
from headrace.model.errors import Error
from headrace.wire.codec import encode_part, encode_with
from headrace.wire.messages.k03_metadata import (
    MetadataResponse,
    MetadataResponsePartition,
    MetadataResponseTopic,
)

if TYPE_CHECKING:
    from headrace.controller.image import PartitionState, TopicState

FLEXIBLE_FROM: Final = MetadataResponse.FLEXIBLE_FROM
NOT_ASKED: Final = -(1 << 31)
"""Of authorized operations: nobody wanted to know."""
GARBAGE_MAX: Final = 1_000
"""Entries of topics that are gone, per version, before they are dropped."""


class MetadataEntries:
    """Encoded topics by version and id. Bounded by the topics there are, the versions, and `GARBAGE_MAX`."""

    def __init__(self) -> None:
        self._kept: dict[int, dict[bytes, tuple[TopicState, bytes]]] = {}

    async def entry(self, topic: TopicState, version: int, topics: int) -> bytes:
        """The topic's bytes in this version; `topics`: how many there are now."""
        kept = self._kept.setdefault(version, {})
        found = kept.get(topic.topic_id)
        if found is not None and found[0] is topic:
            return found[1]
        if len(kept) > topics + GARBAGE_MAX:
            kept.clear()
        data = await encode_topic(topic, version)
        kept[topic.topic_id] = (topic, data)
        return data


async def encode_topic(topic: TopicState, version: int, operations: int = NOT_ASKED) -> bytes:
    """A topic's bytes. `operations`: what the caller may do to it."""
    flexible = version >= FLEXIBLE_FROM
    partitions: list[bytes] = []
    async for part in in_slices(topic.partitions):
        partitions += [
            encode_part(_partition_entry(partition), version, flexible=flexible) for partition in part
        ]
    entry = MetadataResponseTopic(
        error_code=Error.NONE,
        name=topic.name,
        topic_id=topic.topic_id,
        is_internal=topic.internal,
        topic_authorized_operations=operations,
    )
    return encode_with(entry, version, partitions, behind=4 if version >= 8 else 0, flexible=flexible)


def _partition_entry(partition: PartitionState) -> MetadataResponsePartition:
    return MetadataResponsePartition(
        partition_index=partition.number,
        leader_id=partition.leader,
        leader_epoch=partition.leader_epoch,
        replica_nodes=list(partition.replicas),
        isr_nodes=list(partition.isr),
    )


def encode_entry(entry: MetadataResponseTopic, version: int) -> bytes:
    return encode_part(entry, version, flexible=version >= FLEXIBLE_FROM)


def join(response: MetadataResponse, version: int, entries: list[bytes]) -> bytes:
    """`response`, which has no topics, with these as its topics."""
    assert not response.topics, "topics come as entries"
    # What stands behind the topics: cluster operations, and the error.
    behind = (4 if 8 <= version <= 10 else 0) + (2 if version >= 13 else 0)
    return encode_with(response, version, entries, behind=behind, flexible=version >= FLEXIBLE_FROM)
