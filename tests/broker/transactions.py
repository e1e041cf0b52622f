"""A transactional producer that says exactly what the test means, one request at a time."""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headrace.model.errors import Error
from headrace.wire.messages.k00_produce import PartitionProduceData, ProduceRequest, TopicProduceData
from headrace.wire.messages.k09_offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
)
from headrace.wire.messages.k10_find_coordinator import FindCoordinatorRequest
from headrace.wire.messages.k22_init_producer_id import InitProducerIdRequest
from headrace.wire.messages.k24_add_partitions_to_txn import (
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnTopic,
    AddPartitionsToTxnTransaction,
)
from headrace.wire.messages.k25_add_offsets_to_txn import AddOffsetsToTxnRequest
from headrace.wire.messages.k26_end_txn import EndTxnRequest
from headrace.wire.messages.k27_write_txn_markers import (
    WritableTxnMarker,
    WritableTxnMarkerTopic,
    WriteTxnMarkersRequest,
)
from headrace.wire.messages.k28_txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)
from headrace.wire.messages.k65_describe_transactions import DescribeTransactionsRequest
from tests.broker.raw import ANSWER_S_MAX, Raw
from tests.broker.raw import NOT_YET as MADE_JUST_NOW
from tests.hostile.batches import Batch, record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TRANSACTIONAL: Final = 1 << 4
NOT_YET: Final = {
    Error.COORDINATOR_LOAD_IN_PROGRESS,
    Error.COORDINATOR_NOT_AVAILABLE,
    Error.NOT_COORDINATOR,
    Error.CONCURRENT_TRANSACTIONS,
    Error.NOT_ENOUGH_REPLICAS,
}


class Given(NamedTuple):
    """What InitProducerId and EndTxn say."""

    error: Error
    producer_id: int
    epoch: int


class Described(NamedTuple):
    state: str
    producer_id: int
    epoch: int
    partitions: list[tuple[str, int]]


def until(ask: Callable[[], Any], enough: Callable[[Any], bool]) -> Any:
    """Ask again until the answer is enough."""
    deadline = time.monotonic() + ANSWER_S_MAX
    while True:
        answer = ask()
        if enough(answer):
            return answer
        assert time.monotonic() < deadline, f"still {answer}"


