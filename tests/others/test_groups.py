"""What broke clients of other Kafka-compatible brokers: groups, their offsets, and what ends transactions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import Consumer

from headrace.client.blocking import create_topic
from headrace.handlers import k09_offset_fetch
from headrace.model.errors import Error
from headrace.testing import Broker
from headrace.testing.plugin import topic_name
from headrace.wire.messages.k08_offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from headrace.wire.messages.k09_offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
)
from headrace.wire.messages.k10_find_coordinator import FindCoordinatorRequest
from headrace.wire.messages.k11_join_group import JoinGroupRequest, JoinGroupRequestProtocol
from headrace.wire.messages.k14_sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from headrace.wire.messages.k15_describe_groups import DescribeGroupsRequest
from headrace.wire.messages.k68_consumer_group_heartbeat import ConsumerGroupHeartbeatRequest
from tests.broker.raw import Raw
from tests.broker.transactions import NOT_YET, Transactional, until

if TYPE_CHECKING:
    from collections.abc import Callable

WAIT_S: Final = 30.0
FIRST_PROTOCOL: Final = 3
"""TxnOffsetCommit and EndTxn as librdkafka and Flink speak them."""


def find(raw: Raw, group: str) -> None:
    """Have the offsets topic made and the coordinator loaded."""
    request = FindCoordinatorRequest(key_type=0, coordinator_keys=[group])
    until(lambda: raw.ask(request, 4).coordinators[0].error_code, lambda error: error not in NOT_YET)


def join(raw: Raw, client: str, group: str, session_ms: int, member: str = "") -> Any:
    """A static member's JoinGroup."""
    protocols = [JoinGroupRequestProtocol("range", b"\0\0\0\0\0\0\0\0\0\0")]
    request = JoinGroupRequest(group, session_ms, 10_000, member, "instance", "consumer", protocols)

    def ask() -> Any:
        raw.send(request, 5, client=client)
        return raw.receive(request, 5)

    return until(ask, lambda answer: answer.error_code not in NOT_YET)


def test_16_a_static_member_that_comes_back_has_its_place_under_a_new_id(raw: Raw) -> None:
    """redpanda 4189, 1335, 23733. In Kafka its client id stays the one that it came with first."""
    group = topic_name("group")
    find(raw, group)
    first = join(raw, "before", group, 10_000)
    request = SyncGroupRequest(
        group,
        first.generation_id,
        first.member_id,
        assignments=[SyncGroupRequestAssignment(first.member_id, b"mine")],
    )
    assert raw.ask(request, 2).error_code == 0
    again = join(raw, "after", group, 20_000)
    assert again.error_code == 0
    assert again.member_id != first.member_id
    described = raw.ask(DescribeGroupsRequest([group]), 4).groups[0]
    [member] = described.members
    assert (member.client_id, member.member_id) == ("before", again.member_id)
    assert member.group_instance_id == "instance"


def test_17_a_second_member_gets_its_part(bootstrap: str) -> None:
    """nisshi 625: it was never assigned anything, or was told UNKNOWN_MEMBER_ID."""
    topic = topic_name("shared")
    create_topic(bootstrap, topic, 4)
    settings = {"bootstrap.servers": bootstrap, "group.id": topic_name("group"), "session.timeout.ms": 6_000}
    members = [Consumer(settings), Consumer(settings)]
    for member in members:
        member.subscribe([topic])

    def parts() -> list[int]:
        for member in members:
            member.poll(0.1)
        return [len(member.assignment()) for member in members]

    deadline = time.monotonic() + WAIT_S
    while parts() != [2, 2]:
        assert time.monotonic() < deadline, parts()
    for member in members:
        member.close()


def commit_epoch(raw: Raw, group: str, topic: str, offset: int, epoch: int) -> None:
    partition = OffsetCommitRequestPartition(0, offset, epoch)
    request = OffsetCommitRequest(group, topics=[OffsetCommitRequestTopic(topic, partitions=[partition])])
    assert raw.ask(request, 8).topics[0].partitions[0].error_code == 0


def test_12_a_committed_epoch_is_given_back(raw: Raw, topic: str) -> None:
    """redpanda 1181."""
    group = topic_name("group")
    find(raw, group)
    commit_epoch(raw, group, topic, 5, 0)
    wanted = [OffsetFetchRequestGroup(group, topics=[OffsetFetchRequestTopics(topic, partition_indexes=[0])])]
    [found] = raw.ask(OffsetFetchRequest(groups=wanted), 8).groups[0].topics[0].partitions
    assert (found.committed_offset, found.committed_leader_epoch) == (5, 0)


def test_18_an_old_offset_fetch_is_told_of_a_group_error_at_each_partition() -> None:
    """kafka 19704, kafka-python 2428: an empty success made consumers begin anew."""
    request = OffsetFetchRequest("group", [OffsetFetchRequestTopic("t", [0, 1])])
    refused = k09_offset_fetch.refused(request, Error.NOT_COORDINATOR, None)
    assert [part.error_code for part in refused.topics[0].partitions] == [Error.NOT_COORDINATOR] * 2
    assert [part.committed_offset for part in refused.topics[0].partitions] == [-1, -1]


