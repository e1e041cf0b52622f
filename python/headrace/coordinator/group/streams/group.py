"""A streams group (KIP-1071) as its records give it, and questions about it. Who decides: `heartbeat`.

Invariant: `owners` is what `Owners` counts over `members`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from msgspec.structs import replace

from headrace.coordinator.group.modern.group import ModernGroup
from headrace.coordinator.group.modern.life import LEAVE_EPOCH, MemberState
from headrace.coordinator.group.records import ModernStored
from headrace.coordinator.group.streams.departure import INITIAL_DELAY, fence, session_timeout_ms
from headrace.coordinator.group.streams.member import Member, Owners
from headrace.coordinator.group.streams.stored import (
    group_value,
    held_value,
    member_value,
    target_of,
    target_value,
    with_assignment,
    with_metadata,
)
from headrace.coordinator.group.streams.target import update_target
from headrace.coordinator.group.streams.tasks import HOLDS_NOTHING, Assignment
from headrace.coordinator.group.streams.topology import source_topics
from headrace.model.errors import Error
from headrace.wire.messages.streams_group_records import (
    StreamsGroupCurrentMemberAssignmentKey,
    StreamsGroupMemberMetadataKey,
    StreamsGroupMetadataKey,
    StreamsGroupTargetAssignmentMemberKey,
    StreamsGroupTargetAssignmentMetadataKey,
    StreamsGroupTargetAssignmentMetadataValue,
    StreamsGroupTopologyKey,
    StreamsGroupTopologyValue,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.offsets import Commit
    from headrace.coordinator.group.streams.configure import ConfiguredTopology
    from headrace.coordinator.group.turn import GroupTimer, Turn

NOT_READY: Final = "NotReady"
"""Its topology does not fit the topics that there are."""
VERSION_MEMBER_EPOCHS: Final = 9
"""Of OffsetCommit: members of the new protocol must speak at least this one."""
NOT_VALIDATED: Final = -1


class StreamsGroup(ModernGroup[Member]):
    KIND: ClassVar[str] = "streams"
    PROTOCOL_TYPE: ClassVar[str] = "streams"
    RECORDS: ClassVar[frozenset[int]] = frozenset({17, 19, 20, 21, 22, 23})

    def __init__(self, group_id: str) -> None:
        super().__init__(group_id)
        self.validated_topology_epoch = NOT_VALIDATED
        self.assignment_configs: dict[str, str] = {}
        """As of the group epoch."""
        self.topology: StreamsGroupTopologyValue | None = None
        self.sources: dict[str, str] = {}
        """Which subtopology reads a topic."""
        self.targets: dict[str, Assignment] = {}
        self.owners = Owners()
        self.configured: ConfiguredTopology | None = None
        """Soft: the topology on the topics of `metadata_hash`."""
        self.endpoint_epoch = 0
        """Soft: rises when somebody with an endpoint has other tasks."""
        self.shutdown_by: str | None = None
        """Soft: the member that wants the whole program to end."""
        self.delayed = False
        """Soft: the group is new, and its first assignment waits for more members."""

    # -- the fold -----------------------------------------------------------------------------------------------------

    def apply(self, record: ModernStored) -> None:
        key, value = record
        match key:
            case StreamsGroupMetadataKey():
                self.is_gone = value is None
                if value is not None:
                    self.set_group_epoch(value.epoch, value.metadata_hash)
                    self.validated_topology_epoch = value.validated_topology_epoch
                    last = value.last_assignment_configs or ()
                    self.assignment_configs = {config.key: config.value for config in last}
            case StreamsGroupTopologyKey():
                self.topology = value
                self.sources = {} if value is None else source_topics(value)
            case StreamsGroupMemberMetadataKey():
                known = self.members.get(key.member_id) or Member(key.member_id)
                self._put(key.member_id, value and with_metadata(known, value))
            case StreamsGroupTargetAssignmentMetadataKey():
                self.assignment_epoch = -1 if value is None else value.assignment_epoch
            case StreamsGroupTargetAssignmentMemberKey():
                self.targets.pop(key.member_id, None)
                if value is not None:
                    self.targets[key.member_id] = target_of(value)
            case StreamsGroupCurrentMemberAssignmentKey():
                here = self.members.get(key.member_id)
                if value is not None:
                    self._put(key.member_id, with_assignment(here or Member(key.member_id), value))
                elif here is not None:
                    self._put(key.member_id, _without_tasks(here))

    def _put(self, member_id: str, member: Member | None) -> None:
        self.owners.replace(self.members.get(member_id), member)
        if member is not None:
            self.members[member_id] = member
        elif self.members.pop(member_id, None) is not None and not self.members:
            self.shutdown_by = None

    def hard_state(self) -> object:
        return (
            self.epoch,
            self.metadata_hash,
            self.validated_topology_epoch,
            self.assignment_configs,
            self.topology,
            self.assignment_epoch,
            self.members,
            self.targets,
        )

    def tombstones(self) -> Iterator[ModernStored]:
        for member_id in self.members:
            yield from self.member_tombstones(member_id)
        yield ModernStored(StreamsGroupTargetAssignmentMetadataKey(self.group_id), None)
        yield ModernStored(StreamsGroupTopologyKey(self.group_id), None)
        yield ModernStored(StreamsGroupMetadataKey(self.group_id), None)

    def member_tombstones(self, member_id: str) -> Iterator[ModernStored]:
        yield ModernStored(StreamsGroupCurrentMemberAssignmentKey(self.group_id, member_id), None)
        yield ModernStored(StreamsGroupTargetAssignmentMemberKey(self.group_id, member_id), None)
        yield ModernStored(StreamsGroupMemberMetadataKey(self.group_id, member_id), None)

    # -- records ------------------------------------------------------------------------------------------------------

    def stored_epoch(
        self, epoch: int, metadata_hash: int, validated_topology_epoch: int, configs: Mapping[str, str]
    ) -> ModernStored:
        value = group_value(epoch, metadata_hash, validated_topology_epoch, configs)
        return ModernStored(StreamsGroupMetadataKey(self.group_id), value)

    def stored_topology(self, topology: StreamsGroupTopologyValue) -> ModernStored:
        return ModernStored(StreamsGroupTopologyKey(self.group_id), topology)

    def stored_member(self, member: Member) -> ModernStored:
        key = StreamsGroupMemberMetadataKey(self.group_id, member.member_id)
        return ModernStored(key, member_value(member))

    def stored_held(self, member: Member) -> ModernStored:
        key = StreamsGroupCurrentMemberAssignmentKey(self.group_id, member.member_id)
        return ModernStored(key, held_value(member))

    def stored_target(self, member_id: str, target: Assignment) -> ModernStored:
        key = StreamsGroupTargetAssignmentMemberKey(self.group_id, member_id)
        return ModernStored(key, target_value(target))

    def stored_assignment_epoch(self, epoch: int) -> ModernStored:
        key = StreamsGroupTargetAssignmentMetadataKey(self.group_id)
        return ModernStored(key, StreamsGroupTargetAssignmentMetadataValue(epoch))

    # -- questions ----------------------------------------------------------------------------------------------------

    @property
    def state_name(self) -> str:
        state = super().state_name
        if not self.members or (self.topology and self.topology.epoch == self.validated_topology_epoch):
            return state
        return NOT_READY

    def is_in_use(self, topic: str) -> bool:
        return bool(self.members) and topic in self.sources

    # -- time ---------------------------------------------------------------------------------------------------------

    def loaded(self, turn: Turn, machine: GroupMachine) -> None:
        for member in self.members.values():
            machine.sessions.touch(turn, self, member.member_id, session_timeout_ms(machine, self))
            if member.state is MemberState.UNREVOKED:
                turn.set_timer("rebalance", self, member.rebalance_timeout_ms, member.member_id)

    def timer_fired(self, turn: Turn, machine: GroupMachine, timer: GroupTimer) -> None:
        """What was set has run out, for a timer is taken back when what it waits for has come."""
        if timer.kind == INITIAL_DELAY:
            self.delayed = False
            if self.members and self.epoch > self.assignment_epoch and self.configured is not None:
                update_target(turn, self, self.epoch, None, self.configured, self.assignment_configs)
            return
        if timer.kind == "session" and not machine.sessions.is_over(turn, self, timer.member_id):
            return
        if (member := self.members.get(timer.member_id)) is not None:
            fence(turn, machine, self, member)

    # -- offsets ------------------------------------------------------------------------------------------------------

    def why_no_commit(self, commit: Commit) -> Error:
        transactional = commit.transaction is not None
        if commit.generation < 0 and not self.members:
            return Error.NONE
        if transactional and (commit.generation, commit.member_id, commit.group_instance_id) == (
            -1,
            "",
            None,
        ):
            return Error.NONE  # a producer that does not say for whom it reads may know no better (KIP-447)
        member = self.members.get(commit.member_id)
        if member is None:
            return Error.UNKNOWN_MEMBER_ID
        if not transactional and commit.api_version < VERSION_MEMBER_EPOCHS:
            return Error.UNSUPPORTED_VERSION
        if self._may_commit(member, commit):
            return Error.NONE
        return Error.ILLEGAL_GENERATION if transactional else Error.STALE_MEMBER_EPOCH

    def _may_commit(self, member: Member, commit: Commit) -> bool:
        """An older epoch is good enough for tasks that the member has had since then (KIP-1251)."""
        epoch = commit.generation
        if epoch == member.member_epoch:
            return True
        return epoch < member.member_epoch and all(
            self._given_by(member, part.topic, part.partition, epoch) for part in commit.parts
        )

    def _given_by(self, member: Member, topic: str, partition: int, epoch: int) -> bool:
        subtopology = self.sources.get(topic, "")
        for held in (member.assigned, member.revoking):
            given = held.active.get(subtopology, {}).get(partition)
            if given is not None:
                return given <= epoch
        return False

    def why_no_fetch(self, member_id: str | None, member_epoch: int) -> Error:
        if member_id is None and member_epoch < 0:
            return Error.NONE
        member = self.members.get(member_id or "")
        if member is None:
            return Error.UNKNOWN_MEMBER_ID
        return Error.NONE if member_epoch == member.member_epoch else Error.STALE_MEMBER_EPOCH


def _without_tasks(member: Member) -> Member:
    return replace(
        member,
        member_epoch=LEAVE_EPOCH,
        previous_epoch=LEAVE_EPOCH,
        assigned=HOLDS_NOTHING,
        revoking=HOLDS_NOTHING,
    )
