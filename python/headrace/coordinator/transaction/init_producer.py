"""InitProducerId for a transactional id that has no transaction open: which id and epoch the producer gets. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.transaction.life import PREPARED
from headrace.coordinator.transaction.transaction import (
    NO_EPOCH,
    NO_TIME,
    Transaction,
    given,
    is_exhausted,
    rotated,
)
from headrace.coordinator.transaction.turn import NEEDS_PRODUCER_ID, Outcome
from headrace.model.errors import Error

if TYPE_CHECKING:
    from headrace.engine.port import Producer


def why_fenced(before: Transaction, expected: Producer | None) -> Error:
    """Whether who asks takes itself for somebody else than the present producer (KIP-360).

    The id before this one counts if its epochs were used up: then the answer that named the new one may have got lost.
    """
    if expected is None or expected.producer_id == before.producer_id:
        return Error.NONE
    retries = expected.producer_id == before.previous_producer_id and is_exhausted(expected.producer_epoch)
    return Error.NONE if retries else Error.PRODUCER_FENCED


def decide(
    before: Transaction | None,
    last_epoch: int,
    timeout_ms: int,
    expected: Producer | None,
    fresh_id: int | None,
    wall_ms: int,
) -> Outcome | tuple[Transaction, int]:
    """The next state and the epoch before it, or the answer if nothing changes."""
    if before is None:
        if fresh_id is None:
            return NEEDS_PRODUCER_ID
        new = Transaction(fresh_id, NO_EPOCH, timeout_ms, start_ms=NO_TIME)
        return given(new, 0, timeout_ms, wall_ms), NO_EPOCH
    if before.state in PREPARED:
        return Outcome(Error.CONCURRENT_TRANSACTIONS)
    if error := why_fenced(before, expected):
        return Outcome(error)
    if expected is not None and expected.producer_epoch != before.producer_epoch:
        if expected.producer_epoch != last_epoch:
            return Outcome(Error.PRODUCER_FENCED)
        # Its last request was heard and the answer got lost: once more the same.
        return given(before, before.producer_epoch, timeout_ms, wall_ms), last_epoch
    before_epoch = NO_EPOCH if expected is None else before.producer_epoch
    if not before.exhausted:
        return given(before, before.producer_epoch + 1, timeout_ms, wall_ms), before_epoch
    if fresh_id is None:
        return NEEDS_PRODUCER_ID
    return rotated(before, fresh_id, timeout_ms, wall_ms), before_epoch
