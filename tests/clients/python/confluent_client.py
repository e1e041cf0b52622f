"""Scenarios through confluent-kafka (librdkafka)."""

from __future__ import annotations

import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)
from contract import CODECS, ONE_MIB, Call, Record, check, deadline, equal, main, matrix, strings


def create(call: Call, partitions: int = 1, **config: str) -> str:
    """The scenario's topic, new; gives its name."""
    new = NewTopic(
        call.topic, partitions, 1, config={name.replace("_", "."): config[name] for name in config}
    )
    client = admin(call)  # it must outlive its futures
    for future in client.create_topics([new]).values():
        future.result(30)
    return call.topic


def admin(call: Call) -> AdminClient:
    """An admin client."""
    return AdminClient({"bootstrap.servers": call.bootstrap})


def consumer(call: Call, group: str = "reader", **config: object) -> Consumer:
    """A consumer that starts at the beginning."""
    settings = {
        "bootstrap.servers": call.bootstrap,
        "group.id": f"{call.topic}-{group}",
        "auto.offset.reset": "earliest",
    }
    return Consumer(
        settings | {"enable.auto.commit": False} | {name.replace("_", "."): config[name] for name in config}
    )


def produce(call: Call, records: list[dict], topic: str = "", **config: object) -> list[int]:
    """Produce in order and wait for every acknowledgement; gives the offsets."""
    producer = Producer(
        {"bootstrap.servers": call.bootstrap} | {name.replace("_", "."): config[name] for name in config}
    )
    offsets: list[int] = []
    errors: list[KafkaError] = []

    def acked(error: KafkaError | None, message: object) -> None:
        errors.append(error) if error else offsets.append(message.offset())  # type: ignore[attr-defined]

    for record in records:
        producer.produce(topic or call.topic, on_delivery=acked, **record)
    left = producer.flush(30)
    if errors:
        raise KafkaException(errors[0])
    equal((left, len(offsets)), (0, len(records)), "unsent and acknowledged")
    return offsets


def read(
    call: Call, count: int, topic: str = "", partitions: int = 1, start: int = 0, **config: object
) -> list:
    """`count` messages of assigned partitions."""
    reader = consumer(call, **config)
    try:
        reader.assign([TopicPartition(topic or call.topic, index, start) for index in range(partitions)])
        return take(reader, count)
    finally:
        reader.close()


def take(reader: Consumer, count: int) -> list:
    """The next `count` messages."""
    messages: list = []
    still = deadline()
    while len(messages) < count:
        still(f"{count} records, got {len(messages)}")
        for message in reader.consume(count - len(messages), 0.5):
            if message.error():
                raise KafkaException(message.error())
            messages.append(message)
    return messages


def produce_consume(call: Call) -> None:
    create(call, partitions=3)
    produce(call, [{"key": f"k{n % 7}", "value": str(n)} for n in range(300)])
    messages = read(call, 300, partitions=3)
    for key in range(7):
        got = [int(m.value()) for m in messages if m.key() == b"k%d" % key]
        equal(got, list(range(key, 300, 7)), f"values of k{key}")


def null_key_and_value(call: Call) -> None:
    create(call)
    produce(call, [{"key": None, "value": b"v"}, {"key": b"k", "value": None}, {"key": b"", "value": b""}])
    messages = read(call, 3)
    equal(
        [(m.key(), m.value()) for m in messages], [(None, b"v"), (b"k", None), (b"", b"")], "keys and values"
    )


def headers(call: Call) -> None:
    create(call)
    sent = [("a", b"1"), ("a", b"2"), ("null", None), ("empty", b""), ("bytes", b"\x00\xff")]
    produce(call, [{"value": b"v", "headers": sent}])
    equal(read(call, 1)[0].headers(), sent, "headers")


def codecs(call: Call) -> None:
    create(call)
    for codec in CODECS:
        produce(
            call,
            [{"value": f"{codec}-{n}-" + "y" * 100} for n in range(50)],
            compression_type=codec,
            linger_ms=20,
        )
    values = [m.value().decode() for m in read(call, 250)]
    equal(values, [f"{codec}-{n}-" + "y" * 100 for codec in CODECS for n in range(50)], "values")


