"""DescribeShareGroupOffsets (key 90, v0-1): how far share groups are (KIP-932).

v1  the lag: records that are neither done with nor before the start (KIP-1226)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.call import Operation
from headrace.handlers.share_states import MESSAGES, share_admin
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k90_describe_share_group_offsets import (
    DescribeShareGroupOffsetsRequest,
    DescribeShareGroupOffsetsRequestGroup,
    DescribeShareGroupOffsetsResponse,
    DescribeShareGroupOffsetsResponseGroup,
    DescribeShareGroupOffsetsResponsePartition,
    DescribeShareGroupOffsetsResponseTopic,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call

UNKNOWN = -1


async def handle(call: Call, request: DescribeShareGroupOffsetsRequest) -> DescribeShareGroupOffsetsResponse:
    return DescribeShareGroupOffsetsResponse(groups=[await _group(call, group) for group in request.groups])


async def _group(
    call: Call, asked: DescribeShareGroupOffsetsRequestGroup
) -> DescribeShareGroupOffsetsResponseGroup:
    group_id = asked.group_id
    if not group_id or _names_nonsense(call, asked):
        error = Error.UNKNOWN_SERVER_ERROR  # as Kafka
        return DescribeShareGroupOffsetsResponseGroup(
            group_id, error_code=error, error_message=MESSAGES[error]
        )
    if not call.may(Operation.DESCRIBE, "group", group_id):
        return DescribeShareGroupOffsetsResponseGroup(group_id, error_code=Error.GROUP_AUTHORIZATION_FAILED)
    if asked.topics is None:
        try:
            topics = await share_admin(call).initialized(group_id)
        except Refusal as refusal:
            return DescribeShareGroupOffsetsResponseGroup(
                group_id, error_code=refusal.error, error_message=refusal.message
            )
        wanted = {name: parts for name, parts in topics.items() if call.may_topic(Operation.DESCRIBE, name)}
    else:
        wanted = {topic.topic_name: topic.partitions for topic in asked.topics}
    found = [await _topic(call, group_id, name, numbers) for name, numbers in wanted.items()]
    found.sort(key=lambda topic: not any(topic.topic_id))  # those that are not there come last
    return DescribeShareGroupOffsetsResponseGroup(group_id, found)


def _names_nonsense(call: Call, asked: DescribeShareGroupOffsetsRequestGroup) -> bool:
    return any(
        number < 0
        for topic in asked.topics or ()
        if call.services.controller.topic(topic.topic_name) is not None
        for number in topic.partitions
    )


async def _topic(
    call: Call, group_id: str, name: str, numbers: list[int]
) -> DescribeShareGroupOffsetsResponseTopic:
    topic = call.services.controller.topic(name)
    error = Error.NONE
    if not call.may_topic(Operation.DESCRIBE, name):
        error, topic = Error.TOPIC_AUTHORIZATION_FAILED, None
    if topic is None:  # of one that is not there Kafka says only that nothing is known
        return DescribeShareGroupOffsetsResponseTopic(
            name, partitions=[_refused(number, error, MESSAGES.get(error)) for number in numbers]
        )
    known = sorted(set(numbers))
    parts = [await _partition(call, group_id, topic.topic_id, number) for number in known]
    return DescribeShareGroupOffsetsResponseTopic(name, topic.topic_id, parts)


async def _partition(
    call: Call, group_id: str, topic_id: bytes, number: int
) -> DescribeShareGroupOffsetsResponsePartition:
    told = await share_admin(call).summary(group_id, topic_id, number)
    if (
        told.error is Error.UNKNOWN_TOPIC_OR_PARTITION
    ):  # of a topic that is there: Kafka says only that nothing is known
        return DescribeShareGroupOffsetsResponsePartition(number, UNKNOWN)
    if told.state is None:
        return _refused(number, told.error, told.message or MESSAGES.get(told.error))
    state = told.state
    part = DescribeShareGroupOffsetsResponsePartition(number, state.start_offset, state.leader_epoch)
    if UNKNOWN not in {state.start_offset, state.delivery_complete_count}:
        topic = call.services.controller.topic_by_id(topic_id)
        groups = () if topic is None else topic.groups[number : number + 1]
        for info in await call.services.engine.log_info(groups):
            part.lag = info.high_watermark - state.start_offset - state.delivery_complete_count
    return part


def _refused(number: int, error: int, message: str | None) -> DescribeShareGroupOffsetsResponsePartition:
    return DescribeShareGroupOffsetsResponsePartition(
        number, UNKNOWN, error_code=error, error_message=message
    )


def refused(
    request: DescribeShareGroupOffsetsRequest, error: int, message: str | None
) -> DescribeShareGroupOffsetsResponse:
    return DescribeShareGroupOffsetsResponse(
        groups=[
            DescribeShareGroupOffsetsResponseGroup(g.group_id, error_code=error, error_message=message)
            for g in request.groups
        ]
    )
