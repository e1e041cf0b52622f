"""Share groups through their handlers: join, fetch, acknowledge, leave; sessions and their errors."""

from __future__ import annotations

import asyncio

import pytest

from headrace.coordinator.share.records import ShareKey
from headrace.engine.port import Record
from headrace.handlers.world import World
from headrace.model.errors import Error
from headrace.wire.messages.k10_find_coordinator import FindCoordinatorRequest
from headrace.wire.messages.k11_join_group import JoinGroupRequest
from headrace.wire.messages.k11_join_group import JoinGroupRequestProtocol as Protocol
from headrace.wire.messages.k16_list_groups import ListGroupsRequest
from headrace.wire.messages.k19_create_topics import CreatableTopic, CreateTopicsRequest
from headrace.wire.messages.k20_delete_topics import DeleteTopicsRequest
from headrace.wire.messages.k42_delete_groups import DeleteGroupsRequest
from headrace.wire.messages.k76_share_group_heartbeat import ShareGroupHeartbeatRequest
from headrace.wire.messages.k77_share_group_describe import ShareGroupDescribeRequest
from headrace.wire.messages.k78_share_fetch import (
    AcknowledgementBatch,
    FetchPartition,
    FetchTopic,
    ForgottenTopic,
    ShareFetchRequest,
)
from headrace.wire.messages.k79_share_acknowledge import (
    AcknowledgementBatch as Batch,
)
from headrace.wire.messages.k79_share_acknowledge import (
    AcknowledgePartition,
    AcknowledgeTopic,
    ShareAcknowledgeRequest,
)
from headrace.wire.messages.k83_initialize_share_group_state import (
    InitializeShareGroupStateRequest,
    InitializeStateData,
)
from headrace.wire.messages.k83_initialize_share_group_state import PartitionData as InitializePartition
from headrace.wire.messages.k84_read_share_group_state import PartitionData as ReadPartition
from headrace.wire.messages.k84_read_share_group_state import ReadShareGroupStateRequest, ReadStateData
from headrace.wire.messages.k85_write_share_group_state import PartitionData as WritePartition
from headrace.wire.messages.k85_write_share_group_state import StateBatch as WriteBatch
from headrace.wire.messages.k85_write_share_group_state import WriteShareGroupStateRequest, WriteStateData
from headrace.wire.messages.k86_delete_share_group_state import (
    DeleteShareGroupStateRequest,
    DeleteStateData,
)
from headrace.wire.messages.k86_delete_share_group_state import PartitionData as DeletePartition
from headrace.wire.messages.k87_read_share_group_state_summary import PartitionData as SummaryPartition
from headrace.wire.messages.k87_read_share_group_state_summary import (
    ReadShareGroupStateSummaryRequest,
)
from headrace.wire.messages.k87_read_share_group_state_summary import ReadStateSummaryData as SummaryData
from headrace.wire.messages.k90_describe_share_group_offsets import (
    DescribeShareGroupOffsetsRequest,
)
from headrace.wire.messages.k90_describe_share_group_offsets import (
    DescribeShareGroupOffsetsRequestGroup as DescribedGroup,
)
from headrace.wire.messages.k90_describe_share_group_offsets import (
    DescribeShareGroupOffsetsRequestTopic as DescribedTopic,
)
from headrace.wire.messages.k91_alter_share_group_offsets import (
    AlterShareGroupOffsetsRequest,
)
from headrace.wire.messages.k91_alter_share_group_offsets import (
    AlterShareGroupOffsetsRequestPartition as AlteredPartition,
)
from headrace.wire.messages.k91_alter_share_group_offsets import (
    AlterShareGroupOffsetsRequestTopic as AlteredTopic,
)
from headrace.wire.messages.k92_delete_share_group_offsets import (
    DeleteShareGroupOffsetsRequest,
)
from headrace.wire.messages.k92_delete_share_group_offsets import (
    DeleteShareGroupOffsetsRequestTopic as DeletedTopic,
)

MEMBER = "m" * 22
ACCEPT, RELEASE, REJECT, RENEW = 1, 2, 3, 4


