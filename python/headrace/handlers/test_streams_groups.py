"""StreamsGroupHeartbeat and StreamsGroupDescribe from frame to frame, and what other APIs say of streams groups."""

from __future__ import annotations

import pytest

from headrace.controller.image import ResourceType
from headrace.handlers.call import Operation
from headrace.handlers.test_topics import run, with_topic
from headrace.handlers.world import Forbid
from headrace.model.errors import Error
from headrace.wire.codec import encode
from headrace.wire.messages.k08_offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from headrace.wire.messages.k10_find_coordinator import FindCoordinatorRequest
from headrace.wire.messages.k11_join_group import JoinGroupRequest, JoinGroupRequestProtocol
from headrace.wire.messages.k15_describe_groups import DescribeGroupsRequest
from headrace.wire.messages.k16_list_groups import ListGroupsRequest
from headrace.wire.messages.k42_delete_groups import DeleteGroupsRequest
from headrace.wire.messages.k88_streams_group_heartbeat import (
    CopartitionGroup,
    KeyValue,
    StreamsGroupHeartbeatRequest,
    StreamsGroupHeartbeatRequestTaskIds,
    Subtopology,
    TaskOffset,
    TopicInfo,
    Topology,
)
from headrace.wire.messages.k89_streams_group_describe import StreamsGroupDescribeRequest

NO_DELAY = {"group.streams.initial.rebalance.delay.ms": "0"}


def word_count(**more):
    """Lines of `in` become words in `words`, which are counted into a store with the changelog `counts`."""
    counts = TopicInfo("counts", topic_configs=[KeyValue("cleanup.policy", "compact")])
    parts = [
        Subtopology("0", ["in"], repartition_sink_topics=["words"]),
        Subtopology("1", [], repartition_source_topics=[TopicInfo("words")], state_changelog_topics=[counts]),
    ]
    return Topology(more.get("epoch", 0), parts)


def join(member="a", topology=None, **more):
    request = StreamsGroupHeartbeatRequest(
        group_id="app",
        member_id=member,
        rebalance_timeout_ms=1_000,
        topology=topology or word_count(),
        active_tasks=[],
        standby_tasks=[],
        warmup_tasks=[],
        process_id="p",
        client_tags=[],
    )
    for name, value in more.items():
        setattr(request, name, value)
    return request


def stay(epoch, member="a"):
    return StreamsGroupHeartbeatRequest("app", member, epoch)


async def with_input(settings=None, **options):
    world = await with_topic("in", 2, NO_DELAY | (settings or {}), **options)
    await world.ask(FindCoordinatorRequest(coordinator_keys=["app"]), 4)
    return world


def tasks(ids):
    return {(found.subtopology_id, part) for found in ids for part in found.partitions}


async def describe(world):
    (group,) = (await world.ask(StreamsGroupDescribeRequest(["app"], True), 0)).groups
    return group


def test_a_program_begins_gets_its_internal_topics_and_its_tasks():
    async def scenario():
        world = await with_input()
        answer = await world.ask(join(), 0)
        assert (answer.error_code, answer.member_epoch, answer.active_tasks) == (0, 2, [])
        assert [(s.status_code, s.status_detail) for s in answer.status] == [
            (3, "Internal topics are missing: counts, words")
        ]
        for name in ("words", "counts"):
            assert len(world.controller.topic(name).partitions) == 2
        assert world.controller.image.config_of(ResourceType.TOPIC, "counts") == {"cleanup.policy": "compact"}
        answer = await world.ask(stay(2), 0)
        assert answer.status == []
        assert tasks(answer.active_tasks) == {("0", 0), ("0", 1), ("1", 0), ("1", 1)}
        group = await describe(world)
        assert (group.group_state, group.group_epoch, group.assignment_epoch) == ("Stable", 3, 3)
        assert group.authorized_operations > 0
        words = group.topology.subtopologies[1].repartition_source_topics[0]
        assert (words.name, words.partitions) == ("words", 2)
        (member,) = group.members
        assert (member.process_id, member.client_id, member.client_host) == ("p", "me", "/127.0.0.1")
        assert tasks(member.assignment.active_tasks) == tasks(member.target_assignment.active_tasks)

    run(scenario)


def test_topics_that_cannot_be_made_are_told():
    async def scenario():
        world = await with_input(authorizer=Forbid(Operation.CREATE, "kafka-cluster", "counts"))
        answer = await world.ask(join(), 0)
        detail = "Internal topics are missing: counts, words; Unauthorized to CREATE on topics counts."
        assert [s.status_detail for s in answer.status] == [detail]
        assert world.controller.topic("words") is None
        world = await with_input()
        topology = word_count()
        topology.subtopologies[1].state_changelog_topics[0].topic_configs = [
            KeyValue("cleanup.policy", "no such")
        ]
        answer = await world.ask(join(topology=topology), 0)
        assert "; Creation failed: counts (" in answer.status[0].status_detail
        assert world.controller.topic("words") is not None, "the others are made"

    run(scenario)


