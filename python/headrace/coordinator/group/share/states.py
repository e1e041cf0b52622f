"""Which partitions of a share group have a state at the share coordinator: what is asked of it, and what came of that.

The group's record says first what is wanted, then the share coordinator is asked, then the record says what is there; after a
crash in between it is asked again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from headrace.coordinator.group.share.group import ShareGroup, States

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.modern.assignment import Assignment
    from headrace.coordinator.group.turn import Turn


class Initialize(NamedTuple):
    """The share coordinator is to begin with these share-partitions."""

    group_id: str
    state_epoch: int
    parts: tuple[tuple[bytes, int, int], ...]
    """Topic id, partition, start offset (-1: to be found)."""


def missing(machine: GroupMachine, group: ShareGroup, now_ms: int) -> dict[bytes, tuple[str, frozenset[int]]]:
    """Partitions of subscribed topics that have no state and were not asked for lately."""
    retry_ms = machine.settings.share.initialize_retry_interval_ms
    found: dict[bytes, tuple[str, frozenset[int]]] = {}
    for name in group.all_topics():
        topic = machine.cluster.topic(name)
        if topic is None:
            continue
        has = group.states.initialized.get(topic.topic_id, (name, frozenset()))[1]
        asked_ms = machine.asked.get((group.group_id, topic.topic_id))
        if asked_ms is not None and now_ms - asked_ms < retry_ms:
            has |= group.states.initializing.get(topic.topic_id, (name, frozenset()))[1]
        lacks = frozenset(range(len(topic.partitions))) - has
        if lacks:
            found[topic.topic_id] = (name, lacks)
    return found


def with_initializing(states: States, topics: Mapping[bytes, tuple[str, frozenset[int]]]) -> States:
    """Also what is deleted at the moment: it begins anew."""
    return States(
        _joined(states.initializing, topics),
        states.initialized,
        {topic_id: name for topic_id, name in states.deleting.items() if topic_id not in topics},
    )


def initialized(turn: Turn, machine: GroupMachine, group_id: str, parts: Assignment, *, ok: bool) -> None:
    """What the share coordinator did of what it was asked to initialize."""
    group = machine.modern.get(group_id)
    if not isinstance(group, ShareGroup):
        return
    done: dict[bytes, tuple[str, frozenset[int]]] = {}
    for topic_id, numbers in parts.items():
        machine.asked.pop((group_id, topic_id), None)
        name, wanted = group.states.initializing.get(topic_id, ("", frozenset()))
        if wanted & numbers:
            done[topic_id] = (name, wanted & numbers)
    if not done:
        return
    states = group.states
    left = _without(states.initializing, done)
    there = _joined(states.initialized, done) if ok else states.initialized
    turn.store(group.stored_states(States(left, there, states.deleting)))


def _joined(
    one: Mapping[bytes, tuple[str, frozenset[int]]], other: Mapping[bytes, tuple[str, frozenset[int]]]
) -> dict[bytes, tuple[str, frozenset[int]]]:
    joined = dict(one)
    for topic_id, (name, numbers) in other.items():
        joined[topic_id] = (name, numbers | joined.get(topic_id, (name, frozenset()))[1])
    return joined


def _without(
    one: Mapping[bytes, tuple[str, frozenset[int]]], other: Mapping[bytes, tuple[str, frozenset[int]]]
) -> dict[bytes, tuple[str, frozenset[int]]]:
    left = dict(one)
    for topic_id, (name, numbers) in other.items():
        rest = left.get(topic_id, (name, frozenset()))[1] - numbers
        if rest:
            left[topic_id] = (name, rest)
        else:
            left.pop(topic_id, None)
    return left