class Transactional:
    """One transactional id on one connection."""

    def __init__(self, raw: Raw, transactional_id: str) -> None:
        self.raw = raw
        self.transactional_id = transactional_id
        self.find(1, transactional_id)

    def find(self, key_type: int, key: str) -> None:
        """Have the coordinator's topic made, and wait for the coordinator."""
        request = FindCoordinatorRequest(key_type=key_type, coordinator_keys=[key])
        until(lambda: self.raw.ask(request, 4).coordinators[0].error_code, lambda error: error not in NOT_YET)

    def init(
        self, version: int = 4, *, expected: tuple[int, int] = (-1, -1), timeout_ms: int = 60_000
    ) -> Given:
        """InitProducerId, repeated until the coordinator is there."""
        request = InitProducerIdRequest(self.transactional_id, timeout_ms, *expected)
        coming = NOT_YET - {Error.CONCURRENT_TRANSACTIONS}
        answer = until(lambda: self.raw.ask(request, version), lambda a: a.error_code not in coming)
        return Given(Error(answer.error_code), answer.producer_id, answer.producer_epoch)

    def begin(self, **how: Any) -> Given:
        """InitProducerId, repeated until a transaction that was open is ended."""
        found: Given = until(lambda: self.init(**how), lambda given: given.error not in NOT_YET)
        return found

    def add(
        self, who: tuple[int, int], topic: str, partitions: Sequence[int] = (0,), version: int = 3
    ) -> list[Error]:
        topics = [AddPartitionsToTxnTopic(topic, list(partitions))]
        request = AddPartitionsToTxnRequest([], self.transactional_id, *who, topics)
        answer = self.raw.ask(request, version).results_by_topic_v3_and_below
        return [Error(part.partition_error_code) for t in answer for part in t.results_by_partition]

    def verify(self, who: tuple[int, int], topic: str, partitions: Sequence[int]) -> dict[int, Error]:
        """As brokers ask it."""
        topics = [AddPartitionsToTxnTopic(topic, list(partitions))]
        asked = AddPartitionsToTxnTransaction(self.transactional_id, *who, True, topics)
        [found] = self.raw.ask(AddPartitionsToTxnRequest([asked]), 5).results_by_transaction
        return {
            part.partition_index: Error(part.partition_error_code)
            for t in found.topic_results
            for part in t.results_by_partition
        }

    def produce(self, who: tuple[int, int], topic: str, value: bytes, sequence: int, version: int) -> Error:
        """One record to partition 0 (topics are named until version 12)."""
        # Of now, as markers are: an older record would stand in a segment of its own.
        batch = Batch(
            record(0, value),
            attributes=TRANSACTIONAL,
            producer=(*who, sequence),
            timestamp=time.time_ns() // 1_000_000,
        )
        data = [TopicProduceData(name=topic, partition_data=[PartitionProduceData(records=batch.encode())])]
        request = ProduceRequest(self.transactional_id, -1, 10_000, data)
        found: int = until(
            lambda: self.raw.ask(request, version).responses[0].partition_responses[0].error_code,
            lambda error: error not in MADE_JUST_NOW,
        )
        return Error(found)

    def end(self, who: tuple[int, int], *, commit: bool, version: int) -> Given:
        answer = self.raw.ask(EndTxnRequest(self.transactional_id, *who, commit), version)
        return Given(Error(answer.error_code), answer.producer_id, answer.producer_epoch)

    def ended(self, who: tuple[int, int], *, commit: bool, version: int) -> Given:
        """EndTxn, repeated until the transaction before it is complete."""
        found: Given = until(
            lambda: self.end(who, commit=commit, version=version), lambda given: given.error not in NOT_YET
        )
        return found

    def describe(self) -> Described:
        request = DescribeTransactionsRequest([self.transactional_id])
        found = until(
            lambda: self.raw.ask(request, 0).transaction_states[0], lambda f: f.error_code not in NOT_YET
        )
        assert found.error_code == 0
        partitions = [(t.topic, number) for t in found.topics for number in t.partitions]
        return Described(found.transaction_state, found.producer_id, found.producer_epoch, sorted(partitions))

    def add_offsets(self, who: tuple[int, int], group: str) -> Error:
        return Error(self.raw.ask(AddOffsetsToTxnRequest(self.transactional_id, *who, group), 3).error_code)

    def commit_offset(
        self,
        who: tuple[int, int],
        group: str,
        topic: str,
        offset: int,
        version: int,
        member: tuple[int, str] = (-1, ""),
    ) -> Error:
        """TxnOffsetCommit of partition 0; `member`: generation and id. Repeated until the group's coordinator is there."""
        topics = [TxnOffsetCommitRequestTopic(topic, [TxnOffsetCommitRequestPartition(0, offset)])]
        request = TxnOffsetCommitRequest(self.transactional_id, group, *who, *member, None, topics)
        found: int = until(
            lambda: self.raw.ask(request, version).topics[0].partitions[0].error_code,
            lambda error: error not in NOT_YET,
        )
        return Error(found)

    def offset(self, group: str, topic: str, *, stable: bool) -> tuple[int, Error]:
        """OffsetFetch of partition 0."""
        topics = [OffsetFetchRequestTopics(topic, partition_indexes=[0])]
        request = OffsetFetchRequest(
            groups=[OffsetFetchRequestGroup(group, topics=topics)], require_stable=stable
        )
        answer = until(lambda: self.raw.ask(request, 8).groups[0], lambda g: g.error_code not in NOT_YET)
        part = answer.topics[0].partitions[0]
        return part.committed_offset, Error(part.error_code)

    def mark(
        self, who: tuple[int, int], topic: str, *, commit: bool, coordinator_epoch: int, partition: int = 0
    ) -> Error:
        """WriteTxnMarkers for one partition."""
        topics = [WritableTxnMarkerTopic(topic, [partition])]
        marker = WritableTxnMarker(*who, commit, topics, coordinator_epoch)
        [answer] = self.raw.ask(WriteTxnMarkersRequest([marker]), 1).markers
        return Error(answer.topics[0].partitions[0].error_code)


def batches(records: bytes) -> list[tuple[int, int, int, int]]:
    """Base offset, attributes, producer id and epoch of each batch of a fetched partition."""
    found, position = [], 0
    while position + 61 <= len(records):
        base, length = struct.unpack_from(">qi", records, position)
        (attributes,) = struct.unpack_from(">h", records, position + 21)
        producer_id, epoch = struct.unpack_from(">qh", records, position + 43)
        found.append((base, attributes, producer_id, epoch))
        position += 12 + length
    return found