def bad_requests():
    ids = [StreamsGroupHeartbeatRequestTaskIds("0", [0])]
    regex = Topology(0, [Subtopology("0", [], ["in.*"])])
    changelog = word_count()
    changelog.subtopologies[1].state_changelog_topics[0].partitions = 3
    twice = Topology(0, [Subtopology("0", ["in"]), Subtopology("0", ["in"])])
    no_source = Topology(0, [Subtopology("0")])
    loop = Topology(
        0, [Subtopology("0", [], [], [], ["words"], [TopicInfo("words")], [CopartitionGroup([], [], [0])])]
    )
    invalid, topology = Error.INVALID_REQUEST, Error.STREAMS_INVALID_TOPOLOGY
    return [
        (join(instance_id="i"), invalid, "Static membership is not yet supported."),
        (join(task_offsets=[TaskOffset("0", 0, 0)]), invalid, "TaskOffsets are not supported yet."),
        (join(task_end_offsets=[]), invalid, "TaskEndOffsets are not supported yet."),
        (join(warmup_tasks=ids), invalid, "WarmupTasks are not supported yet."),
        (
            join(topology=regex),
            invalid,
            "Regular expressions for source topics are not supported yet.",
        ),
        (join(member=" "), invalid, "MemberId can't be empty."),
        (join(group_id=""), invalid, "GroupId can't be empty."),
        (join(rack_id=""), invalid, "RackId can't be empty."),
        (
            join(rebalance_timeout_ms=-1),
            invalid,
            "RebalanceTimeoutMs must be provided in first request.",
        ),
        (join(active_tasks=None), invalid, "ActiveTasks must be empty when (re-)joining."),
        (join(standby_tasks=ids), invalid, "StandbyTasks must be empty when (re-)joining."),
        (join(warmup_tasks=None), invalid, "WarmupTasks must be empty when (re-)joining."),
        (
            join(topology=changelog),
            topology,
            "Changelog topic counts must have an undefined partition count, but it is set to 3.",
        ),
        (join(topology=twice), topology, "Subtopology ids must be unique."),
        (join(topology=no_source), topology, "No source topics found for subtopology 0"),
        (
            join(topology=loop),
            topology,
            "Failed to compute number of partitions for all repartition topics. There may be loops in the topology that "
            "cannot be resolved.",
        ),
        (
            join(topology=Topology(0, [Subtopology("0", ["__consumer_offsets"])])),
            topology,
            "Use of Kafka internal topics __consumer_offsets in a Kafka Streams topology is prohibited.",
        ),
        (
            join(topology=Topology(0, [Subtopology("0", ["a b", "in"])])),
            topology,
            "Topic names a b are not valid topic names.",
        ),
        (
            join(topology=word_count(epoch=-1)),
            Error.STREAMS_INVALID_TOPOLOGY_EPOCH,
            "Topology epoch must be non-negative.",
        ),
        (stay(-2), invalid, "InstanceId can't be null."),
        (stay(-3), invalid, "MemberEpoch is -3, but must be greater than or equal to -2."),
        (
            join(member_epoch=3, topology=None, warmup_tasks=None),
            invalid,
            "If one task-type is non-null, all must be non-null.",
        ),
        (join(member_epoch=3), invalid, "Topology can only be provided when (re-)joining."),
        (stay(3), Error.GROUP_ID_NOT_FOUND, "Streams group app not found."),
        (stay(-1), Error.GROUP_ID_NOT_FOUND, "Group app not found."),
        (join(member="m" * 40_000), invalid, "A text of the request is too long to be stored."),
    ]


@pytest.mark.parametrize(("request_", "error", "message"), bad_requests())
def test_bad_requests_are_refused_in_kafkas_words(request_, error, message):
    async def scenario():
        world = await with_input()
        answer = await world.ask(request_, 0)
        assert (Error(answer.error_code), answer.error_message) == (error, message)
        assert (await world.ask(ListGroupsRequest(), 5)).groups == [], "nothing comes of it"

    run(scenario)


def test_the_operator_can_switch_the_protocol_off():
    async def scenario():
        world = await with_input({"group.coordinator.rebalance.protocols": "classic,consumer"})
        assert (await world.ask(join(), 0)).error_code == Error.UNSUPPORTED_VERSION
        assert (await describe(world)).error_code == Error.UNSUPPORTED_VERSION

    run(scenario)


