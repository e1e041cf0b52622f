"""Scenarios through kafka-python."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from contract import (
    CODECS,
    MATRIX_RECORDS,
    ONE_MIB,
    Call,
    Record,
    check,
    deadline,
    equal,
    main,
    matrix,
    strings,
)
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import MessageSizeTooLargeError, TopicAlreadyExistsError
from kafka.structs import OffsetAndMetadata

if TYPE_CHECKING:
    from collections.abc import Iterator

POLL_MS = 500
"""A poll that ends while a join is under way makes kafka-python 3.0.12 drop the assignment that it then receives."""


@contextlib.contextmanager
def admin(call: Call) -> Iterator[KafkaAdminClient]:
    """An admin client."""
    client = KafkaAdminClient(bootstrap_servers=call.bootstrap)
    try:
        yield client
    finally:
        client.close()


def create(call: Call, partitions: int = 1, **config: str) -> None:
    """The scenario's topic, new."""
    configs = {name.replace("_", "."): config[name] for name in config}
    spec = {"num_partitions": partitions, "replication_factor": 1, "configs": configs}
    with admin(call) as client:
        client.create_topics({call.topic: spec}, wait_for_metadata=True)


@contextlib.contextmanager
def consumer(call: Call, *topics: str, group: str | None = None, **config: object) -> Iterator[KafkaConsumer]:
    """A consumer that starts at the beginning."""
    reader = KafkaConsumer(
        *topics,
        bootstrap_servers=call.bootstrap,
        group_id=group and f"{call.topic}-{group}",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **config,
    )
    try:
        yield reader
    finally:
        reader.close()


def produce(call: Call, records: list[dict], **config: object) -> list[int]:
    """Produce in order and wait for every acknowledgement; gives the offsets."""
    producer = KafkaProducer(bootstrap_servers=call.bootstrap, **config)
    try:
        sent = [producer.send(call.topic, **record) for record in records]
        producer.flush(30)
        return [future.get(30).offset for future in sent]
    finally:
        producer.close()


def take(reader: KafkaConsumer, count: int) -> list:
    """The next `count` records."""
    records: list = []
    still = deadline()
    while len(records) < count:
        still(f"{count} records, got {len(records)}")
        for batch in reader.poll(500, max_records=count - len(records)).values():
            records += batch
    return records


def read(call: Call, count: int, topic: str = "", partitions: int = 1, **config: object) -> list:
    """`count` records of assigned partitions."""
    with consumer(call, **config) as reader:
        reader.assign([TopicPartition(topic or call.topic, index) for index in range(partitions)])
        return take(reader, count)


def produce_consume(call: Call) -> None:
    create(call, partitions=3)
    produce(call, [{"key": b"k%d" % (n % 7), "value": b"%d" % n} for n in range(300)])
    records = read(call, 300, partitions=3)
    for key in range(7):
        equal(
            [int(r.value) for r in records if r.key == b"k%d" % key],
            list(range(key, 300, 7)),
            f"values of k{key}",
        )


def null_key_and_value(call: Call) -> None:
    create(call)
    produce(call, [{"key": None, "value": b"v"}, {"key": b"k", "value": None}, {"key": b"", "value": b""}])
    equal(
        [(r.key, r.value) for r in read(call, 3)], [(None, b"v"), (b"k", None), (b"", b"")], "keys and values"
    )


def headers(call: Call) -> None:
    create(call)
    sent = [("a", b"1"), ("a", b"2"), ("empty", b""), ("bytes", b"\x00\xff")]
    produce(call, [{"value": b"v", "headers": sent}])
    equal([tuple(header) for header in read(call, 1)[0].headers], sent, "headers")


def codecs(call: Call) -> None:
    create(call)
    for codec in CODECS:
        records = [{"value": f"{codec}-{n}-".encode() + b"y" * 100} for n in range(50)]
        produce(call, records, compression_type=None if codec == "none" else codec, linger_ms=20)
    values = [r.value.decode() for r in read(call, 250)]
    equal(values, [f"{codec}-{n}-" + "y" * 100 for codec in CODECS for n in range(50)], "values")


