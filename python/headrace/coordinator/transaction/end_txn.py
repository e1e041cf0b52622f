"""EndTxn: whether a transaction may be ended so, now, by this producer. Pure.

Before version 2 the producer keeps its epoch, so a repeated request is known by the state alone, and a late one can hit the
next transaction. Since version 2 (KIP-890) every end raises the epoch: a request with the epoch before is a repetition and
is told the new one, one with the present epoch means a transaction of its own. While markers are written, every request
waits.

    v2               abort                  commit
    state            epoch-1   epoch        epoch-1   epoch
    Empty            fenced    ends         fenced    INVALID_TXN_STATE
    CompleteAbort    same      ends         ITS       INVALID_TXN_STATE
    CompleteCommit   ITS       ends         same      INVALID_TXN_STATE
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.transaction.life import PREPARED, TransactionState
from headrace.coordinator.transaction.transaction import (
    EPOCH_MAX,
    NO_PRODUCER_ID,
    VERSION_EPOCH_BUMP,
    Transaction,
)
from headrace.coordinator.transaction.turn import NEEDS_PRODUCER_ID, Outcome
from headrace.model.errors import Error

if TYPE_CHECKING:
    from headrace.engine.port import Producer


def decide(
    before: Transaction | None,
    producer: Producer,
    *,
    committed: bool,
    client_version: int,
    fresh_id: int | None,
) -> Outcome | int:
    """The answer if nothing changes, or the producer id to go on with after the end (NO_PRODUCER_ID: the same)."""
    if before is None:
        return Outcome(Error.INVALID_PRODUCER_ID_MAPPING)
    if client_version < VERSION_EPOCH_BUMP:
        return _first_protocol(before, producer, committed=committed)
    return _with_epoch_bump(before, producer, committed=committed, fresh_id=fresh_id)


def _first_protocol(before: Transaction, producer: Producer, *, committed: bool) -> Outcome | int:
    if before.producer_id != producer.producer_id:
        return Outcome(Error.INVALID_PRODUCER_ID_MAPPING)
    if before.producer_epoch != producer.producer_epoch:
        return Outcome(Error.PRODUCER_FENCED)
    if before.state in PREPARED:
        return Outcome(Error.CONCURRENT_TRANSACTIONS)
    if before.state is TransactionState.ONGOING:
        return NO_PRODUCER_ID
    same = before.state is (
        TransactionState.COMPLETE_COMMIT if committed else TransactionState.COMPLETE_ABORT
    )
    return Outcome(Error.NONE if same else Error.INVALID_TXN_STATE)


def _with_epoch_bump(
    before: Transaction, producer: Producer, *, committed: bool, fresh_id: int | None
) -> Outcome | int:
    if before.state in PREPARED:
        # Whoever asks: the producer may be ahead of the markers, with an epoch that is in use already.
        return Outcome(Error.CONCURRENT_TRANSACTIONS)
    # The id changed with the end, because its epochs were used up.
    of_id_before = (
        before.previous_producer_id != NO_PRODUCER_ID
        and before.producer_epoch == 0
        and producer.producer_id == before.previous_producer_id
        and producer.producer_epoch == EPOCH_MAX - 1
    )
    if before.producer_id != producer.producer_id and not of_id_before:
        return Outcome(Error.INVALID_PRODUCER_ID_MAPPING)
    complete = before.state in {TransactionState.COMPLETE_COMMIT, TransactionState.COMPLETE_ABORT}
    repeats = of_id_before or before.producer_epoch == producer.producer_epoch + 1
    if repeats and complete:
        same = before.state is (
            TransactionState.COMPLETE_COMMIT if committed else TransactionState.COMPLETE_ABORT
        )
        return Outcome(Error.NONE, *before.producer) if same else Outcome(Error.INVALID_TXN_STATE)
    if producer.producer_epoch != before.producer_epoch:
        return Outcome(Error.PRODUCER_FENCED)
    if before.state is not TransactionState.ONGOING and committed:
        return Outcome(Error.INVALID_TXN_STATE)
    if not before.exhausted:
        return NO_PRODUCER_ID
    return NEEDS_PRODUCER_ID if fresh_id is None else fresh_id
