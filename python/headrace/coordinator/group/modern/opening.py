"""Find the group that a request of a modern protocol means, or make room for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from headrace.coordinator.group.classic.group import Group
from headrace.coordinator.group.records import GroupStored
from headrace.model.errors import Error, Refusal

if TYPE_CHECKING:
    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.modern.group import ModernGroup
    from headrace.coordinator.group.turn import Turn

G = TypeVar("G", bound="ModernGroup[Any]")


def found(machine: GroupMachine, kind: type[G], group_id: str, unknown: str = "Group {} not found.") -> G:
    """The group of this kind. Raises `Refusal` GROUP_ID_NOT_FOUND; `unknown`: with these words if there is none at all."""
    group = machine.find(group_id)
    if group is None and not machine.keeps_offsets_of(group_id):
        raise Refusal(Error.GROUP_ID_NOT_FOUND, unknown.format(group_id))
    if not isinstance(group, kind):
        raise Refusal(Error.GROUP_ID_NOT_FOUND, f"Group {group_id} is not a {kind.KIND} group.")
    return group


def found_or_new(turn: Turn, machine: GroupMachine, kind: type[G], group_id: str) -> G:
    """The group of this kind, or a new one that is not there before a record of it is applied; an empty classic group of this
    id gives way to it. Raises `Refusal`.
    """
    group = machine.find(group_id)
    if isinstance(group, kind):
        return group
    if group is None:
        return kind(group_id)
    if isinstance(group, Group) and group.is_empty:
        turn.store(GroupStored(group_id, None))
        return kind(group_id)
    raise Refusal(Error.GROUP_ID_NOT_FOUND, f"Group {group_id} is not a {kind.KIND} group.")
