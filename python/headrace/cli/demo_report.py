"""What the demo proves, from what was sent and what was delivered; pure arithmetic on integers."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headrace.cli.demo_data import Flight


class Delivery(NamedTuple):
    """A record as a member of the group got it."""

    partition: int
    offset: int
    row: int


class Sum(NamedTuple):
    """Delays of one carrier: their sum in minutes and how many there are; equal means are equal integers."""

    minutes: int
    flights: int

    @property
    def mean(self) -> float:
        return self.minutes / self.flights if self.flights else 0.0


class Report(NamedTuple):
    """The outcome. `ok` is what the exit code says."""

    sent: int
    distinct: int
    in_log: int
    """Records in the log by its own offsets."""
    lost: int
    """Rows that nobody read."""
    duplicated: int
    """Rows that stand in the log more than once."""
    reordered: int
    """Records that come before an earlier row of the same key."""
    redelivered: int
    """Records that the group read again after the crash; a group that stores offsets now and then may."""
    stream_means: dict[str, Sum]
    file_means: dict[str, Sum]

    @property
    def ok(self) -> bool:
        """Nothing lost, nothing twice, nothing out of order, and the stream says what the file says."""
        wrong = self.lost or self.duplicated or self.reordered or self.in_log != self.sent
        return not wrong and self.stream_means == self.file_means


def make_report(sent: Sequence[Flight], delivered: Iterable[Delivery], in_log: int) -> Report:
    """Compare. `sent[row]` is the flight of a row."""
    positions: dict[tuple[int, int], int] = {}
    deliveries = 0
    for delivery in delivered:
        deliveries += 1
        positions[delivery.partition, delivery.offset] = delivery.row
    rows = set(positions.values())
    return Report(
        sent=len(sent),
        distinct=len(rows),
        in_log=in_log,
        lost=len(sent) - len(rows),
        duplicated=len(positions) - len(rows),
        reordered=_reordered(sent, positions),
        redelivered=deliveries - len(positions),
        stream_means=means(sent[row] for row in rows),
        file_means=means(sent),
    )


def means(flights: Iterable[Flight]) -> dict[str, Sum]:
    """Arrival delay by carrier."""
    minutes: dict[str, int] = defaultdict(int)
    count: dict[str, int] = defaultdict(int)
    for flight in flights:
        if flight.arrival_delay is not None:
            minutes[flight.carrier] += flight.arrival_delay
            count[flight.carrier] += 1
    return {carrier: Sum(minutes[carrier], count[carrier]) for carrier in sorted(count)}


def _reordered(sent: Sequence[Flight], positions: dict[tuple[int, int], int]) -> int:
    """Records without a key have no order to keep."""
    newest: dict[str, int] = {}
    out_of_order = 0
    for _, row in sorted(positions.items()):
        key = sent[row].tail_number
        if key is None:
            continue
        if row < newest.get(key, -1):
            out_of_order += 1
        newest[key] = max(row, newest.get(key, -1))
    return out_of_order
