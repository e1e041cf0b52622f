"""The share coordinator's machine: what is stored is what was written, whatever of it was pruned."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.coordinator.runtime.effects import Now
from headrace.coordinator.share.combine import combine
from headrace.coordinator.share.machine import COLD, PRUNE, Prune, ShareMachine, Told, Write
from headrace.coordinator.share.records import (
    ShareKey,
    ShareState,
    SnapshotStored,
    StateBatch,
    UpdateStored,
    decode_record,
    encode_record,
)
from headrace.coordinator.share.settings import ShareCoordinatorSettings
from headrace.engine.port import Stored
from headrace.model.errors import Error

TOPIC = b"t" * 16
KEY = ShareKey("g", TOPIC, 0)
NOW = Now(0, 1_700_000_000_000)


class Log:
    """A machine, and the records that it would have in its log."""

    def __init__(self, updates_per_snapshot=3):
        self.settings = ShareCoordinatorSettings(updates_per_snapshot)
        self.topics = {TOPIC}
        self.machine = self.new()
        self.records = []
        self.start = 0

    def new(self):
        return ShareMachine(self.settings, lambda topic_id, number: topic_id in self.topics and number < 4)

    def perform(self, effects):
        for record in effects.records:
            self.machine.apply(record)
            self.records.append(self.machine.encode(record))
        for sent in effects.sends:
            assert isinstance(sent, Prune)
            self.start = sent.before
        return effects.answers[0].outcome if effects.answers else None

    def initialize(self, key=KEY, state_epoch=0, start_offset=0):
        return self.perform(self.machine.decide_initialize(key, state_epoch, start_offset, 1, NOW))

    def write(self, *batches, start=-1, key=KEY, state_epoch=0, leader_epoch=0, count=0):
        write = Write(
            key, state_epoch, leader_epoch, start, count, tuple(StateBatch(*batch) for batch in batches)
        )
        return self.perform(self.machine.decide_write(write, 1, NOW))

    def read(self, leader_epoch=0, key=KEY):
        return self.perform(self.machine.decide_read(key, leader_epoch, 1, NOW))

    def loaded(self):
        """The states that a new machine folds from what was not pruned."""
        machine = self.new()
        for offset, (key, value) in enumerate(self.records):
            if offset >= self.start:
                machine.apply(machine.decode(Stored(offset, 0, key, value)))
        return machine.states


def test_what_is_written_is_laid_over_what_was_there():
    log = Log()
    log.initialize()
    log.write((0, 9, 0, 1))
    log.write((5, 9, 2, 1), start=3)
    state = log.read().state
    assert state.start_offset == 3
    assert state.batches == (StateBatch(3, 4, 0, 1), StateBatch(5, 9, 2, 1))


def test_a_snapshot_follows_so_many_updates_and_says_the_same():
    log = Log(updates_per_snapshot=2)
    log.initialize()
    for offset in range(5):
        log.write((offset, offset, 2, 1))
    kinds = [key[1] for key, _ in log.records]
    assert kinds == [0, 1, 1, 0, 1, 1]
    assert log.loaded() == log.machine.states
    assert log.machine.states[KEY].batches == (StateBatch(0, 4, 2, 1),)
    assert log.machine.states[KEY].snapshot_epoch == 1


def test_nothing_is_written_or_read_before_it_is_initialized():
    log = Log()
    told = Told(Error.INVALID_REQUEST, "Write operation on uninitialized share partition not allowed.")
    assert log.write((0, 1, 2, 1)) == told
    told = Told(Error.INVALID_REQUEST, "Read operation on uninitialized share partition not allowed.")
    assert log.read() == told
    assert log.machine.summary(KEY).state.start_offset == -1
    assert not log.records


def test_older_epochs_are_fenced():
    log = Log()
    log.initialize(state_epoch=2)
    assert log.write(state_epoch=1).error is Error.FENCED_STATE_EPOCH
    assert log.write(state_epoch=-1).error is Error.NONE
    assert log.initialize(state_epoch=1).error is Error.FENCED_STATE_EPOCH
    assert log.read(leader_epoch=5).error is Error.NONE
    assert log.write(state_epoch=2, leader_epoch=4).error is Error.FENCED_LEADER_EPOCH
    assert log.read(leader_epoch=4).error is Error.FENCED_LEADER_EPOCH
    assert log.loaded()[KEY].leader_epoch == 5


def test_a_partition_that_is_not_there_has_no_state():
    log = Log()
    assert log.initialize(ShareKey("g", TOPIC, 9)).error is Error.UNKNOWN_TOPIC_OR_PARTITION
    assert log.initialize(ShareKey("g", TOPIC, -1)).error is Error.INVALID_REQUEST
    assert log.initialize(ShareKey("g", b"u" * 16, 0)).error is Error.UNKNOWN_TOPIC_OR_PARTITION


def test_what_is_deleted_is_gone_and_deleting_it_again_is_no_error():
    log = Log()
    log.initialize()
    log.write((0, 1, 2, 1))
    for _ in range(2):
        assert log.perform(log.machine.decide_delete(KEY, 1)) == Told(Error.NONE)
    assert log.machine.states == log.loaded() == {}
    assert len(log.records) == 3


def test_a_deleted_topic_takes_its_states_with_it():
    log = Log()
    log.initialize()
    log.perform(log.machine.decide_topics_deleted([b"u" * 16]))
    assert KEY in log.machine.states
    log.perform(log.machine.decide_topics_deleted([TOPIC]))
    assert log.machine.states == log.loaded() == {}


def test_pruning_keeps_every_snapshot_that_counts_and_cold_ones_are_written_anew():
    log = Log(updates_per_snapshot=1)
    cold = ShareKey("cold", TOPIC, 1)
    log.initialize(cold)
    log.initialize()
    for offset in range(10):
        log.write((offset, offset, 2, 1))
    log.perform(log.machine.fired(PRUNE, NOW))
    assert log.start == 0, "the cold one's snapshot is the first record"
    log.perform(log.machine.fired(COLD, NOW._replace(wall_ms=NOW.wall_ms + 300_000)))
    log.perform(log.machine.fired(PRUNE, NOW))
    assert log.start == 12
    assert log.loaded() == log.machine.states


@pytest.mark.parametrize(
    "record",
    [
        SnapshotStored(KEY, ShareState(3, 2, 1, 5, 7, (StateBatch(5, 6, 2, 1),), 10, 11)),
        SnapshotStored(KEY, None),
        UpdateStored(KEY, ShareState(3, 0, 1, -1, 7, (StateBatch(5, 6, 0, 2),))),
    ],
)
def test_a_stored_record_reads_as_it_was_written(record):
    assert decode_record(Stored(0, 0, *encode_record(record))) == record


BATCHES = st.lists(
    st.builds(
        lambda first, size, state, count: StateBatch(first, first + size, state, count),
        st.integers(0, 12),
        st.integers(0, 6),
        st.sampled_from([0, 2, 4]),
        st.integers(0, 3),
    ),
    max_size=6,
)


@given(BATCHES, BATCHES, st.integers(-1, 15))
def test_batches_are_combined_record_by_record(known, new, start):
    best = {}
    for batch in known + new:
        for offset in range(max(batch.first_offset, start), batch.last_offset + 1):
            rank = (batch.delivery_count, batch.delivery_state)
            best[offset] = max(best.get(offset, rank), rank)
    combined = combine(known, new, start)
    assert {
        offset: (b.delivery_count, b.delivery_state)
        for b in combined
        for offset in range(b.first_offset, b.last_offset + 1)
    } == best
    for one, next_one in itertools.pairwise(combined):
        assert one.last_offset < next_one.first_offset
        assert one.last_offset + 1 < next_one.first_offset or one[2:] != next_one[2:], "neighbours are one"
