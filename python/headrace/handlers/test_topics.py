"""Topics over the wire: every version of every call that makes, changes, shows or deletes them."""

from __future__ import annotations

import asyncio

import pytest

from headrace.engine.port import Record
from headrace.handlers.call import Operation
from headrace.handlers.world import Forbid, World
from headrace.model.errors import Error
from headrace.wire.keys import BY_KEY
from headrace.wire.messages.k03_metadata import MetadataRequest, MetadataRequestTopic
from headrace.wire.messages.k19_create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from headrace.wire.messages.k20_delete_topics import DeleteTopicsRequest, DeleteTopicState
from headrace.wire.messages.k21_delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from headrace.wire.messages.k23_offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from headrace.wire.messages.k35_describe_log_dirs import DescribableLogDirTopic, DescribeLogDirsRequest
from headrace.wire.messages.k37_create_partitions import CreatePartitionsRequest, CreatePartitionsTopic
from headrace.wire.messages.k61_describe_producers import DescribeProducersRequest, TopicRequest
from headrace.wire.messages.k75_describe_topic_partitions import (
    DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsRequestCursor,
)
from headrace.wire.messages.k75_describe_topic_partitions import TopicRequest as DescribedTopic


def versions(key):
    return range(BY_KEY[key].low, BY_KEY[key].high + 1)


def run(scenario):
    return asyncio.run(scenario())


def topics(*names):
    return [MetadataRequestTopic(name=name) for name in names]


async def with_topic(name="t", partitions=3, settings=None, **options):
    world = await World(settings, **options).open()
    request = CreateTopicsRequest([CreatableTopic(name, partitions, 1)], timeout_ms=1_000)
    assert (await world.ask(request, 7)).topics[0].error_code == 0
    return world


@pytest.mark.parametrize("version", versions(19))
def test_create_topics(version):
    async def scenario():
        world = await World().open()
        wanted = CreatableTopic("t", 2, 1, configs=[CreatableTopicConfig("retention.ms", "7")])
        (topic,) = (await world.ask(CreateTopicsRequest([wanted], timeout_ms=1_000), version)).topics
        assert (topic.name, topic.error_code, topic.error_message) == ("t", 0, None)
        if version >= 5:
            assert (topic.num_partitions, topic.replication_factor) == (2, 1)
            configs = {config.name: config for config in topic.configs}
            assert (configs["retention.ms"].value, configs["retention.ms"].config_source) == ("7", 1)
            assert configs["segment.bytes"].config_source == 5
        known = world.controller.topic("t")
        if version >= 7:
            assert topic.topic_id == known.topic_id
        told = world.engine.told[known.topic_id]
        assert [tuple(p) for p in told.partitions] == [(1, 0), (2, 1)]
        assert told.configs["retention.ms"] == "7"
        again = (await world.ask(CreateTopicsRequest([wanted], timeout_ms=1_000), version)).topics[0]
        assert again.error_code == Error.TOPIC_ALREADY_EXISTS

    run(scenario)


def test_create_topics_that_are_asked_for_twice_badly_or_not_for_real():
    async def scenario():
        world = await World().open()
        twice = CreatableTopic("t", 1, 1)
        answer = await world.ask(
            CreateTopicsRequest([twice, twice, CreatableTopic("u", 1, 1)], timeout_ms=1_000), 7
        )
        assert [(t.name, t.error_code) for t in answer.topics] == [("t", Error.INVALID_REQUEST), ("u", 0)]
        chosen = [CreatableReplicaAssignment(0, [1]), CreatableReplicaAssignment(0, [1])]
        answer = await world.ask(
            CreateTopicsRequest([CreatableTopic("v", -1, -1, chosen)], timeout_ms=1_000), 7
        )
        assert answer.topics[0].error_code == Error.INVALID_REPLICA_ASSIGNMENT
        answer = await world.ask(
            CreateTopicsRequest([CreatableTopic("w", 1, 1)], validate_only=True, timeout_ms=1_000), 7
        )
        assert answer.topics[0].error_code == 0
        assert world.controller.topic("w") is None
        answer = await world.ask(
            CreateTopicsRequest([CreatableTopic("__cluster_metadata", 1, 1)], timeout_ms=1_000), 7
        )
        assert answer.topics[0].error_code == Error.TOPIC_AUTHORIZATION_FAILED

    run(scenario)


