"""A consumer group (KIP-848) as its records give it, and questions about it. Who decides: `heartbeat`, `classic_members`.

Invariants:
- `owners` holds each partition that a member has been given and has not given back, with that member: never two for one.
- `static` maps instance ids to members; `regex_members[regex]` counts the members that name it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

import msgspec

from headrace.coordinator.group.consumer.departure import fence
from headrace.coordinator.group.consumer.member import ConsumerMember
from headrace.coordinator.group.consumer.timers import session_timeout_ms
from headrace.coordinator.group.modern.assignment import NOTHING, of_parts, places, to_parts
from headrace.coordinator.group.modern.group import ModernGroup
from headrace.coordinator.group.modern.life import LEAVE_EPOCH, MemberState
from headrace.coordinator.group.records import ModernStored
from headrace.model.errors import Error
from headrace.wire.messages.consumer_group_records import (
    ConsumerGroupCurrentMemberAssignmentKey,
    ConsumerGroupMemberMetadataKey,
    ConsumerGroupMetadataKey,
    ConsumerGroupMetadataValue,
    ConsumerGroupRegularExpressionKey,
    ConsumerGroupRegularExpressionValue,
    ConsumerGroupTargetAssignmentMemberKey,
    ConsumerGroupTargetAssignmentMemberValue,
    ConsumerGroupTargetAssignmentMetadataKey,
    ConsumerGroupTargetAssignmentMetadataValue,
    TopicPartition,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.modern.assignment import Assignment
    from headrace.coordinator.group.offsets import Commit
    from headrace.coordinator.group.turn import GroupTimer, Turn

VERSION_MEMBER_EPOCHS = 9
"""Of OffsetCommit: members of the new protocol must speak at least this one."""


class Resolved(NamedTuple):
    """What a regular expression matched."""

    topics: frozenset[str]
    version: int
    """Of the topics, when it was matched."""
    wall_ms: int


class ConsumerGroup(ModernGroup[ConsumerMember]):
    KIND: ClassVar[str] = "consumer"
    PROTOCOL_TYPE: ClassVar[str] = "consumer"
    RECORDS: ClassVar[frozenset[int]] = frozenset({3, 5, 6, 7, 8, 16})

    def __init__(self, group_id: str) -> None:
        super().__init__(group_id)
        self.targets: dict[str, Assignment] = {}
        self.static: dict[str, str] = {}
        self.resolved: dict[str, Resolved] = {}
        self.regex_members: dict[str, int] = {}
        self.owners: dict[tuple[bytes, int], str] = {}

    # -- the fold -----------------------------------------------------------------------------------------------------

    def apply(self, record: ModernStored) -> None:
        key, value = record
        match key:
            case ConsumerGroupMetadataKey():
                self.is_gone = value is None
                if value is not None:
                    self.set_group_epoch(value.epoch, value.metadata_hash)
            case ConsumerGroupMemberMetadataKey():
                member = self.members.get(key.member_id) or ConsumerMember(key.member_id)
                self._put(key.member_id, value and member.with_subscription(value))
            case ConsumerGroupTargetAssignmentMetadataKey():
                self.assignment_epoch = -1 if value is None else value.assignment_epoch
            case ConsumerGroupTargetAssignmentMemberKey():
                self.targets.pop(key.member_id, None)
                if value is not None:
                    self.targets[key.member_id] = of_parts(value.topic_partitions)
            case ConsumerGroupCurrentMemberAssignmentKey():
                known = self.members.get(key.member_id)
                if value is not None:
                    self._put(key.member_id, (known or ConsumerMember(key.member_id)).with_assignment(value))
                elif known is not None:
                    left = msgspec.structs.replace(
                        known,
                        member_epoch=LEAVE_EPOCH,
                        previous_epoch=LEAVE_EPOCH,
                        assigned=NOTHING,
                        revoking=NOTHING,
                    )
                    self._put(key.member_id, left)
            case ConsumerGroupRegularExpressionKey():
                self.resolved.pop(key.regular_expression, None)
                if value is not None:
                    found = Resolved(frozenset(value.topics), value.version, value.timestamp)
                    self.resolved[key.regular_expression] = found

    def _put(self, member_id: str, member: ConsumerMember | None) -> None:
        old = self.members.pop(member_id, None) if member is None else self.members.get(member_id)
        if old is not None:
            for place in (*places(old.assigned), *places(old.revoking)):
                if self.owners.get(place) == member_id:
                    del self.owners[place]
            self._count_regex(old.topic_regex, -1)
        if old is not None and old.instance_id is not None and self.static.get(old.instance_id) == member_id:
            del self.static[old.instance_id]
        if member is None:
            return
        self.members[member_id] = member
        for place in (*places(member.assigned), *places(member.revoking)):
            self.owners[place] = member_id
        self._count_regex(member.topic_regex, 1)
        if member.instance_id is not None:
            self.static[member.instance_id] = member_id

    def _count_regex(self, regex: str, by: int) -> None:
        if regex:
            count = self.regex_members.get(regex, 0) + by
            if count:
                self.regex_members[regex] = count
            else:
                del self.regex_members[regex]

    def hard_state(self) -> object:
        return (
            self.epoch,
            self.metadata_hash,
            self.assignment_epoch,
            self.members,
            self.targets,
            self.static,
            self.resolved,
            self.regex_members,
            self.owners,
        )

    def tombstones(self) -> Iterator[ModernStored]:
        group_id = self.group_id
        for member_id in self.members:
            yield from self.member_tombstones(member_id)
        yield ModernStored(ConsumerGroupTargetAssignmentMetadataKey(group_id), None)
        for regex in self.resolved:
            yield ModernStored(ConsumerGroupRegularExpressionKey(group_id, regex), None)
        yield ModernStored(ConsumerGroupMetadataKey(group_id), None)

    def member_tombstones(self, member_id: str) -> Iterator[ModernStored]:
        yield ModernStored(ConsumerGroupCurrentMemberAssignmentKey(self.group_id, member_id), None)
        yield ModernStored(ConsumerGroupTargetAssignmentMemberKey(self.group_id, member_id), None)
        yield ModernStored(ConsumerGroupMemberMetadataKey(self.group_id, member_id), None)

    # -- records ------------------------------------------------------------------------------------------------------

    def stored_epoch(self, epoch: int, metadata_hash: int) -> ModernStored:
        return ModernStored(
            ConsumerGroupMetadataKey(self.group_id), ConsumerGroupMetadataValue(epoch, metadata_hash)
        )

    def stored_target(self, member_id: str, target: Assignment) -> ModernStored:
        return ModernStored(
            ConsumerGroupTargetAssignmentMemberKey(self.group_id, member_id),
            ConsumerGroupTargetAssignmentMemberValue(to_parts(target, TopicPartition)),
        )

    def stored_assignment_epoch(self, epoch: int) -> ModernStored:
        return ModernStored(
            ConsumerGroupTargetAssignmentMetadataKey(self.group_id),
            ConsumerGroupTargetAssignmentMetadataValue(epoch),
        )

    def stored_regex(self, regex: str, found: Resolved | None) -> ModernStored:
        key = ConsumerGroupRegularExpressionKey(self.group_id, regex)
        if found is None:
            return ModernStored(key, None)
        return ModernStored(
            key, ConsumerGroupRegularExpressionValue(sorted(found.topics), found.version, found.wall_ms)
        )

    # -- questions ----------------------------------------------------------------------------------------------------

    def static_member(self, instance_id: str | None) -> ConsumerMember | None:
        member_id = None if instance_id is None else self.static.get(instance_id)
        return None if member_id is None else self.members.get(member_id)

    def topics_of(self, member: ConsumerMember) -> frozenset[str]:
        """By name and by regular expression; one that is not matched yet matches nothing."""
        found = self.resolved.get(member.topic_regex) if member.topic_regex else None
        return member.topic_names if found is None else member.topic_names | found.topics

    def all_topics(self) -> frozenset[str]:
        """That members subscribe to, whether there are any of these names or not."""
        said = {(member.topic_names, member.topic_regex): member for member in self.members.values()}
        return frozenset().union(*(self.topics_of(member) for member in said.values()))

    def is_in_use(self, topic: str) -> bool:
        return topic in self.all_topics()

    def waits_for_others(self, member: ConsumerMember) -> bool:
        """Whether somebody else still holds what it is meant to have."""
        target = self.targets.get(member.member_id, NOTHING)
        return any(self.owners.get(place, member.member_id) != member.member_id for place in places(target))

    # -- time ---------------------------------------------------------------------------------------------------------

    def loaded(self, turn: Turn, machine: GroupMachine) -> None:
        for member in self.members.values():
            timeout_ms = session_timeout_ms(machine, self, member)
            machine.sessions.touch(turn, self, member.member_id, timeout_ms)
            if member.state is MemberState.UNREVOKED and member.classic is None:
                turn.set_timer("rebalance", self, member.rebalance_timeout_ms, member.member_id)

    def timer_fired(self, turn: Turn, machine: GroupMachine, timer: GroupTimer) -> None:
        """What was set has run out, for a timer is taken back when what it waits for has come."""
        member = self.members.get(timer.member_id)
        machine.sessions.ran_out(timer.kind, self, timer.member_id)
        if timer.kind == "session" and not machine.sessions.is_over(turn, self, timer.member_id):
            return
        if member is not None:
            fence(turn, machine, self, [member])

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
        if not transactional and member.classic is None and commit.api_version < VERSION_MEMBER_EPOCHS:
            return Error.UNSUPPORTED_VERSION
        error = _epoch_error(member, commit.generation)
        return Error.ILLEGAL_GENERATION if error and transactional else error

    def why_no_fetch(self, member_id: str | None, member_epoch: int) -> Error:
        if member_id is None and member_epoch < 0:
            return Error.NONE
        member = self.members.get(member_id or "")
        return Error.UNKNOWN_MEMBER_ID if member is None else _epoch_error(member, member_epoch)


def _epoch_error(member: ConsumerMember, epoch: int) -> Error:
    if epoch == member.member_epoch:
        return Error.NONE
    return Error.STALE_MEMBER_EPOCH if member.classic is None else Error.ILLEGAL_GENERATION
