"""One decision in the making: the time it sees, and the effects it gathers; and what decisions come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.coordinator.runtime.effects import NOBODY, Answer, CancelTimer, Effects, Now, SetTimer, Waiter
from headrace.coordinator.transaction.transaction import NO_EPOCH, NO_PRODUCER_ID, Place
from headrace.model.errors import Error

if TYPE_CHECKING:
    from headrace.coordinator.transaction.records import TransactionStored
    from headrace.engine.port import Marker, Producer


class Outcome(NamedTuple):
    """Of InitProducerId and EndTxn."""

    error: Error
    producer_id: int = NO_PRODUCER_ID
    producer_epoch: int = NO_EPOCH


NEEDS_PRODUCER_ID: Final = Outcome(Error.NONE)
"""Nothing was done: it takes a producer id that nobody ever had; ask again with one."""


class SendMarkers(NamedTuple):
    """Write this marker to each of these partitions, and say what became of each."""

    transactional_id: str
    producer: Producer
    marker: Marker
    partitions: tuple[Place, ...]
    attempts: int
    """How often it was tried before."""


class TransactionTimer(NamedTuple):
    """Names a timer. `kind`: `markers` (an id's), `timeouts` and `expiry` (the partition's)."""

    kind: str
    transactional_id: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in self if part)


class Turn:
    __slots__ = ("effects", "now")

    def __init__(self, now: Now) -> None:
        self.now = now
        self.effects: Effects[TransactionStored] = Effects()

    def answer(self, waiter: Waiter, outcome: object) -> None:
        if waiter != NOBODY:
            self.effects.answers.append(Answer(waiter, outcome))

    def store(self, record: TransactionStored) -> None:
        self.effects.records.append(record)

    def send(self, markers: SendMarkers) -> None:
        self.effects.sends.append(markers)

    def set_timer(self, timer: TransactionTimer, delay_ms: int) -> None:
        self.effects.timers.append(SetTimer(timer, delay_ms))

    def cancel_timer(self, timer: TransactionTimer) -> None:
        self.effects.timers.append(CancelTimer(timer))
