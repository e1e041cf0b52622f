"""Requests about groups: their offsets, their coordinator, their members, what they are, their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.wire.messages import k08_offset_commit as offset_commit
from headrace.wire.messages import k09_offset_fetch as offset_fetch
from headrace.wire.messages import k10_find_coordinator as find_coordinator
from headrace.wire.messages import k11_join_group as join_group
from headrace.wire.messages import k12_heartbeat as heartbeat
from headrace.wire.messages import k13_leave_group as leave_group
from headrace.wire.messages import k14_sync_group as sync_group
from headrace.wire.messages import k15_describe_groups as describe_groups
from headrace.wire.messages import k16_list_groups as list_groups
from headrace.wire.messages import k42_delete_groups as delete_groups
from headrace.wire.messages import k47_offset_delete as offset_delete

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace.wire.schema import Message
    from tests.differential.world import World


def committed(
    w: World,
    group: str,
    *names: str,
    text: str | None = "m",
    offset: int = 3,
    member: tuple[int, str, str | None] = (-1, "", None),
    at: Sequence[int] = (0,),
) -> Message:
    """An OffsetCommit; `member` is its generation, member id and instance id."""
    parts = [
        offset_commit.OffsetCommitRequestPartition(
            partition_index=n, committed_offset=offset, committed_metadata=text, committed_leader_epoch=0
        )
        for n in at
    ]
    named = [
        offset_commit.OffsetCommitRequestTopic(name=name, topic_id=w.id(name), partitions=list(parts))
        for name in names or (w.filled,)
    ]
    return offset_commit.OffsetCommitRequest(
        group_id=group,
        generation_id_or_member_epoch=member[0],
        member_id=member[1],
        group_instance_id=member[2],
        retention_time_ms=-1,
        topics=named,
    )


def offsets_asked(
    w: World, group: str, *names: str, at: Sequence[int] = (0, 1), stable: bool = False
) -> Message:
    """An OffsetFetch of one group; of all its topics if none is named."""
    old = [offset_fetch.OffsetFetchRequestTopic(name=name, partition_indexes=list(at)) for name in names]
    new = [
        offset_fetch.OffsetFetchRequestTopics(name=name, topic_id=w.id(name), partition_indexes=list(at))
        for name in names
    ]
    asked = offset_fetch.OffsetFetchRequestGroup(group_id=group, topics=new or None, member_epoch=-1)
    return offset_fetch.OffsetFetchRequest(
        group_id=group, topics=old or None, groups=[asked], require_stable=stable
    )


def coordinator_asked(*names: str, kind: int = 0) -> Message:
    """FindCoordinator; old versions ask for the first."""
    return find_coordinator.FindCoordinatorRequest(key=names[0], key_type=kind, coordinator_keys=list(names))


def joined(
    group: str,
    member: str = "",
    *protocols: str,
    kind: str = "consumer",
    instance: str | None = None,
    timeouts: tuple[int, int] = (6_000, 500),
    subscription: bytes = b"meta",
) -> Message:
    """A JoinGroup."""
    offered = [
        join_group.JoinGroupRequestProtocol(name=name, metadata=subscription)
        for name in protocols or ("range",)
    ]
    return join_group.JoinGroupRequest(
        group_id=group,
        session_timeout_ms=timeouts[0],
        rebalance_timeout_ms=timeouts[1],
        member_id=member,
        group_instance_id=instance,
        protocol_type=kind,
        protocols=offered,
        reason="test",
    )


def synced(
    group: str, member: str, generation: int = 1, instance: str | None = None, *assigned: str
) -> Message:
    """A SyncGroup that gives each of the members a part."""
    return sync_group.SyncGroupRequest(
        group_id=group,
        generation_id=generation,
        member_id=member,
        group_instance_id=instance,
        protocol_type="consumer",
        protocol_name="range",
        assignments=[
            sync_group.SyncGroupRequestAssignment(member_id=one, assignment=b"part of " + str(n).encode())
            for n, one in enumerate(assigned)
        ],
    )


def beaten(group: str, member: str, generation: int = 1, instance: str | None = None) -> Message:
    """A Heartbeat."""
    return heartbeat.HeartbeatRequest(
        group_id=group, generation_id=generation, member_id=member, group_instance_id=instance
    )


def left(group: str, *members: tuple[str, str | None]) -> Message:
    """A LeaveGroup of these members, each with its instance id."""
    return leave_group.LeaveGroupRequest(
        group_id=group,
        member_id=members[0][0] if members else "",
        members=[
            leave_group.MemberIdentity(member_id=one, group_instance_id=instance, reason="r")
            for one, instance in members
        ],
    )


def described(*names: str, operations: bool = False) -> Message:
    """A DescribeGroups."""
    return describe_groups.DescribeGroupsRequest(groups=list(names), include_authorized_operations=operations)


def offsets_deleted(group: str, *names: str, at: Sequence[int] = (0,)) -> Message:
    """An OffsetDelete."""
    topics = [
        offset_delete.OffsetDeleteRequestTopic(
            name=name,
            partitions=[offset_delete.OffsetDeleteRequestPartition(partition_index=n) for n in at],
        )
        for name in names
    ]
    return offset_delete.OffsetDeleteRequest(group_id=group, topics=topics)


def groups_deleted(*names: str) -> Message:
    """A DeleteGroups."""
    return delete_groups.DeleteGroupsRequest(groups_names=list(names))


def groups_listed(states: Sequence[str] = (), types: Sequence[str] = ()) -> Message:
    """A ListGroups."""
    return list_groups.ListGroupsRequest(states_filter=list(states), types_filter=list(types))


GOLDEN: Final[dict[int, dict[str, Callable[[World], Message]]]] = {
    8: {
        "without a generation": lambda w: committed(w, w.own_group),
        "a new group": lambda w: committed(w, w.new_group),
        "null metadata": lambda w: committed(w, w.own_group, text=None),
        "offset 0": lambda w: committed(w, w.own_group, offset=0),
        "two topics": lambda w: committed(w, w.own_group, w.filled, w.wide),
        "long metadata": lambda w: committed(w, w.own_group, text="x" * 4_096),
        "too long metadata": lambda w: committed(w, w.own_group, text="x" * 4_097),
        "of a member nobody knows": lambda w: committed(w, w.own_group, member=(1, "somebody", None)),
    },
    9: {
        "two topics": lambda w: offsets_asked(w, w.group, w.filled, w.wide),
        "all": lambda w: offsets_asked(w, w.group),
        "the one": lambda w: offsets_asked(w, w.group, w.filled, at=(0,)),
        "stable ones": lambda w: offsets_asked(w, w.group, w.wide, at=(0, 1, 2), stable=True),
        "no partitions": lambda w: offsets_asked(w, w.group, w.filled, at=()),
        "a group that is not there": lambda w: offsets_asked(w, w.absent, w.filled),
        "all of a group that is not there": lambda w: offsets_asked(w, w.absent),
    },
    10: {
        "a group": lambda w: coordinator_asked(w.group),
        "two groups": lambda w: coordinator_asked(w.group, w.absent),
        "a transaction": lambda w: coordinator_asked("settle", kind=1),
        "a share": lambda w: coordinator_asked(f"{w.group}:AAAAAAAAAAAAAAAAAAAAAQ:0", kind=2),
        "nothing": lambda w: coordinator_asked(""),
    },
    11: {
        "a first member": lambda w: joined(w.new_group),
        "a member nobody knows": lambda w: joined(w.new_group, "somebody"),
        "two protocols": lambda w: joined(w.new_group, "", "range", "roundrobin"),
        "a static member": lambda w: joined(w.new_group, instance="instance-1"),
        "of another kind": lambda w: joined(w.new_group, kind="connect"),
        "a group with offsets": lambda w: joined(w.own_group, instance="instance-1"),
        "no subscription": lambda w: joined(w.new_group, instance="instance-1", subscription=b""),
        "a timeout too short": lambda w: joined(w.new_group, timeouts=(10, 500)),
    },
    12: {
        "of nobody": lambda w: beaten(w.group, "somebody"),
        "in no group": lambda w: beaten(w.absent, "somebody"),
        "of a static member": lambda w: beaten(w.group, "somebody", -1, "instance-1"),
    },
    13: {
        "of nobody": lambda w: left(w.group, ("somebody", None)),
        "two at once": lambda w: left(w.group, ("x", None), ("", "static")),
        "no one": lambda w: left(w.group),
    },
    14: {
        "of nobody": lambda w: synced(w.group, "somebody", 1, None, "somebody"),
        "in no group": lambda w: synced(w.absent, "somebody", 1, None, "somebody"),
        "of a static member": lambda w: synced(w.group, "somebody", 1, "instance-1", "somebody", "x"),
    },
    15: {
        "an empty group": lambda w: described(w.group),
        "one that is not there": lambda w: described(w.absent, w.group),
        "with operations": lambda w: described(w.group, operations=True),
        "none": lambda w: described(),
    },
    16: {
        "all": lambda w: groups_listed(),
        "empty ones": lambda w: groups_listed(["Empty"], ["classic"]),
        "stable ones": lambda w: groups_listed(["stable"]),
        "two states": lambda w: groups_listed(["Stable", "empty"], ["Classic", "consumer"]),
        "no such state": lambda w: groups_listed(["sleeping"]),
        "no such type": lambda w: groups_listed([], ["round"]),
    },
    42: {
        "one that is there": lambda w: groups_deleted(w.own_group),
        "one that is not there": lambda w: groups_deleted(w.absent),
        "both": lambda w: groups_deleted(w.own_group, w.absent),
        "none": lambda w: groups_deleted(),
    },
    47: {
        "one": lambda w: offsets_deleted(w.own_group, w.filled),
        "two topics": lambda w: offsets_deleted(w.own_group, w.filled, w.wide),
        "the whole group": lambda w: offsets_deleted(w.own_group, w.wide, at=(0, 1, 2)),
        "of no topic": lambda w: offsets_deleted(w.own_group),
        "of a topic that is not there": lambda w: offsets_deleted(w.own_group, w.absent),
        "in no group": lambda w: offsets_deleted(w.absent, w.filled),
    },
}
