"""Offsets: what a group committed for each partition. Decide commit, delete and expiry.

The store is hard state: only `keep` and `end` change it, from records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.coordinator.group.classic.group import Group
from headrace.coordinator.group.classic.rebalance import touch
from headrace.coordinator.group.pending import Place
from headrace.coordinator.group.records import OffsetStored
from headrace.coordinator.runtime.stored_text import too_long
from headrace.model.errors import Error
from headrace.wire.messages.group_records import OffsetCommitValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from headrace.coordinator.group.kind import AnyGroup
    from headrace.coordinator.group.pending import PendingOffsets
    from headrace.coordinator.group.records import TransactionEnded
    from headrace.coordinator.group.turn import Turn
    from headrace.coordinator.runtime.effects import Waiter
    from headrace.engine.port import Producer

VERSION_GROUP_ID_NOT_FOUND = 9

Offsets = dict[str, dict[str, dict[int, OffsetCommitValue]]]
"""By group id, topic, partition. A topic has partitions; a group may have nothing left: it goes when it is deleted, or when
the next look at what is expired finds it."""

NEVER_MS: Final = (1 << 63) - 1
"""Latest time at which a stored offset can expire."""


class Commit(NamedTuple):
    """An OffsetCommit or TxnOffsetCommit whose topics have names."""

    api_version: int
    group_id: str
    member_id: str
    group_instance_id: str | None
    generation: int
    retention_ms: int
    """Of these offsets; -1: the broker's. Only v2 to v4 may say."""
    parts: Sequence[CommitPart]
    transaction: InOpenTransaction | None = None
    """Set: they count once the transaction is committed."""


class InOpenTransaction(NamedTuple):
    """A producer whose transaction was open at this position of the fold."""

    producer: Producer
    since: int


class CommitPart(NamedTuple):
    topic: str
    partition: int
    offset: int
    leader_epoch: int
    metadata: str | None


def keep(offsets: Offsets, pending: PendingOffsets, record: OffsetStored) -> None:
    group_id, topic, partition, value, producer = record
    if producer is not None and value is not None:
        pending.add(producer, Place(group_id, topic, partition), value)
        offsets.setdefault(group_id, {})  # the group is there, and stays if nothing comes of the transaction
    elif value is not None:
        if pending.open:
            pending.overwritten(Place(group_id, topic, partition))
        _put(offsets, group_id, topic, partition, value)
    else:
        if pending.open:
            pending.removed(Place(group_id, topic, partition))
        _remove(offsets, group_id, topic, partition)


def end(offsets: Offsets, pending: PendingOffsets, record: TransactionEnded) -> None:
    for place, value in pending.end(record):
        _put(offsets, *place, value)


def _put(offsets: Offsets, group_id: str, topic: str, partition: int, value: OffsetCommitValue) -> None:
    try:
        offsets[group_id][topic][partition] = value
    except KeyError:
        offsets.setdefault(group_id, {}).setdefault(topic, {})[partition] = value


def _remove(offsets: Offsets, group_id: str, topic: str, partition: int) -> None:
    topics = offsets.get(group_id, {})
    partitions = topics.get(topic, {})
    partitions.pop(partition, None)
    if not partitions:
        topics.pop(topic, None)


def commit(
    turn: Turn,
    group: AnyGroup | None,
    stored: Offsets,
    pending: PendingOffsets,
    request: Commit,
    waiter: Waiter,
) -> None:
    """Outcome: an `Error` for the whole, or a list of one for each part, in their order."""
    has_offsets = request.group_id in stored
    error = commit_error(group, request, has_offsets=has_offsets)
    producer = None
    if request.transaction is not None:
        producer = request.transaction.producer
        error = error or pending.why_not(*request.transaction)
    elif (
        isinstance(group, Group)
        and not error
        and (member := group.members.get(request.member_id)) is not None
    ):
        touch(turn, group, member)  # a commit is a sign of life
    if error:
        return turn.answer(waiter, error)
    wall_ms = turn.now.wall_ms
    expires_ms = min(wall_ms + request.retention_ms, NEVER_MS) if request.retention_ms >= 0 else -1
    outcomes = []
    for topic, partition, offset, leader_epoch, metadata in request.parts:
        if metadata and (len(metadata) > turn.settings.offset_metadata_max or too_long(metadata)):
            outcomes.append(Error.OFFSET_METADATA_TOO_LARGE)
            continue
        value = OffsetCommitValue(offset, leader_epoch, metadata or "", wall_ms, expires_ms)
        turn.effects.records.append(OffsetStored(request.group_id, topic, partition, value, producer))
        outcomes.append(Error.NONE)
    return turn.answer(waiter, outcomes)