def one_mib_record(call: Call) -> None:
    create(call, max_message_bytes=str(2 * ONE_MIB))
    value = bytes(range(256)) * (ONE_MIB // 256)
    produce(call, [{"value": value}], max_request_size=4 * ONE_MIB)
    check(read(call, 1)[0].value == value, "the value came back changed")


def message_too_large(call: Call) -> None:
    create(call)
    try:
        produce(call, [{"value": b"z" * (ONE_MIB * 3 // 2)}], max_request_size=4 * ONE_MIB)
    except MessageSizeTooLargeError:
        return
    raise AssertionError("1.5 MiB were accepted")


def idempotent_produce(call: Call) -> None:
    create(call)
    offsets = produce(call, [{"value": b"%d" % n} for n in range(500)], enable_idempotence=True)
    equal(offsets, list(range(500)), "offsets")
    equal([int(r.value) for r in read(call, 500)], list(range(500)), "values")


def offsets_for_times(call: Call) -> None:
    create(call, retention_ms="-1")
    produce(call, [{"value": b"v", "timestamp_ms": 1_700_000_000_000 + 1000 * n} for n in range(5)])
    place = TopicPartition(call.topic, 0)
    with consumer(call) as reader:
        at = [
            reader.offsets_for_times({place: 1_700_000_000_000 + ms})[place].offset
            for ms in (0, 1, 2500, 4000)
        ]
        equal(at, [0, 1, 3, 4], "offsets")
        equal(reader.offsets_for_times({place: 1_700_000_009_000})[place], None, "offset after the last")
        equal(reader.beginning_offsets([place])[place], 0, "beginning")
        equal(reader.end_offsets([place])[place], 5, "end")
    equal(read(call, 1)[0].timestamp, 1_700_000_000_000, "timestamp")


def long_poll(call: Call) -> None:
    create(call)
    with consumer(call, fetch_max_wait_ms=8000) as reader:
        reader.assign([TopicPartition(call.topic, 0)])
        equal(reader.poll(1000), {}, "records of an empty topic")
        began = time.monotonic()
        produce(call, [{"value": b"wake"}])
        take(reader, 1)
        check(time.monotonic() - began < 3.0, "a parked fetch was not woken by the record")


def group_two_members_rebalance(call: Call) -> None:
    create(call, partitions=4)
    still = deadline()
    settings = {"group": "members", "session_timeout_ms": 10000, "heartbeat_interval_ms": 500}

    def until(what: str, members: list[KafkaConsumer], sizes: list[int]) -> None:
        while True:
            for member in members:
                member.poll(POLL_MS)
            parts = [sorted(place.partition for place in member.assignment()) for member in members]
            if [len(part) for part in parts] == sizes and sorted(
                number for part in parts for number in part
            ) == [0, 1, 2, 3]:
                return
            still(f"{what}: {parts}")

    with consumer(call, call.topic, **settings) as first:
        until("all partitions for the only member", [first], [4])
        with consumer(call, call.topic, **settings) as second:
            until("two for each", [first, second], [2, 2])
        until("all for the member that stayed", [first], [4])


def group_resume_from_committed(call: Call) -> None:
    create(call)
    produce(call, [{"value": b"%d" % n} for n in range(20)])
    place = TopicPartition(call.topic, 0)
    with consumer(call, call.topic, group="resume") as first:
        last = take(first, 10)[-1]
        first.commit({place: OffsetAndMetadata(last.offset + 1, "half", -1)})
    with consumer(call, call.topic, group="resume") as second:
        equal([int(r.value) for r in take(second, 10)], list(range(10, 20)), "values after the commit")
        equal(second.committed(place), 10, "committed")


def groups_list_describe(call: Call) -> None:
    create(call)
    group = f"{call.topic}-seen"
    with admin(call) as client:
        with consumer(call, call.topic, group="seen", client_id="watched") as member:
            still = deadline()
            while not member.assignment():
                member.poll(POLL_MS)
                still("an assignment")
            member.commit({TopicPartition(call.topic, 0): OffsetAndMetadata(0, "", -1)})
            check(group in [g["group_id"] for g in client.list_groups()], "the group is not listed")
            seen = client.describe_groups([group])[group]
            equal(
                (seen["group_state"], [m["client_id"] for m in seen["members"]]),
                ("Stable", ["watched"]),
                "state",
            )
            equal(client.delete_groups([group]), {group: "NonEmptyGroupError"}, "deleting a group in use")
        equal(client.delete_groups([group]), {group: "OK"}, "deleting the empty group")
        check(group not in [g["group_id"] for g in client.list_groups()], "still listed")


def admin_create_describe_delete(call: Call) -> None:
    create(call, partitions=2)
    try:
        create(call)
    except TopicAlreadyExistsError:
        pass
    else:
        raise AssertionError("created twice")
    with admin(call) as client:
        client.create_partitions({call.topic: 4})
        still = deadline()
        while len(client.describe_topics([call.topic])[0]["partitions"]) != 4:
            still("four partitions")
        client.delete_topics([call.topic])
        while call.topic in client.list_topics():
            still("the topic to be gone")


def admin_configs(call: Call) -> None:
    create(call, retention_ms="3600000")
    with admin(call) as client:

        def read_back(name: str) -> str:
            resource = ConfigResource(ConfigResourceType.TOPIC, call.topic)
            found = client.describe_configs([resource], config_filter="all")
            return found["topic"][call.topic][name]["value"]

        def change(value: str) -> str:
            resource = ConfigResource(ConfigResourceType.TOPIC, call.topic, {"retention.ms": value})
            return str(client.alter_configs([resource])["topic"][call.topic])

        equal(read_back("retention.ms"), "3600000", "retention.ms as created")
        equal(read_back("cleanup.policy"), "delete", "cleanup.policy")
        still = deadline()
        change("7200000")
        while read_back("retention.ms") != "7200000":
            still("the new retention.ms")
        client.reset_configs([ConfigResource(ConfigResourceType.TOPIC, call.topic, {"retention.ms": None})])
        while read_back("retention.ms") != "604800000":
            still("the default retention.ms")
        check("InvalidConfiguration" in change("soon"), "retention.ms=soon was accepted")


def delete_records(call: Call) -> None:
    create(call)
    produce(call, [{"value": b"%d" % n} for n in range(10)])
    place = TopicPartition(call.topic, 0)
    with admin(call) as client:
        equal(client.delete_records({place: 6})[place]["low_watermark"], 6, "low watermark")
    with consumer(call) as reader:
        equal(reader.beginning_offsets([place])[place], 6, "beginning")
    equal([r.offset for r in read(call, 4)], [6, 7, 8, 9], "offsets")


def offset_out_of_range(call: Call) -> None:
    create(call)
    produce(call, [{"value": b"%d" % n} for n in range(3)])
    with consumer(call) as reader:
        reader.assign([TopicPartition(call.topic, 0)])
        reader.seek(TopicPartition(call.topic, 0), 1000)
        equal([r.offset for r in take(reader, 3)], [0, 1, 2], "offsets after the reset")


def matrix_write(call: Call) -> None:
    create(call, retention_ms="-1")
    for codec in CODECS:
        records = [
            {
                "key": None if r.key is None else r.key.encode(),
                "value": None if r.value is None else r.value.encode(),
                "timestamp_ms": r.timestamp_ms,
                "headers": [(name, value.encode()) for name, value in r.headers],
            }
            for r in matrix(call.client, codec)
        ]
        produce(call, records, compression_type=None if codec == "none" else codec, linger_ms=20)


def matrix_read(call: Call) -> list[str]:
    lines = []
    for record in read(call, MATRIX_RECORDS * len(CODECS), topic=call.matrix_topic):
        key, value = strings([record.key, record.value])
        pairs = [(name, data.decode()) for name, data in record.headers]
        lines.append(Record(record.timestamp, key, value, pairs).line(record.offset))
    return lines


if __name__ == "__main__":
    SCENARIOS = (
        produce_consume, null_key_and_value, headers, codecs, one_mib_record, message_too_large, idempotent_produce,
        offsets_for_times, long_poll, group_two_members_rebalance, group_resume_from_committed,
        groups_list_describe, admin_create_describe_delete, admin_configs, delete_records, offset_out_of_range,
        matrix_write, matrix_read,
    )  # fmt: skip
    main("kafka_python", {scenario.__name__: scenario for scenario in SCENARIOS})
