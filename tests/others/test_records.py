"""What broke clients of other Kafka-compatible brokers: records, offsets and topics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from headrace.client.blocking import create_topic
from headrace.model.errors import Error
from headrace.testing.plugin import topic_name
from headrace.wire.messages.k03_metadata import MetadataRequest, MetadataRequestTopic
from headrace.wire.messages.k19_create_topics import CreatableTopic, CreatableTopicConfig, CreateTopicsRequest
from headrace.wire.messages.k32_describe_configs import DescribeConfigsRequest, DescribeConfigsResource
from headrace.wire.messages.k33_alter_configs import (
    AlterableConfig,
    AlterConfigsRequest,
    AlterConfigsResource,
)
from tests.broker.raw import produce_request
from tests.broker.transactions import until
from tests.hostile.batches import Batch, record

if TYPE_CHECKING:
    from tests.broker.raw import Raw
    from tests.broker.transactions import Transactional

WAIT_S: Final = 20
TOPIC: Final = 2
DYNAMIC_TOPIC_CONFIG: Final = 1
DEFAULT_CONFIG: Final = 5
LATEST: Final = -1
NOT_YET: Final = {Error.LEADER_NOT_AVAILABLE, Error.UNKNOWN_TOPIC_OR_PARTITION}


def one(value: bytes) -> bytes:
    return Batch(record(0, value)).encode()


def consumer(bootstrap: str, isolation: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": topic_name("group"),
            "auto.offset.reset": "error",
            "isolation.level": isolation,
        }
    )


def values_from(bootstrap: str, topic: str, offset: int, count: int, isolation: str) -> list[bytes | None]:
    reader = consumer(bootstrap, isolation)
    reader.assign([TopicPartition(topic, 0, offset)])
    found = [message.value() for message in reader.consume(count, WAIT_S)]
    reader.close()
    return found


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_07_every_codec_is_taken_and_given_back(bootstrap: str, topic: str, codec: str) -> None:
    """event-hubs 37, beats 21578: compressed batches were refused. (Other clients: the suite `clients`.)"""
    producer = Producer({"bootstrap.servers": bootstrap, "compression.codec": codec, "linger.ms": 20})
    for number in range(50):
        producer.produce(topic, b"the same words, again and again %d" % number)
    assert producer.flush(WAIT_S) == 0
    found = values_from(bootstrap, topic, 0, 50, "read_uncommitted")
    assert found == [b"the same words, again and again %d" % number for number in range(50)]


@pytest.fixture
def aborted_then_committed(topic: str, transaction: Transactional) -> str:
    """Offsets: 0 aborted, 1 its marker, 2 committed, 3 its marker."""
    _, producer_id, epoch = transaction.begin()
    for value, commit in ((b"aborted", False), (b"committed", True)):
        who = (producer_id, epoch)
        assert until(lambda w=who: transaction.add(w, topic), lambda e: e != [Error.CONCURRENT_TRANSACTIONS])
        assert transaction.produce(who, topic, value, int(commit), 11) is Error.NONE
        assert transaction.end(who, commit=commit, version=4).error is Error.NONE
        until(transaction.describe, lambda found: found.state.startswith("Complete"))
    return topic


def test_09_who_reads_uncommitted_sees_what_was_aborted(bootstrap: str, aborted_then_committed: str) -> None:
    """redpanda 6630."""
    found = values_from(bootstrap, aborted_then_committed, 0, 2, "read_uncommitted")
    assert found == [b"aborted", b"committed"]
    assert values_from(bootstrap, aborted_then_committed, 0, 1, "read_committed") == [b"committed"]


def test_10_an_offset_is_a_record_or_a_marker(raw: Raw, aborted_then_committed: str) -> None:
    """redpanda 25918: a log end one too far, for batches of the broker's own."""
    assert raw.offset(aborted_then_committed, LATEST).offset == 4
    raw.produce(aborted_then_committed, one(b"next"))
    assert raw.offset(aborted_then_committed, LATEST).offset == 5


def test_11_a_consumer_that_begins_at_a_marker_goes_on(bootstrap: str, aborted_then_committed: str) -> None:
    """kop 765: reading from an offset without a record hung."""
    for isolation in ("read_uncommitted", "read_committed"):
        assert values_from(bootstrap, aborted_then_committed, 1, 1, isolation) == [b"committed"]