class Share:
    """A world with a topic, and members of a share group that fetch from it."""

    def __init__(self, **settings):
        self.world = World(settings)
        self.epochs = {}

    async def open(self, partitions=1):
        await self.world.open()
        await self.world.ask(CreateTopicsRequest(topics=[CreatableTopic("t", partitions, 1)]), 7)
        await self.world.ask(FindCoordinatorRequest(key_type=0, coordinator_keys=["g"]), 6)
        topic = self.world.controller.topic("t")
        self.topic_id, self.groups = topic.topic_id, topic.groups
        return self

    def earliest(self):
        """What a group without a stored offset begins with."""
        self.world.controller.group_config = lambda _: {"share.auto.offset.reset": "earliest"}

    async def produce(self, *values, partition=0):
        for value in values:
            await self.world.engine.append(self.groups[partition], [Record(None, value)])

    async def heartbeat(self, member=MEMBER, epoch=None, topics=("t",)):
        epoch = self.epochs.get(member, 0) if epoch is None else epoch
        names = list(topics) if topics is not None and epoch == 0 else None
        response = await self.world.ask(ShareGroupHeartbeatRequest("g", member, epoch, None, names), 1)
        if not response.error_code:
            self.epochs[member] = response.member_epoch
        return response

    async def join(self, member=MEMBER):
        """Heartbeats until it has all partitions."""
        response = await self.heartbeat(member)
        if response.assignment.topic_partitions:
            return response
        for _ in range(20):
            await asyncio.sleep(0)
        response = await self.heartbeat(member)
        assert response.assignment.topic_partitions
        return response

    async def fetch(self, epoch, member=MEMBER, acks=(), wait_ms=0, partitions=(0,), version=2, **more):
        """The only partition's answer, or None; `acks`: (first, last, types)."""
        response = await self.fetch_all(epoch, member, acks, wait_ms, partitions, version, **more)
        assert response.error_code == Error.NONE, Error(response.error_code)
        parts = [part for topic in response.responses for part in topic.partitions]
        assert len(parts) <= 1
        return parts[0] if parts else None

    async def fetch_all(self, epoch, member=MEMBER, acks=(), wait_ms=0, partitions=(0,), version=2, **more):
        acked = [AcknowledgementBatch(first, last, list(types)) for first, last, types in acks]
        parts = [FetchPartition(number, acknowledgement_batches=acked) for number in partitions]
        wants = {"min_bytes": 1, "max_bytes": 1 << 20, "max_records": 500, "batch_size": 500, **more}
        request = ShareFetchRequest(
            "g", member, epoch, wait_ms, topics=[FetchTopic(self.topic_id, parts)] if parts else [], **wants
        )
        return await self.world.ask(request, version)

    async def acknowledge(self, epoch, *acks, member=MEMBER, renew=False, version=2):
        batches = [Batch(first, last, list(types)) for first, last, types in acks]
        request = ShareAcknowledgeRequest(
            "g",
            member,
            epoch,
            is_renew_ack=renew,
            topics=[AcknowledgeTopic(self.topic_id, [AcknowledgePartition(0, batches)])],
        )
        return await self.world.ask(request, version)

    async def begin(self, member=MEMBER):
        """A session that has its share-partition loaded, at the beginning of the log."""
        self.earliest()
        await self.join(member)
        await self.fetch_all(0, member)


def acquired(part):
    return [] if part is None else [tuple(vars_of(one)) for one in part.acquired_records]


def vars_of(one):
    return one.first_offset, one.last_offset, one.delivery_count


def outcome(response):
    (part,) = response.responses[0].partitions
    return Error(part.error_code), part.error_message


def run(scenario):
    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_a_member_gets_its_partitions_once_their_states_are_kept():
    async def scenario():
        share = await Share().open(partitions=2)
        first = await share.heartbeat()
        assert (first.error_code, first.member_epoch) == (Error.NONE, 1)
        assert first.assignment.topic_partitions == []
        for _ in range(20):
            await asyncio.sleep(0)
        second = await share.heartbeat()
        assert [part.partitions for part in second.assignment.topic_partitions] == [[0, 1]]
        assert second.member_epoch == 2
        told = await share.world.share_states.summary(ShareKey("g", share.topic_id, 1))
        assert told.state.start_offset == -1
        (group,) = (await share.world.ask(ShareGroupDescribeRequest(["g"]), 1)).groups
        assert (group.group_state, group.assignor_name, len(group.members)) == ("Stable", "simple", 1)

    run(scenario)


