"""A machine with streams groups for tests: a cluster of topics by hand, members that heartbeat, and the log that comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from headrace.coordinator.group.machine import GroupMachine
from headrace.coordinator.group.streams.heartbeat import Asker, Heard, heartbeat
from headrace.coordinator.group.streams.request import check_request
from headrace.coordinator.group.transcript import as_stored
from headrace.coordinator.runtime.effects import SetTimer
from headrace.coordinator.runtime.manual_timers import ManualTimers
from headrace.model.errors import Refusal
from headrace.wire.messages.k88_streams_group_heartbeat import (
    KeyValue,
    StreamsGroupHeartbeatRequest,
    StreamsGroupHeartbeatRequestEndpoint,
    StreamsGroupHeartbeatRequestTaskIds,
    Subtopology,
    TopicInfo,
    Topology,
)

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from headrace.coordinator.group.records import GroupRecord
    from headrace.coordinator.group.settings import GroupSettings
    from headrace.coordinator.runtime.clock import Timer
    from headrace.coordinator.runtime.effects import Effects
    from headrace.engine.port import Stored

Task = tuple[str, int]


class Topic(NamedTuple):
    name: str
    topic_id: bytes
    partitions: range


class HandmadeCluster:
    """Topics and groups' settings, changed by the test."""

    def __init__(self) -> None:
        self.topics: dict[str, Topic] = {}
        self.topics_version = 0
        self.group_configs: dict[str, str] = {}

    def make(self, name: str, partitions: int) -> None:
        self.topics_version += 1
        self.topics[name] = Topic(name, self.topics_version.to_bytes(16, "big"), range(partitions))

    def delete(self, name: str) -> None:
        self.topics_version += 1
        del self.topics[name]

    def topic(self, name: str) -> Topic | None:
        return self.topics.get(name)

    def topic_by_id(self, topic_id: bytes) -> Topic | None:
        return next((topic for topic in self.topics.values() if topic.topic_id == topic_id), None)

    def topic_names(self) -> Iterable[str]:
        return self.topics

    def group_config(self, group_id: str) -> Mapping[str, str]:
        del group_id
        return self.group_configs


def word_count(epoch: int = 0) -> Topology:
    """Lines of `in` become words in `words`, which are counted into a store with the changelog `counts`."""
    words = TopicInfo("words")
    counts = TopicInfo("counts", topic_configs=[KeyValue("cleanup.policy", "compact")])
    return Topology(
        epoch,
        [
            Subtopology("0", ["in"], repartition_sink_topics=["words"]),
            Subtopology("1", [], repartition_source_topics=[words], state_changelog_topics=[counts]),
        ],
    )


def task_ids(tasks: Iterable[Task]) -> list[StreamsGroupHeartbeatRequestTaskIds]:
    found: dict[str, list[int]] = {}
    for subtopology, partition in sorted(tasks):
        found.setdefault(subtopology, []).append(partition)
    return [StreamsGroupHeartbeatRequestTaskIds(name, parts) for name, parts in found.items()]


def join_request(group: str, member: str, process: str, **more: Any) -> StreamsGroupHeartbeatRequest:
    request = StreamsGroupHeartbeatRequest(
        group_id=group,
        member_id=member,
        rebalance_timeout_ms=20_000,
        topology=word_count(),
        active_tasks=[],
        standby_tasks=[],
        warmup_tasks=[],
        process_id=process,
        client_tags=[],
    )
    for name, value in more.items():
        setattr(request, name, value)
    return request


def endpoint(text: str) -> StreamsGroupHeartbeatRequestEndpoint:
    host, _, port = text.partition(":")
    return StreamsGroupHeartbeatRequestEndpoint(host, int(port))


class Play:
    """Performs what the machine decides, as the driver would."""

    def __init__(self, settings: GroupSettings) -> None:
        self.settings = settings
        self.cluster = HandmadeCluster()
        self.time = ManualTimers()
        self.log: list[Stored] = []
        self.timers: dict[Hashable, Timer] = {}
        self.machine = GroupMachine(settings, self.cluster)
        self.performed: list[Effects[GroupRecord]] = []
        """All since it was last emptied."""
        self.perform(self.machine.loaded(self.time.now()))

    def beat(self, request: StreamsGroupHeartbeatRequest) -> Heard | Refusal:
        try:
            check_request(request, "client")
        except Refusal as refusal:
            return refusal
        asker = Asker("client", "/127.0.0.1")
        effects = self.machine.decide(
            lambda turn, machine: heartbeat(turn, machine, request, asker), 1, self.time.now()
        )
        self.perform(effects)
        ((_, outcome),) = effects.answers
        assert isinstance(outcome, Heard | Refusal)
        return outcome

    def make_missing(self, heard: Heard) -> None:
        """As the handler does."""
        for topic in heard.missing:
            self.cluster.make(topic.name, topic.partitions)

    def perform(self, effects: Effects[GroupRecord]) -> None:
        self.performed.append(effects)
        for record in effects.records:
            self.machine.apply(record)
            entry = self.machine.encode(record)
            self.log.append(as_stored(entry, len(self.log), self.time.now().wall_ms))
        for change in effects.timers:
            if (timer := self.timers.pop(change.key, None)) is not None:
                timer.cancel()
            if isinstance(change, SetTimer):
                self.timers[change.key] = self._arm(change)

    def _arm(self, change: SetTimer) -> Timer:
        def due() -> None:
            del self.timers[change.key]
            self.perform(self.machine.fired(change.key, self.time.now()))

        return self.time.call_later(change.delay_ms, due)

    def replayed(self) -> GroupMachine:
        machine = GroupMachine(self.settings, self.cluster)
        for stored in self.log:
            record = machine.decode(stored)
            assert record is not None, "all of them were written here"
            machine.apply(record)
        return machine

    def restart(self) -> None:
        for timer in self.timers.values():
            timer.cancel()
        self.timers.clear()
        self.machine = self.replayed()
        self.perform(self.machine.loaded(self.time.now()))
