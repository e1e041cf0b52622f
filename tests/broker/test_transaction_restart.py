"""A transaction that was decided survives the process, wherever it was killed; one that was not is aborted in its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.client.blocking import create_topic
from headrace.model.errors import Error
from headrace.testing import Broker
from headrace.testing.plugin import topic_name
from tests.broker.raw import Raw
from tests.broker.test_transactions_as_kafka import IMPLICIT, visible
from tests.broker.transactions import Transactional, until

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = {"transaction.abort.timed.out.transaction.cleanup.interval.ms": "200"}


@pytest.fixture
def broker() -> Iterator[Broker]:
    with Broker(durable=True, settings=SETTINGS) as broker:
        yield broker


@pytest.mark.parametrize("commit", [True, False])
def test_what_was_answered_is_so_after_a_kill(broker: Broker, commit: bool) -> None:
    topics = [topic_name("orders") for _ in range(4)]
    for topic in topics:
        create_topic(broker.bootstrap_servers, topic, 1)
    group = topic_name("group")
    with Raw(broker.bootstrap_servers) as raw:
        transaction = Transactional(raw, "pay")
        transaction.find(0, group)
        _, producer_id, epoch = transaction.begin()
        who = (producer_id, epoch)
        for topic in topics:
            assert transaction.produce(who, topic, b"value", 0, IMPLICIT) is Error.NONE
        assert transaction.commit_offset(who, group, topics[0], 7, 5) is Error.NONE
        ended = transaction.end(who, commit=commit, version=5)
        assert ended == (Error.NONE, producer_id, epoch + 1)
        broker.kill()  # some of the markers may be written, or none
    broker.restart()
    with Raw(broker.bootstrap_servers) as raw:
        transaction = Transactional(raw, "pay")
        wanted = "CompleteCommit" if commit else "CompleteAbort"
        assert until(transaction.describe, lambda found: found.state == wanted).epoch == epoch + 1
        assert transaction.ended(who, commit=commit, version=5) == ended
        for topic in topics:
            records, aborted = visible(raw, topic, 1)
            assert b"value" in records
            assert aborted == ([] if commit else [(producer_id, 0)])
        assert transaction.offset(group, topics[0], stable=True) == (7 if commit else -1, Error.NONE)
        # The producer goes on where it was.
        assert transaction.produce((producer_id, epoch + 1), topics[0], b"next", 0, IMPLICIT) is Error.NONE


def test_what_was_not_decided_is_aborted_in_its_time(broker: Broker) -> None:
    topic = topic_name("orders")
    create_topic(broker.bootstrap_servers, topic, 1)
    with Raw(broker.bootstrap_servers) as raw:
        transaction = Transactional(raw, "pay")
        _, producer_id, epoch = transaction.begin(timeout_ms=1_000)
        assert transaction.produce((producer_id, epoch), topic, b"value", 0, IMPLICIT) is Error.NONE
        broker.kill()
    broker.restart()
    with Raw(broker.bootstrap_servers) as raw:
        transaction = Transactional(raw, "pay")
        until(transaction.describe, lambda found: found.state == "CompleteAbort")
        assert visible(raw, topic, 1)[1] == [(producer_id, 0)]
        late = transaction.produce((producer_id, epoch), topic, b"late", 1, IMPLICIT)
        assert late is Error.INVALID_PRODUCER_EPOCH
