"""Requests about topics: what they are, made, grown, deleted, and where they stand on the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.wire.messages import k03_metadata as metadata
from headrace.wire.messages import k19_create_topics as create_topics
from headrace.wire.messages import k20_delete_topics as delete_topics
from headrace.wire.messages import k35_describe_log_dirs as log_dirs
from headrace.wire.messages import k37_create_partitions as create_partitions
from headrace.wire.messages import k75_describe_topic_partitions as describe_topics
from tests.differential.world import NO_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace.wire.schema import Message
    from tests.differential.world import World


def metadata_asked(
    w: World, *names: str, by_id: bool = False, make: bool = False, operations: bool = False
) -> Message:
    """A Metadata of these topics."""
    topics = [
        metadata.MetadataRequestTopic(topic_id=w.id(name) if by_id else NO_ID, name=None if by_id else name)
        for name in names
    ]
    return metadata.MetadataRequest(
        topics=topics,
        allow_auto_topic_creation=make,
        include_topic_authorized_operations=operations,
        include_cluster_authorized_operations=operations,
    )


def all_metadata() -> Message:
    """A Metadata of all topics there are."""
    return metadata.MetadataRequest(topics=None, allow_auto_topic_creation=False)


def created(
    *names: str,
    partitions: int = 2,
    copies: int = 1,
    only_check: bool = False,
    assigned: Sequence[int] = (),
    configs: dict[str, str | None] | None = None,
) -> Message:
    """A CreateTopics; `assigned`: to the node, these partitions."""
    given = [
        create_topics.CreatableTopicConfig(name=name, value=value) for name, value in (configs or {}).items()
    ]
    parts = [create_topics.CreatableReplicaAssignment(partition_index=n, broker_ids=[1]) for n in assigned]
    topics = [
        create_topics.CreatableTopic(
            name=name,
            num_partitions=partitions,
            replication_factor=copies,
            assignments=list(parts),
            configs=list(given),
        )
        for name in names
    ]
    return create_topics.CreateTopicsRequest(topics=topics, timeout_ms=5_000, validate_only=only_check)


def deleted(w: World, *names: str, by_id: bool = False) -> Message:
    """A DeleteTopics."""
    states = [
        delete_topics.DeleteTopicState(name=None if by_id else name, topic_id=w.id(name) if by_id else NO_ID)
        for name in names
    ]
    return delete_topics.DeleteTopicsRequest(topics=states, topic_names=list(names), timeout_ms=5_000)


def grown(count: int, *names: str, only_check: bool = False, assigned: int = 0) -> Message:
    """A CreatePartitions; `assigned`: so many of the new ones to the node."""
    topics = [
        create_partitions.CreatePartitionsTopic(
            name=name,
            count=count,
            assignments=[create_partitions.CreatePartitionsAssignment(broker_ids=[1])] * assigned or None,
        )
        for name in names
    ]
    return create_partitions.CreatePartitionsRequest(
        topics=topics, timeout_ms=5_000, validate_only=only_check
    )


def partitions_asked(*names: str, limit: int = 2_000, cursor: tuple[str, int] | None = None) -> Message:
    """A DescribeTopicPartitions."""
    asked = [describe_topics.TopicRequest(name=name) for name in names]
    begin = cursor and describe_topics.DescribeTopicPartitionsRequestCursor(*cursor)
    return describe_topics.DescribeTopicPartitionsRequest(
        topics=asked, response_partition_limit=limit, cursor=begin
    )


def dirs_asked(*names: str, at: Sequence[int] = (0,)) -> Message:
    """A DescribeLogDirs."""
    topics = [log_dirs.DescribableLogDirTopic(topic=name, partitions=list(at)) for name in names]
    return log_dirs.DescribeLogDirsRequest(topics=topics)


GOLDEN: Final[dict[int, dict[str, Callable[[World], Message]]]] = {
    3: {
        "two topics": lambda w: metadata_asked(w, w.filled, w.wide),
        "none": lambda w: metadata_asked(w),
        "by id": lambda w: metadata_asked(w, w.filled, by_id=True),
        "with operations": lambda w: metadata_asked(w, w.wide, operations=True),
        "to be made": lambda w: metadata_asked(w, w.filled, make=True),
        # Old versions make a topic by asking for it.
        "one that is not there": lambda w: metadata_asked(w, w.fresh()),
        "one that is not there, by id": lambda w: metadata_asked(w, w.filled, w.fresh(), by_id=True),
    },
    19: {
        "a topic": lambda w: created(w.fresh()),
        "with configs": lambda w: created(
            w.fresh(), configs={"cleanup.policy": "compact", "retention.ms": "1000"}
        ),
        "two topics": lambda w: created(w.fresh(), w.fresh("other")),
        "only checked": lambda w: created(w.fresh(), only_check=True),
        "assigned": lambda w: created(w.fresh(), partitions=-1, copies=-1, assigned=(0, 1)),
        "a null config": lambda w: created(w.fresh(), configs={"retention.ms": None}),
        "a bad config": lambda w: created(w.fresh(), configs={"retention.ms": "soon"}),
        "no such config": lambda w: created(w.fresh(), configs={"no.such": "1"}),
        "one that is there": lambda w: created(w.filled),
        "default counts": lambda w: created(w.fresh(), partitions=-1, copies=-1),
        "too many copies": lambda w: created(w.fresh(), copies=3),
    },
    20: {
        "a topic": lambda w: deleted(w, w.own_empty),
        "two topics": lambda w: deleted(w, w.own_empty, w.own),
        "by id": lambda w: deleted(w, w.own_empty, by_id=True),
        "one that is not there": lambda w: deleted(w, w.absent),
        "one of two": lambda w: deleted(w, w.own_empty, w.absent),
    },
    35: {
        "a topic": lambda w: dirs_asked(w.wide, at=(0, 1)),
        "two topics": lambda w: dirs_asked(w.wide, w.filled),
        "one that is not there": lambda w: dirs_asked(w.wide, w.absent, at=(0, 9)),
        "none": lambda w: dirs_asked(),
    },
    37: {
        "grow": lambda w: grown(4, w.own_empty),
        "only checked": lambda w: grown(4, w.own_empty, only_check=True),
        "assigned": lambda w: grown(3, w.own_empty, assigned=2),
        "assigned too few": lambda w: grown(3, w.own_empty, assigned=1),
        "two topics": lambda w: grown(4, w.own_empty, w.own_wide),
        "shrink": lambda w: grown(1, w.own_wide),
        "same": lambda w: grown(1, w.own_empty),
        "not there": lambda w: grown(5, w.absent),
    },
    75: {
        "two topics": lambda w: partitions_asked(w.filled, w.wide),
        "a page": lambda w: partitions_asked(w.filled, w.wide, limit=2),
        "from a cursor": lambda w: partitions_asked(w.filled, w.wide, cursor=(w.wide, 1)),
        "one that is not there": lambda w: partitions_asked(w.absent),
        "no partitions": lambda w: partitions_asked(w.filled, limit=0),
    },
}
