"""What an assignor is asked: who reads which topics, what everybody was meant to have before, and how large topics are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.coordinator.group.modern.assignment import Assignment


class MemberSpec(NamedTuple):
    topics: frozenset[bytes]
    """Ids of those that it subscribes to and that there are."""
    target: Assignment
    """What it was meant to have before."""
    instance_id: str | None = None


class GroupSpec(NamedTuple):
    members: Mapping[str, MemberSpec]
    """By member id; never empty."""
    partitions: Mapping[bytes, int]
    """How many there are, by topic id; holds every topic of every member."""
    homogeneous: bool
    """All members subscribe to the same."""


class Assignor(Protocol):
    def __call__(self, spec: GroupSpec) -> Mapping[str, Assignment]:
        """What each member is meant to have now; who is left out is meant to have nothing."""