def test_what_is_accepted_is_done_with_and_what_is_released_comes_again():
    async def scenario():
        share = await Share().open()
        await share.produce(b"a", b"b", b"c")
        await share.begin()
        part = await share.fetch(1)
        assert acquired(part) == []  # the first fetch has them all
        response = await share.acknowledge(2, (0, 0, [ACCEPT]), (1, 1, [RELEASE]), (2, 2, [REJECT]))
        assert outcome(response) == (Error.NONE, None)
        part = await share.fetch(3)
        assert acquired(part) == [(1, 1, 2)]
        assert part.records == b"b"
        part = await share.fetch(4, acks=[(1, 1, [ACCEPT])])
        assert part.acknowledge_error_code == Error.NONE
        told = await share.world.share_states.read(ShareKey("g", share.topic_id, 0), 0)
        assert told.state.start_offset == 1
        assert [tuple(batch) for batch in told.state.batches] == [(1, 1, 2, 2), (2, 2, 4, 1)]

    run(scenario)


def test_a_group_begins_with_what_comes_later_unless_it_says_otherwise():
    async def scenario():
        share = await Share().open()
        await share.produce(b"old")
        await share.join()
        assert acquired(await share.fetch(0)) == []
        await share.produce(b"new")
        assert acquired(await share.fetch(1)) == [(1, 1, 1)]

    run(scenario)


def test_a_fetch_waits_for_records_and_no_longer_than_it_says():
    async def scenario():
        share = await Share().open()
        await share.begin()
        waiting = asyncio.create_task(share.fetch(1, wait_ms=500))
        for _ in range(50):
            await asyncio.sleep(0)
        assert not waiting.done()
        await share.produce(b"x")
        assert acquired(await waiting) == [(0, 0, 1)]
        waiting = asyncio.create_task(share.fetch(2, wait_ms=500))
        for _ in range(50):
            await asyncio.sleep(0)
        assert not waiting.done()
        share.world.time.advance(500)
        assert acquired(await waiting) == []

    run(scenario)


def test_a_fetch_that_waits_is_woken_by_what_another_member_releases():
    async def scenario():
        share = await Share().open()
        await share.produce(b"x")
        other = "o" * 22
        await share.begin()
        await share.heartbeat(other)
        await share.fetch_all(0, other)
        waiting = asyncio.create_task(share.fetch(1, other, wait_ms=60_000))
        for _ in range(50):
            await asyncio.sleep(0)
        assert not waiting.done()
        await share.acknowledge(1, (0, 0, [RELEASE]))
        assert acquired(await waiting) == [(0, 0, 2)]

    run(scenario)


def test_a_lock_that_runs_out_gives_the_record_back_and_a_renewed_one_does_not():
    async def scenario():
        share = await Share().open()
        await share.produce(b"x")
        await share.begin()
        share.world.time.advance(20_000)
        response = await share.acknowledge(1, (0, 0, [RENEW]), renew=True)
        assert outcome(response) == (Error.NONE, None)
        share.world.time.advance(20_000)
        assert acquired(await share.fetch(2)) == []
        share.world.time.advance(20_000)
        for _ in range(20):
            await asyncio.sleep(0)
        assert acquired(await share.fetch(3)) == [(0, 0, 2)]

    run(scenario)


def test_a_closed_connection_releases_what_was_acquired():
    async def scenario():
        share = await Share().open()
        await share.produce(b"x")
        await share.begin()
        share.world.engine.close_connections([1])
        for _ in range(20):
            await asyncio.sleep(0)
        assert (await share.fetch_all(1)).error_code == Error.SHARE_SESSION_NOT_FOUND
        other = "o" * 22
        assert acquired(await share.fetch(0, other)) == [(0, 0, 2)]

    run(scenario)


def test_the_last_request_of_a_session_releases_what_was_acquired():
    async def scenario():
        share = await Share().open()
        await share.produce(b"x", b"y")
        await share.begin()
        part = await share.fetch(-1, acks=[(0, 0, [ACCEPT])])
        assert part.acknowledge_error_code == Error.NONE
        for _ in range(20):
            await asyncio.sleep(0)
        assert (await share.fetch_all(1)).error_code == Error.SHARE_SESSION_NOT_FOUND
        assert acquired(await share.fetch(0)) == [(1, 1, 2)]

    run(scenario)


