"""Bytes of `__transaction_state` against Kafka's, which were read from a log of Apache Kafka 4.2.0."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.coordinator.runtime.effects import RottenRecordError
from headrace.coordinator.transaction.life import STORED, TransactionState
from headrace.coordinator.transaction.records import (
    VALUE_BYTES_MAX,
    TransactionStored,
    decode_record,
    encode_record,
    too_large,
)
from headrace.coordinator.transaction.transaction import Transaction
from headrace.engine.port import Stored

KEY = "0000 0001 61"
OFFSETS = "13 5f5f636f6e73756d65725f6f666673657473"
STARTED, UPDATED = 0x1A221D02838, 0x1A221D02841


def data(text):
    return bytes.fromhex(text.replace(" ", ""))


def stored(record):
    return Stored(0, 0, record.key, record.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            Transaction(0, 0, 60_000, last_update_ms=0x1A221C8512F),
            "0001 0000000000000000 0000 0000ea60 00 00 000001a221c8512f ffffffffffffffff 00",
        ),
        (
            Transaction(
                8,
                1,
                60_000,
                TransactionState.PREPARE_COMMIT,
                frozenset({("__consumer_offsets", 3)}),
                STARTED,
                UPDATED,
                client_version=2,
            ),
            f"0001 0000000000000008 0001 0000ea60 02 02 {OFFSETS} 02 00000003 00"
            "000001a221d02841 000001a221d02838 01 02 02 0002",
        ),
        (
            Transaction(
                8,
                1,
                60_000,
                TransactionState.COMPLETE_COMMIT,
                frozenset(),
                STARTED,
                0x1A221D02842,
                client_version=2,
            ),
            "0001 0000000000000008 0001 0000ea60 04 01 000001a221d02842 000001a221d02838 01 02 02 0002",
        ),
    ],
)
def test_values_are_written_as_kafka_writes_them(value, expected):
    record = encode_record(TransactionStored("a", value))
    assert record.key == data(KEY)
    assert record.value.hex() == data(expected).hex()
    assert decode_record(stored(record)) == TransactionStored("a", value)


def test_version_0_is_read():
    value = "0000 0000000000000008 0001 0000ea60 01 00000001 0001 74 00000002 00000003 00000004"
    value += "0000000000000007 0000000000000005"
    found = decode_record(Stored(0, 0, data(KEY), data(value))).value
    assert found == Transaction(
        8, 1, 60_000, TransactionState.ONGOING, frozenset({("t", 3), ("t", 4)}), start_ms=5, last_update_ms=7
    )


def test_a_tombstone():
    record = encode_record(TransactionStored("a", None))
    assert record.value is None
    assert decode_record(stored(record)) == TransactionStored("a", None)


PLACES = st.frozensets(st.tuples(st.text(max_size=9), st.integers(0, 2**31 - 1)), max_size=9)
IDS = st.integers(-1, 2**63 - 1)


@given(
    st.text(max_size=9),
    IDS,
    st.integers(0, 32767),
    st.sampled_from(STORED),
    PLACES,
    st.tuples(IDS, IDS, IDS, IDS),
    st.sampled_from([0, 2]),
)
def test_whatever_is_written_is_read_back(name, producer_id, epoch, state, places, numbers, version):
    if state is TransactionState.EMPTY:
        places = frozenset()
    value = Transaction(producer_id, epoch, 1, state, places, *numbers, version)
    assert decode_record(stored(encode_record(TransactionStored(name, value)))).value == value


def test_records_of_other_kinds_are_left_alone():
    assert decode_record(Stored(0, 0, data("0001 0001 67"), b"?")) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, "00"),
        ("00", "00"),
        (KEY, "0009"),
        (KEY + "00", "0001"),
        (KEY, "0001 0000000000000000 0000 0000ea60 09 00 0000000000000000 0000000000000000 00"),
    ],
)
def test_rot_is_told_from_the_unknown(key, value):
    with pytest.raises(RottenRecordError):
        decode_record(Stored(0, 0, None if key is None else data(key), data(value)))


@given(st.binary(), st.binary())
def test_any_bytes_are_a_record_or_unknown_or_rot(key, value):
    with contextlib.suppress(RottenRecordError):
        decode_record(Stored(0, 0, key, value))


def test_what_is_not_too_large_fits():
    places = frozenset((f"{number:0249}", number) for number in range(3_400))
    assert not too_large(places)
    value = Transaction(1, 1, 1, TransactionState.ONGOING, places)
    assert len(encode_record(TransactionStored("a", value)).value) <= VALUE_BYTES_MAX
    assert too_large(frozenset((f"{number:0249}", number) for number in range(3_600)))
    assert not too_large(frozenset(("t", number) for number in range(100_000)))
