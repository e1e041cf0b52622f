"""Group and offset APIs from frame to frame, in every version, over a fake engine and the real controller."""

from __future__ import annotations

import asyncio
import itertools
from types import SimpleNamespace

import pytest

from headrace.config.broker import BrokerConfig
from headrace.controller.controller import Controller
from headrace.controller.decide_topics import NewTopic
from headrace.coordinator.group.coordinators import GroupCoordinators
from headrace.coordinator.group.settings import GroupSettings
from headrace.coordinator.runtime.manual_timers import ManualTimers
from headrace.engine.fake import FakeEngine
from headrace.engine.port import Request
from headrace.handlers.call import AllowAll, NoQuotas, Services
from headrace.handlers.dispatch import Dispatcher
from headrace.model.errors import Error
from headrace.observe.metrics import Registry
from headrace.wire.codec import decode_from, encode
from headrace.wire.headers import read_response_header
from headrace.wire.messages.k08_offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
)
from headrace.wire.messages.k09_offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
    OffsetFetchResponse,
)
from headrace.wire.messages.k10_find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from headrace.wire.messages.k11_join_group import (
    JoinGroupRequest,
    JoinGroupRequestProtocol,
    JoinGroupResponse,
)
from headrace.wire.messages.k12_heartbeat import HeartbeatRequest, HeartbeatResponse
from headrace.wire.messages.k13_leave_group import LeaveGroupRequest, LeaveGroupResponse, MemberIdentity
from headrace.wire.messages.k14_sync_group import (
    SyncGroupRequest,
    SyncGroupRequestAssignment,
    SyncGroupResponse,
)
from headrace.wire.messages.k15_describe_groups import DescribeGroupsRequest, DescribeGroupsResponse
from headrace.wire.messages.k16_list_groups import ListGroupsRequest, ListGroupsResponse
from headrace.wire.messages.k42_delete_groups import DeleteGroupsRequest, DeleteGroupsResponse
from headrace.wire.messages.k47_offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
    OffsetDeleteResponse,
)

ANSWERS = {
    8: OffsetCommitResponse,
    9: OffsetFetchResponse,
    10: FindCoordinatorResponse,
    11: JoinGroupResponse,
    12: HeartbeatResponse,
    13: LeaveGroupResponse,
    14: SyncGroupResponse,
    15: DescribeGroupsResponse,
    16: ListGroupsResponse,
    42: DeleteGroupsResponse,
    47: OffsetDeleteResponse,
}
TOPIC = "orders"


class Node:
    """What `node` builds, as far as groups need it."""

    def __init__(self, engine, time):
        self.engine = engine
        self.time = time
        config = BrokerConfig({"group.initial.rebalance.delay.ms": "0"})
        addresses = engine.start()
        random = itertools.count(1)
        self.rng = lambda size: next(random).to_bytes(size, "big")
        self.controller = Controller(
            engine, config, self.rng, node_id=1, cluster_id="c" * 22, addresses=addresses
        )
        self.groups = GroupCoordinators(
            engine, self.controller, GroupSettings.of(config), time, self.rng, time
        )
        share = SimpleNamespace(forget_group=lambda _: None)
        services = Services(
            config, engine, self.controller, self.groups, None, None, share, AllowAll(), NoQuotas(), time
        )
        self.dispatcher = Dispatcher(services, Registry())
        engine.serve(self.dispatcher.receive, lambda _: None)
        self.tokens = itertools.count(1)

    @classmethod
    async def begin(cls, engine=None, time=None):
        node = cls(engine or FakeEngine(), time or ManualTimers())
        await node.controller.load()
        await node.groups.open()
        node.dispatcher.open()
        if node.controller.topic(TOPIC) is None:
            await node.controller.create_topics([NewTopic(TOPIC, 3, 1)])
        return node

    async def killed(self):
        """kill -9 and start again on what was committed."""
        node = await Node.begin(self.engine.restarted(), self.time)
        await turns()
        return node

    def send(self, request, version, client_id="app"):
        token = next(self.tokens)
        key = request.API_KEY
        body = encode(request, version)
        self.engine.receive(Request(token, key, version, token, client_id, 0, 1, "10.1.2.3", 0, body))
        return token

    async def answer(self, token, key, version):
        for _ in range(200):
            if token in self.engine.answers:
                break
            self.time.advance(0)
            await asyncio.sleep(0)
        frame = self.engine.answers[token]
        assert frame is not None, "the connection was closed"
        correlation, at = read_response_header(key, version, frame)
        assert correlation == token
        response, end = decode_from(ANSWERS[key], version, frame, at)
        assert end == len(frame)
        return response

    async def ask(self, request, version, **how):
        return await self.answer(self.send(request, version, **how), request.API_KEY, version)

    async def find(self, group):
        return await self.ask(FindCoordinatorRequest(key=group), 2)

    async def join(self, group, version, member_id="", instance=None):
        protocols = [JoinGroupRequestProtocol("range", b"m")]
        request = JoinGroupRequest(group, 10_000, 60_000, member_id, instance, "consumer", protocols)
        if version < 1:
            request.rebalance_timeout_ms = -1
        response = await self.ask(request, version)
        if response.error_code == Error.MEMBER_ID_REQUIRED:
            return await self.join(group, version, response.member_id)
        return response


