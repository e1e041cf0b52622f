"""Joined answers are byte for byte what encoding them whole would give."""

from __future__ import annotations

import pytest

from headrace.controller.image import PartitionState, TopicState
from headrace.controller.metadata_entries import GARBAGE_MAX, MetadataEntries, join, topic_entry
from headrace.wire.codec import encode
from headrace.wire.messages.k03_metadata import MetadataResponse, MetadataResponseBroker


def topic(name="t", partitions=3, topic_id=b"t" * 16):
    states = [PartitionState(number, number, (1,), (1,), 1, 0) for number in range(partitions)]
    return TopicState(name, topic_id, tuple(states))


@pytest.mark.parametrize("version", range(14))
@pytest.mark.parametrize("count", [0, 1, 200])
def test_joined_is_as_good_as_whole(version, count):
    topics = [topic(f"t{number}", topic_id=number.to_bytes(16, "big")) for number in range(count)]
    entries = MetadataEntries()
    response = MetadataResponse(
        brokers=[MetadataResponseBroker(1, "h", 9092)], cluster_id="c", controller_id=1
    )
    joined = join(response, version, [entries.entry(each, version, count) for each in topics])
    response.topics = [topic_entry(each) for each in topics]
    assert joined == encode(response, version)


def test_an_entry_is_kept_until_its_topic_changes():
    entries = MetadataEntries()
    first = topic()
    kept = entries.entry(first, 12, 1)
    assert entries.entry(first, 12, 1) is kept
    assert entries.entry(topic(partitions=4), 12, 1) != kept
    assert entries.entry(first, 9, 1) != kept


def test_entries_of_topics_that_are_gone_do_not_pile_up():
    entries = MetadataEntries()
    for number in range(3 * GARBAGE_MAX):
        entries.entry(topic(topic_id=number.to_bytes(16, "big")), 12, 1)
    assert len(entries._kept[12]) <= GARBAGE_MAX + 2
