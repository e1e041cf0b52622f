"""Transactions as Kafka 4.2 has them, of both protocols; the same tests pass against both.

pytest tests/broker/test_transactions_as_kafka.py --headrace-bootstrap=HOST:PORT
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from headrace.client.blocking import create_topic
from headrace.model.errors import Error
from headrace.testing import Broker
from headrace.testing.plugin import topic_name
from headrace.wire.messages.k01_fetch import FetchPartition, FetchRequest, FetchTopic
from headrace.wire.messages.k18_api_versions import ApiVersionsRequest
from headrace.wire.messages.k26_end_txn import EndTxnRequest
from headrace.wire.messages.k61_describe_producers import DescribeProducersRequest, TopicRequest
from headrace.wire.messages.k65_describe_transactions import DescribeTransactionsRequest
from headrace.wire.messages.k66_list_transactions import ListTransactionsRequest
from tests.broker.raw import Raw
from tests.broker.transactions import Given, Transactional, batches, until

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST: Final = 9
"""A Produce of clients that add their partitions themselves."""
IMPLICIT: Final = 12
"""A Produce that adds them."""
CONTROL: Final = 1 << 5


@pytest.fixture(scope="module")
def bootstrap(pytestconfig: pytest.Config) -> Iterator[str]:
    """Kafka if it is named, else a broker that is as durable as one in production."""
    if named := pytestconfig.getoption("--headrace-bootstrap"):
        yield named
        return
    settings = {"transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000"}
    with Broker(durable=True, settings=settings) as broker:
        yield broker.bootstrap_servers


@pytest.fixture
def raw(bootstrap: str) -> Iterator[Raw]:
    with Raw(bootstrap) as connection:
        yield connection


@pytest.fixture
def topic(request: pytest.FixtureRequest, bootstrap: str) -> str:
    name = topic_name(request.node.name)
    create_topic(bootstrap, name, 2)
    return name


@pytest.fixture
def transaction(request: pytest.FixtureRequest, raw: Raw) -> Transactional:
    return Transactional(raw, topic_name(request.node.name))


def visible(raw: Raw, topic: str, isolation: int) -> tuple[bytes, list[tuple[int, int]]]:
    """What partition 0 gives, and which of it was aborted: producer ids and first offsets."""
    part = FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=1 << 20)
    request = FetchRequest(
        max_wait_ms=100,
        min_bytes=1,
        max_bytes=1 << 20,
        isolation_level=isolation,
        topics=[FetchTopic(topic=topic, partitions=[part])],
    )
    found = raw.ask(request, 11).responses[0].partitions[0]
    assert found.error_code == 0
    aborted = [(one.producer_id, one.first_offset) for one in found.aborted_transactions or ()]
    return found.records or b"", aborted


def test_the_feature_is_finalized(raw: Raw) -> None:
    request = ApiVersionsRequest(client_software_name="raw", client_software_version="1")
    features = raw.ask(request, 3).finalized_features
    levels = {feature.name: feature.max_version_level for feature in features}
    assert levels["transaction.version"] == 2


def test_commit_and_abort_of_the_first_protocol(raw: Raw, topic: str, transaction: Transactional) -> None:
    _, producer_id, epoch = transaction.begin()
    who = (producer_id, epoch)
    assert transaction.add(who, topic) == [Error.NONE]
    assert transaction.produce(who, topic, b"committed", 0, FIRST) is Error.NONE
    assert visible(raw, topic, 1)[0] == b""
    assert b"committed" in visible(raw, topic, 0)[0]
    assert transaction.end(who, commit=True, version=4) == Given(Error.NONE, -1, -1)
    assert transaction.ended(who, commit=True, version=4).error is Error.NONE
    assert b"committed" in visible(raw, topic, 1)[0]
    assert until(lambda: transaction.add(who, topic), lambda e: e != [Error.CONCURRENT_TRANSACTIONS]) == [0]
    assert transaction.produce(who, topic, b"aborted", 1, FIRST) is Error.NONE
    assert transaction.end(who, commit=False, version=4).error is Error.NONE
    assert transaction.ended(who, commit=False, version=4).error is Error.NONE
    records, aborted = visible(raw, topic, 1)
    assert aborted == [(producer_id, 2)]  # a record, a marker, and then the one that was aborted
    found = batches(records)
    assert [offset for offset, *_ in found] == [0, 1, 2, 3]
    assert [bool(attributes & CONTROL) for _, attributes, *_ in found] == [False, True, False, True]
    assert {(p, e) for *_, p, e in found} == {who}


def test_every_end_of_the_second_protocol_raises_the_epoch(
    raw: Raw, topic: str, transaction: Transactional
) -> None:
    _, producer_id, epoch = transaction.begin()
    assert transaction.produce((producer_id, epoch), topic, b"a", 0, IMPLICIT) is Error.NONE
    assert transaction.describe() == ("Ongoing", producer_id, epoch, [(topic, 0)])
    bumped = Given(Error.NONE, producer_id, epoch + 1)
    assert transaction.end((producer_id, epoch), commit=True, version=5) == bumped
    # Said once more it is answered the same, when the markers are written; the opposite is an error.
    assert transaction.ended((producer_id, epoch), commit=True, version=5) == bumped
    assert transaction.end((producer_id, epoch), commit=False, version=5).error is Error.INVALID_TXN_STATE
    assert transaction.describe() == ("CompleteCommit", producer_id, epoch + 1, [])
    [data, marker] = batches(visible(raw, topic, 1)[0])
    assert (data[3], marker[3]) == (epoch, epoch + 1)
    # Late writes of the transaction that is over.
    fenced = Error.INVALID_PRODUCER_EPOCH
    assert transaction.produce((producer_id, epoch), topic, b"late", 1, IMPLICIT) is fenced
    # A late EndTxn is fenced and does not end the transaction after its own.
    assert transaction.produce((producer_id, epoch + 1), topic, b"b", 0, IMPLICIT) is Error.NONE
    late = transaction.end((producer_id, epoch), commit=True, version=5)
    assert late.error is Error.PRODUCER_FENCED
    assert transaction.describe().state == "Ongoing"
    end = transaction.end((producer_id, epoch + 1), commit=False, version=5)
    assert end == (Error.NONE, producer_id, epoch + 2)
    assert transaction.ended((producer_id, epoch + 1), commit=False, version=5) == end
    assert visible(raw, topic, 1)[1] == [(producer_id, 2)]


def test_a_producer_that_is_ahead_of_its_markers_waits(
    raw: Raw, topic: str, transaction: Transactional
) -> None:
    """Both requests are in the broker before the first one's markers are."""
    _, producer_id, epoch = transaction.begin()
    assert transaction.produce((producer_id, epoch), topic, b"v", 0, IMPLICIT) is Error.NONE
    commit = EndTxnRequest(transaction.transactional_id, producer_id, epoch, True)
    abort = EndTxnRequest(transaction.transactional_id, producer_id, epoch + 1, False)
    raw.send(commit, 5)
    raw.send(abort, 5)
    first, second = raw.receive(commit, 5), raw.receive(abort, 5)
    assert (first.error_code, first.producer_epoch) == (0, epoch + 1)
    # Never fenced: it asks again and is heard, if it was not at once.
    assert second.error_code in {Error.NONE, Error.CONCURRENT_TRANSACTIONS}
    last = transaction.ended((producer_id, epoch + 1), commit=False, version=5)
    assert last == (Error.NONE, producer_id, epoch + 2)