async def turns():
    for _ in range(50):
        await asyncio.sleep(0)


def run(scenario, *arguments):
    asyncio.run(asyncio.wait_for(scenario(*arguments), 20))


def commit_request(
    version, group, member_id="", generation=-1, topic_id=bytes(16), offset=5, partitions=(0,)
):
    parts = [OffsetCommitRequestPartition(p, offset, -1, "note") for p in partitions]
    topic = OffsetCommitRequestTopic(
        "" if version >= 10 else TOPIC, topic_id if version >= 10 else bytes(16), parts
    )
    return OffsetCommitRequest(group, generation, member_id, None, -1, [topic])


def fetch_request(version, group, topic_id=bytes(16), partitions=(0, 1)):
    if version < 8:
        return OffsetFetchRequest(group, [OffsetFetchRequestTopic(TOPIC, list(partitions))])
    topic = OffsetFetchRequestTopics(
        "" if version >= 10 else TOPIC, topic_id if version >= 10 else bytes(16), list(partitions)
    )
    return OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group, None, -1, [topic])])


def fetched(response, version):
    topics = response.groups[0].topics if version >= 8 else response.topics
    return [
        (p.partition_index, p.committed_offset, p.metadata, p.error_code)
        for t in topics
        for p in t.partitions
    ]


SPOKEN = {
    "oldest": {11: 0, 14: 0, 12: 0, 8: 2, 9: 1, 13: 0, 15: 0, 16: 0, 42: 0},
    "aiokafka": {11: 5, 14: 3, 12: 1, 8: 3, 9: 3, 13: 1, 15: 2, 16: 2, 42: 0},
    "KafkaJS": {11: 5, 14: 3, 12: 3, 8: 5, 9: 4, 13: 3, 15: 2, 16: 2, 42: 1},
    "librdkafka": {11: 5, 14: 3, 12: 3, 8: 9, 9: 9, 13: 1, 15: 4, 16: 4, 42: 1},
    "Sarama": {11: 8, 14: 5, 12: 4, 8: 8, 9: 8, 13: 4, 15: 4, 16: 4, 42: 2},
    "Java": {11: 9, 14: 5, 12: 4, 8: 10, 9: 10, 13: 5, 15: 6, 16: 5, 42: 2},
}


@pytest.mark.parametrize("client", SPOKEN)
def test_a_consumer_from_join_to_deletion(client):
    run(consumer_life, SPOKEN[client])


async def consumer_life(v):
    node = await Node.begin()
    await node.find("g")
    topic_id = node.controller.topic(TOPIC).topic_id
    joined = await node.join("g", v[11])
    assert (joined.error_code, joined.generation_id, joined.protocol_name) == (0, 1, "range")
    assert joined.leader == joined.member_id == joined.members[0].member_id
    assert joined.member_id.startswith("app-")
    me = joined.member_id
    sync = SyncGroupRequest("g", 1, me, None, "consumer", "range", [SyncGroupRequestAssignment(me, b"all")])
    assert (await node.ask(sync, v[14])).assignment == b"all"
    assert (await node.ask(HeartbeatRequest("g", 1, me), v[12])).error_code == 0
    committed = await node.ask(commit_request(v[8], "g", me, 1, topic_id), v[8])
    assert committed.topics[0].partitions[0].error_code == 0

    node = await node.killed()
    found = await node.ask(fetch_request(v[9], "g", topic_id), v[9])
    assert fetched(found, v[9]) == [(0, 5, "note", 0), (1, -1, "", 0)]
    assert (await node.ask(HeartbeatRequest("g", 1, me), v[12])).error_code == 0
    described = (await node.ask(DescribeGroupsRequest(["g"]), v[15])).groups[0]
    assert (described.group_state, described.protocol_data) == ("Stable", "range")
    assert [(m.client_host, m.member_assignment) for m in described.members] == [("/10.1.2.3", b"all")]
    listed = await node.ask(ListGroupsRequest(), v[16])
    assert [(g.group_id, g.protocol_type) for g in listed.groups] == [("g", "consumer")]
    refused = await node.ask(DeleteGroupsRequest(["g"]), v[42])
    assert refused.results[0].error_code == Error.NON_EMPTY_GROUP

    leave = LeaveGroupRequest("g", me) if v[13] < 3 else LeaveGroupRequest("g", "", [MemberIdentity(me)])
    stranger = LeaveGroupRequest("g", "x") if v[13] < 3 else LeaveGroupRequest("g", "", [MemberIdentity("x")])
    answer = await node.ask(stranger, v[13])
    assert [answer.error_code, *(m.error_code for m in answer.members)] == ([25] if v[13] < 3 else [0, 25])
    left = await node.ask(leave, v[13])
    assert (left.error_code, [m.error_code for m in left.members]) == (0, [0] * (v[13] >= 3))
    assert (await node.ask(HeartbeatRequest("g", 1, me), v[12])).error_code == Error.UNKNOWN_MEMBER_ID
    assert (await node.ask(DeleteGroupsRequest(["g"]), v[42])).results[0].error_code == 0
    node = await node.killed()
    assert (await node.ask(ListGroupsRequest(), v[16])).groups == []


