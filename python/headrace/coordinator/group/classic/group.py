"""A classic group and its members: data, counters and questions about them. Who moves them: `rebalance`.

Everything here is soft state; what of it survives a restart is `stored()`, written once a generation is complete.

Invariants of `Group`:
- `awaiting_join` counts the members whose `join` is a waiter, `supported[name]` the members that know protocol `name`:
  nothing scans members to answer a join or a heartbeat.
- `leader` is a member or None; `static` maps instance ids to members only; a pending id is not a member.
- `pending_sync` holds members of this generation whose SyncGroup has not come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from headrace.coordinator.group.classic.life import TRANSITIONS, GroupState
from headrace.coordinator.group.classic.subscription import subscribed_topics
from headrace.coordinator.group.records import GroupStored
from headrace.coordinator.runtime.effects import NOBODY, Waiter
from headrace.model.errors import Error
from headrace.wire.messages.group_records import GroupMetadataValue, MemberMetadata
from headrace.wire.messages.k11_join_group import JoinGroupResponseMember

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.coordinator.group.offsets import Commit
    from headrace.wire.messages.group_records import OffsetCommitValue

CONSUMER: str = "consumer"
"""The protocol type of Kafka's consumers: the only one whose metadata the coordinator can read."""


class Member(Struct):
    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    rebalance_timeout_ms: int
    session_timeout_ms: int
    protocols: tuple[tuple[str, bytes], ...]
    """Name and metadata, in the member's order of preference."""
    assignment: bytes = b""
    join: Waiter = NOBODY
    """Its parked JoinGroup."""
    sync: Waiter = NOBODY
    """Its parked SyncGroup."""
    is_new: bool = False
    """Has never been told its id by a completed join, so it cannot heartbeat yet."""
    deadline_ms: int = 0
    """When its session ends; moved by every sign of life."""
    wakes_ms: int = 0
    """When its timer fires, 0 if it is not set. A timer that comes before the deadline is set again, so that a heartbeat
    costs no timer."""

    def metadata(self, protocol: str | None) -> bytes:
        return next((metadata for name, metadata in self.protocols if name == protocol), b"")


