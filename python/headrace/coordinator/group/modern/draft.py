"""A group as it will be when what a decision has stored so far is applied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from headrace.coordinator.group.modern.group import ModernGroup
    from headrace.coordinator.group.records import ModernStored
    from headrace.coordinator.group.turn import Turn

G = TypeVar("G", bound="ModernGroup[Any]")


class Draft(Generic[G]):
    """The group itself is not touched: the first record makes a copy of it."""

    def __init__(self, turn: Turn, group: G) -> None:
        self.group = group
        self._turn = turn
        self._original = group

    def store(self, *records: ModernStored) -> None:
        for record in records:
            if self.group is self._original:
                self.group = self._original.copy()
            self.group.apply(record)
            self._turn.store(record)
