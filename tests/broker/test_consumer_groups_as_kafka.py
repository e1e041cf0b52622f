"""Consumer groups (KIP-848) as Kafka 4.2 has them; the same tests pass against both.

pytest tests/broker/test_consumer_groups_as_kafka.py --headrace-bootstrap=HOST:PORT
"""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING, Any, Final

import pytest

from headrace.client.blocking import create_topic
from headrace.model.errors import Error
from headrace.testing import Broker
from headrace.testing.plugin import topic_name
from headrace.wire.messages.k03_metadata import MetadataRequest, MetadataRequestTopic
from headrace.wire.messages.k08_offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from headrace.wire.messages.k09_offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup
from headrace.wire.messages.k10_find_coordinator import FindCoordinatorRequest
from headrace.wire.messages.k11_join_group import JoinGroupRequest, JoinGroupRequestProtocol
from headrace.wire.messages.k12_heartbeat import HeartbeatRequest
from headrace.wire.messages.k14_sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from headrace.wire.messages.k15_describe_groups import DescribeGroupsRequest
from headrace.wire.messages.k16_list_groups import ListGroupsRequest
from headrace.wire.messages.k42_delete_groups import DeleteGroupsRequest
from headrace.wire.messages.k47_offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)
from headrace.wire.messages.k68_consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatRequestTopicPartitions,
)
from headrace.wire.messages.k69_consumer_group_describe import ConsumerGroupDescribeRequest
from tests.broker.raw import Raw

if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_YET: Final = {
    Error.COORDINATOR_NOT_AVAILABLE,
    Error.COORDINATOR_LOAD_IN_PROGRESS,
    Error.NOT_COORDINATOR,
}
PARTITIONS: Final = 4
SETTLED_S_MAX: Final = 20.0


@pytest.fixture(scope="module")
def bootstrap(pytestconfig: pytest.Config) -> Iterator[str]:
    """Kafka if it is named, else our broker."""
    if named := pytestconfig.getoption("--headrace-bootstrap"):
        yield named
        return
    with Broker(settings={"group.initial.rebalance.delay.ms": "0"}) as broker:
        yield broker.bootstrap_servers


@pytest.fixture
def raw(bootstrap: str) -> Iterator[Raw]:
    with Raw(bootstrap) as connection:
        yield connection


@pytest.fixture
def topic(request: pytest.FixtureRequest, bootstrap: str) -> str:
    name = topic_name(request.node.name)
    create_topic(bootstrap, name, PARTITIONS)
    return name