def test_ends_without_a_beginning(transaction: Transactional) -> None:
    _, producer_id, epoch = transaction.begin()
    who = (producer_id, epoch)
    for commit in (True, False):
        assert transaction.end(who, commit=commit, version=4).error is Error.INVALID_TXN_STATE
    assert transaction.end(who, commit=True, version=5).error is Error.INVALID_TXN_STATE
    assert transaction.end(who, commit=False, version=5) == (Error.NONE, producer_id, epoch + 1)
    assert transaction.ended(who, commit=False, version=5) == (Error.NONE, producer_id, epoch + 1)
    stranger = transaction.end((producer_id + 1000, epoch), commit=True, version=5)
    assert stranger == (Error.INVALID_PRODUCER_ID_MAPPING, -1, -1)


def test_a_new_producer_fences_the_old_one_and_aborts_its_transaction(
    raw: Raw, topic: str, transaction: Transactional
) -> None:
    _, producer_id, epoch = transaction.begin()
    old = (producer_id, epoch)
    assert transaction.produce(old, topic, b"old", 0, IMPLICIT) is Error.NONE
    assert transaction.init() == (Error.CONCURRENT_TRANSACTIONS, -1, -1)
    assert transaction.begin() == (Error.NONE, producer_id, epoch + 2)
    assert transaction.produce(old, topic, b"zombie", 1, IMPLICIT) is Error.INVALID_PRODUCER_EPOCH
    assert transaction.produce(old, topic, b"zombie", 1, FIRST) is Error.INVALID_PRODUCER_EPOCH
    assert transaction.add(old, topic) == [Error.PRODUCER_FENCED]
    assert transaction.add(old, topic, version=1) == [Error.INVALID_PRODUCER_EPOCH]
    assert transaction.end(old, commit=True, version=5).error is Error.PRODUCER_FENCED
    assert transaction.end(old, commit=True, version=1).error is Error.INVALID_PRODUCER_EPOCH
    assert visible(raw, topic, 1)[1] == [(producer_id, 0)]


