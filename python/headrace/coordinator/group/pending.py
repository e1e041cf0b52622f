"""Offsets of transactions that are not ended yet (Kafka's `OffsetMetadataManager`, pending transactional offsets).

Nobody sees them until the marker that commits them is in the same log; a marker that aborts drops them. Until then whoever
wants only stable offsets is told to wait. Hard state: changed by records and markers in their order, and by nothing else.

When a transaction commits, the newest record wins, not the newest marker: what was written to the same place later, by
another transaction that is already committed or by none, stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.model.errors import Error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.coordinator.group.records import TransactionEnded
    from headrace.engine.port import Marker, Producer
    from headrace.wire.messages.group_records import OffsetCommitValue

PRODUCERS_MAX: Final = 10_000
"""Producers without an open transaction that are remembered. What the log would refuse is refused before it, so that a
zombie does not cost everybody the fold; of who is forgotten the log itself knows."""


class Place(NamedTuple):
    group_id: str
    topic: str
    partition: int


class Offset(NamedTuple):
    """One offset that waits for its marker."""

    position: int
    value: OffsetCommitValue | None
    """None: something newer was written there meanwhile."""


class Known(NamedTuple):
    """What the log knows of a producer."""

    epoch: int
    coordinator_epoch: int
    """Of its newest marker; -1: none."""
    ended: int
    """Position of its newest marker; -1: none."""


UNKNOWN: Final = Known(-1, -1, -1)


class Open:
    """One transaction: its offsets, and the groups it has written to, though what it wrote may be gone."""

    __slots__ = ("groups", "offsets")

    def __init__(self) -> None:
        self.offsets: dict[Place, Offset] = {}
        self.groups: set[str] = set()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Open) and (self.offsets, self.groups) == (other.offsets, other.groups)

    __hash__ = None  # type: ignore[assignment]


class PendingOffsets:
    def __init__(self) -> None:
        self.position = 0
        """Counts what was applied: the order of the log without its gaps."""
        self.open: dict[int, Open] = {}
        """By producer id."""
        self.known: dict[int, Known] = {}
        """By producer id, those whose transaction ended last at the end."""
        self._producers: dict[str, set[int]] = {}
        """By group id, who has an open transaction."""

    # -- questions ----------------------------------------------------------------------------------------------------

    def holds(self, place: Place) -> bool:
        """Whether an open transaction has written there."""
        producers = self._producers.get(place.group_id, ())
        return any(place in self.open[producer_id].offsets for producer_id in producers)

    def concerns(self, group_id: str) -> bool:
        """Whether an open transaction has written to this group."""
        return group_id in self._producers

    def places_of(self, group_id: str) -> Iterator[Place]:
        """Where open transactions have written; a place may come twice."""
        for producer_id in self._producers.get(group_id, ()):
            yield from (place for place in self.open[producer_id].offsets if place.group_id == group_id)

    def groups(self) -> Iterator[str]:
        return iter(self._producers)

    def producers_of(self, group_id: str) -> frozenset[int]:
        """Who has an open transaction that has written to this group."""
        return frozenset(self._producers.get(group_id, ()))

    def topics(self) -> set[str]:
        return {place.topic for transaction in self.open.values() for place in transaction.offsets}

    def why_not(self, producer: Producer, since: int) -> Error:
        """Why records of this producer may not be written, though it had a transaction open at position `since`."""
        known = self.known.get(producer.producer_id, UNKNOWN)
        if producer.producer_epoch < known.epoch:
            return Error.INVALID_PRODUCER_EPOCH
        # Its marker came meanwhile: nothing would ever end what came after it.
        return Error.INVALID_TXN_STATE if known.ended >= since else Error.NONE

    def why_no_marker(self, producer: Producer, marker: Marker) -> Error:
        known = self.known.get(producer.producer_id, UNKNOWN)
        if producer.producer_epoch < known.epoch:
            return Error.INVALID_PRODUCER_EPOCH
        if marker.coordinator_epoch < known.coordinator_epoch:
            return Error.TRANSACTION_COORDINATOR_FENCED
        return Error.NONE

    # -- changes ------------------------------------------------------------------------------------------------------

    def add(self, producer: Producer, place: Place, value: OffsetCommitValue) -> None:
        """An open transaction writes an offset."""
        self.position += 1
        transaction = self.open.setdefault(producer.producer_id, Open())
        transaction.offsets[place] = Offset(self.position, value)
        transaction.groups.add(place.group_id)
        self._producers.setdefault(place.group_id, set()).add(producer.producer_id)
        known = self.known.get(producer.producer_id, UNKNOWN)
        self.known[producer.producer_id] = known._replace(epoch=producer.producer_epoch)

    def overwritten(self, place: Place) -> None:
        """Somebody without a transaction has written there."""
        self.position += 1
        for producer_id in self._producers.get(place.group_id, ()):
            offsets = self.open[producer_id].offsets
            if place in offsets:
                offsets[place] = Offset(self.position, None)

    def removed(self, place: Place) -> None:
        """What was committed there is forgotten, and what waits with it."""
        self.position += 1
        for producer_id in self._producers.get(place.group_id, ()):
            self.open[producer_id].offsets.pop(place, None)

    def end(self, record: TransactionEnded) -> list[tuple[Place, OffsetCommitValue]]:
        """The marker came; what is committed by it."""
        self.position += 1
        producer_id, epoch = record.producer
        self.known.pop(producer_id, None)
        self.known[producer_id] = Known(epoch, record.marker.coordinator_epoch, self.position)
        transaction = self.open.pop(producer_id, Open())
        for group_id in transaction.groups:
            producers = self._producers[group_id]
            producers.discard(producer_id)
            if not producers:
                del self._producers[group_id]
        self._forget()
        if not record.marker.committed:
            return []
        found = []
        for place, (position, value) in transaction.offsets.items():
            if value is not None:
                self._supersede(place, position)
                found.append((place, value))
        return found

    def _supersede(self, place: Place, position: int) -> None:
        """Older offsets that wait for the same place have come too late."""
        for producer_id in self._producers.get(place.group_id, ()):
            offsets = self.open[producer_id].offsets
            offset = offsets.get(place)
            if offset is not None and offset.position < position:
                offsets[place] = Offset(offset.position, None)

    def _forget(self) -> None:
        over = len(self.known) - len(self.open) - PRODUCERS_MAX
        if over > 0:
            idle = [producer_id for producer_id in self.known if producer_id not in self.open]
            for producer_id in idle[:over]:
                del self.known[producer_id]