def restarted(work: Callable[[Raw], None], after: Callable[[Raw], None]) -> None:
    """Work with a broker, kill it, start it again, and look."""
    with Broker(durable=True) as broker:
        create_topic(broker.bootstrap_servers, "orders", 1)
        with Raw(broker.bootstrap_servers) as raw:
            work(raw)
        broker.kill()
        broker.restart()
        with Raw(broker.bootstrap_servers) as raw:
            after(raw)


def stage(raw: Raw, name: str, group: str, topic: str, offset: int) -> tuple[Transactional, tuple[int, int]]:
    """A transaction that has brought an offset, and is open."""
    transaction = Transactional(raw, name)
    transaction.find(0, group)
    _, producer_id, epoch = transaction.begin()
    assert transaction.add_offsets((producer_id, epoch), group) is Error.NONE
    error = transaction.commit_offset((producer_id, epoch), group, topic, offset, FIRST_PROTOCOL)
    assert error is Error.NONE
    return transaction, (producer_id, epoch)


def commit_the_later_first(raw: Raw, group: str, topic: str) -> Transactional:
    names = topic_name("first"), topic_name("later")
    first, later = stage(raw, names[0], group, topic, 5), stage(raw, names[1], group, topic, 7)
    for transaction, who in (later, first):
        assert transaction.end(who, commit=True, version=FIRST_PROTOCOL).error is Error.NONE
        until(transaction.describe, lambda found: found.state == "CompleteCommit")
    return first[0]


def test_19_of_two_staged_offsets_the_later_one_counts(raw: Raw, topic: str) -> None:
    """redpanda 31483: which one counted changed with a restart. In Kafka it is the one that was written last."""
    group = topic_name("group")
    assert commit_the_later_first(raw, group, topic).offset(group, topic, stable=True) == (7, Error.NONE)


def test_19_of_two_staged_offsets_the_later_one_counts_after_a_restart() -> None:
    """The same."""

    def work(raw: Raw) -> None:
        commit_the_later_first(raw, "group", "orders")

    def after(raw: Raw) -> None:
        transaction = Transactional(raw, "reader")
        assert transaction.offset("group", "orders", stable=True) == (7, Error.NONE)

    restarted(work, after)


def test_20_a_transaction_may_be_committed_again_after_a_restart() -> None:
    """redpanda 4029, 7975, 17921: Flink recovers with the producer's id and epoch and commits once more."""
    known: list[tuple[int, int]] = []

    def work(raw: Raw) -> None:
        transaction = Transactional(raw, "flink")
        _, producer_id, epoch = transaction.begin()
        known.append((producer_id, epoch))
        assert transaction.add(known[0], "orders") == [Error.NONE]
        assert transaction.produce(known[0], "orders", b"value", 0, 11) is Error.NONE
        assert transaction.end(known[0], commit=True, version=FIRST_PROTOCOL).error is Error.NONE

    def after(raw: Raw) -> None:
        transaction = Transactional(raw, "flink")
        until(transaction.describe, lambda found: found.state == "CompleteCommit")
        end = raw.offset("orders", -1).offset
        assert end in (2, 3), (
            "a record, its marker, and the marker again if the kill came before it was noted"
        )
        for _ in range(2):
            ended = transaction.ended(known[0], commit=True, version=FIRST_PROTOCOL)
            assert ended.error is Error.NONE
        late = transaction.end(known[0], commit=False, version=FIRST_PROTOCOL)
        assert late.error is Error.INVALID_TXN_STATE
        assert raw.offset("orders", -1).offset == end

    restarted(work, after)


def heartbeat(raw: Raw, group: str, member: str, epoch: int, topic: str) -> Any:
    request = ConsumerGroupHeartbeatRequest(
        group, member, epoch, None, None, 10_000, [topic], topic_partitions=[] if epoch == 0 else None
    )
    return until(lambda: raw.ask(request, 1), lambda answer: answer.error_code not in NOT_YET)


def test_25_strangers_of_the_new_protocol_are_told_what_kafka_tells_them(raw: Raw, topic: str) -> None:
    """librdkafka 5485: one error is fatal to Java, the other makes a client join again."""
    group = topic_name("group")
    find(raw, group)
    assert heartbeat(raw, group, "stranger", 3, topic).error_code == Error.GROUP_ID_NOT_FOUND
    assert heartbeat(raw, group, "member", 0, topic).error_code == 0
    assert heartbeat(raw, group, "stranger", 3, topic).error_code == Error.UNKNOWN_MEMBER_ID


def test_26_an_assignment_that_did_not_change_is_null(raw: Raw, topic: str) -> None:
    """redpanda 31216: the struct may be null, which is one byte of its own."""
    group = topic_name("group")
    find(raw, group)
    first = heartbeat(raw, group, "member", 0, topic)
    assert first.error_code == 0
    assert first.assignment is not None
    request = ConsumerGroupHeartbeatRequest(group, "member", first.member_epoch)
    assert raw.ask(request, 1).assignment is None