def test_sessions_have_an_order():
    async def scenario():
        share = await Share(**{"group.share.max.share.sessions": "1"}).open()
        assert (await share.fetch_all(1)).error_code == Error.SHARE_SESSION_NOT_FOUND
        assert (await share.fetch_all(-1)).error_code == Error.SHARE_SESSION_NOT_FOUND
        assert (await share.fetch_all(0, acks=[(0, 0, [ACCEPT])])).error_code == Error.INVALID_REQUEST
        await share.begin()
        assert (await share.fetch_all(2)).error_code == Error.INVALID_SHARE_SESSION_EPOCH
        assert (await share.acknowledge(0)).error_code == Error.INVALID_SHARE_SESSION_EPOCH
        assert (await share.acknowledge(1)).error_code == Error.NONE
        assert (await share.fetch_all(1)).error_code == Error.INVALID_SHARE_SESSION_EPOCH
        assert (await share.fetch_all(2, partitions=())).error_code == Error.NONE
        refused = asyncio.create_task(share.fetch_all(0, "other", wait_ms=500))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not refused.done(), "who asks again at once would ask for ever"
        share.world.time.advance(500)
        assert (await refused).error_code == Error.SHARE_SESSION_LIMIT_REACHED
        assert (await share.fetch_all(0, "")).error_code == Error.INVALID_REQUEST
        assert (await share.fetch_all(0, "x" * 37)).error_code == Error.INVALID_REQUEST

    run(scenario)


def test_a_forgotten_partition_is_not_fetched_from():
    async def scenario():
        share = await Share().open(partitions=2)
        await share.begin()
        await share.produce(b"x")
        request = ShareFetchRequest(
            "g",
            MEMBER,
            1,
            0,
            1,
            1 << 20,
            10,
            10,
            forgotten_topics_data=[ForgottenTopic(share.topic_id, [0])],
        )
        response = await share.world.ask(request, 2)
        assert (response.error_code, response.responses) == (Error.NONE, [])

    run(scenario)


@pytest.mark.parametrize(
    ("acks", "error"),
    [
        ([(1, 0, [ACCEPT])], Error.INVALID_REQUEST),
        ([(0, 1, [])], Error.INVALID_REQUEST),
        ([(0, 1, [ACCEPT, ACCEPT, ACCEPT])], Error.INVALID_REQUEST),
        ([(0, 0, [5])], Error.INVALID_REQUEST),
        ([(0, 0, [RENEW])], Error.INVALID_REQUEST),
        ([(1, 1, [ACCEPT]), (0, 0, [ACCEPT])], Error.INVALID_REQUEST),
        ([(0, 9, [ACCEPT])], Error.INVALID_REQUEST),
        ([(7, 9, [ACCEPT])], Error.INVALID_REQUEST),
    ],
)
def test_what_cannot_be_acknowledged(acks, error):
    async def scenario():
        share = await Share().open()
        await share.produce(b"x", b"y")
        await share.begin()
        assert outcome(await share.acknowledge(1, *acks))[0] is error
        assert outcome(await share.acknowledge(2, (0, 1, [ACCEPT])))[0] is Error.NONE

    run(scenario)


def test_nobody_acknowledges_what_another_has():
    async def scenario():
        share = await Share().open()
        await share.produce(b"x", b"y")
        await share.begin()
        other = "o" * 22
        await share.fetch_all(0, other)
        response = await share.acknowledge(1, (0, 0, [ACCEPT]), member=other)
        assert outcome(response) == (Error.INVALID_RECORD_STATE, "Member is not the owner of batch record")

    run(scenario)


def test_a_restart_keeps_what_was_acknowledged_and_nothing_of_what_was_not():
    async def scenario():
        share = await Share().open()
        await share.produce(b"x", b"y", b"z")
        await share.begin()
        await share.acknowledge(1, (0, 0, [ACCEPT]), (2, 2, [RELEASE]))
        again = Share()
        again.world = World(engine=share.world.engine.restarted())
        again.earliest()
        await again.world.open()
        again.topic_id, again.groups = share.topic_id, share.groups
        part = await again.fetch(0)
        while part.error_code == Error.COORDINATOR_NOT_AVAILABLE:  # what is stored is being loaded
            part = await again.fetch(0)
        assert acquired(part) == [(1, 1, 1), (2, 2, 2)]

    run(scenario)


