"""The records of `__transaction_state`, byte for byte Kafka's.

A key is its kind as int16, 0, and the transactional id. Values are written in version 1, as a cluster at
transaction.version 1 or 2 does, and read in both. A null value removes the id.

Kafka does not store which epoch came before the last InitProducerId, so after a restart a retry of that request is fenced;
here too. It has fields for the producer ids before and after this one and leaves them out (4.2); here they are written when
there are such, because the producer was told of the next one before it was in use.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from headrace.coordinator.runtime.effects import RottenRecordError
from headrace.coordinator.transaction.life import STORED, TransactionState
from headrace.coordinator.transaction.transaction import Place, Transaction
from headrace.engine.port import Record, Stored
from headrace.wire.codec import WireError, decode, decode_stored, encode, encode_stored
from headrace.wire.messages.transaction_records import (
    PartitionsSchema,
    TransactionLogKey,
    TransactionLogValue,
)

KIND: Final = 0
VALUE_VERSION: Final = 1
VALUE_BYTES_MAX: Final = 900 * 1024
"""Of a stored value: it must fit one batch of `max.message.bytes` (1 MiB). About 3,500 topics with the longest names."""


class TransactionStored(NamedTuple):
    """A transactional id as it is now; None: expired."""

    transactional_id: str
    value: Transaction | None


def too_large(partitions: frozenset[Place]) -> bool:
    """Whether a transaction with these partitions could not be stored."""
    if len(partitions) * 300 < VALUE_BYTES_MAX:
        return False
    topics = {topic for topic, _ in partitions}
    return sum(len(topic.encode()) + 16 for topic in topics) + 4 * len(partitions) > VALUE_BYTES_MAX


def encode_record(record: TransactionStored) -> Record:
    key = KIND.to_bytes(2, "big") + encode(TransactionLogKey(record.transactional_id), 0)
    value = record.value
    if value is None:
        return Record(key, None)
    stored = TransactionLogValue(
        producer_id=value.producer_id,
        previous_producer_id=value.previous_producer_id,
        next_producer_id=value.next_producer_id,
        producer_epoch=value.producer_epoch,
        transaction_timeout_ms=value.timeout_ms,
        transaction_status=STORED.index(value.state),
        transaction_partitions=None if value.state is TransactionState.EMPTY else _by_topic(value.partitions),
        transaction_last_update_timestamp_ms=value.last_update_ms,
        transaction_start_timestamp_ms=value.start_ms,
        client_transaction_version=value.client_version,
    )
    return Record(key, encode_stored(stored, VALUE_VERSION))


def _by_topic(partitions: frozenset[Place]) -> list[PartitionsSchema]:
    found: dict[str, PartitionsSchema] = {}
    for topic, partition in sorted(partitions):
        found.setdefault(topic, PartitionsSchema(topic, [])).partition_ids.append(partition)
    return list(found.values())


def decode_record(stored: Stored) -> TransactionStored | None:
    """None for kinds of keys that are not known, and for markers, which an administrator may have written here (they end
    nothing). Raises `RottenRecordError`.
    """
    if stored.marker is not None:
        return None
    if stored.key is None:
        raise RottenRecordError(f"offset {stored.offset} has no key")
    try:
        (kind,) = struct.unpack_from(">h", stored.key)
        if kind != KIND:
            return None
        transactional_id = decode(TransactionLogKey, 0, stored.key[2:]).transactional_id
        if stored.value is None:
            return TransactionStored(transactional_id, None)
        value = decode_stored(TransactionLogValue, stored.value)
    except (WireError, struct.error) as error:
        raise RottenRecordError(f"offset {stored.offset}: {error}") from error
    if not 0 <= value.transaction_status < len(STORED):
        raise RottenRecordError(
            f"offset {stored.offset}: no transaction state has the number {value.transaction_status}"
        )
    places = {(part.topic, n) for part in value.transaction_partitions or () for n in part.partition_ids}
    return TransactionStored(
        transactional_id,
        Transaction(
            value.producer_id,
            value.producer_epoch,
            value.transaction_timeout_ms,
            STORED[value.transaction_status],
            frozenset(places),
            value.transaction_start_timestamp_ms,
            value.transaction_last_update_timestamp_ms,
            value.previous_producer_id,
            value.next_producer_id,
            value.client_transaction_version,
        ),
    )
