"""A member of a share group (KIP-932): a value; a changed member is another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from headrace.coordinator.group.modern.assignment import NOTHING, of_parts, to_parts
from headrace.coordinator.group.modern.life import MemberState
from headrace.coordinator.group.records import ModernStored
from headrace.wire.messages.share_group_records import (
    ShareGroupCurrentMemberAssignmentKey,
    ShareGroupCurrentMemberAssignmentValue,
    ShareGroupMemberMetadataKey,
    ShareGroupMemberMetadataValue,
    TopicPartitions,
)

if TYPE_CHECKING:
    from headrace.coordinator.group.modern.assignment import Assignment


class ShareMember(Struct, frozen=True):
    member_id: str
    member_epoch: int = 0
    previous_epoch: int = -1
    state: MemberState = MemberState.STABLE
    rack_id: str | None = None
    client_id: str = ""
    client_host: str = ""
    topic_names: frozenset[str] = frozenset()
    assigned: Assignment = NOTHING

    def stored_subscription(self, group_id: str) -> ModernStored:
        """What the member says of itself."""
        value = ShareGroupMemberMetadataValue(
            self.rack_id, self.client_id, self.client_host, sorted(self.topic_names)
        )
        return ModernStored(ShareGroupMemberMetadataKey(group_id, self.member_id), value)

    def stored_assignment(self, group_id: str) -> ModernStored:
        """What it has, as of which epoch."""
        value = ShareGroupCurrentMemberAssignmentValue(
            self.member_epoch, self.previous_epoch, self.state, to_parts(self.assigned, TopicPartitions)
        )
        return ModernStored(ShareGroupCurrentMemberAssignmentKey(group_id, self.member_id), value)

    def with_subscription(self, value: ShareGroupMemberMetadataValue) -> ShareMember:
        return msgspec.structs.replace(
            self,
            rack_id=value.rack_id,
            client_id=value.client_id,
            client_host=value.client_host,
            topic_names=frozenset(value.subscribed_topic_names),
        )

    def with_assignment(self, value: ShareGroupCurrentMemberAssignmentValue) -> ShareMember:
        return msgspec.structs.replace(
            self,
            member_epoch=value.member_epoch,
            previous_epoch=value.previous_member_epoch,
            state=MemberState.of(value.state),
            assigned=of_parts(value.assigned_partitions),
        )