class Group:
    """One group and a topic that its members read, over one connection."""

    def __init__(self, raw: Raw, topic: str) -> None:
        self.raw = raw
        self.topic = topic
        self.group_id = ""
        deadline = time.monotonic() + SETTLED_S_MAX
        while True:
            (found,) = raw.ask(MetadataRequest([MetadataRequestTopic(name=topic)]), 12).topics
            if found.error_code == Error.NONE:
                break
            assert time.monotonic() < deadline, Error(found.error_code)
        self.topic_id = bytes(found.topic_id)
        self.group_id = self._knows_topic(f"scout-{topic}")
        self.group_id = self._has_coordinator(f"group-{topic}")

    def _has_coordinator(self, group_id: str) -> str:
        request = FindCoordinatorRequest(coordinator_keys=[group_id])
        self.ask(request, 4, lambda answer: answer.coordinators[0].error_code)
        return group_id

    def _knows_topic(self, group_id: str) -> str:
        """Kafka's coordinators hear of a new topic a little later than those who ask for metadata."""
        self.group_id = self._has_coordinator(group_id)
        deadline = time.monotonic() + SETTLED_S_MAX
        while not numbers(self.beat("scout", 0)):
            assert time.monotonic() < deadline, "no coordinator hears of the topic"
        self.beat("scout", -1)
        return group_id

    def ask(self, request: Any, version: int, error: Any = lambda answer: answer.error_code) -> Any:
        """The answer, once there is a coordinator."""
        deadline = time.monotonic() + SETTLED_S_MAX
        while True:
            answer = self.raw.ask(request, version)
            if error(answer) not in NOT_YET or time.monotonic() > deadline:
                return answer

    def beat(
        self, member: str, epoch: int, owned: list[int] | None = None, version: int = 1, **more: Any
    ) -> Any:
        """A heartbeat of the new protocol; who joins says everything, unless told otherwise."""
        said: dict[str, Any] = {"group_id": self.group_id, "member_id": member, "member_epoch": epoch}
        if owned is not None:
            parts = [ConsumerGroupHeartbeatRequestTopicPartitions(self.topic_id, owned)] if owned else []
            said["topic_partitions"] = parts
        if epoch == 0:
            usual = {
                "subscribed_topic_names": [self.topic],
                "rebalance_timeout_ms": 60_000,
                "topic_partitions": [],
            }
            said = usual | said
        return self.ask(ConsumerGroupHeartbeatRequest(**(said | more)), version)

    def described(self, version: int = 1) -> Any:
        request = ConsumerGroupDescribeRequest([self.group_id])
        answer = self.ask(request, version, lambda answer: answer.groups[0].error_code)
        return answer.groups[0]

    def commit(self, member: str, epoch: int, offset: int, version: int = 9) -> Error:
        part = OffsetCommitRequestPartition(0, offset, -1)
        request = OffsetCommitRequest(
            self.group_id, epoch, member, topics=[OffsetCommitRequestTopic(self.topic, partitions=[part])]
        )

        def error(answer: Any) -> Error:
            return Error(answer.topics[0].partitions[0].error_code)

        return error(self.ask(request, version, error))

    def fetched(self, member: str | None, epoch: int) -> Any:
        request = OffsetFetchRequest(groups=[OffsetFetchRequestGroup(self.group_id, member, epoch, None)])
        return self.ask(request, 9, lambda answer: answer.groups[0].error_code).groups[0]

    def join(self, member: str, owned: list[int] | None = None) -> Any:
        """JoinGroup of a consumer, with what it owns in its metadata."""
        name = self.topic.encode()
        topics = struct.pack(">hih", 1, 1, len(name)) + name + b"\xff\xff\xff\xff"
        mine = b"\0\0\0\0"
        if owned:
            mine = struct.pack(f">ih{len(name)}si{len(owned)}i", 1, len(name), name, len(owned), *owned)
        request = JoinGroupRequest(
            self.group_id,
            30_000,
            30_000,
            member,
            None,
            "consumer",
            [JoinGroupRequestProtocol("range", topics + mine)],
        )
        return self.ask(request, 7)

    def assignment(self, *numbers: int) -> bytes:
        name = self.topic.encode()
        head = struct.pack(">hih", 1, 1, len(name)) + name
        return head + struct.pack(f">i{len(numbers)}i", len(numbers), *numbers) + b"\xff\xff\xff\xff"


def numbers(answer: Any) -> list[int] | None:
    """The partitions of the one topic that the answer assigns; None: it assigns nothing anew."""
    if answer.assignment is None:
        return None
    return sorted(number for part in answer.assignment.topic_partitions for number in part.partitions)


@pytest.fixture
def group(raw: Raw, topic: str) -> Group:
    return Group(raw, topic)


# -- joining and moving -----------------------------------------------------------------------------------------------


def test_the_first_member_gets_everything(group: Group) -> None:
    answer = group.beat("a", 0)
    assert (Error(answer.error_code), answer.member_id, answer.member_epoch) == (Error.NONE, "a", 1)
    assert answer.heartbeat_interval_ms == 5_000
    assert numbers(answer) == [0, 1, 2, 3]
    assert numbers(group.beat("a", 1)) is None
    full = group.beat("a", 1, [0, 1, 2, 3], subscribed_topic_names=[group.topic], rebalance_timeout_ms=60_000)
    assert numbers(full) == [0, 1, 2, 3]


def test_nobody_gets_what_another_has_not_given_back(group: Group) -> None:
    group.beat("a", 0)
    second = group.beat("b", 0)
    assert (second.member_epoch, numbers(second)) == (2, [])
    kept = group.beat("a", 1)
    assert (kept.member_epoch, len(numbers(kept) or ())) == (1, 2)
    assert numbers(group.beat("b", 2)) is None
    assert group.described().group_state == "Reconciling"
    assert group.beat("a", 1, numbers(kept)).member_epoch == 2
    assert sorted([*(numbers(kept) or ()), *(numbers(group.beat("b", 2)) or ())]) == [0, 1, 2, 3]
    assert group.described().group_state == "Stable"


