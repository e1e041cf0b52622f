"""Transactions as the engine alone has them: a socket on one side, the test in the coordinator's place on the other."""

from __future__ import annotations

import asyncio
import struct
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from headrace.client.protocol import read_answer
from headrace.engine.native import NativeEngine
from headrace.engine.port import Marker, Partition, Producer, Record, Settings, Stored, Topic, Verification
from headrace.model.errors import Error
from headrace.wire.headers import request_frame
from headrace.wire.messages.k00_produce import PartitionProduceData, ProduceRequest, TopicProduceData
from headrace.wire.messages.k01_fetch import FetchPartition, FetchRequest, FetchTopic
from headrace.wire.messages.k02_list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from headrace.wire.messages.k18_api_versions import ApiVersionsRequest
from tests.hostile.batches import Batch, record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from headrace.wire.schema import Message

SHARDS: Final = 3
TOPIC: Final = "orders"
TOPIC_ID: Final = bytes(range(16))
TRANSACTIONAL: Final = 1 << 4
CONTROL: Final = 1 << 5
WAIT_S: Final = 10.0
PRODUCER: Final = Producer(7, 0)
ABORT: Final = Marker(committed=False, coordinator_epoch=0)
COMMIT: Final = Marker(committed=True, coordinator_epoch=0)


def batch(sequence: int, producer: Producer = PRODUCER, attributes: int = TRANSACTIONAL) -> bytes:
    """One record."""
    numbers = (producer.producer_id, producer.producer_epoch, sequence)
    return Batch(section=record(0, b"value"), attributes=attributes, producer=numbers).encode()


def produce(parts: Sequence[tuple[int, bytes]], transactional_id: str | None = "pay") -> ProduceRequest:
    """A batch for each of some partitions."""
    data = [PartitionProduceData(index=index, records=records) for index, records in parts]
    topics = [TopicProduceData(name=TOPIC, topic_id=TOPIC_ID, partition_data=data)]
    return ProduceRequest(transactional_id=transactional_id, acks=-1, timeout_ms=10_000, topic_data=topics)


