"""Joined answers are byte for byte what encoding them whole would give."""

from __future__ import annotations

import asyncio

import pytest

from headrace.controller.image import PartitionState, TopicState
from headrace.controller.metadata_entries import GARBAGE_MAX, MetadataEntries, join
from headrace.engine.slices import SLICE_MAX
from headrace.wire.codec import encode
from headrace.wire.messages.k03_metadata import (
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)


def topic(name="t", partitions=3, topic_id=b"t" * 16):
    states = [PartitionState(number, number, (1,), (1,), 1, 0) for number in range(partitions)]
    return TopicState(name, topic_id, tuple(states))


def whole_entry(of):
    return MetadataResponseTopic(
        name=of.name,
        topic_id=of.topic_id,
        partitions=[
            MetadataResponsePartition(
                partition_index=state.number, leader_id=1, leader_epoch=0, replica_nodes=[1], isr_nodes=[1]
            )
            for state in of.partitions
        ],
    )


def entry(entries, *asked):
    return asyncio.run(entries.entry(*asked))


@pytest.mark.parametrize("version", range(14))
@pytest.mark.parametrize("count", [0, 1, 20])
def test_joined_is_as_good_as_whole(version, count):
    topics = [topic(f"t{number}", topic_id=number.to_bytes(16, "big")) for number in range(count)]
    entries = MetadataEntries()
    response = MetadataResponse(
        brokers=[MetadataResponseBroker(1, "h", 9092)], cluster_id="c", controller_id=1
    )
    joined = join(response, version, [entry(entries, each, version, count) for each in topics])
    response.topics = [whole_entry(each) for each in topics]
    assert joined == encode(response, version)


def test_a_topic_of_many_partitions_is_encoded_in_slices():
    large = topic(partitions=3 * SLICE_MAX)

    async def scenario():
        turns = 0
        encoding = asyncio.ensure_future(MetadataEntries().entry(large, 12, 1))
        while not encoding.done():
            turns += 1
            await asyncio.sleep(0)
        return turns, encoding.result()

    turns, found = asyncio.run(scenario())
    assert turns >= 3
    response = MetadataResponse(topics=[whole_entry(large)])
    assert join(MetadataResponse(), 12, [found]) == encode(response, 12)


def test_an_entry_is_kept_until_its_topic_changes():
    entries = MetadataEntries()
    first = topic()
    kept = entry(entries, first, 12, 1)
    assert entry(entries, first, 12, 1) is kept
    assert entry(entries, topic(partitions=4), 12, 1) != kept
    assert entry(entries, first, 9, 1) != kept


def test_entries_of_topics_that_are_gone_do_not_pile_up():
    entries = MetadataEntries()

    async def many():
        for number in range(3 * GARBAGE_MAX):
            await entries.entry(topic(topic_id=number.to_bytes(16, "big")), 12, 1)

    asyncio.run(many())
    assert len(entries._kept[12]) <= GARBAGE_MAX + 2
