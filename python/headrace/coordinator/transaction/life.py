"""The life of a transaction, as its transactional id sees it (Kafka's `TransactionState`)."""

from __future__ import annotations

import enum
from typing import Final


class TransactionState(enum.Enum):
    """Values are what DescribeTransactions and ListTransactions say."""

    EMPTY = "Empty"
    """The producer has its id and epoch; nothing was sent yet."""
    ONGOING = "Ongoing"
    """Partitions are part of it; it has a deadline."""
    PREPARE_COMMIT = "PrepareCommit"
    """Decided and stored: every partition gets its marker, however long that takes."""
    PREPARE_ABORT = "PrepareAbort"
    COMPLETE_COMMIT = "CompleteCommit"
    """All markers are written; the next transaction may begin."""
    COMPLETE_ABORT = "CompleteAbort"
    DEAD = "Dead"
    """Kafka's word for an id that expires just now. Never stored, and never seen: a tombstone is one step here."""
    PREPARE_EPOCH_FENCE = "PrepareEpochFence"
    """Kafka's word for a producer that is fenced before its transaction is aborted. One step here too."""


S = TransactionState

STORED: Final = (
    S.EMPTY,
    S.ONGOING,
    S.PREPARE_COMMIT,
    S.PREPARE_ABORT,
    S.COMPLETE_COMMIT,
    S.COMPLETE_ABORT,
    S.DEAD,
    S.PREPARE_EPOCH_FENCE,
)
"""By the number that stands for it in `__transaction_state`."""

PREPARED: Final = frozenset({S.PREPARE_COMMIT, S.PREPARE_ABORT})

IDLE: Final = frozenset({S.EMPTY, S.COMPLETE_COMMIT, S.COMPLETE_ABORT})
"""No transaction is open: a producer may be given its epoch, and the id may expire."""

TRANSITIONS: Final[dict[TransactionState, frozenset[TransactionState]]] = {
    S.EMPTY: frozenset({S.EMPTY, S.ONGOING, S.PREPARE_ABORT}),
    S.ONGOING: frozenset({S.ONGOING, S.PREPARE_COMMIT, S.PREPARE_ABORT}),
    S.PREPARE_COMMIT: frozenset({S.COMPLETE_COMMIT}),
    S.PREPARE_ABORT: frozenset({S.COMPLETE_ABORT}),
    S.COMPLETE_COMMIT: frozenset({S.EMPTY, S.ONGOING, S.PREPARE_ABORT}),
    S.COMPLETE_ABORT: frozenset({S.EMPTY, S.ONGOING, S.PREPARE_ABORT}),
    S.DEAD: frozenset(),
    S.PREPARE_EPOCH_FENCE: frozenset(),
}
"""A prepared transaction can only be completed. What is idle may be aborted (KIP-890): a client that does not know whether
anything of it was added says so, and gets a new epoch."""
