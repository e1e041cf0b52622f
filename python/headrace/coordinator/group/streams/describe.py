"""A streams group as StreamsGroupDescribe tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.group.modern.opening import found
from headrace.coordinator.group.streams.group import StreamsGroup
from headrace.model.errors import Refusal
from headrace.wire.messages.k89_streams_group_describe import (
    Assignment,
    DescribedGroup,
    Endpoint,
    KeyValue,
    Subtopology,
    TaskIds,
    TopicInfo,
    Topology,
)
from headrace.wire.messages.k89_streams_group_describe import Member as DescribedMember

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.streams import tasks as tasks_
    from headrace.coordinator.group.streams.configure import Configured, InternalTopic
    from headrace.coordinator.group.streams.member import Member
    from headrace.wire.messages import streams_group_records as stored

    _Tasks = Mapping[str, Iterable[int]]


def describe_streams_group(machine: GroupMachine, group_id: str) -> DescribedGroup | Refusal:
    try:
        group = found(machine, StreamsGroup, group_id)
    except Refusal as refusal:
        return refusal
    return DescribedGroup(
        group_id=group_id,
        group_state=group.state_name,
        group_epoch=group.epoch,
        assignment_epoch=group.assignment_epoch,
        topology=_topology(group),
        members=[_member(member, group.targets.get(name)) for name, member in group.members.items()],
    )


def _topology(group: StreamsGroup) -> Topology | None:
    """With partition counts when it fits its topics; else as its members brought it."""
    if group.topology is None:
        return None
    configured = group.configured
    if configured is not None and configured.ready and configured.subtopologies is not None:
        parts = [_configured(name, part) for name, part in configured.subtopologies.items()]
    else:
        by_id = sorted(group.topology.subtopologies, key=lambda part: part.subtopology_id)
        parts = [_as_brought(part) for part in by_id]
    return Topology(group.topology.epoch, parts)


def _configured(name: str, part: Configured) -> Subtopology:
    return Subtopology(
        name,
        sorted(part.source_topics),
        sorted(part.repartition_sinks),
        _internal(part.changelogs),
        _internal(part.repartition_sources),
    )


def _internal(topics: Iterable[InternalTopic]) -> list[TopicInfo]:
    return [
        TopicInfo(topic.name, topic.partitions, topic.replication_factor, _pairs(topic.configs))
        for topic in sorted(topics, key=lambda topic: topic.name)
    ]


def _as_brought(part: stored.Subtopology) -> Subtopology:
    return Subtopology(
        part.subtopology_id,
        sorted(part.source_topics),
        sorted(part.repartition_sink_topics),
        _brought_topics(part.state_changelog_topics),
        _brought_topics(part.repartition_source_topics),
    )


def _brought_topics(topics: Sequence[stored.TopicInfo]) -> list[TopicInfo]:
    return [
        TopicInfo(
            topic.name,
            topic.partitions,
            topic.replication_factor,
            [KeyValue(config.key, config.value) for config in topic.topic_configs],
        )
        for topic in sorted(topics, key=lambda topic: topic.name)
    ]


def _pairs(configs: Mapping[str, str]) -> list[KeyValue]:
    return [KeyValue(key, value) for key, value in configs.items()]


def _member(member: Member, target: tasks_.Assignment | None) -> DescribedMember:
    return DescribedMember(
        member_id=member.member_id,
        member_epoch=member.member_epoch,
        rack_id=member.rack_id,
        client_id=member.client_id,
        client_host=member.client_host,
        topology_epoch=member.topology_epoch,
        process_id=member.process_id,
        user_endpoint=None if member.endpoint is None else Endpoint(*member.endpoint),
        client_tags=[KeyValue(key, value) for key, value in member.client_tags],
        assignment=_assignment(*member.assigned),
        target_assignment=Assignment() if target is None else _assignment(*target),
    )


def _assignment(active: _Tasks, standby: _Tasks, warmup: _Tasks) -> Assignment:
    return Assignment(_task_ids(active), _task_ids(standby), _task_ids(warmup))


def _task_ids(tasks: _Tasks) -> list[TaskIds]:
    return [TaskIds(name, sorted(parts)) for name, parts in sorted(tasks.items())]
