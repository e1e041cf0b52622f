"""The image: replaying the log gives the same one, whatever happened; snapshots too."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from headrace.config.broker import BrokerConfig
from headrace.controller import metadata_log
from headrace.controller.decide_configs import Change, ConfigChange, ResourceChange, decide_configs
from headrace.controller.decide_features import FeatureUpdate, decide_features
from headrace.controller.decide_quotas import QuotaChange, QuotaOp, decide_quotas
from headrace.controller.decide_scram import Deletion, Upsertion, decide_scram
from headrace.controller.decide_topics import (
    Defaults,
    MorePartitions,
    NewTopic,
    decide_create,
    decide_delete,
    decide_more_partitions,
)
from headrace.controller.image import METADATA_GROUP, Image, ResourceType
from headrace.controller.metadata_log import MetadataLog
from headrace.controller.record_format import read_record, write_record
from headrace.engine.fake import FakeEngine
from headrace.model.errors import Error, Refusal
from headrace.model.failure import Failure
from headrace.wire.messages.metadata_records import (
    ConfigRecord,
    PartitionRecord,
    SnapshotBeginRecord,
    SnapshotEndRecord,
    TopicRecord,
)
from headrace.wire.wire_error import WireError


def content(image):
    return (
        image.topics,
        image.ids,
        image.configs,
        image.features,
        image.scram,
        image.quotas,
        image.next_group,
        image.next_producer_id,
    )


class Changes(RuleBasedStateMachine):
    """Any order of changes; every record goes through its bytes."""

    def __init__(self):
        super().__init__()
        self.image = Image()
        self.log = []
        self.config = BrokerConfig()
        self.groups_seen = set()

    def commit(self, records):
        self.log += [write_record(record) for record in records]
        for record in records:
            self.image.apply(read_record(write_record(record)))

    @rule(name=st.sampled_from(["a", "b.c", "b_c", "d", "..", ""]), partitions=st.integers(-1, 4))
    def create(self, name, partitions):
        topic_id = len(self.log).to_bytes(16, "big")
        decision = decide_create(self.image, [NewTopic(name, partitions)], [topic_id], Defaults(1, 2, 1))
        self.commit(decision.records)
        for result in decision.results:
            if result.topic:
                assert self.groups_seen.isdisjoint(result.topic.groups), "a group number is never reused"
                self.groups_seen |= set(result.topic.groups)
                assert self.image.topics[name] == result.topic

    @rule(name=st.sampled_from(["a", "b.c", "d"]))
    def delete(self, name):
        topics = [self.image.topics[name]] if name in self.image.topics else []
        self.commit(decide_delete(self.image, topics).records)

    @rule(name=st.sampled_from(["a", "b.c", "d"]), total=st.integers(0, 6))
    def grow(self, name, total):
        decision = decide_more_partitions(self.image, [MorePartitions(name, total)], 1)
        self.commit(decision.records)
        if not decision.results[0].error:
            assert len(self.image.topics[name].partitions) == total

    @rule(
        name=st.sampled_from(["a", "d"]),
        change=st.sampled_from([Change.SET, Change.DELETE]),
        value=st.sampled_from(["1", "2"]),
    )
    def configure(self, name, change, value):
        resource = ResourceChange(ResourceType.TOPIC, name, [ConfigChange("retention.ms", change, value)])
        self.commit(decide_configs(self.image, self.config, 1, [resource]).records)

    @rule(level=st.integers(0, 1), user=st.sampled_from(["a", None]), rate=st.sampled_from([None, 1.0, 2.0]))
    def administer(self, level, user, rate):
        update = FeatureUpdate("share.version", level, 1 if level else 2)
        self.commit(decide_features(self.image, self.config, 1, [update]))
        change = QuotaChange((("user", user),), [QuotaOp("producer_byte_rate", rate)])
        self.commit(decide_quotas(self.image, [change], ()).records)
        stored = Upsertion("a", 1 + level, 4096, b"salt", b"salted")
        self.commit(decide_scram(self.image, [], [stored]).records)
        self.commit(decide_scram(self.image, [Deletion("a", 1)], []).records)

    @rule()
    def snapshot(self):
        begin = SnapshotBeginRecord(self.image.next_group, self.image.next_producer_id)
        before = content(self.image)
        fresh = Image()
        for record in [begin, *self.image.records(), SnapshotEndRecord(True)]:
            fresh.apply(read_record(write_record(record)))
        assert content(fresh) == before

    @invariant()
    def replaying_gives_the_same(self):
        fresh = Image()
        for line in self.log:
            fresh.apply(read_record(line))
        assert content(fresh) == content(self.image)
        assert set(self.image.topics) == {topic.name for topic in self.image.ids.values()}
        assert all(group < self.image.next_group for group in self.groups_seen)


Changes.TestCase.settings = settings(max_examples=50, stateful_step_count=20, deadline=None)
TestChanges = Changes.TestCase


def test_an_unfinished_snapshot_counts_for_nothing():
    image = Image()
    image.apply(TopicRecord("a", b"a" * 16))
    image.apply(SnapshotBeginRecord(5, 6))
    image.apply(TopicRecord("b", b"b" * 16))
    assert image.in_snapshot
    assert list(image.topics) == ["a"]
    image.apply(SnapshotEndRecord(complete=False))
    assert list(image.topics) == ["a"]
    assert image.next_group == 1


@pytest.mark.parametrize(
    "data", [b"", b"\x02\x02\x00", b"\x01\x7f\x00", b"\x01\x02\x07", b"\x01\x02\x00\x05"]
)
def test_a_record_that_is_not_ours_is_refused(data):
    with pytest.raises(WireError):
        read_record(data)


def test_records_have_the_frame_of_kafkas_metadata_log():
    assert write_record(TopicRecord("t", bytes(16)))[:3] == b"\x01\x02\x00"
    assert write_record(ConfigRecord(2, "t", "k", "v"))[:3] == b"\x01\x04\x00"
    partition = read_record(write_record(PartitionRecord(partition_id=3, topic_id=b"x" * 16, group=99)))
    assert partition.group == 99


def opened(snapshot_records=metadata_log.SNAPSHOT_RECORDS, engine=None):
    engine = engine or FakeEngine()
    engine.create(METADATA_GROUP)
    return engine, MetadataLog(engine, snapshot_records)


def test_a_snapshot_shortens_the_log_and_loses_nothing():
    async def scenario():
        engine, log = opened(snapshot_records=10)
        await log.load()
        for number in range(25):
            await log.append([TopicRecord(f"t{number}", number.to_bytes(16, "big"))])
            await log.snapshot_if_due()
        before = content(log.image)
        assert engine.logs[METADATA_GROUP].start > 0
        _, again = opened(engine=engine.restarted())
        await again.load()
        assert content(again.image) == before

    asyncio.run(scenario())


def test_a_start_after_a_snapshot_does_not_write_it_again():
    async def scenario():
        engine, log = opened(snapshot_records=10)
        await log.load()
        await log.append([TopicRecord(f"t{number}", number.to_bytes(16, "big")) for number in range(20)])
        await log.snapshot_if_due()
        engine, again = opened(snapshot_records=10, engine=engine.restarted())
        await again.load()
        end = engine.logs[METADATA_GROUP].end
        await again.snapshot_if_due()
        assert engine.logs[METADATA_GROUP].end == end

    asyncio.run(scenario())


def test_a_snapshot_cut_by_a_crash_is_closed_at_the_next_start():
    async def scenario():
        engine, log = opened()
        await log.load()
        await log.append([TopicRecord("a", b"a" * 16)])
        await log.append([SnapshotBeginRecord(9, 9)])
        engine, again = opened(engine=engine.restarted())
        await again.load()
        assert not again.image.in_snapshot
        await again.append([TopicRecord("b", b"b" * 16)])
        _, third = opened(engine=engine.restarted())
        await third.load()
        assert list(third.image.topics) == ["a", "b"]

    asyncio.run(scenario())


def test_after_a_refused_append_nothing_is_written_before_the_log_is_read_again():
    async def scenario():
        engine, log = opened()
        await log.load()
        engine.refuse(Error.KAFKA_STORAGE_ERROR)
        with pytest.raises(Refusal):
            await log.append([TopicRecord("a", b"a" * 16)])
        assert not log.image.topics
        assert log.stale
        version = log.image.version
        await log.load()
        await log.append([TopicRecord("b", b"b" * 16)])
        assert list(log.image.topics) == ["b"]
        assert log.image.version > version

    asyncio.run(scenario())


def test_rot_in_the_log_is_said_in_one_sentence():
    async def scenario():
        engine, log = opened()
        from headrace.engine.port import Record

        await engine.append(METADATA_GROUP, [Record(None, b"\x01\xff\x7f\x00")])
        with pytest.raises(Failure, match="unknown key"):
            await log.load()

    asyncio.run(scenario())


def test_many_records_at_once_come_to_the_same_as_each_by_itself():
    ids = [number.to_bytes(16, "big") for number in range(1, 4)]
    wanted = [NewTopic("a", 3), NewTopic("b", 1, configs={"retention.ms": "5"}), NewTopic("c.d", 7)]
    records = list(decide_create(Image(), wanted, ids, Defaults(1, 1, 1)).records)
    records += decide_more_partitions(applied(records), [MorePartitions("a", 9)], 1).records
    records += decide_delete(applied(records), [applied(records).topics["b"]]).records
    one_by_one, together = applied(records), Image()
    together.apply_all(records)
    assert vars(together) == vars(one_by_one)
    snapshot = [SnapshotBeginRecord(one_by_one.next_group, 0), *one_by_one.records(), SnapshotEndRecord(True)]
    together.apply_all(snapshot)
    for record in snapshot:
        one_by_one.apply(record)
    assert vars(together) == vars(one_by_one)


def test_a_fork_leaves_readers_what_they_have():
    records = decide_create(Image(), [NewTopic("a", 3)], [b"a" * 16], Defaults(1, 1, 1)).records
    image = applied(records)
    before = dict(vars(image))
    topics = dict(image.topics)
    fork = image.fork()
    assert vars(fork) == vars(image)
    fork.apply_all(decide_more_partitions(image, [MorePartitions("a", 5)], 1).records)
    fork.apply_all(decide_create(image, [NewTopic("b", 1)], [b"b" * 16], Defaults(1, 1, 1)).records)
    fork.apply_all(decide_delete(fork, [fork.topics["a"]]).records)
    assert (list(fork.topics), fork.colliding("a")) == (["b"], None)
    assert vars(image) == before
    assert image.topics == topics
    assert len(image.topics["a"].partitions) == 3


def applied(records):
    image = Image()
    for record in records:
        image.apply(record)
    return image
