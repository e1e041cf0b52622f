"""What is stored of a transactional id, and the steps from one such state to the next (Kafka's `TransactionMetadata`).

Pure values: no step looks at anything but its arguments. Which step may be taken, says `machine`.

An epoch is a 16-bit number. Clients use those up to 32766; the last one, 32767, is only ever on a marker, so that whoever
used 32766 can still be fenced. After it the id goes on with another producer id at epoch 0.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from headrace.coordinator.transaction.life import TransactionState
from headrace.engine.port import Producer

NO_PRODUCER_ID: Final = -1
NO_EPOCH: Final = -1
NO_TIME: Final = -1
EPOCH_MAX: Final = 32767
VERSION_EPOCH_BUMP: Final = 2
"""The transaction.version from which on every end raises the epoch (KIP-890)."""

Place = tuple[str, int]
"""Topic and partition."""


class Transaction(NamedTuple):
    """A transactional id: its producer and its newest transaction."""

    producer_id: int
    producer_epoch: int
    """NO_EPOCH before the first InitProducerId is answered; never stored so."""
    timeout_ms: int
    state: TransactionState = TransactionState.EMPTY
    partitions: frozenset[Place] = frozenset()
    start_ms: int = NO_TIME
    """When its first partition was added."""
    last_update_ms: int = NO_TIME
    """By the wall clock, as `start_ms`; the id expires by it."""
    previous_producer_id: int = NO_PRODUCER_ID
    """The producer id before the last step, if that step changed it."""
    next_producer_id: int = NO_PRODUCER_ID
    """While prepared: the id to go on with, because this one has no epochs left."""
    client_version: int = 0
    """The transaction.version that the client of the last end or addition spoke: 0 or 2."""

    @property
    def producer(self) -> Producer:
        return Producer(self.producer_id, self.producer_epoch)

    @property
    def exhausted(self) -> bool:
        return is_exhausted(self.producer_epoch)

    def step(self, state: TransactionState, wall_ms: int) -> Transaction:
        """The same in another state."""
        return self._replace(state=state, last_update_ms=wall_ms, previous_producer_id=NO_PRODUCER_ID)

    def with_id(self, producer_id: int) -> Transaction:
        """The same with a producer id whose epochs are all left; the one before it is remembered, for repetitions."""
        return self._replace(producer_id=producer_id, producer_epoch=0, previous_producer_id=self.producer_id)


def is_exhausted(epoch: int) -> bool:
    """No client may be given a higher epoch of this producer id."""
    return epoch >= EPOCH_MAX - 1


def given(before: Transaction, epoch: int, timeout_ms: int, wall_ms: int) -> Transaction:
    """The producer begins, or begins anew, with this epoch."""
    return before.step(TransactionState.EMPTY, wall_ms)._replace(
        producer_epoch=epoch, timeout_ms=timeout_ms, partitions=frozenset(), start_ms=NO_TIME
    )


def rotated(before: Transaction, producer_id: int, timeout_ms: int, wall_ms: int) -> Transaction:
    """The producer begins with another id, because the old one has no epochs left."""
    return given(before, 0, timeout_ms, wall_ms).with_id(producer_id)


def added(
    before: Transaction, partitions: frozenset[Place], client_version: int, wall_ms: int
) -> Transaction:
    """Partitions become part of it; the first ones begin it."""
    after = before.step(TransactionState.ONGOING, wall_ms)
    begins = before.state is not TransactionState.ONGOING
    return after._replace(
        partitions=before.partitions | partitions,
        start_ms=wall_ms if begins else before.start_ms,
        client_version=client_version,
    )


def prepared(
    before: Transaction, *, committed: bool, client_version: int, next_producer_id: int, wall_ms: int
) -> Transaction:
    """Its end is decided. From version 2 on the markers carry an epoch above the one that the producer used, so that
    nothing of it can come later (KIP-890).
    """
    state = TransactionState.PREPARE_COMMIT if committed else TransactionState.PREPARE_ABORT
    epoch = before.producer_epoch
    if client_version >= VERSION_EPOCH_BUMP:
        epoch = min(epoch + 1, EPOCH_MAX)
    return before.step(state, wall_ms)._replace(
        producer_epoch=epoch,
        next_producer_id=next_producer_id,
        start_ms=before.start_ms if before.state is TransactionState.ONGOING else wall_ms,
        client_version=client_version,
    )


def completed(before: Transaction, wall_ms: int) -> Transaction:
    """All its markers are written."""
    committed = before.state is TransactionState.PREPARE_COMMIT
    state = TransactionState.COMPLETE_COMMIT if committed else TransactionState.COMPLETE_ABORT
    after = before.step(state, wall_ms)._replace(partitions=frozenset(), next_producer_id=NO_PRODUCER_ID)
    return after if before.next_producer_id == NO_PRODUCER_ID else after.with_id(before.next_producer_id)
