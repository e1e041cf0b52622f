"""Transaction APIs from frame to frame, in every version, over a fake engine and the real controller and coordinators."""

from __future__ import annotations

import asyncio

import pytest

from headrace.controller.decide_topics import NewTopic
from headrace.engine.port import Marker, Producer
from headrace.handlers import k61_describe_producers
from headrace.handlers.call import Operation
from headrace.handlers.world import Forbid, World
from headrace.model.errors import Error
from headrace.wire.keys import BY_KEY
from headrace.wire.messages.k09_offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
)
from headrace.wire.messages.k10_find_coordinator import FindCoordinatorRequest
from headrace.wire.messages.k22_init_producer_id import InitProducerIdRequest
from headrace.wire.messages.k24_add_partitions_to_txn import (
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnTopic,
    AddPartitionsToTxnTransaction,
)
from headrace.wire.messages.k25_add_offsets_to_txn import AddOffsetsToTxnRequest
from headrace.wire.messages.k26_end_txn import EndTxnRequest
from headrace.wire.messages.k27_write_txn_markers import (
    WritableTxnMarker,
    WritableTxnMarkerTopic,
    WriteTxnMarkersRequest,
)
from headrace.wire.messages.k28_txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)
from headrace.wire.messages.k61_describe_producers import DescribeProducersRequest, TopicRequest
from headrace.wire.messages.k65_describe_transactions import DescribeTransactionsRequest
from headrace.wire.messages.k66_list_transactions import ListTransactionsRequest

ID = "pay"
GROUP = "readers"
TOPIC = "orders"
NOBODY = 999_999


def versions(key):
    return range(BY_KEY[key].low, BY_KEY[key].high + 1)


def run(scenario, *arguments):
    asyncio.run(asyncio.wait_for(scenario(*arguments), 20))


async def turns():
    for _ in range(60):
        await asyncio.sleep(0)


class Node(World):
    @classmethod
    async def begin(cls, **how):
        node = cls(**how)
        await node.open()
        await node.controller.create_topics([NewTopic(TOPIC, 3, 1)])
        await node.transactions.ensure()
        await node.groups.ensure()
        return node

    async def init(self, version=4, *, expected=(-1, -1), timeout_ms=60_000):
        request = InitProducerIdRequest(ID, timeout_ms)
        if version >= 3:
            request = InitProducerIdRequest(ID, timeout_ms, *expected)
        answer = await self.ask(request, version)
        return answer.error_code, answer.producer_id, answer.producer_epoch

    async def producer(self):
        error, *producer = await self.init()
        assert error == 0
        return tuple(producer)

    async def add(self, who, version=3, partitions=(0,), topic=TOPIC):
        request = AddPartitionsToTxnRequest([], ID, *who, [AddPartitionsToTxnTopic(topic, list(partitions))])
        answer = await self.ask(request, version)
        [found] = answer.results_by_topic_v3_and_below
        return [part.partition_error_code for part in found.results_by_partition]

    async def add_as_broker(self, who, version=5, *, verify, partitions=(0,), topic=TOPIC):
        asked = AddPartitionsToTxnTransaction(
            ID, *who, verify, [AddPartitionsToTxnTopic(topic, list(partitions))]
        )
        answer = await self.ask(AddPartitionsToTxnRequest([asked]), version)
        if answer.error_code:
            return answer.error_code
        [found] = answer.results_by_transaction
        assert found.transactional_id == ID
        return [p.partition_error_code for t in found.topic_results for p in t.results_by_partition]

    async def end(self, who, *, commit=True, version=5):
        answer = await self.ask(EndTxnRequest(ID, *who, commit), version)
        await turns()
        return answer.error_code, answer.producer_id, answer.producer_epoch

    async def commit_offset(self, who, version=5, *, member=(-1, ""), topic=TOPIC, group=GROUP, partition=0):
        topics = [TxnOffsetCommitRequestTopic(topic, [TxnOffsetCommitRequestPartition(partition, 7)])]
        member = member if version >= 3 else (-1, "")
        request = TxnOffsetCommitRequest(ID, group, *who, *member, None, topics)
        [answer] = (await self.ask(request, version)).topics
        return answer.partitions[0].error_code

    async def offset(self, *, stable=True):
        topics = [OffsetFetchRequestTopics(TOPIC, partition_indexes=[0])]
        request = OffsetFetchRequest(
            groups=[OffsetFetchRequestGroup(GROUP, topics=topics)], require_stable=stable
        )
        part = (await self.ask(request, 9)).groups[0].topics[0].partitions[0]
        return part.committed_offset, part.error_code

    async def mark(self, who, version=1, *, topic=TOPIC, partition=0, epoch=0):
        topics = [WritableTxnMarkerTopic(topic, [partition])]
        request = WriteTxnMarkersRequest([WritableTxnMarker(*who, False, topics, epoch)])
        [answer] = (await self.ask(request, version)).markers
        assert answer.producer_id == who[0]
        return answer.topics[0].partitions[0].error_code

    async def describe(self):
        [found] = (await self.ask(DescribeTransactionsRequest([ID]), 0)).transaction_states
        topics = {topic.topic: topic.partitions for topic in found.topics}
        return found.error_code, found.transaction_state, found.producer_id, found.producer_epoch, topics