def test_what_has_no_time_is_not_begun():
    async def scenario():
        world = await World().open()
        for timeout_ms in (0, -1):
            wanted = CreateTopicsRequest([CreatableTopic("t", 1, 1)], timeout_ms=timeout_ms)
            (topic,) = (await world.ask(wanted, 7)).topics
            assert (topic.error_code, topic.error_message) == (Error.REQUEST_TIMED_OUT, None)
            assert world.controller.topic("t") is None
        await world.ask(CreateTopicsRequest([CreatableTopic("t", 1, 1)], timeout_ms=1_000), 7)
        (topic,) = (await world.ask(DeleteTopicsRequest(topic_names=["t"], timeout_ms=0), 5)).responses
        assert (topic.error_code, topic.error_message) == (Error.REQUEST_TIMED_OUT, None)
        assert world.controller.topic("t") is not None

    run(scenario)


def test_an_append_that_is_refused_makes_nothing_and_is_said():
    async def scenario():
        world = await World().open()
        world.engine.refuse(Error.KAFKA_STORAGE_ERROR)
        request = CreateTopicsRequest([CreatableTopic("t", 1, 1)], timeout_ms=1_000)
        assert (await world.ask(request, 7)).topics[0].error_code == Error.NOT_CONTROLLER
        assert world.controller.topic("t") is None
        assert (await world.ask(request, 7)).topics[0].error_code == 0

    run(scenario)


def test_a_full_disk_is_told_and_what_frees_space_is_marked_so():
    async def scenario():
        world = await World().open()
        world.engine.refuse(Error.NOT_ENOUGH_REPLICAS)
        create = CreateTopicsRequest([CreatableTopic("t", 1, 1)], timeout_ms=1_000)
        (topic,) = (await world.ask(create, 7)).topics
        assert topic.error_code == Error.KAFKA_STORAGE_ERROR
        assert topic.error_message == "The disk is full: delete records or topics, and retry."
        assert (await world.ask(create, 7)).topics[0].error_code == 0
        assert not world.engine.makes_room
        delete = DeleteTopicsRequest(topic_names=["t"], timeout_ms=1_000)
        assert (await world.ask(delete, 5)).responses[0].error_code == 0
        assert world.engine.makes_room

    run(scenario)


@pytest.mark.parametrize("version", versions(3))
def test_metadata(version):
    async def scenario():
        world = await with_topic()
        everything = [] if version == 0 else None
        answer = await world.ask(MetadataRequest(everything), version)
        assert [(b.node_id, b.host, b.port) for b in answer.brokers] == [(1, "127.0.0.1", 9092)]
        (topic,) = answer.topics
        assert (topic.name, topic.error_code, topic.is_internal) == ("t", 0, False)
        assert [(p.partition_index, p.leader_id, p.replica_nodes, p.isr_nodes) for p in topic.partitions] == [
            (number, 1, [1], [1]) for number in range(3)
        ]
        if version >= 1:
            assert answer.controller_id == 1
            assert (await world.ask(MetadataRequest([]), version)).topics == []
        if version >= 2:
            assert answer.cluster_id == "cluster"
        if version >= 10:
            assert topic.topic_id == world.controller.topic("t").topic_id
        missing = (await world.ask(MetadataRequest(topics("nope", "..", "t", "t")), version)).topics
        assert {(t.name, t.error_code) for t in missing} == {
            ("nope", Error.UNKNOWN_TOPIC_OR_PARTITION),
            ("..", Error.INVALID_TOPIC_EXCEPTION),
            ("t", 0),
        }
        assert len(missing) == 3

    run(scenario)


