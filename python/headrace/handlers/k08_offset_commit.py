"""OffsetCommit (key 8, v2-10): remember how far a group has read.

Each partition has its own outcome; a group that refuses says so on every partition.

v2-4 may say how long the offsets are kept; since v5 the broker decides
v6   leader epoch
v7   static members (KIP-345)
v9   an unknown group with a generation is GROUP_ID_NOT_FOUND, before ILLEGAL_GENERATION; member epochs of consumer groups:
     STALE_MEMBER_EPOCH (KIP-848), whose members must speak this version
v10  topics by id
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.group.offsets import Commit, CommitPart
from headrace.handlers.call import Operation
from headrace.handlers.refused_first import refused_first
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k08_offset_commit import (
    OffsetCommitRequest,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call

VERSION_TOPIC_IDS = 10


async def handle(call: Call, request: OffsetCommitRequest) -> OffsetCommitResponse:
    if not call.may(Operation.READ, "group", request.group_id):
        return refused(request, Error.GROUP_AUTHORIZATION_FAILED, None)
    bad: list[OffsetCommitResponseTopic] = []
    good: list[OffsetCommitResponseTopic] = []
    parts: list[CommitPart] = []
    answers: list[OffsetCommitResponsePartition] = []
    for asked in request.topics:
        name, partitions, error = _topic(call, asked.name, asked.topic_id)
        refuses = OffsetCommitResponseTopic(asked.name, asked.topic_id, [])
        takes = OffsetCommitResponseTopic(asked.name, asked.topic_id, [])
        for part in asked.partitions:
            answer = OffsetCommitResponsePartition(part.partition_index, error)
            if error is Error.NONE and not 0 <= part.partition_index < partitions:
                answer.error_code = Error.UNKNOWN_TOPIC_OR_PARTITION
            if answer.error_code != Error.NONE:
                refuses.partitions.append(answer)
            else:
                takes.partitions.append(answer)
                parts.append(
                    CommitPart(
                        name,
                        part.partition_index,
                        part.committed_offset,
                        part.committed_leader_epoch,
                        part.committed_metadata,
                    )
                )
                answers.append(answer)
        bad += [refuses] if refuses.partitions else []
        good += [takes] if takes.partitions else []
    if parts or not request.topics:
        commit = Commit(
            call.api_version,
            request.group_id,
            request.member_id,
            request.group_instance_id,
            request.generation_id_or_member_epoch,
            request.retention_time_ms,
            parts,
        )
        try:
            outcomes = await call.services.groups.commit(commit)
        except Refusal as refusal:
            outcomes = [refusal.error] * len(parts)
        for answer, outcome in zip(answers, outcomes, strict=True):
            answer.error_code = outcome
    by_id = call.api_version >= VERSION_TOPIC_IDS
    topics = refused_first(bad, good, lambda topic: topic.topic_id if by_id else topic.name)
    return OffsetCommitResponse(topics=topics)


def _topic(call: Call, name: str, topic_id: bytes) -> tuple[str, int, Error]:
    """Its name and number of partitions, or why nothing can be committed to it."""
    controller = call.services.controller
    by_id = call.api_version >= VERSION_TOPIC_IDS
    topic = controller.topic_by_id(topic_id) if by_id else controller.topic(name)
    known = topic.name if topic is not None else name
    if not call.may_topic(Operation.READ, known):
        return known, 0, Error.TOPIC_AUTHORIZATION_FAILED
    if topic is None:
        return known, 0, Error.UNKNOWN_TOPIC_ID if by_id else Error.UNKNOWN_TOPIC_OR_PARTITION
    return known, len(topic.partitions), Error.NONE


def refused(request: OffsetCommitRequest, error: int, message: str | None) -> OffsetCommitResponse:
    """The same for every partition that was asked for; the protocol has no words for more."""
    del message
    return OffsetCommitResponse(
        topics=[
            OffsetCommitResponseTopic(
                topic.name,
                topic.topic_id,
                [OffsetCommitResponsePartition(part.partition_index, error) for part in topic.partitions],
            )
            for topic in request.topics
        ]
    )