@pytest.mark.parametrize("version", versions(10))
def test_a_transactional_id_has_a_coordinator(version):
    async def scenario():
        node = await Node().open()
        assert node.controller.topic("__transaction_state") is None
        if version >= 4:
            [found] = (await node.ask(FindCoordinatorRequest("", 1, [ID]), version)).coordinators
        elif version >= 1:
            found = await node.ask(FindCoordinatorRequest(ID, 1), version)
        else:
            return  # there were groups alone
        assert (found.error_code, found.node_id, found.port) == (0, 1, 9092)
        assert len(node.controller.topic("__transaction_state").partitions) == 50
        configs = next(t for t in node.engine.told.values() if t.name == "__transaction_state").configs
        assert configs["cleanup.policy"] == "compact"
        assert configs["segment.bytes"] == "104857600"
        assert configs["min.insync.replicas"] == "1"

    run(scenario)


def test_before_there_is_a_coordinator_clients_are_told_to_look_for_it():
    async def scenario():
        node = await Node().open()
        await node.controller.create_topics([NewTopic(TOPIC, 3, 1)])
        assert await node.init() == (Error.NOT_COORDINATOR, -1, -1)
        assert await node.add((1, 0)) == [Error.NOT_COORDINATOR]
        assert await node.end((1, 0)) == (Error.NOT_COORDINATOR, -1, -1)
        assert (await node.describe())[0] == Error.NOT_COORDINATOR
        assert (await node.ask(ListTransactionsRequest(), 0)).error_code == 0

    run(scenario)


@pytest.mark.parametrize("version", versions(22))
def test_init_producer_id(version):
    async def scenario():
        node = await Node.begin()
        error, producer_id, epoch = await node.init(version)
        assert (error, epoch) == (0, 0)
        assert await node.init(version) == (0, producer_id, 1)
        if version >= 3:
            assert await node.init(version, expected=(producer_id, 1)) == (0, producer_id, 2)
            fenced = Error.PRODUCER_FENCED if version >= 4 else Error.INVALID_PRODUCER_EPOCH
            assert await node.init(version, expected=(producer_id, 0)) == (fenced, -1, -1)
            assert (await node.init(version, expected=(producer_id, -1)))[0] == Error.INVALID_REQUEST
        assert (await node.init(version, timeout_ms=0))[0] == Error.INVALID_TRANSACTION_TIMEOUT
        assert (await node.init(version, timeout_ms=900_001))[0] == Error.INVALID_TRANSACTION_TIMEOUT
        empty = await node.ask(InitProducerIdRequest(""), version)
        assert empty.error_code == Error.INVALID_REQUEST

    run(scenario)


@pytest.mark.parametrize("version", range(4))
def test_add_partitions_all_or_none(version):
    async def scenario():
        node = await Node.begin()
        producer_id, epoch = await node.producer()
        who = (producer_id, epoch)
        unknown, unattempted = Error.UNKNOWN_TOPIC_OR_PARTITION, Error.OPERATION_NOT_ATTEMPTED
        assert await node.add(who, version, (0, 7, 1)) == [unattempted, unknown, unattempted]
        assert (await node.describe())[1] == "Empty"
        assert await node.add(who, version, (0, 2)) == [0, 0]
        assert await node.describe() == (0, "Ongoing", *who, {TOPIC: [0, 2]})
        fenced = Error.PRODUCER_FENCED if version >= 2 else Error.INVALID_PRODUCER_EPOCH
        assert await node.add((producer_id, epoch + 1), version) == [fenced]
        assert await node.add((NOBODY, 0), version) == [Error.INVALID_PRODUCER_ID_MAPPING]
        assert await node.add(who, version, topic="absent") == [unknown]
        for internal in ("__consumer_offsets", "__transaction_state"):
            assert await node.add(who, version, topic=internal) == [Error.TOPIC_AUTHORIZATION_FAILED]

    run(scenario)