def test_who_may_not_is_refused():
    async def scenario():
        world = await with_input(authorizer=Forbid(Operation.READ, "app"))
        assert (await world.ask(join(), 0)).error_code == Error.GROUP_AUTHORIZATION_FAILED
        world = await with_input(authorizer=Forbid(Operation.DESCRIBE, "words"))
        assert (await world.ask(join(), 0)).error_code == Error.TOPIC_AUTHORIZATION_FAILED
        world = await with_input(authorizer=Forbid(Operation.DESCRIBE, "app"))
        assert (await describe(world)).error_code == Error.GROUP_AUTHORIZATION_FAILED

    run(scenario)


def test_other_apis_know_the_group_as_what_it_is():
    async def scenario():
        world = await with_input()
        await world.ask(join(), 0)
        answer = await world.ask(stay(2), 0)
        (listed,) = (await world.ask(ListGroupsRequest(types_filter=["Streams"]), 5)).groups
        assert (listed.group_id, listed.protocol_type, listed.group_state, listed.group_type) == (
            "app",
            "streams",
            "Stable",
            "streams",
        )
        (classic,) = (await world.ask(DescribeGroupsRequest(["app"]), 6)).groups
        assert (classic.error_code, classic.error_message) == (
            Error.GROUP_ID_NOT_FOUND,
            "Group app is not a classic group.",
        )
        joins = JoinGroupRequest(
            "app",
            10_000,
            10_000,
            "",
            protocol_type="consumer",
            protocols=[JoinGroupRequestProtocol("r", b"")],
        )
        assert (await world.ask(joins, 5)).error_code == Error.INCONSISTENT_GROUP_PROTOCOL
        assert await committed(world, answer.member_epoch) == 0
        assert await committed(world, answer.member_epoch - 1) == Error.STALE_MEMBER_EPOCH
        assert await committed(world, answer.member_epoch + 1) == Error.STALE_MEMBER_EPOCH
        assert await committed(world, answer.member_epoch, version=8) == Error.UNSUPPORTED_VERSION
        assert await committed(world, answer.member_epoch, member="b") == Error.UNKNOWN_MEMBER_ID
        (deleted,) = (await world.ask(DeleteGroupsRequest(["app"]), 2)).results
        assert deleted.error_code == Error.NON_EMPTY_GROUP
        assert (await world.ask(stay(-1), 0)).member_epoch == -1
        (deleted,) = (await world.ask(DeleteGroupsRequest(["app"]), 2)).results
        assert deleted.error_code == 0
        assert (await describe(world)).error_message == "Group app not found."

    run(scenario)


async def committed(world, epoch, *, member="a", version=9):
    part = OffsetCommitRequestTopic("in", partitions=[OffsetCommitRequestPartition(0, 5)])
    request = OffsetCommitRequest("app", epoch, member, topics=[part])
    return (await world.ask(request, version)).topics[0].partitions[0].error_code


def test_an_older_epoch_commits_what_the_member_had_then():
    """KIP-1251: a rebalance that takes nothing from a member does not cost it its commits."""

    async def scenario():
        world = await with_input()
        await world.ask(join(), 0)
        first = await world.ask(stay(2), 0)
        await world.ask(join("b", process_id="q"), 0)
        held = {0, 1}
        while True:
            request = stay(first.member_epoch)
            request.active_tasks = [
                StreamsGroupHeartbeatRequestTaskIds(name, sorted(held)) for name in ("0", "1")
            ]
            request.standby_tasks = request.warmup_tasks = []
            answer = await world.ask(request, 0)
            if answer.member_epoch > first.member_epoch:
                break
            held = {part for name, part in tasks(answer.active_tasks) if name == "0"}
        assert held == {0}
        assert await committed(world, first.member_epoch) == 0, "partition 0 it has had since then"
        await world.ask(stay(answer.member_epoch), 0)
        part = OffsetCommitRequestTopic("in", partitions=[OffsetCommitRequestPartition(1, 5)])
        request = OffsetCommitRequest("app", first.member_epoch, "a", topics=[part])
        (topic,) = (await world.ask(request, 9)).topics
        assert topic.partitions[0].error_code == Error.STALE_MEMBER_EPOCH

    run(scenario)


def test_an_empty_group_gives_way_to_another_kind():
    async def scenario():
        world = await with_input({"group.initial.rebalance.delay.ms": "0"})
        await world.ask(join(), 0)
        await world.ask(stay(-1), 0)
        joins = JoinGroupRequest(
            "app",
            10_000,
            10_000,
            "",
            protocol_type="consumer",
            protocols=[JoinGroupRequestProtocol("r", b"")],
        )
        token = world.send(11, 3, encode(joins, 3))
        await world.ask(ListGroupsRequest(), 5)  # it has been read
        world.time.advance(1)
        assert await world.engine.answered(token)
        answer = await world.ask(join(), 0)
        assert (answer.error_code, answer.error_message) == (
            Error.GROUP_ID_NOT_FOUND,
            "Group app is not a streams group.",
        )
        (group,) = (await world.ask(ListGroupsRequest(), 5)).groups
        assert group.group_type == "classic"

    run(scenario)