def test_a_producer_goes_on_after_an_error(transaction: Transactional) -> None:
    _, producer_id, epoch = transaction.begin()
    assert transaction.init(expected=(producer_id, epoch)) == (Error.NONE, producer_id, epoch + 1)
    assert transaction.init(expected=(producer_id, epoch)) == (Error.NONE, producer_id, epoch + 1)
    assert transaction.init().epoch == epoch + 2
    assert transaction.init(expected=(producer_id, epoch)).error is Error.PRODUCER_FENCED
    assert transaction.init(3, expected=(producer_id, epoch)).error is Error.INVALID_PRODUCER_EPOCH
    assert transaction.init(expected=(producer_id, -1)).error is Error.INVALID_REQUEST
    for timeout_ms in (0, -1, 900_001):
        assert transaction.init(timeout_ms=timeout_ms).error is Error.INVALID_TRANSACTION_TIMEOUT


def test_what_is_written_to_was_added(topic: str, transaction: Transactional) -> None:
    _, producer_id, epoch = transaction.begin()
    who = (producer_id, epoch)
    assert transaction.add(who, topic, [1]) == [Error.NONE]
    assert transaction.produce(who, topic, b"v", 0, FIRST) is Error.INVALID_TXN_STATE
    assert transaction.produce(who, topic, b"v", 0, 11) is Error.TRANSACTION_ABORTABLE
    assert transaction.verify(who, topic, [0, 1]) == {0: Error.TRANSACTION_ABORTABLE, 1: Error.NONE}
    # In whatever order Kafka's hash map has them.
    assert sorted(transaction.add(who, topic, [0, 7])) == [
        Error.UNKNOWN_TOPIC_OR_PARTITION,
        Error.OPERATION_NOT_ATTEMPTED,
    ]
    assert transaction.describe().partitions == [(topic, 1)]
    assert transaction.end(who, commit=True, version=4).error is Error.NONE


def test_a_transaction_that_takes_too_long_is_aborted_and_its_producer_fenced(
    raw: Raw, topic: str, transaction: Transactional
) -> None:
    _, producer_id, epoch = transaction.begin(timeout_ms=100)
    who = (producer_id, epoch)
    assert transaction.produce(who, topic, b"v", 0, IMPLICIT) is Error.NONE
    until(transaction.describe, lambda found: found.state == "CompleteAbort")
    assert transaction.describe().epoch == epoch + 1
    assert transaction.produce(who, topic, b"v", 1, IMPLICIT) is Error.INVALID_PRODUCER_EPOCH
    assert transaction.end(who, commit=True, version=5).error is Error.INVALID_TXN_STATE
    assert transaction.end(who, commit=True, version=4).error is Error.PRODUCER_FENCED
    assert visible(raw, topic, 1)[1] == [(producer_id, 0)]


@pytest.mark.parametrize("version", [3, 5])
def test_offsets_count_once_the_transaction_is_committed(
    topic: str, transaction: Transactional, version: int
) -> None:
    group = topic_name("group")
    transaction.find(0, group)
    _, producer_id, epoch = transaction.begin()
    who = (producer_id, epoch)
    if version < 5:
        assert transaction.commit_offset(who, group, topic, 5, version) is Error.INVALID_TXN_STATE
        assert transaction.commit_offset(who, group, topic, 5, 4) is Error.TRANSACTION_ABORTABLE
        assert transaction.add_offsets(who, group) is Error.NONE
    assert transaction.commit_offset(who, group, topic, 5, version) is Error.NONE
    assert transaction.offset(group, topic, stable=False) == (-1, Error.NONE)
    assert transaction.offset(group, topic, stable=True) == (-1, Error.UNSTABLE_OFFSET_COMMIT)
    end = 5 if version == 5 else 4
    assert transaction.end(who, commit=True, version=end).error is Error.NONE
    found = until(
        lambda: transaction.offset(group, topic, stable=True),
        lambda f: f[1] is not Error.UNSTABLE_OFFSET_COMMIT,
    )
    assert found == (5, Error.NONE)
    transaction.ended(who, commit=True, version=end)
    if version == 5:
        assert transaction.commit_offset(who, group, topic, 9, 5) is Error.INVALID_PRODUCER_EPOCH
        who = (producer_id, epoch + 1)
    else:
        assert transaction.add_offsets(who, group) is Error.NONE
    assert transaction.commit_offset(who, group, topic, 9, version) is Error.NONE
    assert transaction.end(who, commit=False, version=end).error is Error.NONE
    found = until(
        lambda: transaction.offset(group, topic, stable=True),
        lambda f: f[1] is not Error.UNSTABLE_OFFSET_COMMIT,
    )
    assert found == (5, Error.NONE)


