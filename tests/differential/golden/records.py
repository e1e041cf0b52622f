"""Requests about records: Produce, Fetch, ListOffsets, DeleteRecords, OffsetForLeaderEpoch, DescribeProducers, producer ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.wire.messages import k00_produce as produce
from headrace.wire.messages import k01_fetch as fetch
from headrace.wire.messages import k02_list_offsets as list_offsets
from headrace.wire.messages import k21_delete_records as delete_records
from headrace.wire.messages import k22_init_producer_id as init_producer_id
from headrace.wire.messages import k23_offset_for_leader_epoch as leader_epoch
from headrace.wire.messages import k61_describe_producers as describe_producers
from tests.differential.world import batch, batch_now

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace.wire.schema import Message
    from tests.differential.world import World

EARLIEST, LATEST, MAX_TIMESTAMP, LOCAL, TIERED, PENDING = -2, -1, -3, -4, -5, -6
A_DAY_MS: Final = 86_400_000


def produced(
    w: World, *names: str, acks: int = -1, at: Sequence[int] = (0,), records: bytes | None = None
) -> Message:
    """A Produce of one batch to each of these partitions of each topic."""
    data = [produce.PartitionProduceData(index=n, records=records or batch_now()) for n in at]
    named = [
        produce.TopicProduceData(name=name, topic_id=w.id(name), partition_data=list(data)) for name in names
    ]
    return produce.ProduceRequest(acks=acks, timeout_ms=5_000, topic_data=named)


def fetched(
    w: World,
    *names: str,
    offset: int = 0,
    at: Sequence[int] = (0,),
    session: tuple[int, int] = (0, -1),
    **more: int,
) -> Message:
    """A Fetch of these partitions of each topic."""
    bytes_max = more.pop("partition_bytes_max", 1 << 20)
    epoch = more.pop("epoch", -1)
    parts = [
        fetch.FetchPartition(
            partition=n, fetch_offset=offset, partition_max_bytes=bytes_max, current_leader_epoch=epoch
        )
        for n in at
    ]
    asked = [fetch.FetchTopic(topic=name, topic_id=w.id(name), partitions=list(parts)) for name in names]
    said = {"max_bytes": 1 << 20, "min_bytes": 1, "max_wait_ms": 10, **more}
    return fetch.FetchRequest(session_id=session[0], session_epoch=session[1], topics=asked, **said)


def listed(
    name: str, *timestamps: int, at: Sequence[int] = (0,), isolation: int = 0, epoch: int = -1
) -> Message:
    """ListOffsets for these timestamps, each of the next of these partitions."""
    asked = [
        list_offsets.ListOffsetsPartition(partition_index=n, timestamp=time, current_leader_epoch=epoch)
        for n, time in zip(at, timestamps * len(at), strict=False)
    ]
    named = list_offsets.ListOffsetsTopic(name=name, partitions=asked)
    return list_offsets.ListOffsetsRequest(
        replica_id=-1, isolation_level=isolation, topics=[named], timeout_ms=1_000
    )


def records_deleted(offset: int, *names: str, at: Sequence[int] = (0,)) -> Message:
    """DeleteRecords before an offset."""
    named = [
        delete_records.DeleteRecordsTopic(
            name=name,
            partitions=[delete_records.DeleteRecordsPartition(partition_index=n, offset=offset) for n in at],
        )
        for name in names
    ]
    return delete_records.DeleteRecordsRequest(topics=named, timeout_ms=5_000)


def epoch_asked(*names: str, epoch: int = 0, current: int = -1, at: Sequence[int] = (0,)) -> Message:
    """Where a leader epoch ends."""
    named = [
        leader_epoch.OffsetForLeaderTopic(
            topic=name,
            partitions=[
                leader_epoch.OffsetForLeaderPartition(
                    partition=n, current_leader_epoch=current, leader_epoch=epoch
                )
                for n in at
            ],
        )
        for name in names
    ]
    return leader_epoch.OffsetForLeaderEpochRequest(replica_id=-1, topics=named)


def producers_asked(*names: str, at: Sequence[int] = (0,)) -> Message:
    """The producers of these partitions."""
    named = [describe_producers.TopicRequest(name=name, partition_indexes=list(at)) for name in names]
    return describe_producers.DescribeProducersRequest(topics=named)


def producer_id(timeout_ms: int = 60_000, given: tuple[int, int] = (-1, -1)) -> Message:
    """InitProducerId without a transaction."""
    return init_producer_id.InitProducerIdRequest(
        transactional_id=None,
        transaction_timeout_ms=timeout_ms,
        producer_id=given[0],
        producer_epoch=given[1],
    )


GOLDEN: Final[dict[int, dict[str, Callable[[World], Message]]]] = {
    0: {
        "one batch": lambda w: produced(w, w.own),
        "acks=1": lambda w: produced(w, w.own, acks=1),
        "three partitions": lambda w: produced(w, w.own_wide, at=(0, 1, 2)),
        "two topics": lambda w: produced(w, w.own, w.own_empty),
        "many records": lambda w: produced(w, w.own, records=batch(50, 100)),
        "no such partition": lambda w: produced(w, w.own, at=(0, 7)),
    },
    1: {
        "from the start": lambda w: fetched(w, w.filled),
        "one batch in the middle": lambda w: fetched(w, w.filled, offset=4),
        "one batch alone": lambda w: fetched(w, w.filled, offset=6, partition_bytes_max=1),
        "at the end": lambda w: fetched(w, w.wide),
        "two topics": lambda w: fetched(w, w.filled, w.wide, at=(0, 2)),
        "committed only": lambda w: fetched(w, w.filled, isolation_level=1),
        "of this epoch": lambda w: fetched(w, w.filled, epoch=0),
        "behind the end": lambda w: fetched(w, w.filled, offset=1_000_000),
        "a new session": lambda w: fetched(w, w.filled, session=(0, 0)),
        "a session nobody has": lambda w: fetched(w, w.filled, session=(77, 3)),
    },
    2: {
        "latest": lambda w: listed(w.filled, LATEST),
        "earliest": lambda w: listed(w.filled, EARLIEST),
        "largest timestamp": lambda w: listed(w.filled, MAX_TIMESTAMP),
        "local, tiered and pending": lambda w: listed(w.filled, LOCAL),
        "tiered": lambda w: listed(w.filled, TIERED),
        "pending": lambda w: listed(w.filled, PENDING),
        "a time": lambda w: listed(w.filled, w.time_of(3)),
        "a time between": lambda w: listed(w.filled, w.time_of(7) - 1, isolation=1),
        "of this epoch": lambda w: listed(w.filled, LATEST, epoch=0),
        "of empty partitions": lambda w: listed(w.wide, EARLIEST, LATEST, w.time_of(0), at=(0, 1, 2)),
    },
    21: {
        "some": lambda w: records_deleted(2, w.own),
        "a batch's first": lambda w: records_deleted(6, w.own),
        "up to the end": lambda w: records_deleted(-1, w.own),
        "none": lambda w: records_deleted(0, w.own),
        "of two topics": lambda w: records_deleted(0, w.own, w.own_empty),
        "beyond the end": lambda w: records_deleted(1_000_000, w.own),
    },
    22: {
        "idempotent": lambda w: producer_id(),
        "a long timeout": lambda w: producer_id(900_000),
        "one that has an id": lambda w: producer_id(given=(7, 0)),
        "a timeout of nothing": lambda w: producer_id(0),
    },
    23: {
        "epoch 0": lambda w: epoch_asked(w.filled),
        "two topics": lambda w: epoch_asked(w.filled, w.wide, at=(0, 1)),
        "an epoch to come": lambda w: epoch_asked(w.filled, epoch=9),
        "current epoch 0": lambda w: epoch_asked(w.filled, current=0),
        "fenced": lambda w: epoch_asked(w.filled, current=9),
        "no epoch": lambda w: epoch_asked(w.wide, epoch=-1),
    },
    61: {
        "one partition": lambda w: producers_asked(w.filled),
        "of two topics": lambda w: producers_asked(w.filled, w.wide, at=(0,)),
        "one that is not there": lambda w: producers_asked(w.filled, at=(0, 5)),
        "none": lambda w: producers_asked(),
    },
}
