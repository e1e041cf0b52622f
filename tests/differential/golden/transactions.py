"""Requests about transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.wire.messages import k24_add_partitions_to_txn as add_partitions
from headrace.wire.messages import k25_add_offsets_to_txn as add_offsets
from headrace.wire.messages import k26_end_txn as end_txn
from headrace.wire.messages import k27_write_txn_markers as markers
from headrace.wire.messages import k28_txn_offset_commit as txn_offsets
from headrace.wire.messages import k65_describe_transactions as describe_transactions
from headrace.wire.messages import k66_list_transactions as list_transactions

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.wire.schema import Message
    from tests.differential.world import World

NOBODY: Final = (1_000_000, 0)
"""A producer that no broker has made."""


def added(
    w: World, name: str, *topics: str, verify: bool = False, producer: tuple[int, int] | None = None
) -> Message:
    """An AddPartitionsToTxn of each topic's first partition, as producers say it and as brokers do."""
    producer_id, epoch = producer or w.producer(name)
    asked = [add_partitions.AddPartitionsToTxnTopic(name=topic, partitions=[0]) for topic in topics]
    one = add_partitions.AddPartitionsToTxnTransaction(
        transactional_id=name,
        producer_id=producer_id,
        producer_epoch=epoch,
        verify_only=verify,
        topics=asked,
    )
    return add_partitions.AddPartitionsToTxnRequest(
        transactions=[one],
        v3_and_below_transactional_id=name,
        v3_and_below_producer_id=producer_id,
        v3_and_below_producer_epoch=epoch,
        v3_and_below_topics=list(asked),
    )


def group_added(w: World, name: str, group: str) -> Message:
    """An AddOffsetsToTxn."""
    producer_id, epoch = w.producer(name)
    return add_offsets.AddOffsetsToTxnRequest(name, producer_id, epoch, group)


def ended(w: World, name: str, *, commit: bool, ahead: int = 0) -> Message:
    """An EndTxn; `ahead`: of the producer's epoch."""
    producer_id, epoch = w.producer(name)
    return end_txn.EndTxnRequest(name, producer_id, epoch + ahead, commit)


def marked(*topics: str, commit: bool = False, producer: tuple[int, int] = NOBODY) -> Message:
    """A WriteTxnMarkers."""
    named = [markers.WritableTxnMarkerTopic(name=topic, partition_indexes=[0]) for topic in topics]
    one = markers.WritableTxnMarker(
        producer_id=producer[0], producer_epoch=producer[1], transaction_result=commit, topics=named
    )
    return markers.WriteTxnMarkersRequest(markers=[one])


def offset_sent(
    w: World, name: str, group: str, topic: str, generation: int = -1, member: str = ""
) -> Message:
    """A TxnOffsetCommit of one offset."""
    producer_id, epoch = w.producer(name)
    part = txn_offsets.TxnOffsetCommitRequestPartition(committed_offset=2)
    return txn_offsets.TxnOffsetCommitRequest(
        transactional_id=name,
        group_id=group,
        producer_id=producer_id,
        producer_epoch=epoch,
        generation_id=generation,
        member_id=member,
        topics=[txn_offsets.TxnOffsetCommitRequestTopic(name=topic, partitions=[part])],
    )


def transactions_asked(*names: str) -> Message:
    """A DescribeTransactions."""
    return describe_transactions.DescribeTransactionsRequest(list(names))


def transactions_listed(w: World, name: str, *states: str, pattern: str | None = None) -> Message:
    """A ListTransactions of one producer's."""
    return list_transactions.ListTransactionsRequest(
        state_filters=list(states),
        producer_id_filters=[w.producer(name)[0]],
        transactional_id_pattern=pattern,
    )


GOLDEN: Final[dict[int, dict[str, Callable[[World], Message]]]] = {
    24: {
        "one partition": lambda w: added(w, w.own_producer, w.own_empty),
        "two topics": lambda w: added(w, w.own_producer, w.own_empty, w.own),
        "one more": lambda w: added(w, w.own_open, w.own_empty),
        "one that is in it": lambda w: added(w, w.own_open, w.inside(w.own_open)),
        "to look for one": lambda w: added(w, w.own_open, w.inside(w.own_open), verify=True),
        "to look for one that is not in it": lambda w: added(w, w.own_open, w.own_empty, verify=True),
        "no such topic": lambda w: added(w, w.own_producer, w.absent),
        "another producer": lambda w: added(w, w.own_producer, w.own_empty, producer=NOBODY),
        "an id that nobody has": lambda w: added(w, w.absent, w.own_empty),
    },
    25: {
        "a group": lambda w: group_added(w, w.own_producer, w.new_group),
        "a group in a transaction": lambda w: group_added(w, w.own_open, w.new_group),
        "an id that nobody has": lambda w: group_added(w, w.absent, w.new_group),
    },
    26: {
        "commit": lambda w: ended(w, w.own_open, commit=True),
        "abort": lambda w: ended(w, w.own_open, commit=False),
        "commit of nothing": lambda w: ended(w, w.own_producer, commit=True),
        "abort of nothing": lambda w: ended(w, w.own_producer, commit=False),
        "an epoch to come": lambda w: ended(w, w.own_open, commit=True, ahead=1),
        "an id that nobody has": lambda w: ended(w, w.absent, commit=True),
    },
    27: {
        "abort": lambda w: marked(w.own),
        "commit": lambda w: marked(w.own, commit=True),
        "two topics": lambda w: marked(w.own, w.own_empty),
        "no such topic": lambda w: marked(w.absent),
    },
    28: {
        "one offset": lambda w: offset_sent(w, w.own_open, w.new_group, w.filled),
        "with a group of offsets": lambda w: offset_sent(w, w.own_open, w.own_group, w.filled),
        "of a member that is not there": lambda w: offset_sent(w, w.own_open, w.own_group, w.filled, 3, "m"),
        "no such topic": lambda w: offset_sent(w, w.own_open, w.new_group, w.absent),
        "an id that nobody has": lambda w: offset_sent(w, w.absent, w.new_group, w.filled),
    },
    65: {
        "one": lambda w: transactions_asked(w.open),
        "two": lambda w: transactions_asked(w.open, w.known),
        "one that is not there": lambda w: transactions_asked(w.known, w.absent),
    },
    66: {
        "one": lambda w: transactions_listed(w, w.open),
        "open ones": lambda w: transactions_listed(w, w.open, "Ongoing"),
        "states": lambda w: transactions_listed(w, w.known, "Empty", "Ongoing", "Nonsense"),
        "a pattern": lambda w: transactions_listed(w, w.open, pattern="k66.*-open"),
        "a pattern of nobody": lambda w: transactions_listed(w, w.open, pattern="[a-c]+"),
    },
}