def test_offsets_are_committed_for_members_only(topic: str, transaction: Transactional) -> None:
    group = topic_name("group")
    transaction.find(0, group)
    _, producer_id, epoch = transaction.begin()
    who = (producer_id, epoch)
    absent = transaction.commit_offset(who, group, topic, 1, 5, member=(3, "m"))
    assert absent is Error.ILLEGAL_GENERATION
    assert transaction.commit_offset(who, group, topic, 1, 5, member=(-1, "m")) is Error.NONE
    there = transaction.commit_offset(who, group, topic, 1, 5, member=(3, "m"))
    assert there is Error.UNKNOWN_MEMBER_ID
    assert transaction.commit_offset(who, "", topic, 1, 5) is Error.INVALID_GROUP_ID
    assert transaction.commit_offset(who, group, "absent", 1, 5) is Error.UNKNOWN_TOPIC_OR_PARTITION
    assert transaction.end(who, commit=False, version=5).error is Error.NONE


def test_administrators_see_and_end_what_hangs(raw: Raw, topic: str, transaction: Transactional) -> None:
    transaction.begin()
    _, producer_id, epoch = transaction.begin()
    who = (producer_id, epoch)
    assert transaction.produce(who, topic, b"v", 0, IMPLICIT) is Error.NONE

    def producer() -> tuple[int, int, int, int]:
        request = DescribeProducersRequest([TopicRequest(topic, [0])])
        [found] = raw.ask(request, 0).topics[0].partitions[0].active_producers
        return (
            found.producer_id,
            found.producer_epoch,
            found.coordinator_epoch,
            found.current_txn_start_offset,
        )

    assert producer() == (producer_id, epoch, -1, 0)
    assert transaction.mark(who, topic, commit=False, coordinator_epoch=0, partition=9) is (
        Error.UNKNOWN_TOPIC_OR_PARTITION
    )
    assert transaction.mark(who, topic, commit=False, coordinator_epoch=2) is Error.NONE
    assert producer() == (producer_id, epoch, 2, -1)
    assert visible(raw, topic, 1)[1] == [(producer_id, 0)]
    fenced = transaction.mark(who, topic, commit=False, coordinator_epoch=1)
    assert fenced is Error.TRANSACTION_COORDINATOR_FENCED
    older = transaction.mark((producer_id, epoch - 1), topic, commit=False, coordinator_epoch=2)
    assert older is Error.INVALID_PRODUCER_EPOCH


def test_transactional_ids_are_listed_and_described(raw: Raw, topic: str, transaction: Transactional) -> None:
    _, producer_id, epoch = transaction.begin()
    me = (transaction.transactional_id, producer_id)

    def listed(version: int = 2, **filters: object) -> list[tuple[str, int, str]]:
        answer = raw.ask(ListTransactionsRequest(**filters), version)
        assert answer.error_code == 0
        found = [(t.transactional_id, t.producer_id, t.transaction_state) for t in answer.transaction_states]
        return [one for one in found if one[:2] == me]

    assert listed(0) == [(*me, "Empty")]
    assert listed(producer_id_filters=[producer_id], state_filters=["Empty"]) == [(*me, "Empty")]
    assert listed(state_filters=["Ongoing"]) == []
    assert listed(duration_filter=1 << 40) == [(*me, "Empty")]  # it never began
    assert listed(transactional_id_pattern=me[0][:-1] + ".") == [(*me, "Empty")]
    assert listed(transactional_id_pattern=me[0][:-1]) == []
    assert listed(transactional_id_pattern="") == [(*me, "Empty")]
    answer = raw.ask(ListTransactionsRequest(transactional_id_pattern="("), 2)
    assert answer.error_code == Error.INVALID_REGULAR_EXPRESSION
    answer = raw.ask(ListTransactionsRequest(state_filters=["Ongoing", "Gone"]), 0)
    assert answer.unknown_state_filters == ["Gone"]
    assert transaction.produce((producer_id, epoch), topic, b"v", 0, IMPLICIT) is Error.NONE
    assert listed(duration_filter=1 << 40) == []
    assert listed(state_filters=["Ongoing"]) == [(*me, "Ongoing")]
    [absent] = raw.ask(DescribeTransactionsRequest([topic_name("absent")]), 0).transaction_states
    assert absent.error_code == Error.TRANSACTIONAL_ID_NOT_FOUND
    [empty] = raw.ask(DescribeTransactionsRequest([""]), 0).transaction_states
    assert empty.error_code == Error.INVALID_REQUEST
    assert transaction.end((producer_id, epoch), commit=False, version=5).error is Error.NONE
