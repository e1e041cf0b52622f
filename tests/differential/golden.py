"""Good requests of every API, said about one world: what a case makes wrong, one field at a time.

Keyed by API. A request says all that its newest version can say; older ones leave out what they do not have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.wire.messages import (
    k00_produce as produce,
)
from headrace.wire.messages import (
    k01_fetch as fetch,
)
from headrace.wire.messages import (
    k02_list_offsets as list_offsets,
)
from headrace.wire.messages import (
    k03_metadata as metadata,
)
from headrace.wire.messages import (
    k08_offset_commit as offset_commit,
)
from headrace.wire.messages import (
    k09_offset_fetch as offset_fetch,
)
from headrace.wire.messages import (
    k10_find_coordinator as find_coordinator,
)
from headrace.wire.messages import (
    k11_join_group as join_group,
)
from headrace.wire.messages import (
    k12_heartbeat as heartbeat,
)
from headrace.wire.messages import (
    k13_leave_group as leave_group,
)
from headrace.wire.messages import (
    k14_sync_group as sync_group,
)
from headrace.wire.messages import (
    k15_describe_groups as describe_groups,
)
from headrace.wire.messages import (
    k16_list_groups as list_groups,
)
from headrace.wire.messages import (
    k18_api_versions as api_versions,
)
from headrace.wire.messages import (
    k19_create_topics as create_topics,
)
from headrace.wire.messages import (
    k20_delete_topics as delete_topics,
)
from headrace.wire.messages import (
    k21_delete_records as delete_records,
)
from headrace.wire.messages import (
    k22_init_producer_id as init_producer_id,
)
from headrace.wire.messages import (
    k23_offset_for_leader_epoch as leader_epoch,
)
from headrace.wire.messages import (
    k32_describe_configs as describe_configs,
)
from headrace.wire.messages import (
    k33_alter_configs as alter_configs,
)
from headrace.wire.messages import (
    k35_describe_log_dirs as log_dirs,
)
from headrace.wire.messages import (
    k37_create_partitions as create_partitions,
)
from headrace.wire.messages import (
    k42_delete_groups as delete_groups,
)
from headrace.wire.messages import (
    k44_incremental_alter_configs as incremental,
)
from headrace.wire.messages import (
    k47_offset_delete as offset_delete,
)
from headrace.wire.messages import (
    k60_describe_cluster as describe_cluster,
)
from headrace.wire.messages import (
    k61_describe_producers as describe_producers,
)
from headrace.wire.messages import (
    k75_describe_topic_partitions as describe_topics,
)
from tests.differential.world import NO_ID, batch_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.wire.schema import Message
    from tests.differential.world import World

TOPIC: Final = 2
BROKER: Final = 4
EARLIEST, LATEST, MAX_TIMESTAMP = -2, -1, -3


def _produce(w: World, acks: int = -1, topic: str = "", index: int = 0, count: int = 1) -> Message:
    name = topic or w.filled
    data = [produce.PartitionProduceData(index=index + n, records=batch_now()) for n in range(count)]
    named = produce.TopicProduceData(name=name, topic_id=w.id(name), partition_data=data)
    return produce.ProduceRequest(acks=acks, timeout_ms=5_000, topic_data=[named])


def _fetch(w: World, offset: int = 0, topic: str = "", session: tuple[int, int] = (0, -1)) -> Message:
    name = topic or w.filled
    part = fetch.FetchPartition(fetch_offset=offset, partition_max_bytes=1 << 20, current_leader_epoch=-1)
    asked = fetch.FetchTopic(topic=name, topic_id=w.id(name), partitions=[part])
    return fetch.FetchRequest(
        max_bytes=1 << 20,
        min_bytes=1,
        max_wait_ms=10,
        session_id=session[0],
        session_epoch=session[1],
        topics=[asked],
    )


def _list_offsets(w: World, timestamp: int, topic: str = "") -> Message:
    asked = list_offsets.ListOffsetsPartition(timestamp=timestamp, current_leader_epoch=-1)
    named = list_offsets.ListOffsetsTopic(name=topic or w.filled, partitions=[asked])
    return list_offsets.ListOffsetsRequest(replica_id=-1, topics=[named], timeout_ms=1_000)


def _metadata(w: World, *names: str, by_id: bool = False) -> Message:
    topics = [
        metadata.MetadataRequestTopic(topic_id=w.id(name) if by_id else NO_ID, name=None if by_id else name)
        for name in names
    ]
    return metadata.MetadataRequest(topics=topics, allow_auto_topic_creation=False)


def _commit(w: World, group: str, metadata_text: str | None = "m", offset: int = 3) -> Message:
    part = offset_commit.OffsetCommitRequestPartition(
        committed_offset=offset, committed_metadata=metadata_text, committed_leader_epoch=0
    )
    named = offset_commit.OffsetCommitRequestTopic(name=w.filled, topic_id=w.id(w.filled), partitions=[part])
    return offset_commit.OffsetCommitRequest(
        group_id=group, generation_id_or_member_epoch=-1, retention_time_ms=-1, topics=[named]
    )


def _offset_fetch(w: World, group: str, *names: str) -> Message:
    old = [offset_fetch.OffsetFetchRequestTopic(name=name, partition_indexes=[0, 1]) for name in names]
    new = [
        offset_fetch.OffsetFetchRequestTopics(name=name, topic_id=w.id(name), partition_indexes=[0, 1])
        for name in names
    ]
    asked = offset_fetch.OffsetFetchRequestGroup(group_id=group, topics=new or None, member_epoch=-1)
    return offset_fetch.OffsetFetchRequest(group_id=group, topics=old or None, groups=[asked])


def _join(w: World, group: str, member: str = "", protocols: tuple[str, ...] = ("range",)) -> Message:
    offered = [join_group.JoinGroupRequestProtocol(name=name, metadata=b"meta") for name in protocols]
    return join_group.JoinGroupRequest(
        group_id=group,
        session_timeout_ms=6_000,
        rebalance_timeout_ms=500,
        member_id=member,
        protocol_type="consumer",
        protocols=offered,
        reason="test",
    )


def _create(w: World, name: str, partitions: int = 2, **configs: str) -> Message:
    given = [
        create_topics.CreatableTopicConfig(name=key.replace("_", "."), value=value)
        for key, value in configs.items()
    ]
    topic = create_topics.CreatableTopic(
        name=name, num_partitions=partitions, replication_factor=1, configs=given
    )
    return create_topics.CreateTopicsRequest(topics=[topic], timeout_ms=5_000)


def _delete(w: World, name: str, by_id: bool = False) -> Message:
    state = delete_topics.DeleteTopicState(
        name=None if by_id else name, topic_id=w.id(name) if by_id else NO_ID
    )
    return delete_topics.DeleteTopicsRequest(topics=[state], topic_names=[name], timeout_ms=5_000)


def _describe_configs(kind: int, name: str, *keys: str, synonyms: bool = True) -> Message:
    asked = describe_configs.DescribeConfigsResource(
        resource_type=kind, resource_name=name, configuration_keys=list(keys) or None
    )
    return describe_configs.DescribeConfigsRequest(resources=[asked], include_synonyms=synonyms)


def _alter(kind: int, name: str, **configs: str | None) -> Message:
    given = [
        alter_configs.AlterableConfig(name=key.replace("_", "."), value=value)
        for key, value in configs.items()
    ]
    resource = alter_configs.AlterConfigsResource(resource_type=kind, resource_name=name, configs=given)
    return alter_configs.AlterConfigsRequest(resources=[resource])


def _increment(kind: int, name: str, *changes: tuple[str, int, str | None]) -> Message:
    given = [
        incremental.AlterableConfig(name=key, config_operation=operation, value=value)
        for key, operation, value in changes
    ]
    resource = incremental.AlterConfigsResource(resource_type=kind, resource_name=name, configs=given)
    return incremental.IncrementalAlterConfigsRequest(resources=[resource])


def _leader_epoch(w: World, epoch: int, current: int = -1) -> Message:
    part = leader_epoch.OffsetForLeaderPartition(current_leader_epoch=current, leader_epoch=epoch)
    named = leader_epoch.OffsetForLeaderTopic(topic=w.filled, partitions=[part])
    return leader_epoch.OffsetForLeaderEpochRequest(replica_id=-1, topics=[named])


def _delete_records(w: World, offset: int) -> Message:
    part = delete_records.DeleteRecordsPartition(offset=offset)
    named = delete_records.DeleteRecordsTopic(name=w.filled, partitions=[part])
    return delete_records.DeleteRecordsRequest(topics=[named], timeout_ms=5_000)


def _grow(name: str, count: int) -> Message:
    topic = create_partitions.CreatePartitionsTopic(name=name, count=count, assignments=None)
    return create_partitions.CreatePartitionsRequest(topics=[topic], timeout_ms=5_000)


def _offset_delete(w: World, group: str, *names: str) -> Message:
    topics = [
        offset_delete.OffsetDeleteRequestTopic(
            name=name, partitions=[offset_delete.OffsetDeleteRequestPartition()]
        )
        for name in names
    ]
    return offset_delete.OffsetDeleteRequest(group_id=group, topics=topics)


def _describe_topics(*names: str, limit: int = 2_000) -> Message:
    asked = [describe_topics.TopicRequest(name=name) for name in names]
    return describe_topics.DescribeTopicPartitionsRequest(topics=asked, response_partition_limit=limit)


GOLDEN: Final[dict[int, dict[str, Callable[[World], Message]]]] = {
    0: {
        "one batch": _produce,
        "acks=1": lambda w: _produce(w, acks=1),
        "three partitions": lambda w: _produce(w, topic=w.wide, count=3),
        "no such partition": lambda w: _produce(w, index=7),
    },
    1: {
        "from the start": _fetch,
        "one batch in the middle": lambda w: _fetch(w, 4),
        "at the end": lambda w: _fetch(w, topic=w.wide),
        "behind the end": lambda w: _fetch(w, 1_000_000),
        "a new session": lambda w: _fetch(w, session=(0, 0)),
        "a session nobody has": lambda w: _fetch(w, session=(77, 3)),
    },
    2: {
        "latest": lambda w: _list_offsets(w, LATEST),
        "earliest": lambda w: _list_offsets(w, EARLIEST),
        "largest timestamp": lambda w: _list_offsets(w, MAX_TIMESTAMP),
        "local, tiered and pending": lambda w: _list_offsets(w, -4),
        "tiered": lambda w: _list_offsets(w, -5),
        "pending": lambda w: _list_offsets(w, -6),
        "a time": lambda w: _list_offsets(w, w.time_of(3)),
        "of an empty partition": lambda w: _list_offsets(w, EARLIEST, w.wide),
    },
    3: {
        "two topics": lambda w: _metadata(w, w.filled, w.wide),
        "none": lambda w: _metadata(w),
        "by id": lambda w: _metadata(w, w.filled, by_id=True),
        "one that is not there": lambda w: _metadata(w, w.absent),
    },
    8: {
        "without a generation": lambda w: _commit(w, w.group),
        "a new group": lambda w: _commit(w, w.new_group),
        "null metadata": lambda w: _commit(w, w.group, None),
        "offset 0": lambda w: _commit(w, w.group, offset=0),
    },
    9: {
        "two topics": lambda w: _offset_fetch(w, w.group, w.filled, w.wide),
        "all": lambda w: _offset_fetch(w, w.group),
        "a group that is not there": lambda w: _offset_fetch(w, w.absent, w.filled),
    },
    10: {
        "a group": lambda w: find_coordinator.FindCoordinatorRequest(key=w.group, coordinator_keys=[w.group]),
        "two groups": lambda w: find_coordinator.FindCoordinatorRequest(
            key=w.group, coordinator_keys=[w.group, w.absent]
        ),
    },
    11: {
        "a first member": lambda w: _join(w, w.new_group),
        "a member nobody knows": lambda w: _join(w, w.new_group, "somebody"),
        "two protocols": lambda w: _join(w, w.new_group, protocols=("range", "roundrobin")),
    },
    12: {
        "of nobody": lambda w: heartbeat.HeartbeatRequest(
            group_id=w.group, generation_id=1, member_id="somebody"
        ),
        "in no group": lambda w: heartbeat.HeartbeatRequest(
            group_id=w.absent, generation_id=1, member_id="somebody"
        ),
    },
    13: {
        "of nobody": lambda w: leave_group.LeaveGroupRequest(
            group_id=w.group, member_id="somebody", members=[leave_group.MemberIdentity(member_id="somebody")]
        ),
        "two at once": lambda w: leave_group.LeaveGroupRequest(
            group_id=w.group,
            member_id="x",
            members=[
                leave_group.MemberIdentity(member_id="x", reason="r"),
                leave_group.MemberIdentity(group_instance_id="static"),
            ],
        ),
    },
    14: {
        "of nobody": lambda w: sync_group.SyncGroupRequest(
            group_id=w.group,
            generation_id=1,
            member_id="somebody",
            protocol_type="consumer",
            protocol_name="range",
            assignments=[sync_group.SyncGroupRequestAssignment(member_id="somebody", assignment=b"a")],
        ),
    },
    15: {
        "an empty group": lambda w: describe_groups.DescribeGroupsRequest(groups=[w.group]),
        "one that is not there": lambda w: describe_groups.DescribeGroupsRequest(groups=[w.absent, w.group]),
        "none": lambda w: describe_groups.DescribeGroupsRequest(),
    },
    16: {
        "all": lambda w: list_groups.ListGroupsRequest(),
        "empty ones": lambda w: list_groups.ListGroupsRequest(
            states_filter=["Empty"], types_filter=["classic"]
        ),
        "stable ones": lambda w: list_groups.ListGroupsRequest(states_filter=["stable"]),
    },
    18: {
        "named": lambda w: api_versions.ApiVersionsRequest(
            client_software_name="diff", client_software_version="1.0"
        ),
    },
    19: {
        "a topic": lambda w: _create(w, w.fresh()),
        "with configs": lambda w: _create(w, w.fresh(), cleanup_policy="compact", retention_ms="1000"),
        "one that is there": lambda w: _create(w, w.filled),
        "default counts": lambda w: _create(w, w.fresh(), -1),
    },
    20: {
        "a topic": lambda w: _delete(w, w.victim()),
        "one that is not there": lambda w: _delete(w, w.absent),
        "by id": lambda w: _delete(w, w.victim(), by_id=True),
    },
    21: {
        "some": lambda w: _delete_records(w, 2),
        "up to the end": lambda w: _delete_records(w, -1),
        "beyond the end": lambda w: _delete_records(w, 1_000_000),
    },
    22: {
        "idempotent": lambda w: init_producer_id.InitProducerIdRequest(
            transactional_id=None, transaction_timeout_ms=60_000, producer_id=-1, producer_epoch=-1
        ),
    },
    23: {
        "epoch 0": lambda w: _leader_epoch(w, 0),
        "an epoch to come": lambda w: _leader_epoch(w, 9),
        "current epoch 0": lambda w: _leader_epoch(w, 0, 0),
        "fenced": lambda w: _leader_epoch(w, 0, 9),
    },
    32: {
        "a topic": lambda w: _describe_configs(TOPIC, w.filled),
        "two keys": lambda w: _describe_configs(TOPIC, w.filled, "cleanup.policy", "retention.ms"),
        "without synonyms": lambda w: _describe_configs(TOPIC, w.wide, synonyms=False),
        "a topic that is not there": lambda w: _describe_configs(TOPIC, w.absent),
        "a key that is not there": lambda w: _describe_configs(TOPIC, w.filled, "no.such"),
        "the broker": lambda w: _describe_configs(BROKER, "1", "log.segment.bytes", "num.partitions"),
        "all brokers": lambda w: _describe_configs(BROKER, ""),
    },
    33: {
        "a topic": lambda w: _alter(TOPIC, w.wide, retention_ms="86400000"),
        "back to nothing": lambda w: _alter(TOPIC, w.wide),
        "a bad value": lambda w: _alter(TOPIC, w.wide, retention_ms="soon"),
    },
    35: {
        "a topic": lambda w: log_dirs.DescribeLogDirsRequest(
            topics=[log_dirs.DescribableLogDirTopic(topic=w.wide, partitions=[0, 1, 9])]
        ),
    },
    37: {
        "grow": lambda w: _grow(w.wide, 4),
        "shrink": lambda w: _grow(w.wide, 1),
        "same": lambda w: _grow(w.filled, 1),
        "not there": lambda w: _grow(w.absent, 5),
    },
    42: {
        "one that is not there": lambda w: delete_groups.DeleteGroupsRequest(groups_names=[w.absent]),
        "one that is there": lambda w: delete_groups.DeleteGroupsRequest(groups_names=[w.group, w.absent]),
    },
    44: {
        "set": lambda w: _increment(TOPIC, w.wide, ("retention.ms", 0, "86400000")),
        "delete": lambda w: _increment(TOPIC, w.wide, ("retention.ms", 1, None)),
        "append": lambda w: _increment(TOPIC, w.wide, ("cleanup.policy", 2, "compact")),
        "subtract": lambda w: _increment(TOPIC, w.wide, ("cleanup.policy", 3, "compact")),
        "a bad value": lambda w: _increment(TOPIC, w.wide, ("segment.bytes", 0, "-4")),
        "a key that is not there": lambda w: _increment(TOPIC, w.wide, ("no.such", 0, "1")),
    },
    47: {
        "one": lambda w: _offset_delete(w, w.group, w.filled, w.wide),
        "in no group": lambda w: _offset_delete(w, w.absent, w.filled),
    },
    60: {"it": lambda w: describe_cluster.DescribeClusterRequest(endpoint_type=1)},
    61: {
        "one partition": lambda w: describe_producers.DescribeProducersRequest(
            topics=[describe_producers.TopicRequest(name=w.filled, partition_indexes=[0, 5])]
        ),
    },
    75: {
        "two topics": lambda w: _describe_topics(w.filled, w.wide),
        "one that is not there": lambda w: _describe_topics(w.absent),
        "a page": lambda w: _describe_topics(w.filled, w.wide, limit=2),
    },
}
"""By API key: what is said about a world, by name."""
