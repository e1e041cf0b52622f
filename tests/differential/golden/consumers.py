"""Requests about consumer groups (KIP-848)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headrace.wire.messages import k68_consumer_group_heartbeat as heartbeat
from headrace.wire.messages import k69_consumer_group_describe as describe

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.wire.schema import Message
    from tests.differential.world import World

REBALANCE_TIMEOUT_MS: Final = 60_000


def joined(group: str, member: str, *topics: str, **more: Any) -> Message:
    """A member comes."""
    request = heartbeat.ConsumerGroupHeartbeatRequest(
        group_id=group,
        member_id=member,
        rack_id="rack",
        rebalance_timeout_ms=REBALANCE_TIMEOUT_MS,
        subscribed_topic_names=list(topics),
        server_assignor="range",
        topic_partitions=[],
    )
    for name, value in more.items():
        setattr(request, name, value)
    return request


def beaten(group: str, member: str, epoch: int, **more: Any) -> Message:
    """A member stays."""
    request = heartbeat.ConsumerGroupHeartbeatRequest(group, member, epoch)
    for name, value in more.items():
        setattr(request, name, value)
    return request


def described(*groups: str, operations: bool = False) -> Message:
    """A ConsumerGroupDescribe."""
    return describe.ConsumerGroupDescribeRequest(list(groups), operations)


GOLDEN: Final[dict[int, dict[str, Callable[[World], Message]]]] = {
    68: {
        "joined": lambda w: joined(w.new_group, "m", w.filled),
        "joined as a static member": lambda w: joined(w.new_group, "m", w.filled, instance_id="i"),
        "joined for what is not there": lambda w: joined(w.new_group, "m", w.absent),
        "joined a group that has offsets": lambda w: joined(w.own_group, "m", w.filled),
        "stayed where nobody is": lambda w: beaten(w.absent, "m", 1),
        "left where nobody is": lambda w: beaten(w.absent, "m", -1),
    },
    69: {
        "one that has offsets": lambda w: described(w.group, operations=True),
        "several": lambda w: described(w.absent, w.group),
    },
}