def test_every_version_can_be_spoken():
    async def scenario():
        node = await Node.begin()
        await node.find("g")
        topic_id = node.controller.topic(TOPIC).topic_id
        for version in range(10):
            joined = await node.join(f"j{version}", version)
            assert joined.error_code == 0
        for version in range(2, 11):
            done = await node.ask(commit_request(version, "s", topic_id=topic_id, offset=version), version)
            assert done.topics[0].partitions[0].error_code == 0
            assert (done.topics[0].topic_id == topic_id) is (version >= 10)
        for version in range(1, 11):
            found = await node.ask(fetch_request(version, "s", topic_id), version)
            assert fetched(found, version) == [(0, 10, "note", 0), (1, -1, "", 0)]
        for version in range(5):
            assert (await node.ask(HeartbeatRequest("x", 1, "m"), version)).error_code == 25
        for version in range(6):
            named = SyncGroupRequest("x", 1, "m", protocol_type="consumer", protocol_name="range")
            assert (await node.ask(named, version)).error_code == 25
            nameless = await node.ask(SyncGroupRequest("x", 1, "m"), version)
            assert nameless.error_code == (23 if version >= 5 else 25)
        for version in range(7):
            [group] = (await node.ask(DescribeGroupsRequest(["no"]), version)).groups
            assert group.group_state == "Dead"
            assert group.error_code == (Error.GROUP_ID_NOT_FOUND if version >= 6 else 0)
            assert (group.error_message is not None) is (version >= 6)

    run(scenario)


def test_find_coordinator_makes_the_offsets_topic_and_refuses_what_is_unknown():
    async def scenario():
        node = await Node.begin()
        assert node.controller.topic("__consumer_offsets") is None
        for version in range(7):
            if version < 4:
                found = await node.ask(FindCoordinatorRequest(key="g"), version)
                assert (found.error_code, found.node_id, found.port) == (0, 1, 9092)
                assert found.error_message == ("NONE" if version else "")  # as Kafka says it
            else:
                found = await node.ask(FindCoordinatorRequest(coordinator_keys=["g", "h"]), version)
                assert [(c.key, c.node_id, c.error_code, c.error_message) for c in found.coordinators] == [
                    ("g", 1, 0, ""),
                    ("h", 1, 0, ""),
                ]
        assert len(node.controller.topic("__consumer_offsets").partitions) == 50
        for key_type, explained in ((2, False), (9, True)):
            [answer] = (await node.ask(FindCoordinatorRequest("", key_type, ["t"]), 6)).coordinators
            assert answer.error_code == Error.INVALID_REQUEST
            assert bool(answer.error_message) is explained
            assert answer.node_id == -1

    run(scenario)


def test_before_the_offsets_topic_exists_clients_are_told_to_look_for_the_coordinator():
    async def scenario():
        node = await Node.begin()
        assert (await node.join("g", 5)).error_code == Error.NOT_COORDINATOR
        v1 = await node.ask(fetch_request(1, "g"), 1)
        assert fetched(v1, 1) == [(0, -1, "", Error.NOT_COORDINATOR), (1, -1, "", Error.NOT_COORDINATOR)]
        v5 = await node.ask(fetch_request(5, "g"), 5)
        assert (v5.error_code, v5.topics) == (Error.NOT_COORDINATOR, [])
        v8 = await node.ask(fetch_request(8, "g"), 8)
        assert v8.groups[0].error_code == Error.NOT_COORDINATOR
        committed = await node.ask(commit_request(8, "g", partitions=(0, 1)), 8)
        assert [p.error_code for p in committed.topics[0].partitions] == [Error.NOT_COORDINATOR] * 2
        assert (await node.ask(ListGroupsRequest(), 4)).groups == []

    run(scenario)