def test_13_deleting_what_is_deleted_is_a_success(raw: Raw, topic: str) -> None:
    """redpanda 22905."""
    for value in (b"0", b"1", b"2"):
        raw.produce(topic, one(value))
    for before, start in ((2, 2), (1, 2), (2, 2), (0, 2)):
        answer = raw.delete_records(topic, before)
        assert (Error(answer.error_code), answer.low_watermark) == (Error.NONE, start)


def described(raw: Raw, topic: str, keys: list[str] | None) -> dict[str, Any]:
    request = DescribeConfigsRequest(
        [DescribeConfigsResource(TOPIC, topic, keys)], include_synonyms=True, include_documentation=True
    )
    [result] = raw.ask(request, 4).results
    assert result.error_code == 0
    return {config.name: config for config in result.configs}


def test_14_all_settings_are_described_with_type_source_and_synonyms(raw: Raw) -> None:
    """redpanda 978, 4170, 18275, 16578: missing keys; a value that was set is told as such though it is the default."""
    name = topic_name("described")
    request = CreateTopicsRequest(
        [CreatableTopic(name, 1, 1, configs=[CreatableTopicConfig("retention.ms", "604800000")])], 10_000
    )
    created = raw.ask(request, 5).topics[0]
    assert created.error_code == 0
    assert {config.name for config in created.configs} >= {"cleanup.policy", "retention.ms", "segment.bytes"}
    assert next(c.config_source for c in created.configs if c.name == "retention.ms") == DYNAMIC_TOPIC_CONFIG
    found = until(lambda: described(raw, name, None), bool)
    assert {config.name for config in created.configs} <= found.keys()
    assert found["retention.ms"].config_source == DYNAMIC_TOPIC_CONFIG
    assert [s.source for s in found["retention.ms"].synonyms][:1] == [DYNAMIC_TOPIC_CONFIG]
    assert found["cleanup.policy"].config_source == DEFAULT_CONFIG
    assert all(config.config_type for config in found.values())
    assert described(raw, name, ["retention.ms"]).keys() == {"retention.ms"}


def test_15_alter_configs_resets_what_it_does_not_name(raw: Raw, topic: str) -> None:
    """redpanda docs 635."""

    def alter(**settings: str) -> None:
        configs = [AlterableConfig(key.replace("_", "."), value) for key, value in settings.items()]
        answer = raw.ask(AlterConfigsRequest([AlterConfigsResource(TOPIC, topic, configs)]), 2)
        assert [row.error_code for row in answer.responses] == [0]

    def ours() -> set[str]:
        found = described(raw, topic, None).values()
        return {config.name for config in found if config.config_source == DYNAMIC_TOPIC_CONFIG}

    alter(retention_ms="1000", max_message_bytes="5000")
    assert until(ours, bool) >= {"retention.ms", "max.message.bytes"}
    alter(max_message_bytes="6000")
    until(ours, lambda names: "max.message.bytes" in names and "retention.ms" not in names)


def test_21_a_topic_is_made_only_for_those_who_ask_for_it(raw: Raw) -> None:
    """redpanda 1256, 3787, 395: first a retriable error, then a Produce that works (segmentio/kafka-go)."""
    name = topic_name("made")

    def asked(*, make: bool) -> int:
        answer = raw.ask(MetadataRequest([MetadataRequestTopic(name=name)], make), 8)
        return int(answer.topics[0].error_code)

    assert asked(make=False) == Error.UNKNOWN_TOPIC_OR_PARTITION
    assert asked(make=False) == Error.UNKNOWN_TOPIC_OR_PARTITION
    assert asked(make=True) in {Error.NONE, *NOT_YET}
    until(lambda: asked(make=True), lambda error: error == 0)
    assert raw.produce(name, one(b"value")).error_code == 0


def test_22_changelogs_are_compacted_topics_that_take_records_with_keys(bootstrap: str, raw: Raw) -> None:
    """redpanda 571, quarkus 27352: UNKNOWN_SERVER_ERROR for a changelog; Kafka refuses only records without a key."""
    name = topic_name("changelog")
    create_topic(bootstrap, name, 1, {"cleanup.policy": "compact", "segment.bytes": str(1 << 20)})
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True})
    for number in range(100):
        producer.produce(name, key=b"%d" % (number % 3), value=b"%d" % number)
    assert producer.flush(WAIT_S) == 0
    answer = raw.ask(produce_request(name, one(b"no key")), 9).responses[0].partition_responses[0]
    assert answer.error_code == Error.INVALID_RECORD
