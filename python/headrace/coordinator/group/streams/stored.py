"""Members, targets and tasks as the records of a streams group hold them, both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from headrace.coordinator.group.modern.life import MemberState
from headrace.coordinator.group.streams.tasks import Assignment, Held
from headrace.wire.messages.streams_group_records import (
    Endpoint,
    KeyValue,
    LastAssignmentConfig,
    StreamsGroupCurrentMemberAssignmentValue,
    StreamsGroupMemberMetadataValue,
    StreamsGroupMetadataValue,
    StreamsGroupTargetAssignmentMemberValue,
)
from headrace.wire.messages.streams_group_records import (
    StreamsGroupCurrentMemberAssignmentValueTaskIds as HeldIds,
)
from headrace.wire.messages.streams_group_records import (
    StreamsGroupTargetAssignmentMemberValueTaskIds as TargetIds,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Protocol

    from headrace.coordinator.group.streams.member import Member
    from headrace.coordinator.group.streams.tasks import EpochTasks, Tasks

    class TaskIds(Protocol):
        """The tasks of one subtopology, as every generated struct has them."""

        subtopology_id: str
        partitions: list[int]


STATE_STORED_FROM: Final = 1
"""Streams groups count the states of members from here."""


def group_value(
    epoch: int, metadata_hash: int, validated_topology_epoch: int, configs: Mapping[str, str]
) -> StreamsGroupMetadataValue:
    last = [LastAssignmentConfig(key, value) for key, value in configs.items()]
    return StreamsGroupMetadataValue(epoch, metadata_hash, validated_topology_epoch, last)


def member_value(member: Member) -> StreamsGroupMemberMetadataValue:
    return StreamsGroupMemberMetadataValue(
        None,
        member.rack_id,
        member.client_id,
        member.client_host,
        member.rebalance_timeout_ms,
        member.topology_epoch,
        member.process_id,
        None if member.endpoint is None else Endpoint(*member.endpoint),
        [KeyValue(key, value) for key, value in member.client_tags],
    )


def with_metadata(member: Member, value: StreamsGroupMemberMetadataValue) -> Member:
    return replace(
        member,
        rack_id=value.rack_id,
        client_id=value.client_id,
        client_host=value.client_host,
        rebalance_timeout_ms=value.rebalance_timeout_ms,
        topology_epoch=value.topology_epoch,
        process_id=value.process_id,
        endpoint=value.user_endpoint and (value.user_endpoint.host, value.user_endpoint.port),
        client_tags=tuple((tag.key, tag.value) for tag in value.client_tags),
    )


def target_value(target: Assignment) -> StreamsGroupTargetAssignmentMemberValue:
    return StreamsGroupTargetAssignmentMemberValue(*(_target_ids(tasks) for tasks in target))


def target_of(value: StreamsGroupTargetAssignmentMemberValue) -> Assignment:
    return assignment_of(value.active_tasks, value.standby_tasks, value.warmup_tasks)


def assignment_of(
    active: Iterable[TaskIds], standby: Iterable[TaskIds], warmup: Iterable[TaskIds]
) -> Assignment:
    return Assignment(_tasks(active), _tasks(standby), _tasks(warmup))


def held_value(member: Member) -> StreamsGroupCurrentMemberAssignmentValue:
    assigned, revoking = member.assigned, member.revoking
    return StreamsGroupCurrentMemberAssignmentValue(
        member.member_epoch,
        member.previous_epoch,
        member.state + STATE_STORED_FROM,
        _epoch_ids(assigned.active),
        _held_ids(assigned.standby),
        _held_ids(assigned.warmup),
        _epoch_ids(revoking.active),
        _held_ids(revoking.standby),
        _held_ids(revoking.warmup),
    )


def with_assignment(member: Member, value: StreamsGroupCurrentMemberAssignmentValue) -> Member:
    epoch = value.member_epoch
    return replace(
        member,
        member_epoch=epoch,
        previous_epoch=value.previous_member_epoch,
        state=MemberState.of(value.state - STATE_STORED_FROM),
        assigned=Held(
            _epoch_tasks(value.active_tasks, epoch), _tasks(value.standby_tasks), _tasks(value.warmup_tasks)
        ),
        revoking=Held(
            _epoch_tasks(value.active_tasks_pending_revocation, epoch),
            _tasks(value.standby_tasks_pending_revocation),
            _tasks(value.warmup_tasks_pending_revocation),
        ),
    )


def _tasks(ids: Iterable[TaskIds]) -> Tasks:
    return {found.subtopology_id: frozenset(found.partitions) for found in ids if found.partitions}


def _epoch_tasks(ids: Iterable[HeldIds], epoch: int) -> EpochTasks:
    """Without epochs (a version before KIP-1251) the member's own counts."""
    return {
        found.subtopology_id: dict(
            zip(found.partitions, found.assignment_epochs or [epoch] * len(found.partitions), strict=False)
        )
        for found in ids
        if found.partitions
    }


def _target_ids(tasks: Tasks) -> list[TargetIds]:
    return [TargetIds(subtopology, sorted(parts)) for subtopology, parts in sorted(tasks.items())]


def _held_ids(tasks: Tasks) -> list[HeldIds]:
    return [HeldIds(subtopology, sorted(parts)) for subtopology, parts in sorted(tasks.items())]


def _epoch_ids(tasks: EpochTasks) -> list[HeldIds]:
    return [
        HeldIds(subtopology, sorted(parts), [parts[part] for part in sorted(parts)])
        for subtopology, parts in sorted(tasks.items())
    ]