class Group(Struct):
    group_id: str
    state: GroupState = GroupState.EMPTY
    previous: GroupState = GroupState.EMPTY
    generation: int = 0
    protocol_type: str | None = None
    protocol: str | None = None
    leader: str | None = None
    since_wall_ms: int = -1
    """When it came into its state; counts for the expiry of offsets while Empty."""
    members: dict[str, Member] = field(default_factory=dict)
    static: dict[str, str] = field(default_factory=dict)
    pending: set[str] = field(default_factory=set)
    """Ids given out that have not joined yet (KIP-394)."""
    pending_sync: set[str] = field(default_factory=set)
    awaiting_join: int = 0
    supported: dict[str, int] = field(default_factory=dict)
    subscribed: frozenset[str] | None = None
    """Topics that this generation's consumers read; None: cannot be known."""
    joined_since_delay: bool = False
    """Somebody joined during the current piece of the initial rebalance delay."""
    delay_left_ms: int = 0
    """Of the initial rebalance delay, after the current piece."""

    # -- life ---------------------------------------------------------------------------------------------------------

    def move(self, state: GroupState, wall_ms: int) -> None:
        assert state in TRANSITIONS[self.state], f"{self.group_id}: {self.state.value} to {state.value}"
        self.previous, self.state, self.since_wall_ms = self.state, state, wall_ms

    @property
    def all_joined(self) -> bool:
        return self.awaiting_join == len(self.members) and not self.pending

    @property
    def rebalance_timeout_ms(self) -> int:
        return max((member.rebalance_timeout_ms for member in self.members.values()), default=0)

    # -- members ------------------------------------------------------------------------------------------------------

    def add(self, member: Member, protocol_type: str) -> None:
        if not self.members:
            self.protocol_type = protocol_type
        self.pending.discard(member.member_id)
        self.members[member.member_id] = member
        if member.group_instance_id is not None:
            self.static[member.group_instance_id] = member.member_id
        self._count(member, 1)
        if self.leader is None:
            self.leader = member.member_id

    def remove(self, member_id: str) -> None:
        self.pending.discard(member_id)
        self.pending_sync.discard(member_id)
        if (member := self.members.pop(member_id, None)) is None:
            return
        if member.group_instance_id is not None:
            self.static.pop(member.group_instance_id, None)
        self.park_join(member, NOBODY)
        self._count(member, -1)
        if self.leader == member_id:
            self.leader = next(iter(self.members), None)

    def rename(self, member: Member, member_id: str) -> None:
        """A static member came back under a new id and keeps its place (KIP-345)."""
        old = member.member_id
        del self.members[old]
        self.pending_sync.discard(old)
        member.member_id = member_id
        self.members[member_id] = member
        if member.group_instance_id is not None:
            self.static[member.group_instance_id] = member_id
        if self.leader == old:
            self.leader = member_id

    def replace_protocols(self, member: Member, protocols: tuple[tuple[str, bytes], ...]) -> None:
        self._count(member, -1)
        member.protocols = protocols
        self._count(member, 1)

    def park_join(self, member: Member, waiter: Waiter) -> None:
        self.awaiting_join += (waiter != NOBODY) - (member.join != NOBODY)
        member.join = waiter

    def _count(self, member: Member, by: int) -> None:
        for name in {name for name, _ in member.protocols}:
            count = self.supported.get(name, 0) + by
            if count:
                self.supported[name] = count
            else:
                del self.supported[name]

    def check_member(self, member_id: str, instance_id: str | None) -> Error:
        """Whether this id may speak, and for this instance: UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID or NONE."""
        if instance_id is not None:
            current = self.static.get(instance_id)
            if current is None:
                return Error.UNKNOWN_MEMBER_ID
            if current != member_id:
                return Error.FENCED_INSTANCE_ID
        return Error.NONE if member_id in self.members else Error.UNKNOWN_MEMBER_ID

    # -- offsets ------------------------------------------------------------------------------------------------------

    def why_no_commit(self, commit: Commit) -> Error:
        """Members commit with their generation; anybody may (generation -1) while there are none."""
        if commit.generation < 0 and self.is_empty:
            return Error.NONE
        if commit.generation < 0 and not commit.member_id and commit.group_instance_id is None:
            # A producer that does not say for whom it reads is let through: it may know no better (KIP-447).
            return Error.UNKNOWN_MEMBER_ID if commit.transaction is None else Error.NONE
        if error := self.check_member(commit.member_id, commit.group_instance_id):
            return error
        if commit.generation != self.generation:
            return Error.ILLEGAL_GENERATION
        if self.state is GroupState.COMPLETING_REBALANCE and commit.transaction is None:
            return (
                Error.REBALANCE_IN_PROGRESS
            )  # it has joined but does not know its part yet: let it sync first
        return Error.NONE

    def why_no_fetch(self, member_id: str | None, member_epoch: int) -> Error:
        del member_id, member_epoch
        return Error.NONE

    def why_no_offset_delete(self) -> Error:
        """What members of other protocol types read cannot be known."""
        known = not self.members or self.protocol_type == CONSUMER
        return Error.NONE if known else Error.NON_EMPTY_GROUP

    def offset_age_since(self, value: OffsetCommitValue) -> int | None:
        """From when the group became Empty; from the commit where it never had members or is Stable (KIP-211)."""
        if self.protocol_type is None:
            return value.commit_timestamp
        if self.is_empty:
            return self.since_wall_ms if self.since_wall_ms >= 0 else value.commit_timestamp
        known = (
            self.state is GroupState.STABLE and self.protocol_type == CONSUMER and self.subscribed is not None
        )
        return value.commit_timestamp if known else None

    # -- protocols ----------------------------------------------------------------------------------------------------

    def supports(self, protocol_type: str, names: Iterable[str]) -> bool:
        """Whether a member with these protocols leaves the group one that all know."""
        if self.state is GroupState.EMPTY:
            return bool(protocol_type) and any(True for _ in names)
        return protocol_type == self.protocol_type and any(
            self.supported.get(name) == len(self.members) for name in names
        )

    def choose_protocol(self) -> str:
        """By vote: each member for the first on its list that all members know; on a tie the earlier vote."""
        votes: dict[str, int] = {}
        for member in self.members.values():
            choice = next(name for name, _ in member.protocols if self.supported[name] == len(self.members))
            votes[choice] = votes.get(choice, 0) + 1
        return max(votes, key=lambda name: votes[name])

    def subscriptions(self) -> frozenset[str] | None:
        """The topics that all members' metadata names; None if it is not consumers' metadata."""
        if self.protocol_type != CONSUMER:
            return None
        if not self.members:
            return frozenset()
        found: set[str] = set()
        for member in self.members.values():
            topics = subscribed_topics(member.metadata(self.protocol))
            if topics is None:
                return None
            found |= topics
        return frozenset(found)

    def is_subscribed(self, topic: str) -> bool:
        """Whether members may be reading the topic; when that cannot be known, consumers are taken to."""
        if self.subscribed is None:
            return self.protocol_type == CONSUMER
        return topic in self.subscribed

    # -- what others see ----------------------------------------------------------------------------------------------

    @property
    def kind(self) -> str:
        return "classic"

    @property
    def listed_protocol_type(self) -> str:
        return self.protocol_type or ""

    @property
    def state_name(self) -> str:
        return self.state.value

    @property
    def is_empty(self) -> bool:
        return self.state is GroupState.EMPTY

    @property
    def is_idle(self) -> bool:
        return self.is_empty and not self.pending

    def is_in_use(self, topic: str) -> bool:
        return bool(self.members) and self.is_subscribed(topic)

    def roster(self) -> list[JoinGroupResponseMember]:
        """What the leader is told, to assign from."""
        return [
            JoinGroupResponseMember(m.member_id, m.group_instance_id, m.metadata(self.protocol))
            for m in self.members.values()
        ]

    def stored(self) -> GroupStored:
        """The group's durable form, with the assignments that its members hold."""
        members = [
            MemberMetadata(
                m.member_id,
                m.group_instance_id,
                m.client_id,
                m.client_host,
                m.rebalance_timeout_ms,
                m.session_timeout_ms,
                m.metadata(self.protocol),
                m.assignment,
            )
            for m in self.members.values()
        ]
        value = GroupMetadataValue(
            self.protocol_type or "", self.generation, self.protocol, self.leader, self.since_wall_ms, members
        )
        return GroupStored(self.group_id, value)


def group_of(group_id: str, value: GroupMetadataValue) -> Group:
    """The group that a stored value describes: Stable, or Empty without members."""
    group = Group(group_id)
    for m in value.members:
        rebalance_timeout_ms = m.session_timeout if m.rebalance_timeout == -1 else m.rebalance_timeout
        member = Member(
            m.member_id,
            m.group_instance_id,
            m.client_id,
            m.client_host,
            rebalance_timeout_ms,
            m.session_timeout,
            ((value.protocol or "", m.subscription),),
            m.assignment,
        )
        group.add(member, value.protocol_type)
    group.state = GroupState.STABLE if group.members else GroupState.EMPTY
    group.generation = value.generation
    group.protocol_type = value.protocol_type or None
    group.protocol = value.protocol
    group.leader = value.leader
    group.since_wall_ms = value.current_state_timestamp
    group.subscribed = group.subscriptions()
    return group