@pytest.mark.parametrize("version", [4, 5])
def test_brokers_add_and_verify(version):
    async def scenario():
        node = await Node.begin()
        who = await node.producer()
        assert await node.add_as_broker(who, version, verify=False) == [0]
        verdicts = await node.add_as_broker(who, version, verify=True, partitions=(0, 1))
        assert verdicts == [0, Error.TRANSACTION_ABORTABLE]
        zombie = (who[0], who[1] + 1)
        assert await node.add_as_broker(zombie, version, verify=True) == [Error.PRODUCER_FENCED]
        node = Node(authorizer=Forbid(Operation.CLUSTER_ACTION))
        await node.open()
        forbidden = await node.add_as_broker((1, 0), version, verify=False)
        assert forbidden == Error.CLUSTER_AUTHORIZATION_FAILED

    run(scenario)


@pytest.mark.parametrize("version", versions(26))
def test_end(version):
    async def scenario():
        node = await Node.begin()
        producer_id, epoch = who = await node.producer()
        assert await node.end(who, version=version) == (Error.INVALID_TXN_STATE, -1, -1)
        await node.add(who)
        fenced = Error.PRODUCER_FENCED if version >= 2 else Error.INVALID_PRODUCER_EPOCH
        assert await node.end((producer_id, epoch + 1), version=version) == (fenced, -1, -1)
        ended = (0, producer_id, epoch + 1) if version >= 5 else (0, -1, -1)
        assert await node.end(who, version=version) == ended
        assert (await node.describe())[1] == "CompleteCommit"
        assert await node.end(who, version=version) == ended
        assert await node.end(who, version=version, commit=False) == (Error.INVALID_TXN_STATE, -1, -1)
        mapping = (Error.INVALID_PRODUCER_ID_MAPPING, -1, -1)
        assert await node.end((NOBODY, 0), version=version) == mapping

    run(scenario)


@pytest.mark.parametrize("version", versions(25))
def test_add_offsets(version):
    async def scenario():
        node = await Node.begin()
        producer_id, epoch = who = await node.producer()

        async def add(who):
            return (await node.ask(AddOffsetsToTxnRequest(ID, *who, GROUP), version)).error_code

        assert await add(who) == 0
        _, state, *_, topics = await node.describe()
        assert state == "Ongoing"
        assert list(topics) == ["__consumer_offsets"]
        fenced = Error.PRODUCER_FENCED if version >= 2 else Error.INVALID_PRODUCER_EPOCH
        assert await add((producer_id, epoch + 1)) == fenced

    run(scenario)


@pytest.mark.parametrize("version", versions(28))
def test_offsets_in_a_transaction(version):
    async def scenario():
        node = await Node.begin()
        producer_id, epoch = who = await node.producer()
        if version < 5:
            absent = Error.TRANSACTION_ABORTABLE if version == 4 else Error.INVALID_TXN_STATE
            assert await node.commit_offset(who, version) == absent
            assert (await node.ask(AddOffsetsToTxnRequest(ID, *who, GROUP), 3)).error_code == 0
        assert await node.commit_offset(who, version) == 0
        assert await node.offset() == (-1, Error.UNSTABLE_OFFSET_COMMIT)
        assert await node.offset(stable=False) == (-1, 0)
        zombie = (producer_id, epoch + 1)
        assert await node.commit_offset(zombie, version) == Error.INVALID_PRODUCER_EPOCH
        mapping = Error.INVALID_PRODUCER_ID_MAPPING
        assert await node.commit_offset((NOBODY, 0), version) == mapping
        unknown = Error.UNKNOWN_TOPIC_OR_PARTITION
        assert await node.commit_offset(who, version, topic="absent") == unknown
        assert await node.commit_offset(who, version, partition=9) == unknown
        assert await node.commit_offset(who, version, group="") == Error.INVALID_GROUP_ID
        if version >= 3:
            stranger = await node.commit_offset(who, version, member=(3, "m"))
            assert stranger == Error.UNKNOWN_MEMBER_ID
        assert (await node.end(who))[0] == 0
        assert await node.offset() == (7, 0)
        assert await node.commit_offset(who, version) == Error.INVALID_PRODUCER_EPOCH

    run(scenario)


