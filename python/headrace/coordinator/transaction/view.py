"""What others may see of a partition's transactional ids. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from headrace.coordinator.transaction.life import TransactionState

if TYPE_CHECKING:
    from headrace.coordinator.transaction.machine import TransactionMachine


class TransactionListed(NamedTuple):
    transactional_id: str
    producer_id: int
    state: str
    """As in `TransactionState`'s values."""


class Filter(NamedTuple):
    """Which transactional ids to list; what is empty or negative leaves all through."""

    states: frozenset[str] = frozenset()
    producer_ids: frozenset[int] = frozenset()
    running_longer_than_ms: int = -1


def list_transactions(machine: TransactionMachine, wanted: Filter, wall_ms: int) -> list[TransactionListed]:
    """In no order. What never began has begun at -1, so it has been running longer than anything (as in Kafka)."""
    found = []
    for transactional_id, t in machine.transactions.items():
        if wanted.states and t.state.value not in wanted.states:
            continue
        if wanted.producer_ids and t.producer_id not in wanted.producer_ids:
            continue
        if wanted.running_longer_than_ms >= 0 and wall_ms - t.start_ms <= wanted.running_longer_than_ms:
            continue
        found.append(TransactionListed(transactional_id, t.producer_id, t.state.value))
    return found


def known_states() -> frozenset[str]:
    return frozenset(state.value for state in TransactionState)
