"""However many transactional ids clients come with, a coordinator keeps so many and no more."""

from __future__ import annotations

import sys
import tracemalloc

from headrace.coordinator.runtime.effects import Now
from headrace.coordinator.transaction import settings
from headrace.coordinator.transaction.machine import TransactionMachine
from headrace.coordinator.transaction.records import decode_record
from headrace.coordinator.transaction.settings import IDS_MAX, TransactionSettings
from headrace.engine.port import Producer, Stored
from headrace.model.errors import Error

IDS = 1_000_000
BLOCKS_SPARE = 1_000
"""Python's own comings and goings."""
SAMPLE = 2_000
ID_BYTES_MAX = 700
"""510 with CPython 3.11 and a short id."""
NOW = Now(0, 1_700_000_000_000)


def init(machine, name, number, now=NOW):
    effects = machine.decide_init(name, 60_000, None, number, 1, now)
    for record in effects.records:
        machine.apply(record)
    return effects.answers[0].outcome


def test_a_million_ids_take_the_memory_of_the_most_that_are_kept():
    machine = TransactionMachine(TransactionSettings(), 0)
    kept = sum(init(machine, f"id-{n}", n).error is Error.NONE for n in range(IDS_MAX))
    blocks = sys.getallocatedblocks()
    kept += sum(init(machine, f"id-{n}", n).error is Error.NONE for n in range(IDS_MAX, IDS))
    assert kept == len(machine.transactions) == IDS_MAX
    assert sys.getallocatedblocks() - blocks < BLOCKS_SPARE


def test_what_an_id_takes():
    machine = TransactionMachine(TransactionSettings(), 0)
    tracemalloc.start()
    try:
        for n in range(SAMPLE):
            init(machine, f"id-{n}", n)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < SAMPLE * ID_BYTES_MAX, f"{used / SAMPLE:.0f} bytes an id"


def test_who_is_known_goes_on_where_a_stranger_may_not_begin(monkeypatch):
    monkeypatch.setattr("headrace.coordinator.transaction.machine.IDS_MAX", 2)
    assert settings.IDS_MAX > 2
    machine = TransactionMachine(TransactionSettings(expiration_ms=1_000), 0)
    assert init(machine, "a", 1).error is Error.NONE
    assert init(machine, "b", 2).error is Error.NONE
    stranger = init(machine, "c", 3)
    assert stranger.error is Error.COORDINATOR_NOT_AVAILABLE  # clients look for the coordinator and ask again
    assert init(machine, "a", 4) == (Error.NONE, 1, 1)
    assert machine.verify("c", Producer(3, 0), (("t", 0),)) == (Error.INVALID_PRODUCER_ID_MAPPING,)
    later = Now(5_000, NOW.wall_ms + 5_000)
    for record in machine.fired(machine_expiry(machine), later).records:
        machine.apply(record)
    assert init(machine, "c", 5, later).error is Error.NONE


def machine_expiry(machine):
    """The timer of expiry, as the machine sets it when it is loaded."""
    return machine.loaded(NOW).timers[-1].key


def test_all_that_is_stored_is_loaded(monkeypatch):
    """What is kept was accepted once: a lower bound than before takes nothing away."""
    machine = TransactionMachine(TransactionSettings(), 0)
    records = []
    for number, name in enumerate(("a", "b", "c")):
        effects = machine.decide_init(name, 60_000, None, number, 1, NOW)
        records += [machine.encode(record) for record in effects.records]
        for record in effects.records:
            machine.apply(record)
    monkeypatch.setattr("headrace.coordinator.transaction.machine.IDS_MAX", 1)
    after = TransactionMachine(TransactionSettings(), 0)
    for offset, record in enumerate(records):
        after.apply(decode_record(Stored(offset, NOW.wall_ms, record.key, record.value)))
    assert after.transactions == machine.transactions
