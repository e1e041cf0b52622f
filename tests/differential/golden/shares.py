"""Requests about share groups (KIP-932): their members, sessions, states and offsets. What takes several is in scenes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.wire.messages import k76_share_group_heartbeat as heartbeat
from headrace.wire.messages import k77_share_group_describe as describe
from headrace.wire.messages import k78_share_fetch as fetch
from headrace.wire.messages import k79_share_acknowledge as acknowledge
from headrace.wire.messages import k83_initialize_share_group_state as initialize
from headrace.wire.messages import k84_read_share_group_state as read
from headrace.wire.messages import k85_write_share_group_state as write
from headrace.wire.messages import k86_delete_share_group_state as delete
from headrace.wire.messages import k87_read_share_group_state_summary as summary
from headrace.wire.messages import k90_describe_share_group_offsets as describe_offsets
from headrace.wire.messages import k91_alter_share_group_offsets as alter_offsets
from headrace.wire.messages import k92_delete_share_group_offsets as delete_offsets
from tests.differential.world import STRANGE_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.wire.schema import Message
    from tests.differential.world import World

MEMBER: Final = "AAAAAAAAAAAAAAAAAAAAAA"


def beaten(w: World, group: str, epoch: int, *names: str) -> Message:
    return heartbeat.ShareGroupHeartbeatRequest(group, MEMBER, epoch, None, list(names) or None)


def fetched(group: str, epoch: int, topic_id: bytes | None = None, *, acks: bool = False) -> Message:
    batches = [fetch.AcknowledgementBatch(0, 1, [1])] if acks else []
    topics = [fetch.FetchTopic(topic_id, [fetch.FetchPartition(0, 0, batches)])] if topic_id else []
    return fetch.ShareFetchRequest(group, MEMBER, epoch, 0, 1, 1 << 20, 10, 10, topics=topics)


def acknowledged(group: str, epoch: int, topic_id: bytes) -> Message:
    batches = [acknowledge.AcknowledgementBatch(0, 1, [1])]
    partition = acknowledge.AcknowledgePartition(0, batches)
    topics = [acknowledge.AcknowledgeTopic(topic_id, [partition])]
    return acknowledge.ShareAcknowledgeRequest(group, MEMBER, epoch, topics=topics)


def written(group: str, topic_id: bytes) -> Message:
    part = write.PartitionData(0, 0, 0, 2, 1, [write.StateBatch(2, 3, 2, 1)])
    return write.WriteShareGroupStateRequest(group, [write.WriteStateData(topic_id, [part])])


def initialized(group: str, topic_id: bytes) -> Message:
    part = initialize.PartitionData(0, 1, 2)
    return initialize.InitializeShareGroupStateRequest(
        group, [initialize.InitializeStateData(topic_id, [part])]
    )


def state_read(group: str, topic_id: bytes) -> Message:
    return read.ReadShareGroupStateRequest(group, [read.ReadStateData(topic_id, [read.PartitionData(0, 0)])])


def state_deleted(group: str, topic_id: bytes) -> Message:
    part = delete.PartitionData(0)
    return delete.DeleteShareGroupStateRequest(group, [delete.DeleteStateData(topic_id, [part])])


def summary_read(group: str, topic_id: bytes) -> Message:
    part = summary.PartitionData(0, 0)
    return summary.ReadShareGroupStateSummaryRequest(group, [summary.ReadStateSummaryData(topic_id, [part])])


def offsets_described(group: str, *names: str) -> Message:
    topics = [describe_offsets.DescribeShareGroupOffsetsRequestTopic(name, [0, 7]) for name in names]
    asked = describe_offsets.DescribeShareGroupOffsetsRequestGroup(group, topics or None)
    return describe_offsets.DescribeShareGroupOffsetsRequest([asked])


def offsets_altered(group: str, *names: str) -> Message:
    parts = [alter_offsets.AlterShareGroupOffsetsRequestPartition(0, 3)]
    topics = [alter_offsets.AlterShareGroupOffsetsRequestTopic(name, list(parts)) for name in names]
    return alter_offsets.AlterShareGroupOffsetsRequest(group, topics)


def offsets_deleted(group: str, *names: str) -> Message:
    topics = [delete_offsets.DeleteShareGroupOffsetsRequestTopic(name) for name in names]
    return delete_offsets.DeleteShareGroupOffsetsRequest(group, topics)


GOLDEN: Final[dict[int, dict[str, Callable[[World], Message]]]] = {
    76: {
        "join": lambda w: beaten(w, w.new_group, 0, w.filled),
        "a group that is not there": lambda w: beaten(w, w.absent, 1),
        "leave a group that is not there": lambda w: beaten(w, w.absent, -1),
        "a group of another kind": lambda w: beaten(w, w.group, 0, w.filled),
    },
    77: {
        "a group that is not there": lambda w: describe.ShareGroupDescribeRequest([w.absent], True),
        "a group of another kind": lambda w: describe.ShareGroupDescribeRequest([w.group], False),
    },
    78: {
        "a session without partitions": lambda w: fetched(w.new_group, 0),
        "a topic that is not there": lambda w: fetched(w.new_group, 0, STRANGE_ID),
        "no session": lambda w: fetched(w.new_group, 3, w.id(w.filled)),
        "the end of no session": lambda w: fetched(w.new_group, -1),
        "acknowledged too early": lambda w: fetched(w.new_group, 0, w.id(w.filled), acks=True),
    },
    79: {"no session": lambda w: acknowledged(w.new_group, 1, w.id(w.filled))},
    83: {"begin": lambda w: initialized(w.new_group, w.id(w.filled))},
    84: {"nothing there": lambda w: state_read(w.new_group, w.id(w.filled))},
    85: {"nothing there": lambda w: written(w.new_group, w.id(w.filled))},
    86: {"nothing there": lambda w: state_deleted(w.new_group, w.id(w.filled))},
    87: {"nothing there": lambda w: summary_read(w.new_group, w.id(w.filled))},
    90: {
        "two topics": lambda w: offsets_described(w.absent, w.filled, w.fresh("none")),
        "all": lambda w: offsets_described(w.absent),
    },
    91: {
        "set": lambda w: offsets_altered(w.new_group, w.filled),
        "a group of another kind": lambda w: offsets_altered(w.group, w.filled),
    },
    92: {
        "no group": lambda w: offsets_deleted(w.absent, w.filled),
        "a group of another kind": lambda w: offsets_deleted(w.group, w.filled),
    },
}