@pytest.mark.parametrize("version", versions(9))
def test_every_version_that_may_ask_for_stable_offsets_is_told(version):
    async def scenario():
        node = await Node.begin()
        who = await node.producer()
        assert await node.commit_offset(who) == 0
        topic_id = node.controller.topic(TOPIC).topic_id if version >= 10 else bytes(16)
        if version >= 8:
            topics = [OffsetFetchRequestTopics("" if version >= 10 else TOPIC, topic_id, [0])]
            request = OffsetFetchRequest(
                groups=[OffsetFetchRequestGroup(GROUP, topics=topics)], require_stable=True
            )
            [group] = (await node.ask(request, version)).groups
            assert group.error_code == 0
            part = group.topics[0].partitions[0]
        else:
            topics = [OffsetFetchRequestTopic(TOPIC, [0])]
            request = OffsetFetchRequest(GROUP, topics, require_stable=version >= 7)
            part = (await node.ask(request, version)).topics[0].partitions[0]
        assert part.committed_offset == -1
        assert part.error_code == (Error.UNSTABLE_OFFSET_COMMIT if version >= 7 else 0)

    run(scenario)


@pytest.mark.parametrize("version", versions(27))
def test_markers_from_outside(version):
    async def scenario():
        node = await Node.begin()
        who = (500, 3)
        assert await node.mark(who, version, epoch=2) == 0
        assert await node.mark(who, version, epoch=1) == Error.TRANSACTION_COORDINATOR_FENCED
        assert await node.mark((500, 2), version, epoch=2) == Error.INVALID_PRODUCER_EPOCH
        assert await node.mark(who, version, partition=9) == Error.UNKNOWN_TOPIC_OR_PARTITION
        assert await node.mark(who, version, topic="absent") == Error.UNKNOWN_TOPIC_OR_PARTITION
        assert await node.mark(who, version, topic="__consumer_offsets") == 0
        assert (await node.ask(WriteTxnMarkersRequest([]), version)).markers == []
        [found] = (
            (await node.ask(DescribeProducersRequest([TopicRequest(TOPIC, [0])]), 0)).topics[0].partitions
        )
        [producer] = found.active_producers
        assert (producer.producer_id, producer.producer_epoch, producer.coordinator_epoch) == (500, 3, 2)
        assert producer.current_txn_start_offset == -1

    run(scenario)


@pytest.mark.parametrize("version", versions(66))
def test_lists(version):
    async def scenario():
        node = await Node.begin()
        who = await node.producer()
        listed = [(ID, who[0], "Empty")]

        async def ask(**filters):
            answer = await node.ask(ListTransactionsRequest(**filters), version)
            assert answer.error_code == 0
            found = [
                (t.transactional_id, t.producer_id, t.transaction_state) for t in answer.transaction_states
            ]
            return found, answer.unknown_state_filters

        assert await ask() == (listed, [])
        assert await ask(state_filters=["Empty", "Gone"]) == (listed, ["Gone"])
        assert await ask(state_filters=["Gone"]) == ([], ["Gone"])
        assert await ask(producer_id_filters=[NOBODY]) == ([], [])
        if version >= 1:
            await node.add(who)
            node.time.advance(5_000)
            assert (await ask(duration_filter=4_999))[0] != []
            assert (await ask(duration_filter=5_000))[0] == []
        if version >= 2:
            assert (await ask(transactional_id_pattern="p.y"))[0] != []
            assert (await ask(transactional_id_pattern="p."))[0] == []
            bad = await node.ask(ListTransactionsRequest(transactional_id_pattern="("), version)
            assert bad.error_code == Error.INVALID_REGULAR_EXPRESSION

    run(scenario)


