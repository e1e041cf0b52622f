"""Decide what an administrator does to a share group: delete it, set or delete its offsets. Only without members."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from headrace.coordinator.group.modern.opening import found
from headrace.coordinator.group.share import states
from headrace.coordinator.group.share.group import ShareGroup, States
from headrace.coordinator.group.share.heartbeat import found_or_new
from headrace.model.errors import Error, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.turn import Turn

NOT_EMPTY = "The group is not empty."
NO_TOPIC = "This server does not host this topic-partition."
NO_OFFSETS = "There is no offset information to delete."


class Deletion(NamedTuple):
    """What the share coordinator is to forget, and what cannot be deleted."""

    parts: tuple[tuple[bytes, int], ...]
    names: Mapping[bytes, str]
    refused: Mapping[str, str]
    """By topic name, why."""


class Alteration(NamedTuple):
    asked: states.Initialize
    ids: Mapping[str, bytes]
    """Of the topics that there are."""
    refused: frozenset[tuple[str, int]]
    """Partitions that there are not."""


def _without_members(group: ShareGroup) -> ShareGroup:
    if group.members:
        raise Refusal(Error.NON_EMPTY_GROUP, NOT_EMPTY)
    return group


def begin_deletion(turn: Turn, machine: GroupMachine, group_id: str) -> Sequence[tuple[bytes, int]]:
    """The states that are to be forgotten before the group is; none if it is no share group. Raises `Refusal`."""
    group = machine.find(group_id)
    if not isinstance(group, ShareGroup):
        return ()
    known = _without_members(group).states
    parts: dict[bytes, set[int]] = {}
    for topics in (known.initializing, known.initialized):
        for topic_id, (_, numbers) in topics.items():
            parts.setdefault(topic_id, set()).update(numbers)
    for topic_id in known.deleting:
        if (topic := machine.cluster.topic_by_id(topic_id)) is not None:
            parts.setdefault(topic_id, set()).update(range(len(topic.partitions)))
    if parts:
        names = {
            topic_id: topic.name
            for topic_id in parts
            if (topic := machine.cluster.topic_by_id(topic_id)) is not None
        }
        turn.store(group.stored_states(States({}, {}, names)))
    return [(topic_id, number) for topic_id, numbers in parts.items() for number in sorted(numbers)]


def alter_offsets(
    turn: Turn, machine: GroupMachine, group_id: str, wanted: Mapping[str, Mapping[int, int]]
) -> Alteration:
    """`wanted`: start offset by topic and partition. The group is made if there is none. Raises `Refusal`."""
    group = _without_members(found_or_new(machine, group_id, creates=True))
    parts: list[tuple[bytes, int, int]] = []
    begun: dict[bytes, tuple[str, frozenset[int]]] = {}
    ids: dict[str, bytes] = {}
    refused: set[tuple[str, int]] = set()
    for name, offsets in wanted.items():
        topic = machine.cluster.topic(name)
        count = 0 if topic is None else len(topic.partitions)
        there = {number: offset for number, offset in offsets.items() if 0 <= number < count}
        refused |= {(name, number) for number in offsets.keys() - there.keys()}
        if topic is not None:
            ids[name] = topic.topic_id
        if topic is not None and there:
            begun[topic.topic_id] = (name, frozenset(there))
            parts += [(topic.topic_id, number, offset) for number, offset in there.items()]
    if begun:
        turn.store(group.stored_states(states.with_initializing(group.states, begun)))
    return Alteration(states.Initialize(group_id, group.epoch, tuple(parts)), ids, frozenset(refused))


def begin_offset_deletion(turn: Turn, machine: GroupMachine, group_id: str, names: Iterable[str]) -> Deletion:
    """Raises `Refusal`."""
    group = _without_members(found(machine, ShareGroup, group_id))
    initialized, deleting = dict(group.states.initialized), dict(group.states.deleting)
    parts: list[tuple[bytes, int]] = []
    of_id: dict[bytes, str] = {}
    refused: dict[str, str] = {}
    for name in names:
        topic = machine.cluster.topic(name)
        if topic is None:
            refused[name] = NO_TOPIC
            continue
        if topic.topic_id in initialized:
            _, numbers = initialized.pop(topic.topic_id)
            deleting[topic.topic_id] = name
            parts += [(topic.topic_id, number) for number in sorted(numbers)]
        elif topic.topic_id in deleting:
            parts += [(topic.topic_id, number) for number in range(len(topic.partitions))]
        else:
            refused[name] = NO_OFFSETS
            continue
        of_id[topic.topic_id] = name
    if parts:
        turn.store(group.stored_states(States(group.states.initializing, initialized, deleting)))
    return Deletion(tuple(parts), of_id, refused)


def end_offset_deletion(turn: Turn, machine: GroupMachine, group_id: str, topic_ids: Iterable[bytes]) -> None:
    """These were forgotten."""
    group = machine.find(group_id)
    if isinstance(group, ShareGroup):
        gone = set(topic_ids)
        left = {topic_id: name for topic_id, name in group.states.deleting.items() if topic_id not in gone}
        turn.store(group.stored_states(group.states._replace(deleting=left)))