def test_who_leaves_gives_back_at_once(group: Group) -> None:
    group.beat("a", 0)
    group.beat("b", 0)
    left = group.beat("a", -1)
    assert (Error(left.error_code), left.member_id, left.member_epoch) == (Error.NONE, "a", -1)
    assert group.described().group_state == "Assigning"
    assert numbers(group.beat("b", 2)) == [0, 1, 2, 3]
    again = group.beat("a", 5)
    assert Error(again.error_code) is Error.UNKNOWN_MEMBER_ID
    assert again.error_message == f"Member a is not a member of group {group.group_id}."


def test_a_static_member_gets_its_place_back(group: Group) -> None:
    group.beat("a", 0, instance_id="i")
    taken = group.beat("b", 0, instance_id="i")
    assert Error(taken.error_code) is Error.UNRELEASED_INSTANCE_ID
    assert taken.error_message == (
        "Static member b with instance id i cannot join the group because the instance id is owned by a member."
    )
    assert group.beat("a", -2, instance_id="i").member_epoch == -2
    back = group.beat("b", 0, instance_id="i")
    assert (back.member_id, back.member_epoch, numbers(back)) == ("b", 1, [0, 1, 2, 3])
    fenced = group.beat("a", 1, instance_id="i")
    assert Error(fenced.error_code) is Error.FENCED_INSTANCE_ID
    assert fenced.error_message == "Static member a with instance id i was fenced by member b."
    unknown = group.beat("a", 1, instance_id="j")
    assert (Error(unknown.error_code), unknown.error_message) == (
        Error.UNKNOWN_MEMBER_ID,
        "Instance id j is unknown.",
    )


def test_epochs_that_are_not_the_members_are_fenced(group: Group) -> None:
    group.beat("a", 0)
    group.beat("b", 0)
    kept = numbers(group.beat("a", 1))
    group.beat("a", 1, kept)
    assert group.beat("a", 1, kept).member_epoch == 2
    smaller = group.beat("a", 1)
    assert Error(smaller.error_code) is Error.FENCED_MEMBER_EPOCH
    assert smaller.error_message == (
        "The consumer group member has a smaller member epoch (1) than the one known by the group coordinator (2)."
        " The member must abandon all its partitions and rejoin."
    )
    greater = group.beat("a", 7, kept)
    assert greater.error_message == (
        "The consumer group member has a greater member epoch (7) than the one known by the group coordinator (2)."
        " The member must abandon all its partitions and rejoin."
    )
    assert group.beat("a", 0).member_epoch == 2


def test_range_gives_pieces_in_order(group: Group) -> None:
    group.beat("a", 0, server_assignor="range")
    group.beat("b", 0, server_assignor="range")
    assert numbers(group.beat("a", 1)) == [0, 1]
    group.beat("a", 1, [0, 1])
    assert numbers(group.beat("b", 2)) == [2, 3]
    assert group.described().assignor_name == "range"


def test_more_partitions_are_assigned_when_somebody_speaks(group: Group, bootstrap: str) -> None:
    group.beat("a", 0, subscribed_topic_names=[group.topic, f"{group.topic}-later"])
    create_topic(bootstrap, f"{group.topic}-later", 2)
    deadline = time.monotonic() + SETTLED_S_MAX
    while (answer := group.beat("a", 1)).member_epoch == 1:
        assert time.monotonic() < deadline
    assert len(numbers(answer) or ()) == PARTITIONS + 2


def test_a_regular_expression_is_matched_after_the_join(group: Group) -> None:
    more = {"subscribed_topic_names": None, "subscribed_topic_regex": group.topic[:-1] + "."}
    first = group.beat("a", 0, **more)
    assert (first.member_epoch, numbers(first)) == (1, [])
    deadline = time.monotonic() + SETTLED_S_MAX
    epoch = 1
    while (answer := group.beat("a", epoch)).assignment is None:
        epoch = answer.member_epoch
        assert time.monotonic() < deadline
    assert (answer.member_epoch, numbers(answer)) == (2, [0, 1, 2, 3])
    wrong = group.beat("b", 0, subscribed_topic_names=None, subscribed_topic_regex="(")
    assert Error(wrong.error_code) is Error.INVALID_REGULAR_EXPRESSION
    assert wrong.error_message.startswith("SubscribedTopicRegex `(` is not a valid regular expression: ")