def test_metadata_by_id_and_authorized_operations():
    async def scenario():
        world = await with_topic()
        known = world.controller.topic("t").topic_id
        asked = [MetadataRequestTopic(known, None), MetadataRequestTopic(b"?" * 16, None)]
        found = (await world.ask(MetadataRequest(asked), 12)).topics
        assert [(t.name, t.error_code) for t in found] == [("t", 0), (None, Error.UNKNOWN_TOPIC_ID)]
        refused = (await world.ask(MetadataRequest([MetadataRequestTopic(known, "t")]), 10)).topics
        assert refused[0].error_code == Error.INVALID_REQUEST
        request = MetadataRequest(topics("t"), include_topic_authorized_operations=True)
        assert (await world.ask(request, 9)).topics[0].topic_authorized_operations == 0b1101_1111_1000
        request = MetadataRequest(topics("t"), include_cluster_authorized_operations=True)
        answer = await world.ask(request, 9)
        assert answer.cluster_authorized_operations == 0b1_1111_1010_0000
        assert answer.topics[0].topic_authorized_operations == -(2**31)

    run(scenario)


def test_metadata_makes_topics_only_if_both_sides_want_it():
    async def scenario():
        world = await World({"auto.create.topics.enable": "true", "num.partitions": "4"}).open()
        no = MetadataRequest(topics("t"), allow_auto_topic_creation=False)
        assert (await world.ask(no, 4)).topics[0].error_code == Error.UNKNOWN_TOPIC_OR_PARTITION
        (topic,) = (await world.ask(MetadataRequest(topics("t")), 4)).topics
        assert (topic.error_code, len(topic.partitions)) == (0, 4)
        (bad,) = (await world.ask(MetadataRequest(topics("a b")), 4)).topics
        assert bad.error_code == Error.INVALID_TOPIC_EXCEPTION
        (internal,) = (await world.ask(MetadataRequest(topics("__consumer_offsets")), 4)).topics
        assert (internal.is_internal, len(internal.partitions)) == (True, 50)

    run(scenario)


def test_many_at_once_make_a_topic_once():
    async def scenario():
        world = await World({"auto.create.topics.enable": "true"}).open()
        answers = await asyncio.gather(*(world.ask(MetadataRequest(topics("t")), 12) for _ in range(20)))
        ids = {answer.topics[0].topic_id for answer in answers}
        assert ids == {world.controller.topic("t").topic_id}

    run(scenario)


def test_metadata_hides_what_may_not_be_described():
    async def scenario():
        world = await with_topic(authorizer=Forbid(Operation.DESCRIBE, "t"))
        assert (await world.ask(MetadataRequest(None), 12)).topics == []
        (topic,) = (await world.ask(MetadataRequest(topics("t")), 12)).topics
        assert topic.error_code == Error.TOPIC_AUTHORIZATION_FAILED
        known = world.controller.topic("t").topic_id
        (topic,) = (await world.ask(MetadataRequest([MetadataRequestTopic(known, None)]), 12)).topics
        assert (topic.name, topic.error_code) == (None, Error.TOPIC_AUTHORIZATION_FAILED)

    run(scenario)


@pytest.mark.parametrize("version", versions(20))
def test_delete_topics(version):
    async def scenario():
        world = await with_topic()
        known = world.controller.topic("t").topic_id
        gone = []
        world.controller.on_topics_removed(gone.extend)

        def asked(*names):
            states = [DeleteTopicState(name) for name in names]
            return (
                DeleteTopicsRequest(states, timeout_ms=1_000)
                if version >= 6
                else DeleteTopicsRequest(topic_names=[*names], timeout_ms=1_000)
            )

        answer = await world.ask(asked("t", "nope"), version)
        assert {(r.name, r.error_code) for r in answer.responses} == {
            ("t", 0),
            ("nope", Error.UNKNOWN_TOPIC_OR_PARTITION),
        }
        assert [topic.name for topic in gone] == ["t"]
        assert known not in world.engine.told
        assert list(world.engine.logs) == [0]
        assert (await world.ask(MetadataRequest([] if version == 0 else None), 5)).topics == []

    run(scenario)


def test_delete_topics_by_id_and_badly():
    async def scenario():
        world = await with_topic()
        known = world.controller.topic("t").topic_id
        states = [
            DeleteTopicState(None, b"?" * 16),
            DeleteTopicState("t", known),
            DeleteTopicState(None),
            DeleteTopicState("x"),
            DeleteTopicState("x"),
        ]
        answer = await world.ask(DeleteTopicsRequest(states, timeout_ms=1_000), 6)
        assert [r.error_code for r in answer.responses] == [
            Error.UNKNOWN_TOPIC_ID,
            Error.INVALID_REQUEST,
            Error.INVALID_REQUEST,
            Error.INVALID_REQUEST,
        ]
        answer = await world.ask(DeleteTopicsRequest([DeleteTopicState(None, known)], timeout_ms=1_000), 6)
        assert [(r.name, r.error_code) for r in answer.responses] == [("t", 0)]

    run(scenario)