def test_a_deleted_topic_takes_its_share_partitions_with_it():
    async def scenario():
        share = await Share().open()
        await share.produce(b"x")
        await share.begin()
        await share.world.ask(DeleteTopicsRequest(topic_names=["t"], timeout_ms=10_000), 5)
        part = await share.fetch(1)
        assert part.error_code == Error.UNKNOWN_TOPIC_ID
        metrics = share.world.share.metrics() | share.world.share_states.metrics()
        assert metrics["headrace_share_partitions_led"] == 0
        assert metrics["headrace_share_partitions_stored"] == 0

    run(scenario)


def test_where_a_share_partition_is_kept():
    async def scenario():
        share = await Share().open()
        for key, error in [
            ("g:AAAAAAAAAAAAAAAAAAAAAQ:0", Error.NONE),
            ("g:AAAAAAAAAAAAAAAAAAAAAQ", Error.INVALID_REQUEST),
            (":AAAAAAAAAAAAAAAAAAAAAQ:0", Error.INVALID_REQUEST),
            ("g:AAAA:0", Error.INVALID_REQUEST),
            ("g:AAAAAAAAAAAAAAAAAAAAAQ:x", Error.INVALID_REQUEST),
        ]:
            request = FindCoordinatorRequest(key_type=2, coordinator_keys=[key])
            (found,) = (await share.world.ask(request, 6)).coordinators
            assert found.error_code == error, key

    run(scenario)


async def describe(share, topics=("t",), partitions=(0,)):
    asked = None if topics is None else [DescribedTopic(name, list(partitions)) for name in topics]
    request = DescribeShareGroupOffsetsRequest([DescribedGroup("g", asked)])
    (group,) = (await share.world.ask(request, 1)).groups
    assert group.error_code == Error.NONE
    return [
        (topic.topic_name, part.start_offset, part.lag, Error(part.error_code))
        for topic in group.topics
        for part in topic.partitions
    ]


async def leave(share, member=MEMBER):
    await share.fetch_all(-1, member)
    assert (await share.heartbeat(member, -1)).error_code == Error.NONE
    del share.epochs[member]


def test_how_far_a_group_is_and_how_much_is_left():
    async def scenario():
        share = await Share().open()
        await share.produce(b"x", b"y", b"z")
        await share.begin()
        assert await describe(share) == [("t", -1, -1, Error.NONE)]
        await share.acknowledge(1, (0, 0, [ACCEPT]), (2, 2, [REJECT]))
        assert await describe(share, None) == [("t", 0, 1, Error.NONE)]
        unknown = ("u", -1, -1, Error.NONE)  # as Kafka says it
        assert (await describe(share, ("u", "t")))[1] == unknown
        assert (await describe(share, ("t",), (7,))) == [("t", -1, -1, Error.NONE)]

    run(scenario)


def test_offsets_are_set_and_deleted_without_members_only():
    async def scenario():
        share = await Share().open()
        await share.produce(b"x", b"y", b"z")
        await share.begin()
        alter = AlterShareGroupOffsetsRequest(
            "g", [AlteredTopic("t", [AlteredPartition(0, 2), AlteredPartition(9, 0)])]
        )
        delete = DeleteShareGroupOffsetsRequest("g", [DeletedTopic("t"), DeletedTopic("u")])
        for request in (alter, delete):
            assert (await share.world.ask(request, 0)).error_code == Error.NON_EMPTY_GROUP
        await leave(share)
        response = await share.world.ask(alter, 0)
        (topic,) = response.responses
        errors = [Error(part.error_code) for part in topic.partitions]
        assert errors == [Error.NONE, Error.UNKNOWN_TOPIC_OR_PARTITION]
        assert await describe(share) == [("t", 2, -1, Error.NONE)]
        await share.join()
        assert acquired(await share.fetch(0)) == [(2, 2, 1)]
        await leave(share)
        response = await share.world.ask(delete, 0)
        found = {topic.topic_name: Error(topic.error_code) for topic in response.responses}
        assert found == {"t": Error.NONE, "u": Error.UNKNOWN_TOPIC_OR_PARTITION}
        assert await describe(share, None) == []
        assert share.world.share_states.metrics()["headrace_share_partitions_stored"] == 0

    run(scenario)


