"""The state machine of one `__transaction_state` partition: its transactional ids (Kafka's `TransactionCoordinator`).

Hard state is `transactions`, and only `apply` changes it, from records. Soft are the deadlines of what is ongoing, the
markers that are under way, and the epochs before the last InitProducerId.

An end has two steps, each a record: *prepared*, after which it can no longer be anything else, and *completed*, when every
partition has its marker. Markers are sent only when the first record is committed, and after a restart again: a partition
that gets one twice keeps two, which nobody notices. Where Kafka answers CONCURRENT_TRANSACTIONS while a record is being
written, this machine has gone on already, and only the answers wait.

Versions 0 and 1 of `transaction.version` are told from 2 by each request, as clients of both kinds live side by side.
Before 2 the epoch changes with InitProducerId alone; since 2 (KIP-890) with every end. What the coordinator aborts by
itself, it aborts at version 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.transaction import end_txn, init_producer
from headrace.coordinator.transaction import transaction as steps
from headrace.coordinator.transaction.life import IDLE, PREPARED, TRANSITIONS, TransactionState
from headrace.coordinator.transaction.records import (
    TransactionStored,
    decode_record,
    encode_record,
    too_large,
)
from headrace.coordinator.transaction.settings import IDS_MAX, marker_retry_ms
from headrace.coordinator.transaction.transaction import (
    NO_PRODUCER_ID,
    VERSION_EPOCH_BUMP,
    Place,
    Transaction,
)
from headrace.coordinator.transaction.turn import Outcome, SendMarkers, TransactionTimer, Turn
from headrace.engine.port import Marker
from headrace.model.errors import Error

if TYPE_CHECKING:
    from collections.abc import Hashable

    from headrace.coordinator.runtime.effects import Effects, Now, Waiter
    from headrace.coordinator.transaction.settings import TransactionSettings
    from headrace.engine.port import Producer, Record, Stored

TIMEOUTS = TransactionTimer("timeouts")
EXPIRY = TransactionTimer("expiry")

DONE = frozenset(
    {
        Error.NONE,
        Error.UNKNOWN_TOPIC_OR_PARTITION,  # deleted, and the producer's records with it
        Error.INVALID_PRODUCER_EPOCH,  # somebody ended it there with a higher epoch
    }
)
"""Outcomes after which a partition needs no marker any more."""


class Ending:
    """The markers of one prepared transaction."""

    __slots__ = ("attempts", "failed", "in_flight")

    def __init__(self, partitions: frozenset[Place]) -> None:
        self.in_flight = set(partitions)
        self.failed: set[Place] = set()
        """Wait for the timer."""
        self.attempts = 0


class TransactionMachine:
    def __init__(self, settings: TransactionSettings, coordinator_epoch: int) -> None:
        """`coordinator_epoch`: of this partition's leadership; every marker carries it."""
        self.settings = settings
        self.coordinator_epoch = coordinator_epoch
        self.transactions: dict[str, Transaction] = {}
        self.endings: dict[str, Ending] = {}
        self.deadlines: dict[str, int] = {}
        """Monotonic, of what is ongoing."""
        self.last_epochs: dict[str, int] = {}
        """The epoch before the last step that raised it, by which a retry is known (KIP-360)."""
        self._watching = False

    # -- Machine ------------------------------------------------------------------------------------------------------

    def apply(self, record: TransactionStored) -> None:
        if record.value is None:
            self.transactions.pop(record.transactional_id, None)
        else:
            self.transactions[record.transactional_id] = record.value

    def encode(self, record: TransactionStored) -> Record:
        return encode_record(record)

    def decode(self, stored: Stored) -> TransactionStored | None:
        return decode_record(stored)

    def loaded(self, now: Now) -> Effects[TransactionStored]:
        """What was decided goes on; what is ongoing keeps what is left of its time, all of it if the clock went back."""
        turn = Turn(now)
        for transactional_id, transaction in self.transactions.items():
            if transaction.state is TransactionState.ONGOING:
                left_ms = transaction.start_ms + transaction.timeout_ms - now.wall_ms
                self._watch(turn, transactional_id, max(0, min(left_ms, transaction.timeout_ms)))
            elif transaction.state in PREPARED:
                self._end(turn, transactional_id, transaction)
        turn.set_timer(EXPIRY, self.settings.expiration_check_ms)
        return turn.effects

    def fired(self, key: Hashable, now: Now) -> Effects[TransactionStored]:
        assert isinstance(key, TransactionTimer), "only such timers are set here"
        turn = Turn(now)
        if key == TIMEOUTS:
            self._abort_timed_out(turn)
        elif key == EXPIRY:
            self._expire(turn)
            turn.set_timer(EXPIRY, self.settings.expiration_check_ms)
        else:
            self._send_again(turn, key.transactional_id)
        return turn.effects

    # -- producers ----------------------------------------------------------------------------------------------------

    def decide_init(
        self,
        transactional_id: str,
        timeout_ms: int,
        expected: Producer | None,
        fresh_id: int | None,
        waiter: Waiter,
        now: Now,
    ) -> Effects[TransactionStored]:
        """Outcome: `Outcome`. `expected`: what the producer takes itself for (KIP-360); `fresh_id`: to use if need be."""
        turn = Turn(now)
        before = self.transactions.get(transactional_id)
        if before is None and len(self.transactions) >= IDS_MAX:
            turn.answer(waiter, Outcome(Error.COORDINATOR_NOT_AVAILABLE))
            return turn.effects
        if before is not None and before.state is TransactionState.ONGOING:
            if error := init_producer.why_fenced(before, expected):
                turn.answer(waiter, Outcome(error))
            else:
                self._fence_and_abort(turn, transactional_id, before)
                turn.answer(waiter, Outcome(Error.CONCURRENT_TRANSACTIONS))
            return turn.effects
        last_epoch = self.last_epochs.get(transactional_id, steps.NO_EPOCH)
        found = init_producer.decide(before, last_epoch, timeout_ms, expected, fresh_id, now.wall_ms)
        if isinstance(found, Outcome):
            turn.answer(waiter, found)
        else:
            after, self.last_epochs[transactional_id] = found
            self._move(turn, transactional_id, before, after)
            turn.answer(waiter, Outcome(Error.NONE, *after.producer))
        return turn.effects

    # -- partitions ---------------------------------------------------------------------------------------------------

    def decide_add(
        self,
        transactional_id: str,
        producer: Producer,
        partitions: frozenset[Place],
        client_version: int,
        waiter: Waiter,
        now: Now,
    ) -> Effects[TransactionStored]:
        """Outcome: `Error`. The partitions become part of the transaction, all or none."""
        turn = Turn(now)
        before = self.transactions.get(transactional_id)
        error = why_refused(before, producer)
        if before is not None and not error:
            whole = before.partitions | partitions
            if too_large(whole):
                error = (
                    Error.UNKNOWN_SERVER_ERROR
                )  # Kafka's answer for a record that is too large for its log
            elif before.state is not TransactionState.ONGOING or whole != before.partitions:
                after = steps.added(before, partitions, client_version, now.wall_ms)
                self._move(turn, transactional_id, before, after)
        turn.answer(waiter, error)
        return turn.effects

    def verify(
        self, transactional_id: str, producer: Producer, partitions: tuple[Place, ...]
    ) -> tuple[Error, ...]:
        """Whether each of them is part of the producer's transaction. Reads only."""
        found = self.transactions.get(transactional_id)
        if (error := why_refused(found, producer)) or found is None:
            return (error,) * len(partitions)
        return tuple(
            Error.NONE if place in found.partitions else Error.TRANSACTION_ABORTABLE for place in partitions
        )

    # -- ends ---------------------------------------------------------------------------------------------------------

    def decide_end(
        self,
        transactional_id: str,
        producer: Producer,
        *,
        committed: bool,
        client_version: int,
        fresh_id: int | None,
        waiter: Waiter,
        now: Now,
    ) -> Effects[TransactionStored]:
        """Outcome: `Outcome`, with the producer to go on with since version 2. Not before the decision is stored."""
        turn = Turn(now)
        before = self.transactions.get(transactional_id)
        found = end_txn.decide(
            before, producer, committed=committed, client_version=client_version, fresh_id=fresh_id
        )
        if isinstance(found, Outcome):
            turn.answer(waiter, found)
            return turn.effects
        assert before is not None, "an unknown id has nothing to end"
        after = steps.prepared(
            before,
            committed=committed,
            client_version=client_version,
            next_producer_id=found,
            wall_ms=now.wall_ms,
        )
        if client_version < VERSION_EPOCH_BUMP:
            turn.answer(waiter, Outcome(Error.NONE))
        else:
            self.last_epochs[transactional_id] = before.producer_epoch
            turn.answer(waiter, Outcome(Error.NONE, *steps.completed(after, now.wall_ms).producer))
        self._move(turn, transactional_id, before, after)
        self._end(turn, transactional_id, after)
        return turn.effects

    def decide_marker(
        self, transactional_id: str, place: Place, error: Error, now: Now
    ) -> Effects[TransactionStored]:
        """What became of a marker that was sent."""
        turn = Turn(now)
        ending = self.endings[transactional_id]
        if error is Error.TRANSACTION_COORDINATOR_FENCED:
            return turn.effects  # a newer coordinator ends it; this one stops for good
        ending.in_flight.discard(place)
        if error not in DONE:
            if not ending.failed:
                timer = TransactionTimer("markers", transactional_id)
                turn.set_timer(timer, marker_retry_ms(ending.attempts))
            ending.failed.add(place)
        elif not ending.in_flight and not ending.failed:
            self._complete(turn, transactional_id, self.transactions[transactional_id])
        return turn.effects

    def _end(self, turn: Turn, transactional_id: str, prepared: Transaction) -> None:
        """Send the markers of what is prepared; without partitions it is complete."""
        if not prepared.partitions:
            self._complete(turn, transactional_id, prepared)
            return
        self.endings[transactional_id] = Ending(prepared.partitions)
        self._send(turn, transactional_id, prepared, prepared.partitions, 0)

    def _send(
        self,
        turn: Turn,
        transactional_id: str,
        prepared: Transaction,
        partitions: set[Place] | frozenset[Place],
        attempts: int,
    ) -> None:
        committed = prepared.state is TransactionState.PREPARE_COMMIT
        marker = Marker(committed, self.coordinator_epoch)
        places = tuple(sorted(partitions))
        turn.send(SendMarkers(transactional_id, prepared.producer, marker, places, attempts))

    def _send_again(self, turn: Turn, transactional_id: str) -> None:
        ending = self.endings[transactional_id]
        ending.attempts += 1
        failed, ending.failed = ending.failed, set()
        ending.in_flight |= failed
        self._send(turn, transactional_id, self.transactions[transactional_id], failed, ending.attempts)

    def _complete(self, turn: Turn, transactional_id: str, prepared: Transaction) -> None:
        self.endings.pop(transactional_id, None)
        self._move(turn, transactional_id, prepared, steps.completed(prepared, turn.now.wall_ms))

    def _fence_and_abort(self, turn: Turn, transactional_id: str, ongoing: Transaction) -> None:
        """The producer is gone or replaced: nothing that it says with its epoch counts any more, whatever its version."""
        after = steps.prepared(
            ongoing,
            committed=False,
            client_version=VERSION_EPOCH_BUMP,
            next_producer_id=NO_PRODUCER_ID,
            wall_ms=turn.now.wall_ms,
        )
        self.last_epochs[transactional_id] = ongoing.producer_epoch
        self._move(turn, transactional_id, ongoing, after)
        self._end(turn, transactional_id, after)

    # -- time ---------------------------------------------------------------------------------------------------------

    def _watch(self, turn: Turn, transactional_id: str, left_ms: int) -> None:
        self.deadlines[transactional_id] = turn.now.ms + left_ms
        if not self._watching:
            self._watching = True
            turn.set_timer(TIMEOUTS, self.settings.timeout_check_ms)

    def _abort_timed_out(self, turn: Turn) -> None:
        for transactional_id, deadline_ms in list(self.deadlines.items()):
            if deadline_ms < turn.now.ms:
                self._fence_and_abort(turn, transactional_id, self.transactions[transactional_id])
        self._watching = bool(self.deadlines)
        if self._watching:
            turn.set_timer(TIMEOUTS, self.settings.timeout_check_ms)

    def _expire(self, turn: Turn) -> None:
        """Ids that nobody has used for so long."""
        before_ms = turn.now.wall_ms - self.settings.expiration_ms
        for transactional_id, transaction in self.transactions.items():
            if transaction.state in IDLE and transaction.last_update_ms <= before_ms:
                self.last_epochs.pop(transactional_id, None)
                turn.store(TransactionStored(transactional_id, None))

    def _move(
        self, turn: Turn, transactional_id: str, before: Transaction | None, after: Transaction
    ) -> None:
        old = TransactionState.EMPTY if before is None else before.state
        assert after.state in TRANSITIONS[old], f"{transactional_id}: {old.value} to {after.state.value}"
        if after.state is not TransactionState.ONGOING:
            self.deadlines.pop(transactional_id, None)
        elif old is not TransactionState.ONGOING:
            self._watch(turn, transactional_id, after.timeout_ms)
        turn.store(TransactionStored(transactional_id, after))


def why_refused(transaction: Transaction | None, producer: Producer) -> Error:
    """Why this producer may not add to the transaction, or verify that it has."""
    if transaction is None or transaction.producer_id != producer.producer_id:
        return Error.INVALID_PRODUCER_ID_MAPPING
    if transaction.producer_epoch != producer.producer_epoch:
        return Error.PRODUCER_FENCED
    return Error.CONCURRENT_TRANSACTIONS if transaction.state in PREPARED else Error.NONE
