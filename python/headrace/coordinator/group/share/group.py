"""A share group (KIP-932), folded from its records: members, their targets, and whose states are initialized.

Members get only partitions whose state is kept by the share coordinator: a topic is *initializing* from the heartbeat that
first wants it until its state is stored, then *initialized*; *deleting* while its state is removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from headrace.coordinator.group.modern.assignment import NOTHING, of_parts, to_parts
from headrace.coordinator.group.modern.cluster import group_setting
from headrace.coordinator.group.modern.group import ModernGroup
from headrace.coordinator.group.modern.life import EMPTY, LEAVE_EPOCH, STABLE
from headrace.coordinator.group.records import ModernStored
from headrace.coordinator.group.share.departure import fence
from headrace.coordinator.group.share.member import ShareMember
from headrace.model.errors import Error
from headrace.wire.messages.share_group_records import (
    ShareGroupCurrentMemberAssignmentKey,
    ShareGroupMemberMetadataKey,
    ShareGroupMetadataKey,
    ShareGroupMetadataValue,
    ShareGroupStatePartitionMetadataKey,
    ShareGroupStatePartitionMetadataValue,
    ShareGroupTargetAssignmentMemberKey,
    ShareGroupTargetAssignmentMemberValue,
    ShareGroupTargetAssignmentMetadataKey,
    ShareGroupTargetAssignmentMetadataValue,
    TopicInfo,
    TopicPartition,
    TopicPartitionsInfo,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Set

    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.modern.assignment import Assignment
    from headrace.coordinator.group.offsets import Commit
    from headrace.coordinator.group.turn import GroupTimer, Turn
    from headrace.wire.messages.group_records import OffsetCommitValue


class States(NamedTuple):
    """Of which partitions the share coordinator keeps, or should keep, the state; each topic with its name."""

    initializing: Mapping[bytes, tuple[str, frozenset[int]]]
    initialized: Mapping[bytes, tuple[str, frozenset[int]]]
    deleting: Mapping[bytes, str]

    def without(self, topic_ids: Set[bytes]) -> States:
        return States(
            {topic_id: part for topic_id, part in self.initializing.items() if topic_id not in topic_ids},
            {topic_id: part for topic_id, part in self.initialized.items() if topic_id not in topic_ids},
            {topic_id: name for topic_id, name in self.deleting.items() if topic_id not in topic_ids},
        )


NO_STATES = States({}, {}, {})


class ShareGroup(ModernGroup[ShareMember]):
    KIND = "share"
    PROTOCOL_TYPE = "share"
    RECORDS = frozenset(
        key.API_KEY
        for key in (
            ShareGroupMetadataKey,
            ShareGroupMemberMetadataKey,
            ShareGroupTargetAssignmentMetadataKey,
            ShareGroupTargetAssignmentMemberKey,
            ShareGroupCurrentMemberAssignmentKey,
            ShareGroupStatePartitionMetadataKey,
        )
    )

    def __init__(self, group_id: str) -> None:
        super().__init__(group_id)
        self.targets: dict[str, Assignment] = {}
        self.states = NO_STATES

    # -- the fold -----------------------------------------------------------------------------------------------------

    def apply(self, record: ModernStored) -> None:
        key, value = record
        match key:
            case ShareGroupMetadataKey():
                self.is_gone = value is None
                if value is not None:
                    self.set_group_epoch(value.epoch, value.metadata_hash)
            case ShareGroupMemberMetadataKey():
                if value is None:
                    self.members.pop(key.member_id, None)
                else:
                    member = self.members.get(key.member_id, ShareMember(key.member_id))
                    self.members[key.member_id] = member.with_subscription(value)
            case ShareGroupTargetAssignmentMetadataKey():
                self.assignment_epoch = -1 if value is None else value.assignment_epoch
            case ShareGroupTargetAssignmentMemberKey():
                self.targets.pop(key.member_id, None)
                if value is not None:
                    self.targets[key.member_id] = of_parts(value.topic_partitions)
            case ShareGroupCurrentMemberAssignmentKey():
                known = self.members.get(key.member_id)
                if value is not None:
                    member = (known or ShareMember(key.member_id)).with_assignment(value)
                    self.members[key.member_id] = member
                elif known is not None:
                    self.members[key.member_id] = msgspec.structs.replace(
                        known, member_epoch=LEAVE_EPOCH, previous_epoch=LEAVE_EPOCH, assigned=NOTHING
                    )
            case ShareGroupStatePartitionMetadataKey():
                self.states = NO_STATES if value is None else _states(value)

    def tombstones(self) -> Iterator[ModernStored]:
        group_id = self.group_id
        for member_id in self.members:
            yield from self.member_tombstones(member_id)
        yield ModernStored(ShareGroupTargetAssignmentMetadataKey(group_id), None)
        yield ModernStored(ShareGroupStatePartitionMetadataKey(group_id), None)
        yield ModernStored(ShareGroupMetadataKey(group_id), None)

    def member_tombstones(self, member_id: str) -> Iterator[ModernStored]:
        yield ModernStored(ShareGroupCurrentMemberAssignmentKey(self.group_id, member_id), None)
        yield ModernStored(ShareGroupTargetAssignmentMemberKey(self.group_id, member_id), None)
        yield ModernStored(ShareGroupMemberMetadataKey(self.group_id, member_id), None)

    def hard_state(self) -> object:
        return (
            self.epoch,
            self.metadata_hash,
            self.assignment_epoch,
            self.members,
            self.targets,
            self.states,
        )

    # -- records ------------------------------------------------------------------------------------------------------

    def stored_epoch(self, epoch: int, metadata_hash: int) -> ModernStored:
        return ModernStored(
            ShareGroupMetadataKey(self.group_id), ShareGroupMetadataValue(epoch, metadata_hash)
        )

    def stored_target(self, member_id: str, target: Assignment) -> ModernStored:
        return ModernStored(
            ShareGroupTargetAssignmentMemberKey(self.group_id, member_id),
            ShareGroupTargetAssignmentMemberValue(to_parts(target, TopicPartition)),
        )

    def stored_assignment_epoch(self, epoch: int) -> ModernStored:
        return ModernStored(
            ShareGroupTargetAssignmentMetadataKey(self.group_id),
            ShareGroupTargetAssignmentMetadataValue(epoch),
        )

    def stored_states(self, states: States) -> ModernStored:
        value = ShareGroupStatePartitionMetadataValue(
            _infos(states.initializing),
            _infos(states.initialized),
            [TopicInfo(topic_id, name) for topic_id, name in sorted(states.deleting.items())],
        )
        return ModernStored(ShareGroupStatePartitionMetadataKey(self.group_id), value)

    # -- questions ----------------------------------------------------------------------------------------------------

    def all_topics(self) -> frozenset[str]:
        return frozenset().union(*(member.topic_names for member in self.members.values()))

    @property
    def state_name(self) -> str:
        return STABLE if self.members else EMPTY

    @property
    def is_idle(self) -> bool:
        """A share group stays until it is deleted."""
        return False

    @property
    def gives_way_to_classic(self) -> bool:
        return False

    # -- time ---------------------------------------------------------------------------------------------------------

    def session_timeout_ms(self, machine: GroupMachine) -> int:
        usual = machine.settings.share.session_timeout_ms
        return group_setting(machine.cluster, self.group_id, "share.session.timeout.ms", usual)

    def loaded(self, turn: Turn, machine: GroupMachine) -> None:
        for member_id in self.members:
            machine.sessions.touch(turn, self, member_id, self.session_timeout_ms(machine))
        turn.store(*self.topics_gone(machine))

    def topics_gone(self, machine: GroupMachine) -> Iterator[ModernStored]:
        known = {*self.states.initializing, *self.states.initialized, *self.states.deleting}
        gone = {topic_id for topic_id in known if machine.cluster.topic_by_id(topic_id) is None}
        if gone:
            yield self.stored_states(self.states.without(gone))

    def timer_fired(self, turn: Turn, machine: GroupMachine, timer: GroupTimer) -> None:
        member = self.members.get(timer.member_id)
        if machine.sessions.is_over(turn, self, timer.member_id) and member is not None:
            fence(turn, machine, self, member)

    # -- offsets of consumers, which a share group has not --------------------------------------------------------------

    def is_in_use(self, topic: str) -> bool:
        return topic in self.all_topics()

    def why_no_commit(self, commit: Commit) -> Error:
        del commit
        return Error.GROUP_ID_NOT_FOUND

    def why_no_fetch(self, member_id: str | None, member_epoch: int) -> Error:
        del member_id, member_epoch
        return Error.GROUP_ID_NOT_FOUND

    def why_no_offset_delete(self) -> Error:
        return Error.GROUP_ID_NOT_FOUND

    def offset_age_since(self, value: OffsetCommitValue) -> int | None:
        del value
        return None


def _states(value: ShareGroupStatePartitionMetadataValue) -> States:
    return States(
        {bytes(t.topic_id): (t.topic_name, frozenset(t.partitions)) for t in value.initializing_topics},
        {bytes(t.topic_id): (t.topic_name, frozenset(t.partitions)) for t in value.initialized_topics},
        {bytes(t.topic_id): t.topic_name for t in value.deleting_topics},
    )


def _infos(topics: Mapping[bytes, tuple[str, frozenset[int]]]) -> list[TopicPartitionsInfo]:
    return [
        TopicPartitionsInfo(topic_id, name, sorted(numbers))
        for topic_id, (name, numbers) in sorted(topics.items())
    ]