def test_offsets_of_unknown_places_and_deleted_topics():
    async def scenario():
        node = await Node.begin()
        await node.find("g")
        request = commit_request(8, "g", partitions=(0, 3, -1))
        request.topics.append(
            OffsetCommitRequestTopic("nowhere", partitions=[OffsetCommitRequestPartition(0, 1)])
        )
        done = await node.ask(request, 8)
        outcomes = [(t.name, [(p.partition_index, p.error_code) for p in t.partitions]) for t in done.topics]
        assert outcomes == [(TOPIC, [(3, 3), (-1, 3), (0, 0)]), ("nowhere", [(0, 3)])], (
            "refused first, as Kafka"
        )
        nothing = commit_request(8, "g", partitions=())
        assert (await node.ask(nothing, 8)).topics == []
        strange = await node.ask(commit_request(10, "g", topic_id=b"x" * 16), 10)
        assert strange.topics[0].partitions[0].error_code == Error.UNKNOWN_TOPIC_ID
        everything = await node.ask(OffsetFetchRequest("g", None), 5)
        assert fetched(everything, 5) == [(0, 5, "note", 0)]

        parts = [OffsetDeleteRequestPartition(p) for p in (1, 9)]
        delete = OffsetDeleteRequest("g", [OffsetDeleteRequestTopic(TOPIC, parts)])
        (forgotten,) = (await node.ask(delete, 0)).topics
        assert [(p.partition_index, p.error_code) for p in forgotten.partitions] == [(9, 3), (1, 0)]
        assert (await node.ask(OffsetDeleteRequest("no"), 0)).error_code == Error.GROUP_ID_NOT_FOUND

        await node.controller.delete_topics([node.controller.topic(TOPIC)])
        await turns()
        assert fetched(await node.ask(OffsetFetchRequest("g", None), 5), 5) == []
        node = await node.killed()
        assert fetched(await node.ask(OffsetFetchRequest("g", None), 5), 5) == []

    run(scenario)


def test_list_filters_ignore_case():
    async def scenario():
        node = await Node.begin()
        await node.find("g")
        await node.join("g", 3)
        await node.ask(commit_request(8, "s"), 8)
        empty = await node.ask(ListGroupsRequest(["eMPTY"]), 4)
        assert [(g.group_id, g.group_state) for g in empty.groups] == [("s", "Empty")]
        typed = await node.ask(ListGroupsRequest([], ["Classic"]), 5)
        assert [(g.group_id, g.group_type) for g in typed.groups] == [("g", "classic"), ("s", "classic")]
        assert (await node.ask(ListGroupsRequest([], ["share"]), 5)).groups == []

    run(scenario)


def test_a_parked_join_is_answered_when_the_node_stops():
    async def scenario():
        node = await Node.begin()
        await node.find("g")
        await node.join("g", 3)
        parked = node.send(
            JoinGroupRequest("g", 10_000, 60_000, "", None, "consumer", [JoinGroupRequestProtocol("range")]),
            3,
        )
        await turns()
        assert parked not in node.engine.answers
        await node.groups.close()
        response = await node.answer(parked, 11, 3)
        assert response.error_code == Error.COORDINATOR_NOT_AVAILABLE
        assert (await node.ask(HeartbeatRequest("g", 1, "m"), 0)).error_code == Error.NOT_COORDINATOR

    run(scenario)


def test_a_client_without_a_name():
    async def scenario():
        node = await Node.begin()
        await node.find("g")
        request = JoinGroupRequest("g", 10_000, 60_000, "", None, "p", [JoinGroupRequestProtocol("x")])
        response = await node.ask(request, 5, client_id=None)
        assert response.error_code == Error.MEMBER_ID_REQUIRED
        assert response.member_id.startswith("-")

    run(scenario)


def test_names_that_could_never_be_stored_are_refused():
    async def scenario():
        node = await Node.begin()
        await node.find("g")
        long = "x" * 40_000
        assert (await node.join(long, 9)).error_code == Error.INVALID_GROUP_ID
        assert (await node.join("g", 9, instance=long)).error_code == Error.INVALID_REQUEST
        request = JoinGroupRequest("g", 10_000, 60_000, "", None, "p", [JoinGroupRequestProtocol("x")])
        assert (await node.ask(request, 5, client_id="c" * 32_767)).error_code == Error.INVALID_REQUEST
        committed = await node.ask(commit_request(8, long), 8)
        assert committed.topics[0].partitions[0].error_code == Error.INVALID_GROUP_ID
        assert (await node.join("g", 3)).error_code == 0

    run(scenario)
