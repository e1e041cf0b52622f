"""Bring one member nearer to its target: it gives back first, then gets what others have given back (KIP-848).

STABLE       it has its target, or nothing to do with the newest one yet
UNREVOKED    stays in its epoch until it has given back what it may not keep
UNRELEASED   is in the target's epoch, and waits for partitions that others still hold
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from headrace.coordinator.group.modern.assignment import NOTHING
from headrace.coordinator.group.modern.life import MemberState
from headrace.model.errors import Error, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.coordinator.group.consumer.member import ConsumerMember
    from headrace.coordinator.group.modern.assignment import Assignment


class Aim(NamedTuple):
    epoch: int
    target: Assignment
    topics: frozenset[bytes]
    """What the member subscribes to now: it keeps and gets nothing else."""
    owners: Mapping[tuple[bytes, int], str]
    """Who holds a partition, or has not given it back."""
    subscription_changed: bool
    owned: Assignment | None
    """What the member says it has; None: it did not say."""


def reconciled(member: ConsumerMember, aim: Aim) -> ConsumerMember:
    """The member as it is after this step; the same if it cannot go on. Raises `Refusal`."""
    match member.state:
        case MemberState.STABLE if member.member_epoch == aim.epoch:
            return _within_subscription(member, aim) if aim.subscription_changed else member
        case MemberState.UNREVOKED if _holds_any(aim.owned, member.revoking):
            return _within_subscription(member, aim) if aim.subscription_changed else member
        case MemberState.UNKNOWN:
            if aim.owned is None or aim.owned:
                raise Refusal(
                    Error.FENCED_MEMBER_EPOCH,
                    "The consumer group member is in a unknown state. The member must abandon all its partitions and rejoin.",
                )
            return _next(msgspec.structs.replace(member, member_epoch=aim.epoch), aim)
    return _next(member, aim)


def _holds_any(owned: Assignment | None, partitions: Assignment) -> bool:
    """Whether it still has some of these; who does not say has all."""
    return owned is None or any(
        owned.get(topic_id, frozenset()) & numbers for topic_id, numbers in partitions.items()
    )


def _within_subscription(member: ConsumerMember, aim: Aim) -> ConsumerMember:
    """Take away at once what the member no longer subscribes to."""
    kept = {topic_id: numbers for topic_id, numbers in member.assigned.items() if topic_id in aim.topics}
    if len(kept) == len(member.assigned):
        return member
    revoking = dict(member.revoking)
    for topic_id, numbers in member.assigned.items():
        if topic_id not in aim.topics:
            revoking[topic_id] = revoking.get(topic_id, frozenset()) | numbers
    if _holds_any(aim.owned, revoking):
        return msgspec.structs.replace(member, state=MemberState.UNREVOKED, assigned=kept, revoking=revoking)
    return msgspec.structs.replace(member, assigned=kept)


def _next(member: ConsumerMember, aim: Aim) -> ConsumerMember:
    kept: dict[bytes, frozenset[int]] = {}
    revoking: dict[bytes, frozenset[int]] = {}
    getting: dict[bytes, frozenset[int]] = {}
    waits = False
    for topic_id in aim.target.keys() | member.assigned.keys():
        target = aim.target.get(topic_id, frozenset()) if topic_id in aim.topics else frozenset()
        has = member.assigned.get(topic_id, frozenset())
        wanted = target - has
        # What it was told to give back and may now keep is nobody else's.
        free = frozenset(
            n for n in wanted if aim.owners.get((topic_id, n), member.member_id) == member.member_id
        )
        waits = waits or free != wanted
        for part, found in ((has & target, kept), (has - target, revoking), (free, getting)):
            if part:
                found[topic_id] = part
    if revoking and _holds_any(aim.owned, revoking):
        return msgspec.structs.replace(
            member,
            previous_epoch=member.member_epoch,
            state=MemberState.UNREVOKED,
            assigned=kept,
            revoking=revoking,
        )
    for topic_id, numbers in getting.items():
        kept[topic_id] = kept.get(topic_id, frozenset()) | numbers
    return msgspec.structs.replace(
        member,
        member_epoch=aim.epoch,
        previous_epoch=member.member_epoch,
        state=MemberState.UNRELEASED if waits else MemberState.STABLE,
        assigned=kept,
        revoking=NOTHING,
    )
