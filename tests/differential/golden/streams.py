"""Requests about streams groups (KIP-1071)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headrace.wire.messages import k88_streams_group_heartbeat as streams
from headrace.wire.messages import k89_streams_group_describe as describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from headrace.wire.schema import Message
    from tests.differential.world import World

REBALANCE_TIMEOUT_MS: Final = 60_000


def tasks(*pairs: tuple[str, int]) -> list[streams.StreamsGroupHeartbeatRequestTaskIds]:
    """Tasks by subtopology."""
    found: dict[str, list[int]] = {}
    for subtopology, partition in pairs:
        found.setdefault(subtopology, []).append(partition)
    return [streams.StreamsGroupHeartbeatRequestTaskIds(name, parts) for name, parts in found.items()]


def reading(*topics: str) -> streams.Topology:
    """A program that only reads these topics."""
    return streams.Topology(0, [streams.Subtopology("0", list(topics))])


def counting(name: str, source: str) -> streams.Topology:
    """A program that counts words, with a repartition topic and a changelog topic."""
    words = f"{name}-words-repartition"
    counts = streams.TopicInfo(
        f"{name}-counts-changelog", topic_configs=[streams.KeyValue("cleanup.policy", "compact")]
    )
    return streams.Topology(
        0,
        [
            streams.Subtopology("0", [source], repartition_sink_topics=[words]),
            streams.Subtopology(
                "1",
                [],
                repartition_source_topics=[streams.TopicInfo(words)],
                state_changelog_topics=[counts],
                copartition_groups=[streams.CopartitionGroup([], [], [0])],
            ),
        ],
    )


def joined(group: str, member: str, topology: streams.Topology, process: str = "p", **more: Any) -> Message:
    """A member comes."""
    request = streams.StreamsGroupHeartbeatRequest(
        group_id=group,
        member_id=member,
        rack_id="rack",
        rebalance_timeout_ms=REBALANCE_TIMEOUT_MS,
        topology=topology,
        active_tasks=[],
        standby_tasks=[],
        warmup_tasks=[],
        process_id=process,
        client_tags=[streams.KeyValue("zone", "a")],
    )
    for name, value in more.items():
        setattr(request, name, value)
    return request


def beaten(
    group: str, member: str, epoch: int, owned: Iterable[tuple[str, int]] | None = None, **more: Any
) -> Message:
    """A member stays, and perhaps says what it has."""
    request = streams.StreamsGroupHeartbeatRequest(group, member, epoch)
    if owned is not None:
        request.active_tasks, request.standby_tasks, request.warmup_tasks = tasks(*owned), [], []
    for name, value in more.items():
        setattr(request, name, value)
    return request


def described(*groups: str, operations: bool = False) -> Message:
    """A StreamsGroupDescribe."""
    return describe.StreamsGroupDescribeRequest(list(groups), operations)


def _with_endpoint(w: World) -> Message:
    endpoint = streams.StreamsGroupHeartbeatRequestEndpoint("host", 8080)
    return joined(w.new_group, "m", reading(w.filled), user_endpoint=endpoint)


GOLDEN: Final[dict[int, dict[str, Callable[[World], Message]]]] = {
    88: {
        "joined": lambda w: joined(w.new_group, "m", reading(w.filled)),
        "joined with an endpoint": _with_endpoint,
        "joined with what is not there": lambda w: joined(w.new_group, "m", reading(w.filled, w.absent)),
        "joined a group that has offsets": lambda w: joined(w.own_group, "m", reading(w.filled)),
        "stayed where nobody is": lambda w: beaten(w.absent, "m", 1, [("0", 0)]),
        "left where nobody is": lambda w: beaten(w.absent, "m", -1),
    },
    89: {
        "one that has offsets": lambda w: described(w.group, operations=True),
        "several": lambda w: described(w.absent, w.group),
    },
}
