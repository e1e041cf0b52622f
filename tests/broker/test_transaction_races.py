"""Races around a transaction's end, really raced, on several connections at once: whoever wins, all tell the same story.

The same as rules, one at a time: coordinator/transaction/test_races.py, and test_engine_transactions.py for verifications.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import pytest

from headrace.client.blocking import create_topic
from headrace.model.errors import Error
from headrace.testing import Broker
from headrace.testing.plugin import topic_name
from headrace.wire.messages.k00_produce import PartitionProduceData, ProduceRequest, TopicProduceData
from headrace.wire.messages.k22_init_producer_id import InitProducerIdRequest
from headrace.wire.messages.k26_end_txn import EndTxnRequest
from tests.broker.raw import Raw
from tests.broker.transactions import TRANSACTIONAL, Transactional, until
from tests.eos.reader import end, read
from tests.hostile.batches import Batch, record

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS: Final = 30
IMPLICIT: Final = 12
TIMEOUT_MS: Final = 60
SETTINGS: Final = {"transaction.abort.timed.out.transaction.cleanup.interval.ms": "10"}


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    with Broker(durable=True, settings=SETTINGS) as broker:
        yield broker.bootstrap_servers


@pytest.fixture
def topic(request: pytest.FixtureRequest, bootstrap: str) -> str:
    name = topic_name(request.node.name)
    create_topic(bootstrap, name, 2)
    return name


@pytest.fixture
def raws(bootstrap: str) -> Iterator[tuple[Raw, Raw]]:
    with Raw(bootstrap) as one, Raw(bootstrap) as other:
        yield one, other


def settled(raw: Raw, topic: str) -> list[bytes]:
    """What readers of committed records see of both partitions, once nothing is open in them any more. It hangs nowhere."""
    for number in range(2):
        until(
            lambda n=number: (end(raw, topic, n, 1), end(raw, topic, n, 0)), lambda both: both[0] == both[1]
        )
    return [value for number in range(2) for _, value in read(raw, topic, number).committed]


def test_a_commit_and_the_timeout(raws: tuple[Raw, Raw], topic: str) -> None:
    raw, _ = raws
    kept, outcomes = [], set()
    for number in range(ROUNDS):
        transaction = Transactional(raw, f"{topic}-{number}")
        _, producer_id, epoch = transaction.begin(timeout_ms=TIMEOUT_MS)
        who, value = (producer_id, epoch), f"value {number}".encode()
        due = time.monotonic() + 2 * TIMEOUT_MS / 1000 * number / ROUNDS
        if transaction.produce(who, topic, value, 0, IMPLICIT) is not Error.NONE:
            continue  # it was over before this
        until(time.monotonic, lambda now, due=due: now >= due)
        told = transaction.ended(who, commit=True, version=5)
        state = until(transaction.describe, lambda found: found.state.startswith("Complete")).state
        outcomes.add(told.error)
        if told.error is Error.NONE:
            kept.append(value)
            assert (state, told.epoch) == ("CompleteCommit", epoch + 1)
        else:
            assert told.error is Error.INVALID_TXN_STATE
            assert state == "CompleteAbort"
    assert settled(raw, topic) == kept
    assert Error.INVALID_TXN_STATE in outcomes  # the last rounds wait for twice the time


@pytest.mark.parametrize("commit", [True, False])
def test_an_end_and_a_new_producer(raws: tuple[Raw, Raw], topic: str, commit: bool) -> None:
    kept = []
    for number in range(ROUNDS):
        transaction = Transactional(raws[0], f"{topic}-{number}")
        _, producer_id, epoch = transaction.begin()
        who, value = (producer_id, epoch), f"value {number}".encode()
        assert transaction.produce(who, topic, value, 0, IMPLICIT) is Error.NONE
        ending = EndTxnRequest(transaction.transactional_id, *who, commit)
        fencing = InitProducerIdRequest(transaction.transactional_id, 60_000)
        if number % 2:
            raws[1].send(fencing, 4)
            raws[0].send(ending, 5)
        else:
            raws[0].send(ending, 5)
            raws[1].send(fencing, 4)
        told, fenced = raws[0].receive(ending, 5), raws[1].receive(fencing, 4)
        assert Error(fenced.error_code) in {Error.CONCURRENT_TRANSACTIONS, Error.NONE}
        assert Error(told.error_code) in {
            Error.NONE,
            Error.CONCURRENT_TRANSACTIONS,  # the other one's abort is being written
            Error.INVALID_TXN_STATE,  # and is done
            Error.PRODUCER_FENCED,
        }
        if told.error_code == 0 and commit:
            kept.append(value)
        successor = transaction.begin()
        assert successor.epoch > epoch + 1
        # What the old one says now counts for nothing.
        assert transaction.produce(who, topic, b"zombie", 1, IMPLICIT) is Error.INVALID_PRODUCER_EPOCH
        assert transaction.end(who, commit=True, version=5).error is Error.PRODUCER_FENCED
        assert transaction.describe().state == "Empty"
    assert settled(raws[0], topic) == kept


@pytest.mark.parametrize("commit", [True, False])
def test_a_batch_that_is_verified_and_the_marker(raws: tuple[Raw, Raw], topic: str, commit: bool) -> None:
    """The batch for the second partition is part of the transaction that ends just now, or is in no transaction at all."""
    kept = []
    transaction = Transactional(raws[0], topic)
    _, producer_id, epoch = transaction.begin()
    for number in range(ROUNDS):
        who, values = (producer_id, epoch), [f"{number} {part}".encode() for part in range(2)]
        assert transaction.produce(who, topic, values[0], 0, IMPLICIT) is Error.NONE
        batch = Batch(record(0, values[1]), attributes=TRANSACTIONAL, producer=(*who, 0))
        data = [
            TopicProduceData(
                name=topic, partition_data=[PartitionProduceData(index=1, records=batch.encode())]
            )
        ]
        late = ProduceRequest(transaction.transactional_id, -1, 10_000, data)
        ending = EndTxnRequest(transaction.transactional_id, *who, commit)
        if number % 2:
            raws[1].send(late, IMPLICIT)
            raws[0].send(ending, 5)
        else:
            raws[0].send(ending, 5)
            raws[1].send(late, IMPLICIT)
        told = raws[0].receive(ending, 5)
        written = Error(raws[1].receive(late, IMPLICIT).responses[0].partition_responses[0].error_code)
        assert told.error_code == 0
        if commit:
            kept += values[: 2 if written is Error.NONE else 1]
        epoch = told.producer_epoch
        assert transaction.ended(who, commit=commit, version=5) == (Error.NONE, producer_id, epoch)
    assert sorted(settled(raws[0], topic)) == sorted(kept)