def test_delete_topics_where_it_is_disabled():
    async def scenario():
        world = await with_topic(settings={"delete.topic.enable": "false"})
        request = DeleteTopicsRequest(topic_names=["t"], timeout_ms=1_000)
        disabled = (await world.ask(request, 3)).responses[0]
        assert disabled.error_code == Error.TOPIC_DELETION_DISABLED
        assert (await world.ask(request, 1)).responses[0].error_code == Error.INVALID_REQUEST

    run(scenario)


@pytest.mark.parametrize("version", versions(37))
def test_create_partitions(version):
    async def scenario():
        world = await with_topic()
        wanted = [
            CreatePartitionsTopic("t", 5, None),
            CreatePartitionsTopic("nope", 5, None),
            CreatePartitionsTopic("u", 5, None),
            CreatePartitionsTopic("u", 6, None),
        ]
        answer = await world.ask(CreatePartitionsRequest(wanted, timeout_ms=1_000), version)
        assert {(r.name, r.error_code) for r in answer.results} == {
            ("t", 0),
            ("nope", Error.UNKNOWN_TOPIC_OR_PARTITION),
            ("u", Error.INVALID_REQUEST),
        }
        known = world.controller.topic("t")
        assert [p.group for p in world.engine.told[known.topic_id].partitions] == [1, 2, 3, 4, 5]
        shrink = CreatePartitionsRequest([CreatePartitionsTopic("t", 2, None)], timeout_ms=1_000)
        assert (await world.ask(shrink, version)).results[0].error_code == Error.INVALID_PARTITIONS

    run(scenario)


@pytest.mark.parametrize("version", versions(21))
def test_delete_records(version):
    async def scenario():
        world = await with_topic()
        group = world.controller.topic("t").groups[0]
        await world.engine.append(group, [Record(None, b"x")] * 10)

        async def delete(name, partition, offset):
            asked = DeleteRecordsTopic(name, [DeleteRecordsPartition(partition, offset)])
            (result,) = (await world.ask(DeleteRecordsRequest([asked]), version)).topics[0].partitions
            return result.error_code, result.low_watermark

        assert await delete("t", 0, 4) == (0, 4)
        assert await delete("t", 0, 2) == (0, 4)
        assert await delete("t", 0, 11) == (Error.OFFSET_OUT_OF_RANGE, -1)
        assert await delete("t", 0, -2) == (Error.OFFSET_OUT_OF_RANGE, -1)
        assert await delete("t", 0, -1) == (0, 10)
        assert await delete("t", 9, 0) == (Error.UNKNOWN_TOPIC_OR_PARTITION, -1)
        assert await delete("nope", 0, 0) == (Error.UNKNOWN_TOPIC_OR_PARTITION, -1)
        await world.controller.ensure_internal_topic("__consumer_offsets")
        assert await delete("__consumer_offsets", 0, 0) == (Error.INVALID_TOPIC_EXCEPTION, -1)
        compacted = CreatableTopic("c", 1, 1, configs=[CreatableTopicConfig("cleanup.policy", "compact")])
        await world.ask(CreateTopicsRequest([compacted], timeout_ms=1_000), 7)
        assert await delete("c", 0, 0) == (Error.POLICY_VIOLATION, -1)

    run(scenario)


