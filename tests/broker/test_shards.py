"""Partitions on several shards: what one connection asks of all of them, and what a crash leaves of each."""

from __future__ import annotations

from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from headrace.client.blocking import create_topic
from headrace.model.errors import Error
from headrace.testing import Broker
from headrace.wire.messages.k00_produce import PartitionProduceData, ProduceRequest, TopicProduceData
from tests.broker.raw import PRODUCE_VERSION, Raw
from tests.hostile.batches import Batch, record

WAIT_S = 20.0
BATCH_BYTES: Final = 600_000
PARTITIONS = 7


def test_records_on_every_shard_survive_a_crash() -> None:
    with Broker(durable=True, arguments=["--cores", "3"]) as broker:
        settings = {"bootstrap.servers": broker.bootstrap_servers}
        admin = AdminClient(settings)
        made = admin.create_topics([NewTopic("spread", PARTITIONS, 1)])
        made["spread"].result(WAIT_S)
        producer = Producer({**settings, "enable.idempotence": True})
        for number in range(700):
            producer.produce("spread", f"{number}".encode(), partition=number % PARTITIONS)
        assert producer.flush(WAIT_S) == 0
        broker.restart()
        consumer = Consumer({**settings, "group.id": "reader"})
        consumer.assign([TopicPartition("spread", n, OFFSET_BEGINNING) for n in range(PARTITIONS)])
        found: dict[int, list[bytes]] = {n: [] for n in range(PARTITIONS)}
        for _ in range(700):
            message = consumer.poll(WAIT_S)
            assert message is not None
            assert message.error() is None
            assert message.offset() == len(found[message.partition()])
            found[message.partition()].append(message.value())
        ends = [consumer.get_watermark_offsets(TopicPartition("spread", n), WAIT_S) for n in found]
        consumer.close()
    assert ends == [(0, 100)] * PARTITIONS
    for partition, values in found.items():
        assert values == [f"{number}".encode() for number in range(partition, 700, PARTITIONS)]


def wide_request(partitions: int) -> ProduceRequest:
    """A large batch for each partition of `wide`: on each shard more than a turn of its journal takes."""
    batch = Batch(section=record(0, bytes(BATCH_BYTES))).encode()
    data = [PartitionProduceData(index=index, records=batch) for index in range(partitions)]
    topics = [TopicProduceData(name="wide", partition_data=data)]
    return ProduceRequest(acks=-1, timeout_ms=20_000, topic_data=topics)


def test_a_batch_that_another_shard_has_no_room_for_waits_there() -> None:
    """Refused, it would come behind the next one of its producer."""
    with Broker(durable=True, arguments=["--cores", "3"]) as broker:
        create_topic(broker.bootstrap_servers, "wide", partitions=24)
        with Raw(broker.bootstrap_servers) as raw:
            answer = raw.ask(wide_request(24), PRODUCE_VERSION)
    errors = {part.error_code for part in answer.responses[0].partition_responses}
    assert errors == {Error.NONE}