class Client:
    """A connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self._correlation = 0

    def send(self, request: Message, version: int) -> None:
        """Send without waiting."""
        self._correlation += 1
        self.writer.write(request_frame(request, version, self._correlation, "test"))

    async def receive(self, request: Message, version: int) -> Any:
        """The next answer."""
        async with asyncio.timeout(WAIT_S):
            (length,) = struct.unpack(">i", await self._reader.readexactly(4))
            return read_answer(request, version, await self._reader.readexactly(length))[1]

    async def ask(self, request: Message, version: int) -> Any:
        """Send and receive."""
        self.send(request, version)
        return await self.receive(request, version)

    async def errors(self, request: ProduceRequest, version: int) -> list[Error]:
        """What comes of each partition of a Produce."""
        return errors(await self.ask(request, version))


def errors(answer: Any) -> list[Error]:
    """What came of each partition."""
    return [Error(part.error_code) for topic in answer.responses for part in topic.partition_responses]


class World:
    """An engine of several shards with one topic; verifications are kept until the test says something."""

    def __init__(self, directory: Path, values: dict[str, str], partitions: int) -> None:
        settings = Settings(str(directory), SHARDS, [("PLAINTEXT", "127.0.0.1", 0)], True, 1, values)
        self.engine = NativeEngine(settings, [(0, 3, 13), (1, 4, 18), (2, 1, 11), (18, 0, 4)])
        self.port = self.engine.start()[0][1]
        self.asked: asyncio.Queue[Verification] = asyncio.Queue()
        self.engine.serve(
            lambda _: None, lambda asked: [self.asked.put_nowait(one) for one in asked] and None
        )
        self.groups = list(range(10, 10 + partitions))
        self._clients: list[Client] = []

    async def open(self) -> None:
        """Make the topic."""
        parts = [Partition(group, number) for number, group in enumerate(self.groups)]
        await self.engine.topics([Topic(TOPIC_ID, TOPIC, parts, False, {})], [])

    async def client(self) -> Client:
        """A new connection."""
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port))
        self._clients.append(client)
        return client

    async def question(self) -> Verification:
        """The next verification."""
        async with asyncio.timeout(WAIT_S):
            return await self.asked.get()

    async def say(self, *answers: Error) -> Verification:
        """Answer the next verification."""
        asked = await self.question()
        self.engine.verified(asked.token, answers or [Error.NONE] * len(asked.partitions))
        return asked

    def close(self) -> None:
        """End it."""
        for client in self._clients:
            client.writer.close()
        self.engine.stop()


@asynccontextmanager
async def world(values: dict[str, str] | None = None, partitions: int = 4) -> AsyncIterator[World]:
    """An engine for one test."""
    with tempfile.TemporaryDirectory(prefix="headrace-engine-") as directory:
        there = World(Path(directory), values or {}, partitions)
        try:
            await there.open()
            yield there
        finally:
            there.close()


@pytest.mark.parametrize(("version", "adds"), [(11, False), (12, True), (13, True)])
def test_a_request_is_verified_once_for_all_partitions_of_all_shards(version: int, adds: bool) -> None:
    async def run() -> None:
        async with world() as there:
            client = await there.client()
            request = produce([(2, batch(0)), (0, batch(0)), (1, batch(0))])
            client.send(request, version)
            asked = await there.question()
            assert asked._replace(token=0) == Verification(
                0, "pay", PRODUCER, [(TOPIC, 2), (TOPIC, 0), (TOPIC, 1)], adds, version
            )
            there.engine.verified(asked.token, [Error.NONE] * 3)
            assert errors(await client.receive(request, version)) == [Error.NONE] * 3
            # Open by now: nobody is asked but for the new partition.
            client.send(produce([(0, batch(1)), (3, batch(0))]), version)
            assert (await there.say()).partitions == [(TOPIC, 3)]
            assert errors(await client.receive(request, version)) == [Error.NONE] * 2

    asyncio.run(run())


@pytest.mark.parametrize(
    ("said", "version", "told", "message"),
    [
        (
            Error.TRANSACTION_ABORTABLE,
            10,
            Error.INVALID_TXN_STATE,
            "Partition was not added to the transaction",
        ),
        (Error.TRANSACTION_ABORTABLE, 11, Error.TRANSACTION_ABORTABLE, None),
        (Error.INVALID_TXN_STATE, 12, Error.INVALID_TXN_STATE, "Partition was not added to the transaction"),
        (Error.PRODUCER_FENCED, 12, Error.INVALID_PRODUCER_EPOCH, None),
        (Error.INVALID_PRODUCER_ID_MAPPING, 12, Error.INVALID_PRODUCER_ID_MAPPING, None),
        (Error.CONCURRENT_TRANSACTIONS, 12, Error.CONCURRENT_TRANSACTIONS, None),
        (
            Error.CONCURRENT_TRANSACTIONS,
            11,
            Error.NOT_ENOUGH_REPLICAS,
            "Unable to verify the partition has been added to the transaction."
            " Underlying error: CONCURRENT_TRANSACTIONS",
        ),
        (
            Error.NOT_COORDINATOR,
            9,
            Error.NOT_ENOUGH_REPLICAS,
            "Unable to verify the partition has been added to the transaction. Underlying error: NOT_COORDINATOR",
        ),
    ],
)
def test_a_refusal_is_told_as_the_clients_version_knows_it(
    said: Error, version: int, told: Error, message: str | None
) -> None:
    async def run() -> None:
        async with world() as there:
            client = await there.client()
            request = produce([(0, batch(0)), (1, batch(0))])
            client.send(request, version)
            await there.say(said, Error.NONE)
            answer = await client.receive(request, version)
            assert errors(answer) == [told, Error.NONE]
            assert answer.responses[0].partition_responses[0].error_message == message
            infos = await there.engine.log_info(there.groups[:2])
            assert sorted((info.group, info.log_end) for info in infos) == [(10, 0), (11, 1)]

    asyncio.run(run())


def test_nothing_overtakes_a_batch_that_waits() -> None:
    async def run() -> None:
        async with world() as there:
            client = await there.client()
            first, second = produce([(0, batch(0))]), produce([(0, batch(1))])
            client.send(first, 12)
            client.send(second, 12)
            asked = await there.question()
            other = await there.client()
            assert await other.errors(produce([(0, batch(0, Producer(-1, -1), 0))], None), 12) == [Error.NONE]
            assert there.asked.empty(), "the second request has not begun"
            there.engine.verified(asked.token, [Error.NONE])
            answers = [await client.receive(first, 12), await client.receive(second, 12)]
            offsets = [a.responses[0].partition_responses[0].base_offset for a in answers]
            assert offsets == [1, 2]

    asyncio.run(run())


@pytest.mark.parametrize("partition", range(4))
def test_a_marker_makes_an_earlier_yes_worthless(partition: int) -> None:
    async def run() -> None:
        async with world() as there:
            client = await there.client()
            request = produce([(partition, batch(0))])
            client.send(request, 12)
            asked = await there.question()
            marked = await there.engine.append_marker(there.groups[partition], PRODUCER, ABORT)
            assert marked == (Error.NONE, 0, 1)
            there.engine.verified(asked.token, [Error.NONE])
            assert errors(await client.receive(request, 12)) == [Error.INVALID_TXN_STATE]
            # A retry is a new question.
            client.send(request, 12)
            await there.say()
            assert errors(await client.receive(request, 12)) == [Error.NONE]

    asyncio.run(run())


def test_a_client_that_has_gone_holds_nobody_up() -> None:
    """What it sent is appended, as in Kafka: it cannot know that it was not."""

    async def run() -> None:
        async with world() as there:
            client = await there.client()
            client.send(produce([(0, batch(0))]), 12)
            asked = await there.question()
            client.writer.close()
            await client.writer.wait_closed()
            there.engine.verified(asked.token, [Error.NONE])
            there.engine.verified(asked.token, [Error.NONE])
            other = await there.client()
            assert await other.errors(produce([(0, batch(0, Producer(-1, -1), 0))], None), 12) == [Error.NONE]
            (info,) = await there.engine.log_info(there.groups[:1])
            assert info.log_end == 2
            assert info.last_stable < 2  # whichever of the two was first

    asyncio.run(run())


def test_a_stop_ends_what_waits() -> None:
    async def run() -> None:
        async with world() as there:
            client = await there.client()
            request = produce([(0, batch(0)), (1, batch(0))])
            client.send(request, 12)
            await there.question()
            there.engine.stop_accepting()
            assert errors(await client.receive(request, 12)) == [Error.NOT_ENOUGH_REPLICAS] * 2

    asyncio.run(run())


def test_what_is_refused_without_asking() -> None:
    async def run() -> None:
        async with world() as there:
            client = await there.client()
            both = [(0, batch(0)), (1, batch(0, Producer(-1, -1), 0))]
            assert (
                await client.errors(produce(both, None), 12)
                == [Error.TRANSACTIONAL_ID_AUTHORIZATION_FAILED] * 2
            )
            mixed = [(0, batch(0)), (1, batch(0, Producer(8, 0)))]
            assert await client.errors(produce(mixed), 12) == [Error.INVALID_PRODUCER_ID_MAPPING] * 2
            control = [(0, batch(0, attributes=CONTROL))]
            assert await client.errors(produce(control), 12) == [Error.INVALID_RECORD]
            outside = [(0, batch(0, attributes=0))]
            assert await client.errors(produce(outside), 12) == [Error.NONE]
            assert there.asked.empty()

    asyncio.run(run())


def test_nobody_is_asked_where_verification_is_off() -> None:
    async def run() -> None:
        async with world({"transaction.partition.verification.enable": "false"}) as there:
            client = await there.client()
            assert await client.errors(produce([(0, batch(0)), (1, batch(0))]), 12) == [Error.NONE] * 2
            assert there.asked.empty()

    asyncio.run(run())


def test_clients_are_told_of_features_once_they_are_known() -> None:
    async def run() -> None:
        async with world() as there:
            client = await there.client()

            async def told() -> tuple[int, list[tuple[str, int]]]:
                request = ApiVersionsRequest(client_software_name="test", client_software_version="1")
                answer = await client.ask(request, 4)
                levels = [(f.name, f.max_version_level) for f in answer.finalized_features]
                return answer.finalized_features_epoch, levels

            assert await told() == (-1, [])
            there.engine.set_features(7, [("transaction.version", 0, 2, 2)])
            while (now := await told())[0] == -1:  # every shard hears of it by a message
                pass
            assert now == (7, [("transaction.version", 2)])

    asyncio.run(run())


def test_a_coordinators_records_and_markers_are_read_back() -> None:
    async def run() -> None:
        async with world() as there:
            engine, group = there.engine, there.groups[0]
            records = [Record(b"a", b"1"), Record(b"b", None)]
            assert await engine.append(group, records, producer=PRODUCER) == (Error.NONE, 0, 2)
            assert await engine.append(group, [Record(b"c", b"2")], expected_end=2) == (Error.NONE, 2, 3)
            raised = Producer(7, 1)
            assert await engine.append_marker(group, raised, COMMIT, expected_end=9) == (
                Error.NOT_LEADER_OR_FOLLOWER,
                -1,
                -1,
            )
            later = COMMIT._replace(coordinator_epoch=5)
            assert await engine.append_marker(group, raised, later, expected_end=3) == (Error.NONE, 3, 4)
            got = await engine.read(group, 0, 10_000)
            assert [stored._replace(timestamp_ms=0) for stored in got.records] == [
                Stored(0, 0, b"a", b"1", PRODUCER),
                Stored(1, 0, b"b", None, PRODUCER),
                Stored(2, 0, b"c", b"2"),
                Stored(3, 0, None, None, raised, later),
            ]
            refused = [
                await engine.append(group, records, producer=PRODUCER),
                await engine.append_marker(group, PRODUCER, COMMIT),
                await engine.append_marker(group, raised, COMMIT),
            ]
            assert [outcome.error for outcome in refused] == [
                Error.INVALID_PRODUCER_EPOCH,
                Error.INVALID_PRODUCER_EPOCH,
                Error.TRANSACTION_COORDINATOR_FENCED,
            ]
            await engine.append(group, records, producer=raised)
            (info,) = await engine.producers(group)
            assert info[:3] == (7, 1, -1)
            assert info[4:] == (5, 4)

    asyncio.run(run())


def fetch(partition: int, isolation: int, wait_ms: int = 0) -> FetchRequest:
    """Everything from the start."""
    parts = [FetchPartition(partition=partition, fetch_offset=0, partition_max_bytes=1 << 20)]
    topics = [FetchTopic(topic=TOPIC, topic_id=TOPIC_ID, partitions=parts)]
    return FetchRequest(max_wait_ms=wait_ms, min_bytes=1, isolation_level=isolation, topics=topics)


@pytest.mark.parametrize("partition", range(4))
def test_readers_of_committed_records_wait_for_the_marker_and_are_told_what_was_aborted(
    partition: int,
) -> None:
    async def run() -> None:
        async with world() as there:
            client, group = await there.client(), there.groups[partition]
            client.send(produce([(partition, batch(0))]), 12)
            await there.say()
            assert errors(await client.receive(produce([]), 12)) == [Error.NONE]
            all_of_it = (await client.ask(fetch(partition, 0), 12)).responses[0].partitions[0]
            assert (all_of_it.high_watermark, all_of_it.last_stable_offset) == (1, 0)
            assert (len(all_of_it.records) > 0, all_of_it.aborted_transactions) == (True, None)
            client.send(fetch(partition, 1, wait_ms=20_000), 12)
            other = await there.client()
            plain = produce([(partition, batch(0, Producer(-1, -1), 0))], None)
            assert await other.errors(plain, 12) == [Error.NONE]
            (info,) = await there.engine.log_info([group])
            assert (info.last_stable, info.high_watermark) == (0, 2)
            await there.engine.append_marker(group, PRODUCER, ABORT)
            part = (await client.receive(fetch(partition, 1), 12)).responses[0].partitions[0]
            assert (part.high_watermark, part.last_stable_offset) == (3, 3)
            aborted = [(one.producer_id, one.first_offset) for one in part.aborted_transactions]
            assert aborted == [(7, 0)]
            # A transaction that is open again: the latest offset depends on who asks.
            client.send(produce([(partition, batch(1))]), 12)
            await there.say()
            assert errors(await client.receive(produce([]), 12)) == [Error.NONE]
            for isolation, latest in [(0, 4), (1, 3)]:
                parts = [ListOffsetsPartition(partition_index=partition, timestamp=-1)]
                topics = [ListOffsetsTopic(name=TOPIC, partitions=parts)]
                listed = await client.ask(ListOffsetsRequest(isolation_level=isolation, topics=topics), 9)
                assert listed.topics[0].partitions[0].offset == latest

    asyncio.run(run())