# -- requests that are wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("epoch", "wrong", "why"),
    [
        (0, {"member_id": ""}, "MemberId can't be empty."),
        (1, {"member_id": " "}, "MemberId can't be empty."),
        (0, {"instance_id": ""}, "InstanceId can't be empty."),
        (0, {"rack_id": ""}, "RackId can't be empty."),
        (0, {"rebalance_timeout_ms": -1}, "RebalanceTimeoutMs must be provided in first request."),
        (0, {"topic_partitions": None}, "TopicPartitions must be empty when (re-)joining."),
        (
            0,
            {"subscribed_topic_names": None},
            "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.",
        ),
        (-2, {}, "InstanceId can't be null."),
        (-3, {}, "MemberEpoch is invalid."),
    ],
)
def test_what_is_wrong_is_said(group: Group, epoch: int, wrong: dict[str, Any], why: str) -> None:
    answer = group.beat("a", epoch, **wrong)
    assert (Error(answer.error_code), answer.error_message) == (Error.INVALID_REQUEST, why)


def test_an_assignor_that_is_not_there(group: Group) -> None:
    answer = group.beat("a", 0, server_assignor="best")
    assert Error(answer.error_code) is Error.UNSUPPORTED_ASSIGNOR
    assert answer.error_message == (
        "ServerAssignor best is not supported. Supported assignors: uniform, range."
    )


def test_groups_that_are_not_there(group: Group) -> None:
    beat = group.beat("a", 1)
    assert (Error(beat.error_code), beat.error_message) == (
        Error.GROUP_ID_NOT_FOUND,
        f"Consumer group {group.group_id} not found.",
    )
    leaving = group.beat("a", -1)
    assert (Error(leaving.error_code), leaving.error_message) == (
        Error.GROUP_ID_NOT_FOUND,
        f"Group {group.group_id} not found.",
    )
    found = group.described()
    assert (Error(found.error_code), found.error_message) == (
        Error.GROUP_ID_NOT_FOUND,
        f"Group {group.group_id} not found.",
    )


def test_version_0_may_leave_the_id_to_the_coordinator(group: Group) -> None:
    answer = group.beat("", 0, version=0)
    assert Error(answer.error_code) is Error.NONE
    assert len(answer.member_id) == 22
    assert group.beat(answer.member_id, 1, version=0).member_epoch == 1


# -- what others see --------------------------------------------------------------------------------------------------


def test_it_is_described_and_listed_as_a_consumer_group(group: Group) -> None:
    group.beat("a", 0, rack_id="r")
    found = group.described()
    assert (found.group_state, found.group_epoch, found.assignment_epoch) == ("Stable", 1, 1)
    assert found.assignor_name == "uniform"
    (member,) = found.members
    assert (member.member_id, member.rack_id, member.member_epoch) == ("a", "r", 1)
    assert (member.client_id, member.client_host) == ("raw", "/127.0.0.1")
    assert (member.subscribed_topic_names, member.subscribed_topic_regex) == ([group.topic], "")
    assert member.member_type == 1
    (part,) = member.assignment.topic_partitions
    assert (bytes(part.topic_id), part.topic_name, sorted(part.partitions)) == (
        group.topic_id,
        group.topic,
        [0, 1, 2, 3],
    )
    assert member.target_assignment.topic_partitions[0].topic_name == group.topic

    listed = group.ask(ListGroupsRequest(types_filter=["Consumer"]), 5).groups
    mine = [(g.protocol_type, g.group_state, g.group_type) for g in listed if g.group_id == group.group_id]
    assert mine == [("consumer", "Stable", "consumer")]
    (classic,) = group.raw.ask(DescribeGroupsRequest([group.group_id]), 6).groups
    assert (Error(classic.error_code), classic.error_message, classic.group_state) == (
        Error.GROUP_ID_NOT_FOUND,
        f"Group {group.group_id} is not a classic group.",
        "Dead",
    )


def test_it_is_deleted_when_it_is_empty(group: Group) -> None:
    group.beat("a", 0)
    group.commit("a", 1, 5)
    request = DeleteGroupsRequest([group.group_id])
    assert Error(group.raw.ask(request, 2).results[0].error_code) is Error.NON_EMPTY_GROUP
    group.beat("a", -1)
    assert group.described().group_state == "Empty"
    assert Error(group.raw.ask(request, 2).results[0].error_code) is Error.NONE
    assert Error(group.described().error_code) is Error.GROUP_ID_NOT_FOUND


# -- offsets ----------------------------------------------------------------------------------------------------------


