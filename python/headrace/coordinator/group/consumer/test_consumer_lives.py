"""Random lives of a consumer group: members join, lose answers, give back late, leave, fall silent, come back; topics are made,
grow and go; the coordinator crashes. What must hold at every moment:

- no partition is worked on by two members, as they themselves see it;
- replaying the stored bytes into a new machine gives the live machine's hard state;
- what the group knows of owners is what its members have.

And once everybody is heard again: every partition has exactly one owner, and nobody has anything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from headrace.coordinator.group.consumer.heartbeat import Asker, heartbeat
from headrace.coordinator.group.modern.assignment import places
from headrace.coordinator.group.transcript import Transcript, replayed
from headrace.model.errors import Error, Refusal
from headrace.model.pattern import Pattern
from headrace.wire.messages.k68_consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatRequestTopicPartitions,
)

if TYPE_CHECKING:
    from headrace.coordinator.group.consumer.group import ConsumerGroup

GROUP = "g"
TOPICS = st.sampled_from(["a", "b", "ab"])
CLIENTS = st.integers(0, 5)
SUBSCRIPTIONS = st.sampled_from(
    [(["a"], ""), (["a", "b"], ""), (["b"], ""), ([], "a.*"), ([], ".*b"), (["b"], "a.*")]
)
ASSIGNORS = st.sampled_from([None, "uniform", "range"])
REBALANCE_TIMEOUT_MS = 30_000
HEARTBEAT_INTERVAL_MS = 5_000


class Client:
    """A well-behaved member: what it was told, and what it works on, which follows when it gets to it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.member_id = f"m{number}"
        self.instance_id = f"i{number}" if number >= 4 else None
        self.subscription: tuple[list[str], str] = (["a"], "")
        self.assignor: str | None = None
        self.forget()

    def forget(self) -> None:
        self.epoch = 0
        self.told: set[tuple[bytes, int]] = set()
        self.works_on: set[tuple[bytes, int]] = set()
        self.running = False

    def give_back(self) -> None:
        self.works_on &= self.told

    def take(self) -> None:
        self.works_on = set(self.told)


