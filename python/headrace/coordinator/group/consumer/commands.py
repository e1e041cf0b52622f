"""What a transcript can say of consumer groups, and how it writes them down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.coordinator.group.consumer import regex
from headrace.coordinator.group.consumer.group import ConsumerGroup
from headrace.coordinator.group.consumer.heartbeat import Asker, check, heartbeat
from headrace.coordinator.group.consumer.view import describe
from headrace.model.errors import Refusal
from headrace.model.pattern import Pattern
from headrace.wire.messages.k68_consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatRequestTopicPartitions,
    ConsumerGroupHeartbeatResponse,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.modern.assignment import Assignment
    from headrace.coordinator.group.modern.fake_cluster import FakeCluster
    from headrace.coordinator.group.settings import GroupSettings
    from headrace.coordinator.group.turn import Turn
    from headrace.coordinator.runtime.effects import Effects
    from headrace.coordinator.runtime.manual_timers import ManualTimers


class ConsumerCommands:
    """A part of `Transcript`."""

    machine: GroupMachine
    time: ManualTimers
    settings: GroupSettings
    cluster: FakeCluster
    said: list[str]
    sent: list[object]
    _number: Callable[[], int]
    _perform: Callable[[Effects[Any]], None]

    def do_topic(self, name: str, partitions: str) -> None:
        self.cluster.put(name, int(partitions))

    def do_untopic(self, name: str) -> None:
        self.cluster.remove(name)

    def do_beat(
        self,
        group: str,
        member: str = "",
        epoch: str = "0",
        instance: str | None = None,
        rack: str | None = None,
        rebalance: str | None = None,
        topics: str | None = None,
        regex: str | None = None,
        assignor: str | None = None,
        owned: str | None = None,
        v: str = "1",
    ) -> None:
        """`topics`: names with commas between; `owned`: `topic:0/1`, with commas between, `none` for nothing. A joining one
        has all that it must say, unless it says otherwise.
        """
        joins = epoch == "0"
        if joins and topics is None and regex is None:
            topics = "t"
        parts = None
        if owned is not None or joins:
            parts = [self._part(text) for text in (owned or "").split(",") if text and text != "none"]
        request = ConsumerGroupHeartbeatRequest(
            group,
            member,
            int(epoch),
            instance,
            rack,
            int(rebalance) if rebalance is not None else 60_000 if joins else -1,
            None if topics is None else [name for name in topics.split(",") if name],
            regex,
            assignor,
            parts,
        )
        number = self._number()
        asker = Asker(int(v), "client", "/127.0.0.1", f"fresh-{number}", lambda _: True)

        def decision(turn: Turn, machine: GroupMachine) -> ConsumerGroupHeartbeatResponse:
            check(request, int(v), self.settings.consumer.assignors)
            return heartbeat(turn, machine, request, asker)

        self._perform(self.machine.decide(decision, number, self.time.now()))

    def _part(self, text: str) -> ConsumerGroupHeartbeatRequestTopicPartitions:
        name, _, numbers = text.partition(":")
        topic = self.cluster.topic(name)
        assert topic is not None, f"no topic {name}"
        return ConsumerGroupHeartbeatRequestTopicPartitions(
            topic.topic_id, [int(n) for n in numbers.split("/")]
        )

    def do_match(self) -> None:
        """What was sent to be matched is."""
        sent, self.sent = self.sent, []
        for asked in sent:
            assert isinstance(asked, regex.MatchTopics), "nothing else is sent"
            found = {
                text: frozenset(filter(Pattern(text).matches, self.cluster.topic_names()))
                for text in asked.regexes
            }
            version = self.cluster.topics_version

            def decision(
                turn: Turn,
                machine: GroupMachine,
                asked: Any = asked,
                found: Any = found,
                version: int = version,
            ) -> None:
                regex.resolved(turn, machine, ConsumerGroup, asked, found, version)

            self._perform(self.machine.decide_unasked(decision, self.time.now()))

    def do_describe_consumer(self, group: str) -> None:
        found = describe(self.machine, group)
        if isinstance(found, Refusal):
            self.said.append(f"{found.error.name} {found.message}")
            return
        self.said.append(
            f"{found.group_state} epoch={found.group_epoch}/{found.assignment_epoch} assignor={found.assignor_name}"
        )
        for m in found.members:
            target = ", ".join(f"{p.topic_name}:{p.partitions}" for p in m.target_assignment.topic_partitions)
            self.said.append(
                f"  {m.member_id} type={m.member_type} topics={m.subscribed_topic_names} target=[{target}]"
            )


def state_of(group: ConsumerGroup, cluster: FakeCluster) -> str:
    members = [
        f"{m.member_id}@{m.member_epoch} {m.state.name} {shown(m.assigned, cluster)}"
        + f" revoking {shown(m.revoking, cluster)}" * bool(m.revoking)
        for m in group.members.values()
    ]
    text = f"{group.state_name} epoch={group.epoch}/{group.assignment_epoch}"
    return text + "".join(f"\n  {member}" for member in members)


def shown(assignment: Assignment, cluster: FakeCluster) -> str:
    parts = []
    for topic_id in sorted(assignment):
        topic = cluster.topic_by_id(topic_id)
        name = f"#{int.from_bytes(topic_id, 'big')}" if topic is None else topic.name
        parts.append(f"{name}:{'/'.join(map(str, sorted(assignment[topic_id])))}")
    return f"[{', '.join(parts)}]"


def beaten(outcome: ConsumerGroupHeartbeatResponse, cluster: FakeCluster) -> str:
    text = f"member={outcome.member_id} epoch={outcome.member_epoch}"
    if outcome.assignment is not None:
        parts = {part.topic_id: frozenset(part.partitions) for part in outcome.assignment.topic_partitions}
        text += f" assigned {shown(parts, cluster)}"
    return text