def test_descriptions():
    async def scenario():
        node = await Node.begin()
        who = await node.producer()
        await node.add(who, partitions=(2, 0))
        asked = await node.ask(DescribeTransactionsRequest([ID, "absent", ""]), 0)
        errors = [found.error_code for found in asked.transaction_states]
        assert errors == [0, Error.TRANSACTIONAL_ID_NOT_FOUND, Error.INVALID_REQUEST]
        found = asked.transaction_states[0]
        assert found.transaction_timeout_ms == 60_000
        assert found.transaction_start_time_ms == node.time.now().wall_ms
        assert await node.describe() == (0, "Ongoing", *who, {TOPIC: [0, 2]})

    run(scenario)


def test_who_may_not():
    async def scenario():
        node = await Node.begin(authorizer=Forbid(Operation.WRITE, ID))
        refused = Error.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
        assert (await node.init())[0] == refused
        assert await node.add((1, 0)) == [refused]
        assert (await node.end((1, 0)))[0] == refused
        assert await node.commit_offset((1, 0)) == refused
        assert (await node.ask(AddOffsetsToTxnRequest(ID, 1, 0, GROUP), 3)).error_code == refused
        node = await Node.begin(authorizer=Forbid(Operation.DESCRIBE, ID))
        assert (await node.describe())[0] == refused
        found = await node.ask(FindCoordinatorRequest(ID, 1), 1)
        assert found.error_code == refused
        await node.producer()
        assert (await node.ask(ListTransactionsRequest(), 0)).transaction_states == []
        node = await Node.begin(authorizer=Forbid(Operation.READ, GROUP))
        who = await node.producer()
        assert await node.commit_offset(who) == Error.GROUP_AUTHORIZATION_FAILED
        added = await node.ask(AddOffsetsToTxnRequest(ID, *who, GROUP), 3)
        assert added.error_code == Error.GROUP_AUTHORIZATION_FAILED
        node = await Node.begin(authorizer=Forbid(Operation.WRITE, TOPIC))
        who = await node.producer()
        assert await node.add(who) == [Error.TOPIC_AUTHORIZATION_FAILED]

    run(scenario)


def test_verification_can_be_switched_off():
    async def scenario():
        node = await Node.begin(settings={"transaction.partition.verification.enable": "false"})
        who = await node.producer()
        assert await node.commit_offset(who, 3) == 0
        assert (await node.describe())[1] == "Empty"

    run(scenario)


@pytest.mark.parametrize(
    ("request_", "version"),
    [
        (DescribeTransactionsRequest(["unknown"] * 5_000), 0),
        (
            AddPartitionsToTxnRequest([], ID, 1, 0, [AddPartitionsToTxnTopic("unknown", list(range(5_000)))]),
            3,
        ),
        (AddPartitionsToTxnRequest([AddPartitionsToTxnTransaction(ID, 1, 0)] * 5_000), 5),
        (DescribeProducersRequest([TopicRequest(TOPIC, [0] * 5_000)]), 0),
        (
            WriteTxnMarkersRequest(
                [WritableTxnMarker(1, 0, topics=[WritableTxnMarkerTopic("t", [0] * 5_000)])]
            ),
            1,
        ),
    ],
)
def test_a_long_request_lets_others_have_their_turn(request_, version):
    async def scenario():
        node = await Node.begin()
        asked = asyncio.ensure_future(node.ask(request_, version))
        for _ in range(9):  # ten slices have nine gaps
            await asyncio.sleep(0)
            assert not asked.done()
        await asked

    run(scenario)


def test_a_short_request_makes_no_large_answer(monkeypatch):
    async def scenario():
        node = await Node.begin()
        who = await node.producer()
        assert await node.add(who) == [Error.NONE]
        partition = node.controller.topic(TOPIC).partition(0)
        await node.engine.append_marker(partition.group, Producer(*who), Marker(True, 0))
        monkeypatch.setattr(k61_describe_producers, "PRODUCERS_MAX", 3)
        answer = await node.ask(DescribeProducersRequest([TopicRequest(TOPIC, [0] * 5)]), 0)
        assert [len(part.active_producers) for part in answer.topics[0].partitions] == [1, 1, 1, 0, 0]
        errors = [part.error_code for part in answer.topics[0].partitions]
        assert errors == [0, 0, 0, Error.POLICY_VIOLATION, Error.POLICY_VIOLATION]

    run(scenario)
