"""Share groups as Kafka 4.2 has them (KIP-932), one request at a time; the same tests pass against both.

pytest tests/broker/test_share_groups_as_kafka.py --headrace-bootstrap=HOST:PORT
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import pytest

from headrace.client.blocking import create_topic
from headrace.model.errors import Error
from headrace.testing import Broker
from headrace.testing.plugin import topic_name
from headrace.wire.messages.k10_find_coordinator import FindCoordinatorRequest
from headrace.wire.messages.k76_share_group_heartbeat import ShareGroupHeartbeatRequest
from headrace.wire.messages.k78_share_fetch import (
    AcknowledgementBatch,
    FetchPartition,
    FetchTopic,
    ShareFetchRequest,
)
from headrace.wire.messages.k79_share_acknowledge import (
    AcknowledgementBatch as Acknowledged,
)
from headrace.wire.messages.k79_share_acknowledge import (
    AcknowledgePartition,
    AcknowledgeTopic,
    ShareAcknowledgeRequest,
)
from headrace.wire.messages.k90_describe_share_group_offsets import (
    DescribeShareGroupOffsetsRequest,
    DescribeShareGroupOffsetsRequestGroup,
)
from headrace.wire.messages.k91_alter_share_group_offsets import (
    AlterShareGroupOffsetsRequest,
    AlterShareGroupOffsetsRequestPartition,
    AlterShareGroupOffsetsRequestTopic,
)
from tests.broker.raw import Raw
from tests.differential.world import batch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WAIT_MS: Final = 10_000
READY_S_MAX: Final = 30.0
ACCEPT, RELEASE, REJECT, RENEW = 1, 2, 3, 4
RECORD_LIMIT: Final = 1


@pytest.fixture(scope="module")
def bootstrap(pytestconfig: pytest.Config) -> Iterator[str]:
    """Kafka if it is named, else a broker that is as durable as one in production."""
    if named := pytestconfig.getoption("--headrace-bootstrap"):
        yield named
        return
    with Broker(durable=True) as broker:
        yield broker.bootstrap_servers


def _until_well(ask: Callable[[], Any], error_of: Callable[[Any], int]) -> Any:
    """Ask until the coordinator is there and knows the topic."""
    deadline = time.monotonic() + READY_S_MAX
    while error_of(answer := ask()) and time.monotonic() < deadline:
        pass
    assert error_of(answer) == Error.NONE, answer
    return answer


class Group:
    """A share group that begins at the beginning of a topic, and its topic."""

    def __init__(self, bootstrap: str, name: str) -> None:
        self.bootstrap = bootstrap
        self.name = self.topic = name
        self.topic_id = b""
        create_topic(bootstrap, name, 1)
        self.raw = Raw(bootstrap)
        find = FindCoordinatorRequest(coordinator_keys=[name])
        _until_well(lambda: self.raw.ask(find, 6), lambda found: found.coordinators[0].error_code)
        parts = [AlterShareGroupOffsetsRequestPartition(0, 0)]
        request = AlterShareGroupOffsetsRequest(name, [AlterShareGroupOffsetsRequestTopic(name, parts)])
        altered = _until_well(
            lambda: self.raw.ask(request, 0),
            lambda done: done.error_code or done.responses[0].partitions[0].error_code,
        )
        self.topic_id = altered.responses[0].topic_id

    def produce(self, first: int, count: int) -> None:
        assert self.raw.produce(self.topic, batch(first, count)).error_code == Error.NONE

    def lag(self) -> tuple[int, int]:
        request = DescribeShareGroupOffsetsRequest([DescribeShareGroupOffsetsRequestGroup(self.name, None)])
        (topic,) = self.raw.ask(request, 1).groups[0].topics
        return topic.partitions[0].start_offset, topic.partitions[0].lag


class Member:
    """One member on a connection of its own."""

    def __init__(self, group: Group, member_id: str) -> None:
        self.group = group
        self.member_id = member_id
        self.raw = Raw(group.bootstrap)
        self.epoch = 0
        deadline = time.monotonic() + READY_S_MAX
        epoch, names = 0, [group.topic]
        while time.monotonic() < deadline:
            request = ShareGroupHeartbeatRequest(group.name, member_id, epoch, None, names or None)
            answer = self.raw.ask(request, 1)
            assert answer.error_code == Error.NONE, answer
            epoch, names = answer.member_epoch, []
            if answer.assignment is not None and answer.assignment.topic_partitions:
                return
        raise AssertionError("no partition was assigned")

    def close(self) -> None:
        self.raw.__exit__(None, None, None)

    def send_fetch(
        self, *acks: tuple[int, int, int], limit: int = 0, wait_ms: int = WAIT_MS
    ) -> ShareFetchRequest:
        batches = [AcknowledgementBatch(first, last, [kind]) for first, last, kind in acks]
        topics = [FetchTopic(self.group.topic_id, [FetchPartition(0, 0, batches)])]
        request = ShareFetchRequest(
            self.group.name,
            self.member_id,
            self.epoch,
            wait_ms,
            1,
            1 << 20,
            limit or 500,
            500,
            RECORD_LIMIT if limit else 0,
            topics=topics,
        )
        self.epoch += 1
        self.raw.send(request, 2)
        return request

    def receive_fetch(self, request: ShareFetchRequest) -> list[tuple[int, int, int]]:
        answer = self.raw.receive(request, 2)
        assert answer.error_code == Error.NONE, answer
        return [
            (one.first_offset, one.last_offset, one.delivery_count)
            for topic in answer.responses
            for part in topic.partitions
            for one in part.acquired_records
        ]

    def fetch(
        self, *acks: tuple[int, int, int], limit: int = 0, wait_ms: int = WAIT_MS
    ) -> list[tuple[int, int, int]]:
        return self.receive_fetch(self.send_fetch(*acks, limit=limit, wait_ms=wait_ms))

    def acknowledge(self, *acks: tuple[int, int, int], renews: bool = False) -> tuple[Error, str | None]:
        batches = [Acknowledged(first, last, [kind]) for first, last, kind in acks]
        topics = [AcknowledgeTopic(self.group.topic_id, [AcknowledgePartition(0, batches)])]
        request = ShareAcknowledgeRequest(self.group.name, self.member_id, self.epoch, renews, topics)
        self.epoch += 1
        answer = self.raw.ask(request, 2)
        assert answer.error_code == Error.NONE, answer
        part = answer.responses[0].partitions[0]
        return Error(part.error_code), part.error_message


@pytest.fixture
def group(request: pytest.FixtureRequest, bootstrap: str) -> Group:
    return Group(bootstrap, topic_name(request.node.name))


def test_records_are_accepted_released_and_rejected(group: Group) -> None:
    group.produce(0, 4)
    member = Member(group, "a" * 22)
    assert member.fetch() == [(0, 3, 1)]
    assert member.acknowledge((0, 0, ACCEPT), (1, 2, RELEASE), (3, 3, REJECT)) == (Error.NONE, None)
    assert group.lag() == (0, 2)
    assert member.fetch() == [(1, 2, 2)]
    assert member.fetch((1, 2, ACCEPT), wait_ms=500) == []
    assert group.lag()[1] == 0


def test_two_members_have_different_records(group: Group) -> None:
    group.produce(0, 3)
    group.produce(3, 3)
    first, second = Member(group, "a" * 22), Member(group, "b" * 22)
    assert first.fetch(limit=2) == [(0, 1, 1)]
    assert second.fetch(limit=3) == [(2, 2, 1), (3, 4, 1)]
    assert first.fetch(limit=2) == [(5, 5, 1)]
    error, message = second.acknowledge((0, 1, ACCEPT))
    assert error is Error.INVALID_RECORD_STATE
    assert message == "Member is not the owner of offset"


def test_a_parked_fetch_is_woken_by_the_next_record(group: Group) -> None:
    member = Member(group, "a" * 22)
    assert member.fetch(wait_ms=500) == []
    request = member.send_fetch()
    began = time.monotonic()
    group.produce(0, 1)
    assert member.receive_fetch(request) == [(0, 0, 1)]
    assert time.monotonic() - began < WAIT_MS / 1000 / 2


def test_a_closed_connection_gives_back_what_it_had(group: Group) -> None:
    group.produce(0, 2)
    first, second = Member(group, "a" * 22), Member(group, "b" * 22)
    assert first.fetch() == [(0, 1, 1)]
    assert second.fetch(wait_ms=500) == []
    request = second.send_fetch()
    first.close()
    got = second.receive_fetch(request)
    assert (got or second.fetch()) == [(0, 1, 2)]  # Kafka may wake up the fetch before it has released them


def test_what_cannot_be_delivered_ends_as_archived(group: Group) -> None:
    group.produce(0, 1)
    member = Member(group, "a" * 22)
    for count in range(1, 6):
        assert member.fetch() == [(0, 0, count)]
        assert member.acknowledge((0, 0, RELEASE))[0] is Error.NONE
    group.produce(1, 1)
    assert member.fetch() == [(1, 1, 1)]


def test_bad_records_are_parted_from_good_ones(group: Group) -> None:
    """Records that were delivered half as often as they may be come in fewer and fewer at a time."""
    group.produce(0, 8)
    member = Member(group, "a" * 22)
    for count in range(1, 4):
        assert member.fetch() == [(0, 7, count)]
        member.acknowledge((0, 7, RELEASE))
    assert member.fetch() == [(0, 3, 4)]
    member.acknowledge((0, 3, RELEASE))
    assert member.fetch() == [(0, 0, 5)]


def test_a_renewed_record_is_accepted_later(group: Group) -> None:
    group.produce(0, 1)
    member = Member(group, "a" * 22)
    assert member.fetch() == [(0, 0, 1)]
    assert member.acknowledge((0, 0, RENEW))[0] is Error.INVALID_REQUEST
    assert member.acknowledge((0, 0, RENEW), renews=True) == (Error.NONE, None)
    assert member.acknowledge((0, 0, ACCEPT)) == (Error.NONE, None)
    error, _ = member.acknowledge((0, 0, ACCEPT))
    assert error is Error.NONE, "what is behind the start is nobody's business"
