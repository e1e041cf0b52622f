"""The life of a classic group."""

from __future__ import annotations

import enum
from typing import Final


class GroupState(enum.Enum):
    """Values are what DescribeGroups and ListGroups say."""

    EMPTY = "Empty"
    """No members; there may be offsets."""
    PREPARING_REBALANCE = "PreparingRebalance"
    """Joins are parked until everybody has come or the time is over."""
    COMPLETING_REBALANCE = "CompletingRebalance"
    """Everybody knows the new generation; all wait for the leader's assignment."""
    STABLE = "Stable"
    DEAD = "Dead"
    """Removed. A request that still holds it is told to look for the coordinator again."""


TRANSITIONS: Final[dict[GroupState, frozenset[GroupState]]] = {
    GroupState.EMPTY: frozenset({GroupState.PREPARING_REBALANCE, GroupState.DEAD}),
    GroupState.PREPARING_REBALANCE: frozenset(
        {GroupState.COMPLETING_REBALANCE, GroupState.EMPTY, GroupState.DEAD}
    ),
    GroupState.COMPLETING_REBALANCE: frozenset(
        {GroupState.STABLE, GroupState.PREPARING_REBALANCE, GroupState.DEAD}
    ),
    GroupState.STABLE: frozenset({GroupState.PREPARING_REBALANCE, GroupState.DEAD}),
    GroupState.DEAD: frozenset(),
}
