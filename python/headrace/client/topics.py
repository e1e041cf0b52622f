"""Topics through the admin APIs: made, extended, deleted, trimmed, measured."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from headrace.client.failures import check
from headrace.wire.messages.k02_list_offsets import ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic
from headrace.wire.messages.k19_create_topics import CreatableTopic, CreatableTopicConfig, CreateTopicsRequest
from headrace.wire.messages.k20_delete_topics import DeleteTopicsRequest
from headrace.wire.messages.k35_describe_log_dirs import DescribeLogDirsRequest
from headrace.wire.messages.k37_create_partitions import CreatePartitionsRequest, CreatePartitionsTopic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headrace.client.cluster import Cluster, TopicState

EARLIEST: Final = -2
LATEST: Final = -1
BROKER_DEFAULT: Final = -1
TIMEOUT_MS: Final = 30_000


async def create(
    cluster: Cluster,
    name: str,
    partitions: int = BROKER_DEFAULT,
    replicas: int = BROKER_DEFAULT,
    configs: Mapping[str, str] | None = None,
    *,
    validate_only: bool = False,
) -> None:
    """Make a topic. Raises `Refused`."""
    topic = CreatableTopic(
        name=name,
        num_partitions=partitions,
        replication_factor=replicas,
        assignments=[],
        configs=[CreatableTopicConfig(name=key, value=value) for key, value in (configs or {}).items()],
    )
    request = CreateTopicsRequest(topics=[topic], timeout_ms=TIMEOUT_MS, validate_only=validate_only)
    answer = await (await cluster.controller()).call(request)
    (result,) = answer.topics
    check(f"cannot create topic {name}", result.error_code, result.error_message)


async def delete(cluster: Cluster, name: str) -> None:
    """Delete a topic and its records. Raises `Refused`."""
    request = DeleteTopicsRequest(topic_names=[name], timeout_ms=TIMEOUT_MS)
    answer = await (await cluster.controller()).call(request)
    (result,) = answer.responses
    check(f"cannot delete topic {name}", result.error_code, result.error_message)


async def add_partitions(cluster: Cluster, name: str, total: int) -> None:
    """Let a topic have `total` partitions. Raises `Refused`."""
    request = CreatePartitionsRequest(
        topics=[CreatePartitionsTopic(name=name, count=total, assignments=None)], timeout_ms=TIMEOUT_MS
    )
    answer = await (await cluster.controller()).call(request)
    (result,) = answer.results
    check(f"cannot add partitions to topic {name}", result.error_code, result.error_message)


async def offsets(cluster: Cluster, topics: Iterable[TopicState], at: int) -> dict[tuple[str, int], int]:
    """The offset at a time (ms since 1970, `EARLIEST`, `LATEST`) in each partition; -1 where nothing is that late."""
    by_leader: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for topic in topics:
        for partition in topic.partitions:
            by_leader[partition.leader][topic.name].append(partition.number)
    found: dict[tuple[str, int], int] = {}
    for leader, wanted in by_leader.items():
        rows = [
            ListOffsetsTopic(
                name=name,
                partitions=[ListOffsetsPartition(partition_index=index, timestamp=at) for index in indexes],
            )
            for name, indexes in wanted.items()
        ]
        answer = await (await cluster.broker(leader)).call(ListOffsetsRequest(replica_id=-1, topics=rows))
        for row in answer.topics:
            for partition in row.partitions:
                check(f"no offsets of {row.name}-{partition.partition_index}", partition.error_code)
                found[row.name, partition.partition_index] = partition.offset
    return found


async def sizes(cluster: Cluster) -> dict[tuple[str, int], int]:
    """Bytes of each partition's log on the largest replica."""
    found: dict[tuple[str, int], int] = {}
    for broker in (await cluster.state([])).brokers:
        answer = await (await cluster.broker(broker.node_id)).call(DescribeLogDirsRequest(topics=None))
        for directory in answer.results:
            check(f"no sizes from broker {broker.node_id}", directory.error_code)
            for topic in directory.topics:
                for row in topic.partitions:
                    key = (topic.name, row.partition_index)
                    found[key] = max(found.get(key, 0), row.partition_size)
    return found


async def data_dirs(cluster: Cluster) -> list[str]:
    """Every broker's data directory, as that broker names it."""
    found = []
    for broker in (await cluster.state([])).brokers:
        answer = await (await cluster.broker(broker.node_id)).call(DescribeLogDirsRequest(topics=[]))
        found += [directory.log_dir for directory in answer.results]
    return found