@pytest.mark.parametrize("version", versions(23))
def test_offset_for_leader_epoch(version):
    async def scenario():
        world = await with_topic()
        await world.engine.append(world.controller.topic("t").groups[0], [Record(None, b"x")] * 3)
        asked = [
            OffsetForLeaderPartition(0, -1, 0),
            OffsetForLeaderPartition(0, -1, 7),
            OffsetForLeaderPartition(0, 5, 0),
            OffsetForLeaderPartition(8, -1, 0),
        ]
        answer = await world.ask(OffsetForLeaderEpochRequest(-1, [OffsetForLeaderTopic("t", asked)]), version)
        assert [(p.error_code, p.leader_epoch, p.end_offset) for p in answer.topics[0].partitions] == [
            (0, 0, 3),
            (0, -1, -1),
            (Error.UNKNOWN_LEADER_EPOCH, -1, -1),
            (Error.UNKNOWN_TOPIC_OR_PARTITION, -1, -1),
        ]

    run(scenario)


@pytest.mark.parametrize("version", versions(35))
def test_describe_log_dirs(version, tmp_path):
    async def scenario():
        world = await with_topic(settings={"log.dirs": str(tmp_path)})
        await world.engine.append(world.controller.topic("t").groups[1], [Record(None, b"x" * 50)])
        (result,) = (await world.ask(DescribeLogDirsRequest(None), version)).results
        assert result.log_dir == str(tmp_path)
        (topic,) = result.topics
        assert [p.partition_size for p in topic.partitions] == [0, 50, 0]
        if version >= 4:
            assert result.total_bytes >= result.usable_bytes > 0
        asked = [DescribableLogDirTopic("t", [1, 9]), DescribableLogDirTopic("nope", [0])]
        (result,) = (await world.ask(DescribeLogDirsRequest(asked), version)).results
        assert [(t.name, [p.partition_index for p in t.partitions]) for t in result.topics] == [("t", [1])]

    run(scenario)


def test_describe_producers():
    async def scenario():
        world = await with_topic()
        from headrace.engine.port import ProducerInfo

        log = world.engine.logs[world.controller.topic("t").groups[0]]
        log.producers.append(ProducerInfo(7, 1, 9, 1000, -1, -1))
        request = DescribeProducersRequest([TopicRequest("t", [0, 9])])
        first, second = (await world.ask(request, 0)).topics[0].partitions
        (producer,) = first.active_producers
        assert (producer.producer_id, producer.last_sequence, producer.current_txn_start_offset) == (7, 9, -1)
        assert second.error_code == Error.UNKNOWN_TOPIC_OR_PARTITION

    run(scenario)


def test_describe_topic_partitions_goes_page_by_page():
    async def scenario():
        world = await with_topic("b", 3)
        await world.ask(
            CreateTopicsRequest([CreatableTopic("a", 2, 1), CreatableTopic("c", 1, 1)], timeout_ms=1_000), 7
        )
        seen, cursor, pages = [], None, 0
        while True:
            request = DescribeTopicPartitionsRequest([], 2, cursor)
            answer = await world.ask(request, 0)
            seen += [(t.name, p.partition_index) for t in answer.topics for p in t.partitions]
            pages += 1
            if answer.next_cursor is None:
                break
            cursor = DescribeTopicPartitionsRequestCursor(
                answer.next_cursor.topic_name, answer.next_cursor.partition_index
            )
        assert seen == [("a", 0), ("a", 1), ("b", 0), ("b", 1), ("b", 2), ("c", 0)]
        assert pages == 3
        request = DescribeTopicPartitionsRequest([DescribedTopic("nope"), DescribedTopic("c")])
        assert [(t.name, t.error_code) for t in (await world.ask(request, 0)).topics] == [
            ("c", 0),
            ("nope", Error.UNKNOWN_TOPIC_OR_PARTITION),
        ]
        bad = DescribeTopicPartitionsRequest(
            [DescribedTopic("c")], 1, DescribeTopicPartitionsRequestCursor("c", -1)
        )
        assert (await world.ask(bad, 0)).topics[0].error_code == Error.INVALID_REQUEST

    run(scenario)


def test_a_restart_finds_everything_again():
    async def scenario():
        world = await with_topic()
        await world.ask(CreatePartitionsRequest([CreatePartitionsTopic("t", 5, None)], timeout_ms=1_000), 3)
        before = await world.ask(MetadataRequest(None), 12)
        again = await World(engine=world.engine.restarted()).open()
        assert await again.ask(MetadataRequest(None), 12) == before
        assert [p.group for p in again.engine.told[before.topics[0].topic_id].partitions] == [1, 2, 3, 4, 5]

    run(scenario)