def commit_error(group: AnyGroup | None, request: Commit, *, has_offsets: bool) -> Error:
    """Who may commit says the group; where there is none, who does not claim to be a member.

    `has_offsets`: so it is a group, though it may never have had a member.
    """
    if group is not None:
        return group.why_no_commit(request)
    if request.generation < 0:
        return Error.NONE
    if has_offsets:
        return Error.UNKNOWN_MEMBER_ID
    newer = request.api_version >= VERSION_GROUP_ID_NOT_FOUND and request.transaction is None
    return Error.GROUP_ID_NOT_FOUND if newer else Error.ILLEGAL_GENERATION


def delete_offsets(
    turn: Turn,
    group: AnyGroup | None,
    offsets: Offsets,
    pending: PendingOffsets,
    group_id: str,
    parts: list[tuple[str, int]],
) -> Error | list[Error]:
    """Forget offsets of topics that no member reads."""
    if group is None and group_id not in offsets:
        return Error.GROUP_ID_NOT_FOUND
    if group is not None and (error := group.why_no_offset_delete()):
        return error
    outcomes = []
    for topic, partition in parts:
        if group is not None and group.is_in_use(topic):
            outcomes.append(Error.GROUP_SUBSCRIBED_TO_TOPIC)
            continue
        held = partition in offsets.get(group_id, {}).get(topic, {})
        if held or pending.holds(Place(group_id, topic, partition)):
            turn.store(OffsetStored(group_id, topic, partition, None))
        outcomes.append(Error.NONE)
    return outcomes


def forget_group(offsets: Offsets, pending: PendingOffsets, group_id: str) -> Iterator[OffsetStored]:
    places = {
        Place(group_id, topic, partition): None
        for topic, partitions in offsets.get(group_id, {}).items()
        for partition in partitions
    }
    places |= dict.fromkeys(sorted(pending.places_of(group_id)))
    return (OffsetStored(*place, None) for place in places)


def forget_topics(offsets: Offsets, pending: PendingOffsets, topics: Iterable[str]) -> Iterator[OffsetStored]:
    """The topics are gone: an offset into a topic of the same name made later would point anywhere."""
    gone = frozenset(topics)
    for group_id, by_topic in offsets.items():
        for topic in gone & by_topic.keys():
            for partition in by_topic[topic]:
                yield OffsetStored(group_id, topic, partition, None)
    for group_id in sorted(pending.groups()):
        for place in sorted({place for place in pending.places_of(group_id) if place.topic in gone}):
            if place.partition not in offsets.get(group_id, {}).get(place.topic, {}):
                yield OffsetStored(*place, None)


def expired(
    turn: Turn, group: AnyGroup | None, offsets: Offsets, pending: PendingOffsets, group_id: str
) -> list[OffsetStored]:
    """Offsets whose time is over (KIP-211), counted from what the group says, or from the commit where there is none. What
    members read never expires, and what a transaction is about to replace neither.
    """
    wall_ms, retention_ms = turn.now.wall_ms, turn.settings.offsets_retention_ms
    found = []
    for topic, partitions in offsets.get(group_id, {}).items():
        if group is not None and group.is_in_use(topic):
            continue
        for partition, value in partitions.items():
            since = value.commit_timestamp if group is None else group.offset_age_since(value)
            if since is None:
                return []
            ends = value.expire_timestamp if value.expire_timestamp >= 0 else since + retention_ms
            if wall_ms >= ends and not pending.holds(Place(group_id, topic, partition)):
                found.append(OffsetStored(group_id, topic, partition, None))
    return found
