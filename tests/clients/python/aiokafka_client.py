"""Scenarios through aiokafka."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import MessageSizeTooLargeError, for_code
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

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


@contextlib.asynccontextmanager
async def admin(call: Call) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client."""
    client = AIOKafkaAdminClient(bootstrap_servers=call.bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def create(call: Call, partitions: int = 1, **config: str) -> str:
    """The scenario's topic, new; gives the error's name, or nothing."""
    configs = {name.replace("_", "."): config[name] for name in config}
    async with admin(call) as client:
        answer = await client.create_topics([NewTopic(call.topic, partitions, 1, topic_configs=configs)])
        still = deadline()
        while (await client.describe_topics([call.topic]))[0]["error_code"]:
            still("the new topic")  # Kafka's brokers hear of it after its controller has answered
    code = answer.topic_errors[0][1]
    return for_code(code).__name__ if code else ""


@contextlib.asynccontextmanager
async def consumer(
    call: Call, *topics: str, group: str | None = None, **config: object
) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer that starts at the beginning."""
    reader = AIOKafkaConsumer(
        *topics,
        bootstrap_servers=call.bootstrap,
        group_id=group and f"{call.topic}-{group}",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **config,
    )
    await reader.start()
    try:
        yield reader
    finally:
        await reader.stop()


async def produce(call: Call, records: list[dict], **config: object) -> list[int]:
    """Produce in order and wait for every acknowledgement; gives the offsets."""
    producer = AIOKafkaProducer(bootstrap_servers=call.bootstrap, **config)
    await producer.start()
    try:
        sent = [await producer.send(call.topic, **record) for record in records]
        return [place.offset for place in await asyncio.wait_for(asyncio.gather(*sent), 30)]
    finally:
        await producer.stop()


async def take(reader: AIOKafkaConsumer, count: int) -> list:
    """The next `count` records."""
    records: list = []
    still = deadline()
    while len(records) < count:
        still(f"{count} records, got {len(records)}")
        for batch in (await reader.getmany(timeout_ms=500, max_records=count - len(records))).values():
            records += batch
    return records


async def read(call: Call, count: int, topic: str = "", partitions: int = 1, **config: object) -> list:
    """`count` records of assigned partitions."""
    async with consumer(call, **config) as reader:
        reader.assign([TopicPartition(topic or call.topic, index) for index in range(partitions)])
        return await take(reader, count)


async def produce_consume(call: Call) -> None:
    await create(call, partitions=3)
    await produce(call, [{"key": b"k%d" % (n % 7), "value": b"%d" % n} for n in range(300)])
    records = await read(call, 300, partitions=3)
    for key in range(7):
        equal(
            [int(r.value) for r in records if r.key == b"k%d" % key],
            list(range(key, 300, 7)),
            f"values of k{key}",
        )


async def null_key_and_value(call: Call) -> None:
    await create(call)
    await produce(
        call, [{"key": None, "value": b"v"}, {"key": b"k", "value": None}, {"key": b"", "value": b""}]
    )
    got = [(r.key, r.value) for r in await read(call, 3)]
    equal(got, [(None, b"v"), (b"k", None), (b"", b"")], "keys and values")


async def headers(call: Call) -> None:
    await create(call)
    sent = (("a", b"1"), ("a", b"2"), ("null", None), ("empty", b""), ("bytes", b"\x00\xff"))
    await produce(call, [{"value": b"v", "headers": list(sent)}])
    equal(tuple((await read(call, 1))[0].headers), sent, "headers")


async def codecs(call: Call) -> None:
    await create(call)
    for codec in CODECS:
        records = [{"value": f"{codec}-{n}-".encode() + b"y" * 100} for n in range(50)]
        await produce(call, records, compression_type=None if codec == "none" else codec, linger_ms=20)
    values = [r.value.decode() for r in await read(call, 250)]
    equal(values, [f"{codec}-{n}-" + "y" * 100 for codec in CODECS for n in range(50)], "values")


async def one_mib_record(call: Call) -> None:
    await create(call, max_message_bytes=str(2 * ONE_MIB))
    value = bytes(range(256)) * (ONE_MIB // 256)
    await produce(call, [{"value": value}], max_request_size=4 * ONE_MIB)
    check((await read(call, 1))[0].value == value, "the value came back changed")


async def message_too_large(call: Call) -> None:
    await create(call)
    try:
        await produce(call, [{"value": b"z" * (ONE_MIB * 3 // 2)}], max_request_size=4 * ONE_MIB)
    except MessageSizeTooLargeError:
        return
    raise AssertionError("1.5 MiB were accepted")


async def idempotent_produce(call: Call) -> None:
    await create(call)
    offsets = await produce(call, [{"value": b"%d" % n} for n in range(500)], enable_idempotence=True)
    equal(offsets, list(range(500)), "offsets")
    equal([int(r.value) for r in await read(call, 500)], list(range(500)), "values")


async def offsets_for_times(call: Call) -> None:
    await create(call, retention_ms="-1")
    await produce(call, [{"value": b"v", "timestamp_ms": 1_700_000_000_000 + 1000 * n} for n in range(5)])
    place = TopicPartition(call.topic, 0)
    async with consumer(call) as reader:
        reader.assign([place])
        for ms, offset in ((0, 0), (1, 1), (2500, 3), (4000, 4)):
            found = await reader.offsets_for_times({place: 1_700_000_000_000 + ms})
            equal(found[place].offset, offset, f"offset at {ms} ms")
        equal(
            (await reader.offsets_for_times({place: 1_700_000_009_000}))[place], None, "offset after the last"
        )
        equal((await reader.beginning_offsets([place]))[place], 0, "beginning")
        equal((await reader.end_offsets([place]))[place], 5, "end")
    equal((await read(call, 1))[0].timestamp, 1_700_000_000_000, "timestamp")


async def long_poll(call: Call) -> None:
    await create(call)
    async with consumer(call, fetch_max_wait_ms=8000) as reader:
        reader.assign([TopicPartition(call.topic, 0)])
        equal(await reader.getmany(timeout_ms=1000), {}, "records of an empty topic")
        began = time.monotonic()
        await produce(call, [{"value": b"wake"}])
        await take(reader, 1)
        check(time.monotonic() - began < 3.0, "a parked fetch was not woken by the record")


async def group_two_members_rebalance(call: Call) -> None:
    await create(call, partitions=4)
    still = deadline()
    settings = {"group": "members", "session_timeout_ms": 10000, "heartbeat_interval_ms": 500}

    async def until(what: str, members: list[AIOKafkaConsumer], sizes: list[int]) -> None:
        while True:
            for member in members:
                await member.getmany(timeout_ms=100)
            parts = [sorted(place.partition for place in member.assignment()) for member in members]
            if [len(part) for part in parts] == sizes and sorted(
                number for part in parts for number in part
            ) == [0, 1, 2, 3]:
                return
            still(f"{what}: {parts}")

    async with consumer(call, call.topic, **settings) as first:
        await until("all partitions for the only member", [first], [4])
        async with consumer(call, call.topic, **settings) as second:
            await until("two for each", [first, second], [2, 2])
        await until("all for the member that stayed", [first], [4])


async def group_resume_from_committed(call: Call) -> None:
    await create(call)
    await produce(call, [{"value": b"%d" % n} for n in range(20)])
    place = TopicPartition(call.topic, 0)
    async with consumer(call, call.topic, group="resume") as first:
        last = (await take(first, 10))[-1]
        await first.commit({place: (last.offset + 1, "half")})
    async with consumer(call, call.topic, group="resume") as second:
        equal([int(r.value) for r in await take(second, 10)], list(range(10, 20)), "values after the commit")
        equal(await second.committed(place), 10, "committed")


async def groups_list_describe(call: Call) -> None:
    await create(call)
    group = f"{call.topic}-seen"
    async with admin(call) as client, consumer(call, call.topic, group="seen", client_id="watched") as member:
        await member.commit({TopicPartition(call.topic, 0): 0})
        check(group in [name for name, *_ in await client.list_consumer_groups()], "the group is not listed")
        error, name, state, kind, _, members, *_ = (await client.describe_consumer_groups([group]))[0].groups[
            0
        ]
        equal((error, name, state, kind), (0, group, "Stable", "consumer"), "description")
        equal([member[1] for member in members], ["watched"], "client ids")
        offsets = await client.list_consumer_group_offsets(group)
        equal([place.offset for place in offsets.values()], [0], "committed offsets")


async def admin_create_describe_delete(call: Call) -> None:
    equal(await create(call, partitions=2), "", "error of creating it")
    equal(await create(call), "TopicAlreadyExistsError", "error of creating it twice")
    async with admin(call) as client:
        await client.create_partitions({call.topic: NewPartitions(4)})
        still = deadline()
        while len((await client.describe_topics([call.topic]))[0]["partitions"]) != 4:
            still("four partitions")
        await client.delete_topics([call.topic])
        while call.topic in await client.list_topics():
            still("the topic to be gone")


async def admin_configs(call: Call) -> None:
    await create(call, retention_ms="3600000")
    async with admin(call) as client:

        async def read_back() -> dict[str, str]:
            answer = (await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, call.topic)]))[
                0
            ]
            equal(answer.resources[0][0], 0, "error of describing")
            return {name: value for name, value, *_ in answer.resources[0][4]}

        async def change(configs: dict[str, str]) -> int:
            answers = await client.alter_configs(
                [ConfigResource(ConfigResourceType.TOPIC, call.topic, configs)]
            )
            return answers[0].resources[0][0]

        configs = await read_back()
        equal((configs["retention.ms"], configs["cleanup.policy"]), ("3600000", "delete"), "as created")
        still = deadline()
        equal(await change({"max.message.bytes": "2000000"}), 0, "error of altering")
        while (await read_back())["max.message.bytes"] != "2000000":
            still("the new max.message.bytes")
        # AlterConfigs replaces the whole set: what it does not name goes back to its default.
        equal((await read_back())["retention.ms"], "604800000", "retention.ms after the replacement")
        equal(
            for_code(await change({"retention.ms": "soon"})).__name__,
            "InvalidConfigurationError",
            "a bad value",
        )


async def delete_records(call: Call) -> None:
    await create(call)
    await produce(call, [{"value": b"%d" % n} for n in range(10)])
    place = TopicPartition(call.topic, 0)
    async with admin(call) as client:
        equal(await client.delete_records({place: RecordsToDelete(6)}), {place: 6}, "low watermark")
    async with consumer(call) as reader:
        equal((await reader.beginning_offsets([place]))[place], 6, "beginning")
    equal([r.offset for r in await read(call, 4)], [6, 7, 8, 9], "offsets")


async def offset_out_of_range(call: Call) -> None:
    await create(call)
    await produce(call, [{"value": b"%d" % n} for n in range(3)])
    async with consumer(call) as reader:
        reader.assign([TopicPartition(call.topic, 0)])
        reader.seek(TopicPartition(call.topic, 0), 1000)
        equal([r.offset for r in await take(reader, 3)], [0, 1, 2], "offsets after the reset")


async def matrix_write(call: Call) -> None:
    await create(call, retention_ms="-1")
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
        await produce(call, records, compression_type=None if codec == "none" else codec, linger_ms=20)


async def matrix_read(call: Call) -> list[str]:
    lines = []
    for record in await read(call, MATRIX_RECORDS * len(CODECS), topic=call.matrix_topic):
        key, value = strings([record.key, record.value])
        pairs = [(name, data.decode()) for name, data in record.headers]
        lines.append(Record(record.timestamp, key, value, pairs).line(record.offset))
    return lines


def in_a_loop(scenario: Callable[[Call], Awaitable[object]]) -> Callable[[Call], object]:
    """The scenario as a plain function."""
    return lambda call: asyncio.run(scenario(call))  # type: ignore[arg-type]


if __name__ == "__main__":
    SCENARIOS = (
        produce_consume, null_key_and_value, headers, codecs, one_mib_record, message_too_large, idempotent_produce,
        offsets_for_times, long_poll, group_two_members_rebalance, group_resume_from_committed,
        groups_list_describe, admin_create_describe_delete, admin_configs, delete_records, offset_out_of_range,
        matrix_write, matrix_read,
    )  # fmt: skip
    main("aiokafka", {scenario.__name__: in_a_loop(scenario) for scenario in SCENARIOS})
