"""What others may see of a partition's groups: lists, descriptions, committed offsets. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from headrace.coordinator.group.classic.life import GroupState
from headrace.coordinator.group.pending import Place
from headrace.model.errors import Error, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.coordinator.group.machine import GroupMachine


class GroupListed(NamedTuple):
    group_id: str
    protocol_type: str
    state: str
    kind: str
    """`classic`, `consumer`, `share` or `streams`."""


class MemberDescribed(NamedTuple):
    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    metadata: bytes
    assignment: bytes


class GroupDescribed(NamedTuple):
    group_id: str
    state: str
    protocol_type: str
    protocol: str
    """The protocol in use; empty unless Stable."""
    members: tuple[MemberDescribed, ...]


class OffsetFetched(NamedTuple):
    topic: str
    partition: int
    offset: int
    """-1: none."""
    leader_epoch: int
    metadata: str
    unstable: bool = False
    """A transaction that is still open has written another one."""


def list_groups(machine: GroupMachine) -> list[GroupListed]:
    """In no order; groups that only store offsets too."""
    found = [
        GroupListed(group.group_id, group.listed_protocol_type, group.state_name, group.kind)
        for group in machine.all_groups()
    ]
    simple = machine.offsets.keys() - machine.classic.keys() - machine.modern.keys()
    return found + [GroupListed(group_id, "", GroupState.EMPTY.value, "classic") for group_id in simple]


def describe_group(machine: GroupMachine, group_id: str) -> GroupDescribed | Refusal:
    """A classic group, or why there is none.

    Metadata is shown while it holds, so only when Stable; a part also while it is being taken back, as in Kafka.
    """
    group = machine.classic.get(group_id)
    if group is None:
        if group_id in machine.modern:
            return Refusal(Error.GROUP_ID_NOT_FOUND, f"Group {group_id} is not a classic group.")
        if machine.keeps_offsets_of(group_id):
            return GroupDescribed(group_id, GroupState.EMPTY.value, "", "", ())
        return Refusal(Error.GROUP_ID_NOT_FOUND, f"Group {group_id} not found.")
    stable = group.state is GroupState.STABLE
    members = tuple(
        MemberDescribed(
            m.member_id,
            m.group_instance_id,
            m.client_id,
            m.client_host,
            m.metadata(group.protocol) if stable else b"",
            m.assignment,
        )
        for m in group.members.values()
    )
    protocol = (group.protocol or "") if stable else ""
    return GroupDescribed(group_id, group.state.value, group.protocol_type or "", protocol, members)


def fetch_offsets(
    machine: GroupMachine,
    group_id: str,
    wanted: Iterable[tuple[str, int]] | None,
    *,
    stable: bool = False,
) -> list[OffsetFetched]:
    """The offsets of these partitions, in their order, -1 where there is none; None: all there are.

    `stable`: what an open transaction may be about to replace is not told.
    """
    held = machine.offsets.get(group_id, {})
    if wanted is None:
        wanted = [(topic, partition) for topic, partitions in held.items() for partition in partitions]
    checks = stable and machine.pending.concerns(group_id)
    found = []
    for topic, partition in wanted:
        value = held.get(topic, {}).get(partition)
        if checks and machine.pending.holds(Place(group_id, topic, partition)):
            found.append(OffsetFetched(topic, partition, -1, -1, "", unstable=True))
        elif value is None:
            found.append(OffsetFetched(topic, partition, -1, -1, ""))
        else:
            found.append(OffsetFetched(topic, partition, value.offset, value.leader_epoch, value.metadata))
    return found
