"""Judges a history: which of the promises that a log makes to its clients were broken.

A pure function of what clients saw, after Jepsen's Kafka workload. Outcomes are read with care: `ok` promises, `fail`
promises the opposite, `info` promises nothing, so that a record of unknown outcome may be there or not, but once.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.crash.history import NO_OFFSET, Got, History, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.crash.payload import Wrote

LOST: Final = frozenset({"lost", "topic-lost"})
DUPLICATED: Final = frozenset({"duplicate", "inconsistent-offset"})
REORDERED: Final = frozenset({"reordered", "not-realtime"})
OFFSETS: Final = frozenset({"commit-went-back", "commit-lost", "skipped"})

NEEDS_ALL: Final = frozenset({"phantom", "commit-phantom", "skipped", "topic-lost", "topic-back"})
"""Kinds that are only sure if every client told everything."""


class Anomaly(NamedTuple):
    """One broken promise: its kind and a sentence."""

    kind: str
    what: str


def check(history: History) -> list[Anomaly]:
    """Every anomaly, in the order of the rules."""
    rules = (
        _records_kept,
        _one_value_per_offset,
        _only_what_was_sent,
        _order,
        _real_time,
        _polls,
        _commits,
        _topics,
        _incarnations,
    )
    found = [anomaly for rule in rules for anomaly in rule(history)]
    return found + [Anomaly("fatal", what) for what in history.fatal]


class _Given(NamedTuple):
    """Writers of topics that somebody asked to delete, and of those the ones whose topic is surely gone."""

    up: set[str]
    gone: set[str]


def _given(history: History) -> _Given:
    """A topic's incarnation is named as the only writer into it."""
    current: dict[str, str] = {}
    given = _Given(set(), set())
    for change in history.changes:
        if change.what == "create" and change.outcome in ("ok", "info"):
            current[change.topic] = change.incarnation
        elif change.what == "delete" and change.topic in current:
            given.up.add(current[change.topic])
            if change.outcome in ("ok", "missing"):
                given.gone.add(current[change.topic])
    return given


def _incarnations(history: History) -> Iterator[Anomaly]:
    """A topic that is made again under an old name holds nothing of the old one."""
    gone = _given(history).gone
    for place, log in history.drained.items():
        for got in log:
            if got.wrote is not None and got.wrote.writer in gone:
                yield Anomaly(
                    "resurrected", f"{_at(place)}@{got.offset}: {got.wrote} was deleted with its topic"
                )


def _at(place: Place) -> str:
    return f"{place[0]}-{place[1]}"


def _records_kept(history: History) -> Iterator[Anomaly]:
    """What was acknowledged, or once read by anybody, is in the log; what surely failed is not."""
    read_by_anyone = {(got.place, got.wrote) for got in history.got}
    held = {place: {got.wrote for got in log} for place, log in history.drained.items()}
    up = _given(history).up
    for sent in history.sent:
        if sent.place not in held or sent.wrote.writer in up:
            continue
        there = sent.wrote in held[sent.place]
        must = sent.outcome == "ok" or (sent.outcome == "info" and (sent.place, sent.wrote) in read_by_anyone)
        if must and not there:
            yield Anomaly(
                "lost", f"{_at(sent.place)}@{sent.offset}: {sent.wrote} was {sent.outcome} and is gone"
            )
        if sent.outcome == "fail" and there:
            yield Anomaly("failed-but-there", f"{_at(sent.place)}: {sent.wrote}")


def _one_value_per_offset(history: History) -> Iterator[Anomaly]:
    """An offset has one value for ever, whoever says so; a value has one offset; offsets have no gaps."""
    values: dict[tuple[Place, int], set[Wrote | None]] = defaultdict(set)
    up = _given(history).up
    for sent in history.sent:
        kept = sent.place in history.drained and sent.wrote.writer not in up
        if sent.outcome == "ok" and kept and sent.offset != NO_OFFSET:
            values[sent.place, sent.offset].add(sent.wrote)
    for got in history.got:
        if got.place in history.drained:
            values[got.place, got.offset].add(got.wrote)
    for place, log in history.drained.items():
        offsets: dict[Wrote | None, int] = {}
        for got in log:
            values[place, got.offset].add(got.wrote)
            if got.wrote is not None and offsets.setdefault(got.wrote, got.offset) != got.offset:
                yield Anomaly(
                    "duplicate", f"{_at(place)}: {got.wrote} at {offsets[got.wrote]} and {got.offset}"
                )
        for one, other in itertools.pairwise(log):
            if other.offset != one.offset + 1:
                yield Anomaly("gap", f"{_at(place)}: {other.offset} follows {one.offset}")
    for (place, offset), seen in values.items():
        if len(seen) > 1:
            yield Anomaly("inconsistent-offset", f"{_at(place)}@{offset}: {sorted(map(str, seen))}")