def test_members_commit_with_their_epoch(group: Group) -> None:
    group.beat("a", 0)
    assert group.commit("a", 1, 5) is Error.NONE
    assert group.commit("a", 2, 6) is Error.STALE_MEMBER_EPOCH
    assert group.commit("b", 1, 6) is Error.UNKNOWN_MEMBER_ID
    assert group.commit("", -1, 6) is Error.UNKNOWN_MEMBER_ID
    assert group.commit("a", 1, 6, version=8) is Error.UNSUPPORTED_VERSION
    assert Error(group.fetched("a", 2).error_code) is Error.STALE_MEMBER_EPOCH
    assert Error(group.fetched("b", 1).error_code) is Error.UNKNOWN_MEMBER_ID
    for who, epoch in (("a", 1), (None, -1)):
        (found,) = group.fetched(who, epoch).topics
        assert [(p.partition_index, p.committed_offset) for p in found.partitions] == [(0, 5)]


def test_offsets_that_members_need_are_not_deleted(group: Group) -> None:
    group.beat("a", 0)
    group.commit("a", 1, 5)
    part = OffsetDeleteRequestTopic(group.topic, [OffsetDeleteRequestPartition(0)])
    answer = group.raw.ask(OffsetDeleteRequest(group.group_id, [part]), 0)
    assert Error(answer.topics[0].partitions[0].error_code) is Error.GROUP_SUBSCRIBED_TO_TOPIC
    group.beat("a", 1, subscribed_topic_names=["another"])
    answer = group.raw.ask(OffsetDeleteRequest(group.group_id, [part]), 0)
    assert Error(answer.topics[0].partitions[0].error_code) is Error.NONE


# -- both protocols ---------------------------------------------------------------------------------------------------


def test_a_classic_group_is_taken_over_and_given_back(group: Group) -> None:
    old = group.join(group.join("").member_id)
    assert old.generation_id == 1
    everything = SyncGroupRequestAssignment(old.member_id, group.assignment(0, 1, 2, 3))
    group.raw.ask(SyncGroupRequest(group.group_id, 1, old.member_id, assignments=[everything]), 4)

    new = group.beat("n", 0)
    assert (new.member_epoch, numbers(new)) == (2, [])
    listed = group.ask(ListGroupsRequest(), 5).groups
    assert [g.group_type for g in listed if g.group_id == group.group_id] == ["consumer"]
    heartbeat = HeartbeatRequest(group.group_id, 1, old.member_id)
    assert Error(group.raw.ask(heartbeat, 4).error_code) is Error.REBALANCE_IN_PROGRESS
    assert group.join(old.member_id, [0, 1, 2, 3]).generation_id == 1
    told = group.raw.ask(SyncGroupRequest(group.group_id, 1, old.member_id), 4)
    kept = list(struct.unpack(">2i", told.assignment[-12:-4]))
    assert told.assignment == group.assignment(*kept)
    assert group.join(old.member_id, kept).generation_id == 2
    assert group.raw.ask(SyncGroupRequest(group.group_id, 2, old.member_id), 4).assignment == told.assignment
    assert sorted([*kept, *(numbers(group.beat("n", 2)) or ())]) == [0, 1, 2, 3]
    assert {m.member_id: m.member_type for m in group.described().members} == {old.member_id: 0, "n": 1}

    group.beat("n", -1)
    (described,) = group.raw.ask(DescribeGroupsRequest([group.group_id]), 6).groups
    assert (Error(described.error_code), described.group_state) == (Error.NONE, "PreparingRebalance")
    assert group.join(old.member_id).generation_id == 3


def test_a_classic_group_of_another_protocol_is_not_taken_over(group: Group) -> None:
    request = JoinGroupRequest(
        group.group_id, 30_000, 30_000, "", None, "connect", [JoinGroupRequestProtocol("x", b"")]
    )
    group.ask(request, 3)
    answer = group.beat("n", 0)
    assert (Error(answer.error_code), answer.error_message) == (
        Error.GROUP_ID_NOT_FOUND,
        f"Cannot upgrade classic group {group.group_id} to consumer group because the group does not use the consumer"
        " embedded protocol.",
    )
    assert group.described().error_message == f"Group {group.group_id} is not a consumer group."


def test_only_offsets_are_no_consumer_group(group: Group) -> None:
    assert group.commit("", -1, 5) is Error.NONE
    assert group.beat("a", 1).error_message == f"Group {group.group_id} is not a consumer group."
    assert group.beat("a", 0).member_epoch == 1
    (found,) = group.fetched(None, -1).topics
    assert found.partitions[0].committed_offset == 5
