"""Anything may happen to a share-partition: every record ends acknowledged or archived, and is one member's at a time."""

from __future__ import annotations

import random

import pytest

from headrace.coordinator.share.combine import combine
from headrace.coordinator.share.records import ShareState
from headrace.coordinator.share_partition.in_flight import RecordState
from headrace.coordinator.share_partition.partition import (
    ACCEPT,
    GAP,
    REJECT,
    RELEASE,
    RENEW,
    Acknowledgement,
    SharePartition,
    Wish,
)
from headrace.engine.port import Batch
from headrace.model.errors import Refusal

LIMIT = 4
LOCKS_MAX = 40
LOCK_MS = 100
RECORDS = 400
MEMBERS = ("a", "b", "c")


class World:
    """A log, a share-partition, what is stored of it, and what members believe to have."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.now = 0
        self.log = []
        offset = 0
        while offset < RECORDS:
            size = self.rng.choice([1, 1, 2, 5, 13])
            if self.rng.random() < 0.03:
                offset += self.rng.randrange(1, 4)  # compaction left a gap
            self.log.append(Batch(offset, offset + size - 1, size, aborted=self.rng.random() < 0.1))
            offset += size
        self.end = offset
        self.state = ShareState(start_offset=0)
        self.partition = SharePartition(LIMIT, LOCKS_MAX)
        self.partition.load(self.state, 0)
        self.unwritten = []
        self.held = {}
        """Offset to member and when it was last acquired or renewed."""
        self.deliveries = {}
        self.settled = {}
        """What a member was told of as done: it must never come again."""
        self.log_start = 0

    # -- what may happen ----------------------------------------------------------------------------------------------

    def fetch(self):
        wish = Wish(
            self.rng.choice(MEMBERS),
            self.rng.choice([1, 3, 10, 100]),
            self.rng.choice([1, 3, 10]),
            self.rng.random() < 0.4,
        )
        offset = self.partition.next_fetch_offset
        if not self.partition.can_acquire:
            return
        if offset < self.log_start:
            self.partition.log_start_moved(self.log_start)
            return
        spans = [batch for batch in self.log if batch.last >= offset][: self.rng.randrange(1, 6)]
        got = self.partition.acquire(wish, offset, spans, self.now + LOCK_MS)
        seen = sum(one.last_offset - one.first_offset + 1 for one in got)
        if wish.record_limit:
            assert seen <= wish.max_records
        aborted = {o for b in spans if b.aborted for o in range(b.first, b.last + 1)}
        for one in got:
            for record in range(one.first_offset, one.last_offset + 1):
                assert record not in self.held, "no record is two members'"
                assert record not in self.settled, "what is done with does not come again"
                assert record not in aborted
                self.held[record] = (wish.member, self.now + LOCK_MS)
                assert 1 <= one.delivery_count <= LIMIT
                self.deliveries[record] = self.deliveries.get(record, 0) + 1

    def acknowledge(self):
        member = self.rng.choice(MEMBERS)
        mine = sorted(record for record, (owner, _) in self.held.items() if owner == member)
        if not mine:
            return
        first = self.rng.choice(mine)
        last = first
        while last + 1 in mine and self.rng.random() < 0.8:
            last += 1
        kinds = [GAP, ACCEPT, ACCEPT, ACCEPT, RELEASE, REJECT, RENEW]
        size = last - first + 1
        types = [self.rng.choice(kinds) for _ in range(size if self.rng.random() < 0.5 else 1)]
        change = self.partition.acknowledge(member, [Acknowledgement(first, last, types)], self.now + LOCK_MS)
        told = []
        for record in range(first, last + 1):
            kind = types[0] if len(types) == 1 else types[record - first]
            if kind == RENEW:
                self.held[record] = (member, self.now + LOCK_MS)
            else:
                told.append((record, kind, self.held.pop(record)))
        self.unwritten.append((change, told))

    def acknowledge_nonsense(self):
        member = self.rng.choice(MEMBERS)
        first = self.rng.randrange(self.end)
        asked = Acknowledgement(first, first + self.rng.randrange(4), [ACCEPT])
        theirs = [
            record
            for record in range(max(first, self.partition.start), asked.last_offset + 1)
            if self.held.get(record, (None,))[0] != member
        ]
        if not theirs:
            return
        before = describe(self.partition)
        with pytest.raises(Refusal):
            self.partition.acknowledge(member, [asked], self.now + LOCK_MS)
        assert describe(self.partition) == before, "a refused acknowledgement changes nothing"

    def write(self):
        """The oldest change is written, or fails."""
        if not self.unwritten:
            return
        change, told = self.unwritten.pop(0)
        ok = self.rng.random() < 0.8
        if ok:
            self.store(change)
            for record, kind, _ in told:
                if kind != RELEASE:
                    self.settled[record] = kind
        self.partition.written(change, ok=ok, now_ms=self.now)
        if not ok:
            for record, _, (member, until) in told:
                if until > self.now and record >= self.log_start:
                    self.held[record] = (member, until)

    def store(self, change):
        start = max(change.start_offset, self.state.start_offset)
        batches = combine(self.state.batches, change.batches, start)
        self.state = self.state._replace(start_offset=start, batches=batches)

    def pass_time(self):
        self.now += self.rng.choice([1, 20, 60, 150])
        due = self.partition.next_lock_ms
        if due is not None and due <= self.now:
            change = self.partition.locks_over(self.now)
            self.unwritten.append((change, []))
            self.held = {r: held for r, held in self.held.items() if held[1] > self.now}

    def leave(self):
        member = self.rng.choice(MEMBERS)
        gone = [(record, RELEASE, held) for record, held in self.held.items() if held[0] == member]
        self.unwritten.append((self.partition.release(member), gone))
        self.held = {record: held for record, held in self.held.items() if held[0] != member}

    def restart(self):
        for change, _ in self.unwritten[: self.rng.randrange(len(self.unwritten) + 1)]:
            self.store(change)  # some were written, but nobody was told
        self.unwritten.clear()
        self.held.clear()
        self.partition = SharePartition(LIMIT, LOCKS_MAX)
        self.partition.load(self.state, self.state.start_offset)

    def lose_the_beginning(self):
        start = min(self.partition.start + self.rng.randrange(20), self.end)
        self.log_start = max(self.log_start, start)
        self.log = [batch for batch in self.log if batch.last >= self.log_start]
        self.partition.log_start_moved(self.log_start)
        self.held = {r: held for r, held in self.held.items() if r >= self.log_start}

    def check(self):
        partition = self.partition
        at, done = None, 0
        for run in partition.in_flight.runs():
            assert at is None or run.first >= at, "runs do not overlap"
            assert run.first <= run.last
            at = run.last + 1
            if run.state.is_terminal:
                done += max(run.last - max(run.first, partition.start) + 1, 0)
            if run.state is RecordState.ACQUIRED:
                for record in range(max(run.first, partition.start), run.last + 1):
                    assert self.held[record][0] == run.member
        assert done == partition.complete_count
        assert partition.start <= partition.end
        assert at is None or at <= partition.end
        if not partition.in_flight:
            assert partition.start == partition.end


def describe(partition):
    runs = [(r.state, r.count, r.member, r.first, r.last) for r in partition.in_flight.runs()]
    records = [(o, *run[:3]) for run in runs for o in range(run[3], run[4] + 1)]
    return partition.start, partition.end, partition.complete_count, records


@pytest.mark.parametrize("seed", range(60))
def test_every_record_is_one_members_at_a_time_and_is_done_with_in_the_end(seed):
    world = World(seed)
    rare = [world.leave, world.restart, world.lose_the_beginning]
    usual = [world.fetch] * 4 + [world.acknowledge] * 4 + [world.write] * 4
    usual += [world.acknowledge_nonsense, world.pass_time]
    for _ in range(600):
        (world.rng.choice(rare) if world.rng.random() < 0.01 else world.rng.choice(usual))()
        world.check()
    for _ in range(20 * RECORDS):
        if world.partition.start >= world.end:
            break
        world.fetch()
        world.acknowledge()
        world.write()
        world.pass_time()
        world.check()
    assert world.partition.start >= world.end, "every record is done with"
    assert not world.partition.in_flight