def _only_what_was_sent(history: History) -> Iterator[Anomaly]:
    """Nothing is read that nobody wrote there."""
    sent = {(sent.place, sent.wrote) for sent in history.sent}
    everything = [*history.got, *(got for log in history.drained.values() for got in log)]
    for got in everything:
        if got.wrote is None or (got.place, got.wrote) not in sent:
            yield Anomaly("phantom", f"{_at(got.place)}@{got.offset}: {got.wrote or 'altered bytes'}")


def _order(history: History) -> Iterator[Anomaly]:
    """One producer's records stand in the order in which it sent them."""
    for place, log in history.drained.items():
        last: dict[str, Got] = {}
        for got in log:
            if got.wrote is None:
                continue
            before = last.get(got.wrote.writer)
            if before is not None and before.wrote is not None and before.wrote.number > got.wrote.number:
                yield Anomaly("reordered", f"{_at(place)}@{got.offset}: {got.wrote} after {before.wrote}")
            last[got.wrote.writer] = got


def _real_time(history: History) -> Iterator[Anomaly]:
    """A send that began after offset k was acknowledged gets a higher offset than k."""
    by_place: dict[Place, list[tuple[int, int, int]]] = defaultdict(list)
    up = _given(history).up
    for sent in history.sent:
        if sent.outcome == "ok" and sent.offset != NO_OFFSET and sent.wrote.writer not in up:
            by_place[sent.place].append((sent.invoked_ns, sent.completed_ns, sent.offset))
    for place, sends in by_place.items():
        ends = sorted((completed, offset) for _, completed, offset in sends)
        highest, at = NO_OFFSET, 0
        for invoked, _, offset in sorted(sends):
            while at < len(ends) and ends[at][0] < invoked:
                highest, at = max(highest, ends[at][1]), at + 1
            if offset <= highest:
                yield Anomaly("not-realtime", f"{_at(place)}@{offset}: sent after {highest} was acknowledged")


def _polls(history: History) -> Iterator[Anomaly]:
    """Within one assignment a reader goes from each offset to the next."""
    last: dict[tuple[str, Place], Got] = {}
    for got in history.got:
        before = last.get((got.process, got.place))
        if got.poll >= 0 and before is not None and got.offset != before.offset + 1:
            kind = "poll-skip" if got.offset > before.offset else "poll-went-back"
            yield Anomaly(kind, f"{got.process} {_at(got.place)}: {got.offset} follows {before.offset}")
        last[got.process, got.place] = got


def _commits(history: History) -> Iterator[Anomaly]:
    """A committed offset stays until a higher one is committed, and covers only what was delivered."""
    delivered: dict[tuple[str, Place], set[int]] = defaultdict(set)
    for got in history.got:
        delivered[got.process.partition("/")[0], got.place].add(got.offset)
    acknowledged: dict[tuple[str, Place], list[tuple[int, int]]] = defaultdict(list)
    tried: dict[tuple[str, Place], set[int]] = defaultdict(set)
    for commit in history.commits:
        key = (commit.group, commit.place)
        if commit.outcome != "fail":
            tried[key].add(commit.offset)
        if commit.outcome == "ok":
            acknowledged[key].append((commit.completed_ns, commit.offset))
    for seen in history.seen:
        key = (seen.group, seen.place)
        must = max(
            (offset for completed, offset in acknowledged[key] if completed < seen.invoked_ns),
            default=NO_OFFSET,
        )
        if seen.offset < must:
            kind = "commit-lost" if seen.offset == NO_OFFSET else "commit-went-back"
            yield Anomaly(
                kind, f"{seen.group} {_at(seen.place)}: {seen.offset} after {must} was acknowledged"
            )
        elif seen.offset != NO_OFFSET and seen.offset not in tried[key]:
            yield Anomaly("commit-phantom", f"{seen.group} {_at(seen.place)}: nobody committed {seen.offset}")
    for (group, place), commits in acknowledged.items():
        start = history.drained[place][0].offset if history.drained.get(place) else 0
        missed = set(range(start, max(offset for _, offset in commits))) - delivered[group, place]
        if missed:
            yield Anomaly(
                "skipped", f"{group} {_at(place)}: committed over {len(missed)} records, first {min(missed)}"
            )


def _topics(history: History) -> Iterator[Anomaly]:
    """A topic that was made is there until somebody asks to delete it; one that was deleted stays away."""
    state: dict[str, str] = {}
    for change in history.changes:
        done = {"create": "there", "delete": "gone"}[change.what]
        told = {"ok": done, "exists": "there", "missing": "gone"}
        before = state.get(change.topic, "gone")
        state[change.topic] = told.get(change.outcome, "unknown")
        if before == "there" and change.outcome == "missing":
            yield Anomaly("topic-lost", f"{change.topic} was made and could not be deleted: it was not there")
        if before == "gone" and change.outcome == "exists":
            yield Anomaly("topic-back", f"{change.topic} was gone and could not be made: it was there")
    for topic, must in state.items():
        if must == "there" and topic not in history.topics_at_end:
            yield Anomaly("topic-lost", f"{topic} was made and is gone")
        if must == "gone" and topic in history.topics_at_end:
            yield Anomaly("topic-back", f"{topic} was deleted and is there")
