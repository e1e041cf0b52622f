"""What the groups of the new protocols have in common: epochs, members, targets, and what follows from them.

A modern group is hard state as a whole: `apply` folds it from its records, and nothing else changes it. A decision computes
the members it wants as values of their own and stores records of them; the driver applies them at once. Soft state is who was
heard of when (`sessions`), kept by the machine.

    group epoch        rises whenever something changed that an assignment depends on: members, subscriptions, topics
    assignment epoch   the group epoch for which the target was computed
    member epoch       the target that a member has reached, or is on its way to

How a kind is added (`share`, `streams`):

1. A room `coordinator/group/<kind>/` with a subclass of `ModernGroup` that names its stored keys in `RECORDS`, folds them in
   `apply`, and forgets itself in `tombstones`.
2. Its class in `kinds.KINDS`, which tells the machine whose records are whose. The records are read and written already, if
   the generated modules are listed in `records.MODULES`.
3. Decisions are functions `(turn, machine, request, ...) -> outcome` that raise `Refusal` before they change anything; a
   handler asks them through `GroupCoordinators.decide(group_id, decision)`. They find their group by `opening`.
4. Timers: `turn.set_timer(kind, group, delay_ms, member_id)`, and `machine.sessions` for sessions; what comes of them is the
   class's `timer_fired`.
5. Topics and what is set for a group: `machine.cluster`. `metadata_hash` of the subscribed topics belongs to the group epoch;
   a heartbeat compares it when `cluster.topics_version` is not `topics_seen`.

ListGroups, DeleteGroups, the offsets' requests and their expiry see the group through `kind.AnyGroup`, whose methods are here
or in the class.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar

from headrace.coordinator.group.modern.life import ASSIGNING, EMPTY, RECONCILING, STABLE, MemberState
from headrace.model.errors import Error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.offsets import Commit
    from headrace.coordinator.group.records import ModernStored
    from headrace.coordinator.group.turn import GroupTimer, Turn
    from headrace.wire.messages.group_records import OffsetCommitValue


class ModernMember(Protocol):
    @property
    def member_id(self) -> str: ...
    @property
    def member_epoch(self) -> int: ...
    @property
    def state(self) -> MemberState: ...


M = TypeVar("M", bound=ModernMember)


class ModernGroup(ABC, Generic[M]):
    KIND: ClassVar[str]
    PROTOCOL_TYPE: ClassVar[str]
    RECORDS: ClassVar[frozenset[int]]
    """The kinds of stored keys that are this kind of group's."""

    def __init__(self, group_id: str) -> None:
        self._group_id = group_id
        self.epoch = 0
        self.metadata_hash = 0
        """Of the topics that it reads, as of the group epoch."""
        self.assignment_epoch = 0
        self.members: dict[str, M] = {}
        self.is_gone = False
        """Its last record was removed; the machine forgets it."""
        self.topics_seen = -1
        """Soft: the version of the topics for which `metadata_hash` was last computed; -1: not since the load."""

    # -- the fold -----------------------------------------------------------------------------------------------------

    @abstractmethod
    def apply(self, record: ModernStored) -> None:
        """Change this group by one of its records. Total: any record that decodes may come."""

    @abstractmethod
    def tombstones(self) -> Iterator[ModernStored]:
        """What removes everything that is stored of it."""

    def copy(self) -> Self:
        """Another one that can be folded on."""
        other = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, dict | set | list):
                setattr(other, name, value.copy())
        return other

    @abstractmethod
    def hard_state(self) -> object:
        """Everything that the fold gives, comparable: for tests."""

    def set_group_epoch(self, epoch: int, metadata_hash: int) -> None:
        self.epoch, self.metadata_hash = epoch, metadata_hash

    # -- time ---------------------------------------------------------------------------------------------------------

    @abstractmethod
    def loaded(self, turn: Turn, machine: GroupMachine) -> None:
        """The fold is complete: sessions begin in full."""

    @abstractmethod
    def timer_fired(self, turn: Turn, machine: GroupMachine, timer: GroupTimer) -> None:
        """One of this group's timers is due."""

    def topics_gone(self, machine: GroupMachine) -> Iterator[ModernStored]:
        """Topics were deleted: what it stores of them is to go."""
        del machine
        yield from ()

    # -- what others see ----------------------------------------------------------------------------------------------

    @property
    def kind(self) -> str:
        return self.KIND

    @property
    def group_id(self) -> str:
        return self._group_id

    @property
    def listed_protocol_type(self) -> str:
        return self.PROTOCOL_TYPE

    @property
    def state_name(self) -> str:
        if not self.members:
            return EMPTY
        if self.epoch > self.assignment_epoch:
            return ASSIGNING
        reached = all(self.is_reconciled(member) for member in self.members.values())
        return STABLE if reached else RECONCILING

    def is_reconciled(self, member: M) -> bool:
        return member.state is MemberState.STABLE and member.member_epoch == self.assignment_epoch

    @property
    def is_empty(self) -> bool:
        return not self.members

    @property
    def is_idle(self) -> bool:
        return not self.members

    @property
    def gives_way_to_classic(self) -> bool:
        """Whether a JoinGroup may make a classic group of it. Its offsets stay."""
        return not self.members

    # -- offsets ------------------------------------------------------------------------------------------------------

    @abstractmethod
    def is_in_use(self, topic: str) -> bool:
        """Whether members read the topic."""

    @abstractmethod
    def why_no_commit(self, commit: Commit) -> Error:
        """Whether its sender may commit offsets."""

    @abstractmethod
    def why_no_fetch(self, member_id: str | None, member_epoch: int) -> Error:
        """Whether a member may fetch offsets."""

    def why_no_offset_delete(self) -> Error:
        return Error.NONE

    def offset_age_since(self, value: OffsetCommitValue) -> int | None:
        return value.commit_timestamp