def one_mib_record(call: Call) -> None:
    create(call, max_message_bytes=str(2 * ONE_MIB))
    value = bytes(range(256)) * (ONE_MIB // 256)
    produce(call, [{"value": value}], message_max_bytes=4 * ONE_MIB)
    check(read(call, 1)[0].value() == value, "the value came back changed")


def message_too_large(call: Call) -> None:
    create(call)
    try:
        produce(call, [{"value": b"z" * (ONE_MIB * 3 // 2)}], message_max_bytes=4 * ONE_MIB)
    except KafkaException as error:
        equal(error.args[0].name(), "MSG_SIZE_TOO_LARGE", "error")
    else:
        raise AssertionError("1.5 MiB were accepted")


def idempotent_produce(call: Call) -> None:
    create(call)
    offsets = produce(call, [{"value": str(n)} for n in range(500)], enable_idempotence=True, linger_ms=1)
    equal(offsets, list(range(500)), "offsets")
    equal([int(m.value()) for m in read(call, 500)], list(range(500)), "values")


def offsets_for_times(call: Call) -> None:
    create(call, retention_ms="-1")
    produce(call, [{"value": b"v", "timestamp": 1_700_000_000_000 + 1000 * n} for n in range(5)])
    reader = consumer(call)

    def at(timestamp: int) -> int:
        return reader.offsets_for_times([TopicPartition(call.topic, 0, timestamp)], timeout=10)[0].offset

    equal([at(1_700_000_000_000 + ms) for ms in (0, 1, 2500, 4000)], [0, 1, 3, 4], "offsets")
    equal(at(1_700_000_009_000), -1, "offset after the last")
    equal(reader.get_watermark_offsets(TopicPartition(call.topic, 0), timeout=10), (0, 5), "watermarks")
    equal([m.timestamp() for m in read(call, 1)], [(1, 1_700_000_000_000)], "timestamp")
    reader.close()


def long_poll(call: Call) -> None:
    create(call)
    reader = consumer(call, fetch_wait_max_ms=8000)
    reader.assign([TopicPartition(call.topic, 0, 0)])
    equal(reader.consume(1, 1.0), [], "records of an empty topic")
    began = time.monotonic()
    produce(call, [{"value": b"wake"}])
    take(reader, 1)
    check(time.monotonic() - began < 3.0, "a parked fetch was not woken by the record")
    reader.close()


def group_two_members_rebalance(call: Call) -> None:
    create(call, partitions=4)
    still = deadline()
    first, second = (
        consumer(call, group="members", client_id=name, session_timeout_ms=10000) for name in "ab"
    )

    def until(what: str, *sizes: int) -> None:
        while True:
            for member in (first, second)[: len(sizes)]:
                member.poll(0.1)
            parts = [
                sorted(p.partition for p in member.assignment()) for member in (first, second)[: len(sizes)]
            ]
            if [len(part) for part in parts] == list(sizes) and sorted(
                number for part in parts for number in part
            ) == [0, 1, 2, 3]:
                return
            still(f"{what}: {parts}")

    first.subscribe([call.topic])
    until("all partitions for the only member", 4)
    second.subscribe([call.topic])
    until("two for each", 2, 2)
    second.close()
    until("all for the member that stayed", 4)
    first.close()


def group_resume_from_committed(call: Call) -> None:
    create(call)
    produce(call, [{"value": str(n)} for n in range(20)])
    first = consumer(call, group="resume")
    first.subscribe([call.topic])
    last = take(first, 10)[-1]
    first.commit(
        offsets=[TopicPartition(call.topic, 0, last.offset() + 1, metadata="half")], asynchronous=False
    )
    first.close()
    second = consumer(call, group="resume")
    second.subscribe([call.topic])
    equal([int(m.value()) for m in take(second, 10)], list(range(10, 20)), "values after the commit")
    equal(second.committed([TopicPartition(call.topic, 0)], timeout=10)[0].offset, 10, "committed")
    second.close()


def groups_list_describe(call: Call) -> None:
    create(call)
    group = f"{call.topic}-seen"
    member = consumer(call, group="seen", client_id="watched")
    member.subscribe([call.topic])
    still = deadline()
    while not member.assignment():
        member.poll(0.1)
        still("an assignment")
    member.commit(offsets=[TopicPartition(call.topic, 0, 0)], asynchronous=False)
    client = admin(call)
    listed = client.list_consumer_groups().result(10)
    check(group in [g.group_id for g in listed.valid], "the group is not listed")
    seen = client.describe_consumer_groups([group])[group].result(10)
    equal(
        (seen.state.name, [m.client_id for m in seen.members]), ("STABLE", ["watched"]), "state and members"
    )
    equal([p.topic for m in seen.members for p in m.assignment.topic_partitions], [call.topic], "assignment")
    try:
        client.delete_consumer_groups([group])[group].result(10)
    except KafkaException as error:
        equal(error.args[0].name(), "NON_EMPTY_GROUP", "deleting a group in use")
    else:
        raise AssertionError("a group in use was deleted")
    member.close()
    client.delete_consumer_groups([group])[group].result(10)
    check(group not in [g.group_id for g in client.list_consumer_groups().result(10).valid], "still listed")


def admin_create_describe_delete(call: Call) -> None:
    create(call, partitions=2)
    client = admin(call)
    try:
        create(call)
    except KafkaException as error:
        equal(error.args[0].name(), "TOPIC_ALREADY_EXISTS", "creating it twice")
    else:
        raise AssertionError("created twice")
    client.create_partitions([NewPartitions(call.topic, 4)])[call.topic].result(10)
    still = deadline()
    while len(client.list_topics(call.topic, timeout=10).topics[call.topic].partitions) != 4:
        still("four partitions")
    client.delete_topics([call.topic])[call.topic].result(10)
    while call.topic in client.list_topics(timeout=10).topics:
        still("the topic to be gone")


def admin_configs(call: Call) -> None:
    create(call, retention_ms="3600000")
    client = admin(call)

    def read_back() -> dict:
        resource = ConfigResource(ResourceType.TOPIC, call.topic)
        return client.describe_configs([resource])[resource].result(10)

    equal(read_back()["retention.ms"].value, "3600000", "retention.ms as created")
    equal(read_back()["cleanup.policy"].value, "delete", "cleanup.policy")

    def change(name: str, value: str | None, operation: AlterConfigOpType) -> None:
        entry = ConfigEntry(name, value, incremental_operation=operation)
        resource = ConfigResource(ResourceType.TOPIC, call.topic, incremental_configs=[entry])
        client.incremental_alter_configs([resource])[resource].result(10)

    still = deadline()
    change("retention.ms", "7200000", AlterConfigOpType.SET)
    while read_back()["retention.ms"].value != "7200000":
        still("the new retention.ms")
    change("retention.ms", None, AlterConfigOpType.DELETE)
    while read_back()["retention.ms"].value != "604800000":
        still("the default retention.ms")
    try:
        change("retention.ms", "soon", AlterConfigOpType.SET)
    except KafkaException as error:
        equal(error.args[0].name(), "INVALID_CONFIG", "a bad value")
    else:
        raise AssertionError("retention.ms=soon was accepted")


def delete_records(call: Call) -> None:
    create(call)
    produce(call, [{"value": str(n)} for n in range(10)])
    place = TopicPartition(call.topic, 0, 6)
    client = admin(call)
    equal(client.delete_records([place])[place].result(10).low_watermark, 6, "low watermark")
    reader = consumer(call)
    equal(reader.get_watermark_offsets(TopicPartition(call.topic, 0), timeout=10), (6, 10), "watermarks")
    reader.close()
    equal([m.offset() for m in read(call, 4)], [6, 7, 8, 9], "offsets")


def offset_out_of_range(call: Call) -> None:
    create(call)
    produce(call, [{"value": str(n)} for n in range(3)])
    equal([m.offset() for m in read(call, 3, start=1000)], [0, 1, 2], "offsets after the reset")


def matrix_write(call: Call) -> None:
    create(call, retention_ms="-1")
    for codec in CODECS:
        records = [
            {"key": r.key, "value": r.value, "timestamp": r.timestamp_ms, "headers": list(r.headers)}
            for r in matrix(call.client, codec)
        ]
        produce(call, records, compression_type=codec, linger_ms=20)


def matrix_read(call: Call) -> list[str]:
    count = 4 * len(CODECS)
    lines = []
    for message in read(call, count, topic=call.matrix_topic):
        key, value = strings([message.key(), message.value()])
        pairs = [(name, data.decode()) for name, data in message.headers() or []]
        lines.append(Record(message.timestamp()[1], key, value, pairs).line(message.offset()))
    return lines


if __name__ == "__main__":
    SCENARIOS = (
        produce_consume, null_key_and_value, headers, codecs, one_mib_record, message_too_large, idempotent_produce,
        offsets_for_times, long_poll, group_two_members_rebalance, group_resume_from_committed,
        groups_list_describe, admin_create_describe_delete, admin_configs, delete_records, offset_out_of_range,
        matrix_write, matrix_read,
    )  # fmt: skip
    main("confluent", {scenario.__name__: scenario for scenario in SCENARIOS})
