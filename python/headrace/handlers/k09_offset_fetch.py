"""OffsetFetch (key 9, v1-10): how far groups have read.

A partition without an offset is answered -1 and no error, whether or not the topic exists.

v1   errors of the group stand on the partitions; without that, old clients take a failure for "no offset" and start over
v2   null topics: all that is stored; errors of the group stand at the top
v7   RequireStable: offsets that an open transaction has written to are UNSTABLE_OFFSET_COMMIT (KIP-447)
v8   several groups in one request, each with its own error
v9   member epochs of consumer groups: STALE_MEMBER_EPOCH (KIP-848)
v10  topics by id
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k09_offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchResponse,
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
)
from headrace.wire.schema import NULL_UUID

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.coordinator.group.view import OffsetFetched
    from headrace.handlers.call import Call
    from headrace.wire.messages.k09_offset_fetch import OffsetFetchRequestGroup

VERSION_TOP_LEVEL_ERROR = 2
VERSION_GROUPS = 8
VERSION_TOPIC_IDS = 10


class Asked(NamedTuple):
    """One topic of one group, or why it cannot be looked up."""

    name: str
    topic_id: bytes
    partitions: list[int]
    error: Error


async def handle(call: Call, request: OffsetFetchRequest) -> OffsetFetchResponse:
    if call.api_version >= VERSION_GROUPS:
        return OffsetFetchResponse(
            groups=[await _group(call, group, request.require_stable) for group in request.groups]
        )
    asked = None
    if request.topics is not None:
        asked = [_asked(call, topic.name, NULL_UUID, topic.partition_indexes) for topic in request.topics]
    group = await _fetch(call, request.group_id, asked, request.require_stable)
    error = group.error_code
    if error and call.api_version >= VERSION_TOP_LEVEL_ERROR:
        return OffsetFetchResponse(error_code=error)
    if error:
        return refused(request, error, None)
    return OffsetFetchResponse(topics=[_flat(topic) for topic in group.topics])


async def _group(call: Call, group: OffsetFetchRequestGroup, stable: bool) -> OffsetFetchResponseGroup:
    asked = None
    if group.topics is not None:
        asked = [_asked(call, topic.name, topic.topic_id, topic.partition_indexes) for topic in group.topics]
    return await _fetch(call, group.group_id, asked, stable, group.member_id, group.member_epoch)


def _asked(call: Call, name: str, topic_id: bytes, partitions: list[int]) -> Asked:
    error = Error.NONE
    if call.api_version >= VERSION_TOPIC_IDS:
        topic = call.services.controller.topic_by_id(topic_id)
        name = topic.name if topic is not None else ""
        error = Error.NONE if topic is not None else Error.UNKNOWN_TOPIC_ID
    if not error and not call.may_topic(Operation.DESCRIBE, name):
        error = Error.TOPIC_AUTHORIZATION_FAILED
    return Asked(name, topic_id, partitions, error)


async def _fetch(
    call: Call,
    group_id: str,
    asked: list[Asked] | None,
    stable: bool,
    member_id: str | None = None,
    member_epoch: int = -1,
) -> OffsetFetchResponseGroup:
    """One group's answer; `asked` None: all that is stored and may be seen."""
    if not call.may(Operation.DESCRIBE, "group", group_id):
        return OffsetFetchResponseGroup(group_id, error_code=Error.GROUP_AUTHORIZATION_FAILED)
    wanted = None
    if asked is not None:
        wanted = [(topic.name, index) for topic in asked if not topic.error for index in topic.partitions]
    try:
        found = await call.services.groups.fetch(
            group_id, wanted, stable=stable, member_id=member_id, member_epoch=member_epoch
        )
    except Refusal as refusal:
        return OffsetFetchResponseGroup(group_id, error_code=refusal.error)
    if asked is None:
        return OffsetFetchResponseGroup(group_id, _stored(call, found))
    offsets = iter(found)
    topics = []
    for topic in asked:
        if topic.error:
            parts = [OffsetFetchResponsePartitions(i, -1, -1, "", topic.error) for i in topic.partitions]
        else:
            parts = [_part(next(offsets)) for _ in topic.partitions]
        topics.append(OffsetFetchResponseTopics(topic.name, topic.topic_id, parts))
    return OffsetFetchResponseGroup(group_id, topics)


def _stored(call: Call, found: Iterable[OffsetFetched]) -> list[OffsetFetchResponseTopics]:
    by_topic: dict[str, OffsetFetchResponseTopics] = {}
    for offset in found:
        if offset.topic not in by_topic:
            topic = call.services.controller.topic(offset.topic)
            if call.api_version >= VERSION_TOPIC_IDS and topic is None:
                continue  # it has no id any more, so it cannot be named
            if not call.may_topic(Operation.DESCRIBE, offset.topic):
                continue
            topic_id = topic.topic_id if topic is not None else NULL_UUID
            by_topic[offset.topic] = OffsetFetchResponseTopics(offset.topic, topic_id, [])
        by_topic[offset.topic].partitions.append(_part(offset))
    return list(by_topic.values())


def _part(offset: OffsetFetched) -> OffsetFetchResponsePartitions:
    return OffsetFetchResponsePartitions(
        offset.partition,
        offset.offset,
        offset.leader_epoch,
        offset.metadata,
        Error.UNSTABLE_OFFSET_COMMIT if offset.unstable else Error.NONE,
    )


def _flat(topic: OffsetFetchResponseTopics) -> OffsetFetchResponseTopic:
    """The same in the shape before v8."""
    return OffsetFetchResponseTopic(
        topic.name,
        [
            OffsetFetchResponsePartition(
                p.partition_index, p.committed_offset, p.committed_leader_epoch, p.metadata, p.error_code
            )
            for p in topic.partitions
        ],
    )


def refused(request: OffsetFetchRequest, error: int, message: str | None) -> OffsetFetchResponse:
    """On the groups since v8; before, on every partition, and at the top where the version has one."""
    del message
    return OffsetFetchResponse(
        groups=[OffsetFetchResponseGroup(group.group_id, error_code=error) for group in request.groups],
        error_code=error,
        topics=[
            OffsetFetchResponseTopic(
                topic.name,
                [OffsetFetchResponsePartition(i, -1, -1, "", error) for i in topic.partition_indexes],
            )
            for topic in request.topics or ()
        ],
    )
