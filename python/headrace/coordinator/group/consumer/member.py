"""A member of a consumer group (KIP-848): a value; a changed member is another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from headrace.coordinator.group.modern.assignment import NOTHING, of_parts, to_parts
from headrace.coordinator.group.modern.life import MemberState
from headrace.coordinator.group.records import ModernStored
from headrace.wire.messages.consumer_group_records import (
    ClassicMemberMetadata,
    ClassicProtocol,
    ConsumerGroupCurrentMemberAssignmentKey,
    ConsumerGroupCurrentMemberAssignmentValue,
    ConsumerGroupMemberMetadataKey,
    ConsumerGroupMemberMetadataValue,
    TopicPartitions,
)

if TYPE_CHECKING:
    from headrace.coordinator.group.modern.assignment import Assignment


class ClassicSide(Struct, frozen=True):
    """What a member that speaks JoinGroup and SyncGroup brings along."""

    session_timeout_ms: int
    protocols: tuple[tuple[str, bytes], ...]
    """Name and metadata, in the member's order of preference. Never empty."""

    @classmethod
    def of(cls, value: ClassicMemberMetadata) -> ClassicSide:
        protocols = tuple((protocol.name, bytes(protocol.metadata)) for protocol in value.supported_protocols)
        return cls(value.session_timeout_ms, protocols)

    def stored(self) -> ClassicMemberMetadata:
        protocols = [ClassicProtocol(name, metadata) for name, metadata in self.protocols]
        return ClassicMemberMetadata(self.session_timeout_ms, protocols)


class ConsumerMember(Struct, frozen=True):
    member_id: str
    member_epoch: int = 0
    previous_epoch: int = -1
    state: MemberState = MemberState.STABLE
    instance_id: str | None = None
    rack_id: str | None = None
    rebalance_timeout_ms: int = -1
    client_id: str = ""
    client_host: str = ""
    topic_names: frozenset[str] = frozenset()
    topic_regex: str = ""
    """Empty: none."""
    server_assignor: str | None = None
    assigned: Assignment = NOTHING
    revoking: Assignment = NOTHING
    """What it was told to give back and has not yet."""
    classic: ClassicSide | None = None

    def stored_subscription(self, group_id: str) -> ModernStored:
        """What the member says of itself."""
        value = ConsumerGroupMemberMetadataValue(
            self.instance_id,
            self.rack_id,
            self.client_id,
            self.client_host,
            sorted(self.topic_names),
            self.topic_regex,
            self.rebalance_timeout_ms,
            self.server_assignor,
            None if self.classic is None else self.classic.stored(),
        )
        return ModernStored(ConsumerGroupMemberMetadataKey(group_id, self.member_id), value)

    def stored_assignment(self, group_id: str) -> ModernStored:
        """How far it has come."""
        value = ConsumerGroupCurrentMemberAssignmentValue(
            self.member_epoch,
            self.previous_epoch,
            self.state,
            to_parts(self.assigned, TopicPartitions),
            to_parts(self.revoking, TopicPartitions),
        )
        return ModernStored(ConsumerGroupCurrentMemberAssignmentKey(group_id, self.member_id), value)

    def with_subscription(self, value: ConsumerGroupMemberMetadataValue) -> ConsumerMember:
        classic = value.classic_member_metadata
        return ConsumerMember(
            self.member_id,
            self.member_epoch,
            self.previous_epoch,
            self.state,
            value.instance_id,
            value.rack_id,
            value.rebalance_timeout_ms,
            value.client_id,
            value.client_host,
            frozenset(value.subscribed_topic_names),
            value.subscribed_topic_regex or "",
            value.server_assignor,
            self.assigned,
            self.revoking,
            None if classic is None else ClassicSide.of(classic),
        )

    def with_assignment(self, value: ConsumerGroupCurrentMemberAssignmentValue) -> ConsumerMember:
        return ConsumerMember(
            self.member_id,
            value.member_epoch,
            value.previous_member_epoch,
            MemberState.of(value.state),
            self.instance_id,
            self.rack_id,
            self.rebalance_timeout_ms,
            self.client_id,
            self.client_host,
            self.topic_names,
            self.topic_regex,
            self.server_assignor,
            of_parts(value.assigned_partitions),
            of_parts(value.partitions_pending_revocation),
            self.classic,
        )