def test_a_deleted_group_leaves_nothing_behind():
    async def scenario():
        share = await Share().open(partitions=3)
        await share.begin()
        request = DeleteGroupsRequest(["g"])
        (result,) = (await share.world.ask(request, 2)).results
        assert result.error_code == Error.NON_EMPTY_GROUP
        await leave(share)
        (result,) = (await share.world.ask(request, 2)).results
        assert result.error_code == Error.NONE
        assert share.world.share_states.metrics()["headrace_share_partitions_stored"] == 0
        (group,) = (await share.world.ask(ShareGroupDescribeRequest(["g"]), 1)).groups
        assert (group.error_code, group.error_message) == (Error.GROUP_ID_NOT_FOUND, "Group g not found.")

    run(scenario)


def test_a_group_is_of_one_kind():
    async def scenario():
        share = await Share().open()
        await share.heartbeat()
        (listed,) = (await share.world.ask(ListGroupsRequest(), 5)).groups
        assert (listed.group_id, listed.group_type, listed.group_state) == ("g", "share", "Stable")
        response = await share.world.ask(
            JoinGroupRequest(
                "g", 30_000, 30_000, protocol_type="consumer", protocols=[Protocol("range", b"")]
            ),
            5,
        )
        assert response.error_code == Error.INCONSISTENT_GROUP_PROTOCOL

    run(scenario)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"member_id": ""}, Error.INVALID_REQUEST),
        ({"member_id": "x" * 37}, Error.INVALID_REQUEST),
        ({"group_id": " "}, Error.INVALID_REQUEST),
        ({"rack_id": ""}, Error.INVALID_REQUEST),
        ({"subscribed_topic_names": []}, Error.INVALID_REQUEST),
        ({"member_epoch": -2}, Error.INVALID_REQUEST),
        ({"member_epoch": 3, "subscribed_topic_names": None}, Error.GROUP_ID_NOT_FOUND),
        ({"member_epoch": -1, "subscribed_topic_names": None}, Error.GROUP_ID_NOT_FOUND),
    ],
)
def test_heartbeats_that_are_refused(changes, error):
    async def scenario():
        share = await Share().open()
        request = ShareGroupHeartbeatRequest("g", MEMBER, 0, None, ["t"])
        for name, value in changes.items():
            setattr(request, name, value)
        assert Error((await share.world.ask(request, 1)).error_code) is error

    run(scenario)


def test_brokers_ask_for_states_as_the_leader_does():
    async def scenario():
        share = await Share().open()
        topic = share.topic_id
        request = WriteShareGroupStateRequest(
            "g", [WriteStateData(topic, [WritePartition(0, 1, 0, 5, 1, [WriteBatch(5, 6, 2, 1)])])]
        )
        (part,) = (await share.world.ask(request, 1)).results[0].partitions
        assert Error(part.error_code) is Error.INVALID_REQUEST
        initialize = InitializeShareGroupStateRequest(
            "g", [InitializeStateData(topic, [InitializePartition(0, 1, 0)])]
        )
        assert (await share.world.ask(initialize, 0)).results[0].partitions[0].error_code == Error.NONE
        assert (await share.world.ask(request, 1)).results[0].partitions[0].error_code == Error.NONE
        read = ReadShareGroupStateRequest("g", [ReadStateData(topic, [ReadPartition(0, 0)])])
        (part,) = (await share.world.ask(read, 0)).results[0].partitions
        assert (part.state_epoch, part.start_offset, len(part.state_batches)) == (1, 5, 1)
        summary = ReadShareGroupStateSummaryRequest("g", [SummaryData(topic, [SummaryPartition(0, 0)])])
        (part,) = (await share.world.ask(summary, 1)).results[0].partitions
        assert (part.start_offset, part.delivery_complete_count) == (5, 1)
        delete = DeleteShareGroupStateRequest("g", [DeleteStateData(topic, [DeletePartition(0)])])
        assert (await share.world.ask(delete, 0)).results[0].partitions[0].error_code == Error.NONE
        (part,) = (await share.world.ask(summary, 1)).results[0].partitions
        assert part.start_offset == -1
        nothing = DeleteShareGroupStateRequest("", [DeleteStateData(topic, [DeletePartition(0)])])
        assert (await share.world.ask(nothing, 0)).results == []

    run(scenario)
