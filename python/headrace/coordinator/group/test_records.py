"""Bytes of `__consumer_offsets` against Kafka's, and the small pure parts."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.coordinator.group.classic.subscription import subscribed_topics
from headrace.coordinator.group.records import (
    MODERN,
    GroupStored,
    ModernStored,
    OffsetStored,
    decode_record,
    encode_record,
)
from headrace.coordinator.runtime.effects import RottenRecordError
from headrace.coordinator.runtime.partitioning import java_hash, partition_of
from headrace.engine.port import Stored
from headrace.wire.codec import encode, encode_stored
from headrace.wire.messages.consumer_group_records import (
    ConsumerGroupMetadataKey,
    ConsumerGroupMetadataValue,
)
from headrace.wire.messages.group_records import (
    GroupMetadataValue,
    MemberMetadata,
    OffsetCommitKey,
    OffsetCommitValue,
)

OFFSET_KEY = "0001 0001 67 0001 74 00000007"
GROUP_KEY = "0002 0001 67"


def data(text):
    return bytes.fromhex(text.replace(" ", ""))


def stored(record):
    return Stored(0, 0, record.key, record.value)


def test_an_offset_is_written_as_kafka_writes_it():
    value = OffsetCommitValue(offset=42, leader_epoch=5, metadata="m", commit_timestamp=0x018BCFE56800)
    record = encode_record(OffsetStored("g", "t", 7, value))
    assert record.key == data(OFFSET_KEY)
    # version 3: offset, leader epoch, metadata, commit timestamp
    assert record.value == data("0003 000000000000002a 00000005 0001 6d 0000018bcfe56800")
    assert decode_record(stored(record)) == OffsetStored("g", "t", 7, value)


def test_an_offset_with_its_own_expiry_is_version_1():
    value = OffsetCommitValue(offset=42, metadata="", commit_timestamp=1, expire_timestamp=2)
    record = encode_record(OffsetStored("g", "t", 7, value))
    assert record.value == data("0001 000000000000002a 0000 0000000000000001 0000000000000002")
    assert decode_record(stored(record)) == OffsetStored("g", "t", 7, value)


@given(
    st.text(max_size=9),
    st.text(max_size=9),
    st.integers(0, 2**31 - 1),
    st.integers(0, 2**63 - 1),
    st.text(max_size=9),
)
def test_packing_by_hand_is_what_the_codec_does(group_id, topic, partition, offset, metadata):
    value = OffsetCommitValue(offset, 3, metadata, 4)
    record = encode_record(OffsetStored(group_id, topic, partition, value))
    assert record.key == b"\0\1" + encode(OffsetCommitKey(group_id, topic, partition), 0)
    assert record.value == encode_stored(value, 3)


def test_a_group_is_written_as_kafka_writes_it():
    member = MemberMetadata("m", "i", "c", "/h", 60_000, 10_000, b"\1\2", b"\3")
    value = GroupMetadataValue("consumer", 3, "range", "m", 1, [member])
    record = encode_record(GroupStored("g", value))
    assert record.key == data(GROUP_KEY)
    # version 3: type, generation, protocol, leader, since, members with instance, client, host, timeouts, bytes
    assert record.value == data(
        "0003 0008 636f6e73756d6572 00000003 0005 72616e6765 0001 6d 0000000000000001 00000001"
        "0001 6d 0001 69 0001 63 0002 2f68 0000ea60 00002710 00000002 0102 00000001 03"
    )
    assert decode_record(stored(record)) == GroupStored("g", value)


def test_an_empty_group_has_neither_protocol_nor_leader():
    record = encode_record(GroupStored("g", GroupMetadataValue("consumer", 4, None, None, 1, [])))
    assert record.value == data("0003 0008 636f6e73756d6572 00000004 ffff ffff 0000000000000001 00000000")


def test_tombstones():
    for record in (OffsetStored("g", "t", 7, None), GroupStored("g", None)):
        encoded = encode_record(record)
        assert encoded.value is None
        assert decode_record(stored(encoded)) == record


@pytest.mark.parametrize(
    ("value", "offset", "epoch", "expires"),
    [
        ("0000 0000000000000001 0001 6d 0000000000000002", 1, -1, -1),
        ("0001 0000000000000001 0001 6d 0000000000000002 0000000000000003", 1, -1, 3),
        ("0002 0000000000000001 0001 6d 0000000000000002", 1, -1, -1),
        ("0003 0000000000000001 00000009 0001 6d 0000000000000002", 1, 9, -1),
        ("0004 0000000000000001 00000009 02 6d 0000000000000002 00", 1, 9, -1),
    ],
)
@pytest.mark.parametrize("kind", ["0000", "0001"])
def test_offsets_of_every_version_are_read(kind, value, offset, epoch, expires):
    read = decode_record(Stored(0, 0, data(kind + OFFSET_KEY[4:]), data(value)))
    assert (read.value.offset, read.value.leader_epoch, read.value.expire_timestamp) == (
        offset,
        epoch,
        expires,
    )
    assert (read.value.metadata, read.value.commit_timestamp) == ("m", 2)


def test_records_of_later_versions_are_left_alone():
    assert decode_record(Stored(0, 0, data("0063 0001 67"), b"?")) is None
    assert (
        decode_record(Stored(0, 0, data("0004 0001 67"), None)) is None
    )  # written by Kafka 4.0 and no later one


def test_an_epoch_of_a_consumer_group_is_written_as_kafka_writes_it():
    epoch = ModernStored(ConsumerGroupMetadataKey("g"), ConsumerGroupMetadataValue(5, 0x0102))
    record = encode_record(epoch)
    assert record.key == data("0003 0001 67")
    # version 0, flexible: epoch, one tagged field (0, 8 bytes): the hash
    assert record.value == data("0000 00000005 01 00 08 0000000000000102")
    assert decode_record(stored(record)) == epoch


def test_all_stored_keys_of_modern_groups_are_known():
    assert set(MODERN) >= {3, 5, 6, 7, 8, 16}
    assert all(key.API_KEY == value.API_KEY == number for number, (key, value) in MODERN.items())


@pytest.mark.parametrize(
    ("key", "value"),
    [(None, "00"), ("00", "00"), (OFFSET_KEY, "0009"), (OFFSET_KEY + "00", "0003"), (GROUP_KEY, "0003 ff")],
)
def test_rot_is_told_from_the_unknown(key, value):
    with pytest.raises(RottenRecordError):
        decode_record(Stored(0, 0, None if key is None else data(key), data(value)))


@given(st.binary(), st.binary())
def test_any_bytes_are_a_record_or_unknown_or_rot(key, value):
    with contextlib.suppress(RottenRecordError):
        decode_record(Stored(0, 0, key, value))


def test_the_hash_is_javas():
    assert java_hash("") == 0
    assert java_hash("hello") == 99162322
    assert java_hash("polygenelubricants") == -(2**31)
    assert java_hash("😀") == 0xD83D * 31 + 0xDE00
    assert partition_of("polygenelubricants", 50) == 0
    assert partition_of("hello", 50) == 22
    assert java_hash("group-100") == -1484205661
    assert partition_of("group-100", 50) == 11  # the absolute value, not the sign bit masked away


@given(st.text(), st.integers(1, 100))
def test_every_group_has_a_partition(group_id, partitions):
    assert 0 <= partition_of(group_id, partitions) < partitions


def test_subscriptions():
    assert subscribed_topics(data("0001 00000002 0001 61 0002 6263 00000000 ffffffff")) == {"a", "bc"}
    assert subscribed_topics(data("0000 00000000 ffffffff")) == frozenset()
    for broken in (
        "",
        "0001",
        "0001 7fffffff",
        "0001 00000001 0005 61",
        "0001 00000001 ffff",
        "ffff 00000000",
    ):
        assert subscribed_topics(data(broken)) is None
    assert subscribed_topics(data("0001 00000001 0001 ff")) is None


@given(st.binary())
def test_any_metadata_is_a_subscription_or_not(metadata):
    subscribed_topics(metadata)
