"""Partitions on several shards: what one connection asks of all of them, and what a crash leaves of each."""

from __future__ import annotations

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from headrace.testing import Broker

WAIT_S = 20.0
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
