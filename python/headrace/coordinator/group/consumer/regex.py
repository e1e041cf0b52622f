"""Subscriptions by regular expression: validated when a member brings one, matched against all topics beside the machine.

A heartbeat only asks for the matching; it is done outside, in slices, and comes back as a decision of its own. So a member's
first answer knows no topics of a new expression yet, as in Kafka. Matched anew when topics changed, at most every ten seconds,
and when the last time is long ago.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.coordinator.group.consumer.group import Resolved
from headrace.coordinator.group.modern.cluster import metadata_hash
from headrace.coordinator.group.modern.draft import Draft
from headrace.model.errors import Error, Refusal
from headrace.model.pattern import InvalidPatternError, Pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.coordinator.group.consumer.group import ConsumerGroup
    from headrace.coordinator.group.consumer.member import ConsumerMember
    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.turn import Turn

REFRESH_INTERVAL_MS_MIN: Final = 10_000


class MatchTopics(NamedTuple):
    """What the machine sends: match these against all topics, and hand the names to `resolved`."""

    group_id: str
    regexes: frozenset[str]
    may_describe: Callable[[str], bool]
    """Whether the member that caused it may know of a topic."""


def is_resolved_change(draft: Draft[ConsumerGroup], old: ConsumerMember, new: ConsumerMember) -> bool:
    """The member's expression is another one, and it is known already what that matches. Raises `Refusal`.

    Called before the member is stored.
    """
    group = draft.group
    if old.topic_regex == new.topic_regex:
        return False
    if (
        old.topic_regex
        and group.regex_members.get(old.topic_regex) == 1
        and old.topic_regex in group.resolved
    ):
        draft.store(group.stored_regex(old.topic_regex, None))
    if not new.topic_regex:
        return bool(old.topic_regex)
    if new.topic_regex not in group.regex_members:
        _validate(new.topic_regex)
    return new.topic_regex in group.resolved


def _validate(regex: str) -> None:
    try:
        Pattern(regex)
    except InvalidPatternError as error:
        raise Refusal(
            Error.INVALID_REGULAR_EXPRESSION,
            f"SubscribedTopicRegex `{regex}` is not a valid regular expression: {error}.",
        ) from error


def ask_if_needed(
    turn: Turn, machine: GroupMachine, group: ConsumerGroup, may_describe: Callable[[str], bool]
) -> None:
    """`group`: with the member as it is now."""
    if not group.regex_members or group.group_id in machine.matching:
        return
    last = next(iter(group.resolved.values()), None)
    since_ms = None if last is None else turn.now.wall_ms - last.wall_ms
    if since_ms is not None and since_ms <= REFRESH_INTERVAL_MS_MIN:
        return
    if (
        last is None
        or since_ms is None
        or group.resolved.keys() != group.regex_members.keys()
        or last.version != machine.cluster.topics_version
        or since_ms > machine.settings.consumer.regex_refresh_interval_ms
    ):
        machine.matching.add(group.group_id)
        turn.effects.sends.append(MatchTopics(group.group_id, frozenset(group.regex_members), may_describe))


def resolved(
    turn: Turn,
    machine: GroupMachine,
    kind: type[ConsumerGroup],
    asked: MatchTopics,
    found: Mapping[str, frozenset[str]],
    version: int,
) -> None:
    """The matching is done: store it, and have the group assigned anew if it reads other topics now."""
    machine.matching.discard(asked.group_id)
    group = machine.modern.get(asked.group_id)
    if not isinstance(group, kind):
        return
    draft = Draft(turn, group)
    changed = False
    for regex in sorted(found.keys() & group.regex_members.keys()):
        before = group.resolved.get(regex)
        changed = changed or (before.topics if before else frozenset()) != found[regex]
        draft.store(group.stored_regex(regex, Resolved(found[regex], version, turn.now.wall_ms)))
    hashed = metadata_hash(machine.cluster, draft.group.all_topics())
    if changed or hashed != group.metadata_hash:
        draft.store(group.stored_epoch(group.epoch + 1, hashed))
