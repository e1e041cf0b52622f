"""What the machine of a partition asks of a group, whatever its kind.

One group id is one kind of group at a time: `classic` (JoinGroup and SyncGroup), `consumer` (KIP-848), `share` (KIP-932) or
`streams` (KIP-1071).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from headrace.coordinator.group.offsets import Commit
    from headrace.model.errors import Error
    from headrace.wire.messages.group_records import OffsetCommitValue


class AnyGroup(Protocol):
    @property
    def kind(self) -> str:
        """As ListGroups says it: `classic`, `consumer`, `share`, `streams`."""

    @property
    def group_id(self) -> str: ...

    @property
    def listed_protocol_type(self) -> str:
        """As ListGroups says it."""

    @property
    def state_name(self) -> str:
        """As ListGroups says it."""

    @property
    def is_empty(self) -> bool:
        """No members: it may be deleted, and anybody may commit offsets."""

    @property
    def is_idle(self) -> bool:
        """Nothing keeps it but its offsets: it goes when they have expired."""

    def is_in_use(self, topic: str) -> bool:
        """Whether members may be reading the topic: its offsets are neither deleted nor expire."""

    def why_no_commit(self, commit: Commit) -> Error:
        """Whether its sender may commit offsets."""

    def why_no_fetch(self, member_id: str | None, member_epoch: int) -> Error:
        """Whether a member may fetch offsets; None and -1: an administrator."""

    def why_no_offset_delete(self) -> Error:
        """Whether offsets of this group may be deleted at all."""

    def offset_age_since(self, value: OffsetCommitValue) -> int | None:
        """When an offset began to age, in milliseconds since 1970; None: it does not."""
