"""TxnOffsetCommit (key 28, v0-5): offsets that count once a transaction is committed.

Each partition has its own outcome; a group or a transaction that refuses says so on every partition.

v2  leader epoch
v3  member id, generation, instance id: a consumer that was replaced cannot commit through a producer (KIP-447)
v4  TRANSACTION_ABORTABLE; INVALID_TXN_STATE before
v5  transaction.version 2 (KIP-890): the offsets become part of the transaction by this request; before, AddOffsetsToTxn
    must have said so
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.group.offsets import Commit, CommitPart
from headrace.coordinator.transaction.transaction import VERSION_EPOCH_BUMP
from headrace.engine.port import Producer
from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k28_txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitResponse,
    TxnOffsetCommitResponsePartition,
    TxnOffsetCommitResponseTopic,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call

VERSION_LOAD_IN_PROGRESS = 2
VERSION_ABORTABLE = 4
VERSION_ADDS = 5
FOREVER_MS = -1


async def handle(call: Call, request: TxnOffsetCommitRequest) -> TxnOffsetCommitResponse:
    if not call.may_transaction(Operation.WRITE, request.transactional_id):
        return refused(request, Error.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, None)
    if not call.may(Operation.READ, "group", request.group_id):
        return refused(request, Error.GROUP_AUTHORIZATION_FAILED, None)
    response = refused(request, Error.NONE, None)
    parts: list[CommitPart] = []
    answers: list[TxnOffsetCommitResponsePartition] = []
    topics = [topic for topic in request.topics if topic.partitions]
    for asked, answered in zip(topics, response.topics, strict=True):
        for part, answer in zip(asked.partitions, answered.partitions, strict=True):
            if error := _why_not(call, asked.name, part.partition_index):
                answer.error_code = error
                continue
            parts.append(
                CommitPart(
                    asked.name,
                    part.partition_index,
                    part.committed_offset,
                    part.committed_leader_epoch,
                    part.committed_metadata,
                )
            )
            answers.append(answer)
    if parts:
        for answer, error in zip(answers, await _commit(call, request, parts), strict=True):
            answer.error_code = error
    return response


async def _commit(call: Call, request: TxnOffsetCommitRequest, parts: list[CommitPart]) -> list[Error]:
    commit = Commit(
        call.api_version,
        request.group_id,
        request.member_id,
        request.group_instance_id,
        request.generation_id,
        FOREVER_MS,
        parts,
    )
    producer = Producer(request.producer_id, request.producer_epoch)

    async def verify(place: tuple[str, int]) -> Error:
        error = await _in_transaction(call, request.transactional_id, producer, place)
        if error is Error.TRANSACTION_ABORTABLE and call.api_version < VERSION_ABORTABLE:
            return Error.INVALID_TXN_STATE
        # Said so, as in a Produce: the producer was overtaken in a partition, not at the coordinator.
        return Error.INVALID_PRODUCER_EPOCH if error is Error.PRODUCER_FENCED else error

    if not request.group_id:
        return [Error.INVALID_GROUP_ID] * len(parts)
    try:
        return await call.services.groups.commit_in_transaction(commit, producer, verify)
    except Refusal as refusal:
        error = refusal.error
    if error is Error.COORDINATOR_LOAD_IN_PROGRESS and call.api_version < VERSION_LOAD_IN_PROGRESS:
        error = Error.COORDINATOR_NOT_AVAILABLE  # those clients end over the other one
    return [error] * len(parts)


async def _in_transaction(
    call: Call, transactional_id: str, producer: Producer, place: tuple[str, int]
) -> Error:
    transactions = call.services.transactions
    if call.api_version >= VERSION_ADDS:
        return await transactions.add(transactional_id, producer, frozenset({place}), VERSION_EPOCH_BUMP)
    if not call.services.config.boolean("transaction.partition.verification.enable"):
        return Error.NONE
    (error,) = await transactions.verify(transactional_id, producer, (place,))
    return error


def _why_not(call: Call, name: str, number: int) -> Error:
    if not call.may_topic(Operation.READ, name):
        return Error.TOPIC_AUTHORIZATION_FAILED
    topic = call.services.controller.topic(name)
    known = topic is not None and topic.partition(number) is not None
    return Error.NONE if known else Error.UNKNOWN_TOPIC_OR_PARTITION


def refused(request: TxnOffsetCommitRequest, error: Error, message: str | None) -> TxnOffsetCommitResponse:
    """The same for every partition that was asked for; the protocol has no words for more."""
    del message
    return TxnOffsetCommitResponse(
        topics=[
            TxnOffsetCommitResponseTopic(
                topic.name,
                [TxnOffsetCommitResponsePartition(part.partition_index, error) for part in topic.partitions],
            )
            for topic in request.topics
            if topic.partitions
        ]
    )