class ConsumerLives(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.transcript = Transcript()
        self.cluster = self.transcript.cluster
        self.clients = {number: Client(number) for number in range(6)}
        self.asked = 0
        self.cluster.put("a", 3)

    # -- what happens -------------------------------------------------------------------------------------------------

    def beat(self, client: Client, epoch: int, *, lost: bool = False) -> object:
        parts: dict[bytes, list[int]] = {}
        for topic_id, number in client.works_on:
            parts.setdefault(topic_id, []).append(number)
        names, expression = client.subscription
        request = ConsumerGroupHeartbeatRequest(
            GROUP,
            client.member_id,
            epoch,
            client.instance_id,
            rebalance_timeout_ms=REBALANCE_TIMEOUT_MS if epoch == 0 else -1,
            subscribed_topic_names=names,
            subscribed_topic_regex=expression,
            server_assignor=client.assignor,
            topic_partitions=[ConsumerGroupHeartbeatRequestTopicPartitions(*part) for part in parts.items()],
        )
        asker = Asker(1, "c", "/127.0.0.1", "", lambda _: True)
        answers = []
        self.asked += 1
        effects = self.machine.decide(
            lambda turn, machine: heartbeat(turn, machine, request, asker),
            self.asked,
            self.transcript.time.now(),
        )
        answers = effects.answers
        self.transcript._perform(effects)
        (answer,) = answers
        if not lost:
            self.hear(client, answer.outcome)
        return answer.outcome

    def hear(self, client: Client, outcome: object) -> None:
        if isinstance(outcome, Refusal):
            assert outcome.error in {
                Error.UNKNOWN_MEMBER_ID,
                Error.FENCED_MEMBER_EPOCH,
                Error.FENCED_INSTANCE_ID,
                Error.UNRELEASED_INSTANCE_ID,
                Error.GROUP_ID_NOT_FOUND,
            }, outcome
            client.forget()
            return
        client.epoch = outcome.member_epoch
        client.running = client.epoch >= 0
        if outcome.assignment is not None:
            client.told = {
                (part.topic_id, number)
                for part in outcome.assignment.topic_partitions
                for number in part.partitions
            }

    @property
    def machine(self):
        return self.transcript.machine

    @property
    def group(self) -> ConsumerGroup | None:
        return self.machine.modern.get(GROUP)

    @rule(number=CLIENTS, subscription=SUBSCRIPTIONS, assignor=ASSIGNORS, lost=st.booleans())
    def join(self, number, subscription, assignor, lost) -> None:
        client = self.clients[number]
        if not client.running:
            client.subscription, client.assignor = subscription, assignor
            self.beat(client, 0, lost=lost)

    @rule(number=CLIENTS, lost=st.booleans(), gives=st.booleans(), takes=st.booleans())
    def heartbeat(self, number, lost, gives, takes) -> None:
        client = self.clients[number]
        if client.running:
            if gives:
                client.give_back()
            self.beat(client, client.epoch, lost=lost)
            if takes and client.works_on <= client.told:
                client.take()

    @rule(number=CLIENTS, subscription=SUBSCRIPTIONS)
    def subscribe(self, number, subscription) -> None:
        client = self.clients[number]
        if client.running:
            client.subscription = subscription
            self.beat(client, client.epoch)

    @rule(number=CLIENTS, keeps_place=st.booleans())
    def leave(self, number, keeps_place) -> None:
        client = self.clients[number]
        if client.running:
            client.works_on = set()
            self.beat(client, -2 if keeps_place and client.instance_id else -1)
            client.forget()

    @rule(number=CLIENTS)
    def restart_static(self, number) -> None:
        """Under a new member id, as a client does that was started anew."""
        client = self.clients[number]
        if client.instance_id and not client.running:
            client.member_id += "'"
            self.beat(client, 0)

    @rule(ms=st.sampled_from([1_000, 5_000, 20_000, 50_000]))
    def time_passes(self, ms) -> None:
        self.transcript.time.advance(ms)

    @rule(name=TOPICS, partitions=st.integers(1, 6))
    def make_or_grow(self, name, partitions) -> None:
        known = self.cluster.topic(name)
        self.cluster.put(name, max(partitions, 0 if known is None else len(known.partitions)))

    @rule(name=TOPICS)
    def delete(self, name) -> None:
        if self.cluster.topic(name) is not None:
            self.cluster.remove(name)

    @rule()
    def match(self) -> None:
        self.transcript.do_match()

    @rule()
    def crash(self) -> None:
        self.transcript.sent.clear()
        self.transcript.do_restart()

    # -- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def nobody_works_on_what_another_does(self) -> None:
        members = self.group.members if self.group else {}
        seen: dict[tuple[bytes, int], str] = {}
        for client in self.clients.values():
            if client.member_id in members:
                for place in client.works_on:
                    assert place not in seen, f"{place}: {seen[place]} and {client.member_id}"
                    seen[place] = client.member_id

    @invariant()
    def owners_are_what_members_have(self) -> None:
        if self.group is None:
            return
        found = {}
        for member in self.group.members.values():
            for place in (*places(member.assigned), *places(member.revoking)):
                assert place not in found
                found[place] = member.member_id
        assert found == self.group.owners

    @invariant()
    def replay_gives_the_same(self) -> None:
        again = replayed(self.transcript.log, self.transcript.settings, self.cluster)
        assert {g: group.hard_state() for g, group in again.modern.items()} == {
            g: group.hard_state() for g, group in self.machine.modern.items()
        }

    def teardown(self) -> None:
        """Everybody who is there speaks and does as told, until nothing changes any more."""
        if not hasattr(self, "transcript"):
            return
        for client in self.clients.values():
            if client.running or client.number in {0, 4}:
                self.beat(client, client.epoch)
        for _ in range(30):
            self.transcript.time.advance(HEARTBEAT_INTERVAL_MS)
            self.transcript.do_match()
            for client in self.clients.values():
                if client.running or client.number in {0, 4}:
                    client.take()
                    self.beat(client, client.epoch)
                    client.take()
        self.everything_has_one_owner()

    def everything_has_one_owner(self) -> None:
        group = self.group
        assert group is not None
        assert group.state_name == "Stable", self.transcript.said[-20:]
        wanted = set()
        for client in self.clients.values():
            if client.running:
                names, expression = client.subscription
                pattern = Pattern(expression) if expression else None
                may_have = {
                    (topic.topic_id, number)
                    for name in self.cluster.topic_names()
                    if name in names or (pattern is not None and pattern.matches(name))
                    if (topic := self.cluster.topic(name))
                    for number in topic.partitions
                }
                assert client.works_on <= may_have
                wanted |= may_have
        assert group.owners.keys() == wanted
        assert {p for client in self.clients.values() if client.running for p in client.works_on} == wanted


TestConsumerLives = ConsumerLives.TestCase
TestConsumerLives.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
