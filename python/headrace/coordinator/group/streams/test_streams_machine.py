"""Random lives of a streams group: members come, go, die, lose answers, topics come and grow, the coordinator crashes.

What must hold at every moment:

- no active task is worked on by two members, and no process has one task in two roles;
- replaying the stored bytes into a new machine gives the live machine's hard state, and the counts that stand for scans.

And when nothing happens any more, every active task has exactly one owner.
"""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from headrace.coordinator.group.settings import GroupSettings
from headrace.coordinator.group.streams.group import StreamsGroup
from headrace.coordinator.group.streams.member import Owners
from headrace.coordinator.group.streams.play import Play, join_request, task_ids
from headrace.coordinator.group.streams.settings import StreamsSettings
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k88_streams_group_heartbeat import StreamsGroupHeartbeatRequest

SETTINGS = GroupSettings(streams=StreamsSettings(initial_rebalance_delay_ms=500, standby_replicas=1))
NUMBERS = st.integers(0, 4)
ROUNDS_MAX = 30
PARTITIONS_MAX = 6


class Client:
    """A member as a well-behaved one is: works on what it was given, gives up what was taken, says what it has."""

    def __init__(self, member_id, process):
        self.member_id = member_id
        self.process = process
        self.epoch = 0
        self.active = set()
        self.standby = set()
        self.told = None
        """Active and standby tasks of the last answer that named some."""

    def request(self, full):
        if not self.epoch:
            return join_request("g", self.member_id, self.process)
        request = StreamsGroupHeartbeatRequest("g", self.member_id, self.epoch)
        if full:
            request.active_tasks = task_ids(self.active)
            request.standby_tasks = task_ids(self.standby)
            request.warmup_tasks = []
        return request

    def hear(self, outcome):
        if isinstance(outcome, Refusal):
            assert outcome.error in (Error.FENCED_MEMBER_EPOCH, Error.UNKNOWN_MEMBER_ID), outcome
            self.forget()
            return
        response = outcome.response
        self.epoch = response.member_epoch
        if response.active_tasks is not None:
            self.told = [
                {(ids.subtopology_id, part) for ids in tasks for part in ids.partitions}
                for tasks in (response.active_tasks, response.standby_tasks)
            ]

    def give_up(self):
        if self.told is not None:
            self.active &= self.told[0]
            self.standby &= self.told[1]

    def take_up(self):
        if self.told is not None:
            self.active, self.standby = set(self.told[0]), set(self.told[1])

    def forget(self):
        self.epoch, self.told, self.active, self.standby = 0, None, set(), set()


class StreamsLives(RuleBasedStateMachine):
    @initialize(partitions=st.integers(1, 4), first=st.sets(NUMBERS))
    def begin(self, partitions, first):
        self.play = Play(SETTINGS)
        self.play.cluster.make("in", partitions)
        self.clients = {}
        self.born = 0
        for number in sorted(first):
            self.beat(number, True, False)
        if first:
            self.settle()

    @rule(number=NUMBERS, full=st.booleans(), lost=st.booleans())
    def beat(self, number, full, lost):
        if number not in self.clients:
            self.born += 1
            self.clients[number] = Client(f"m{self.born}", f"p{number // 2}")
        client = self.clients[number]
        # What it does not say it keeps; a new answer finds it with what it has taken up.
        outcome = self.play.beat(client.request(full))
        if lost and client.epoch:
            return
        client.hear(outcome)
        client.give_up()
        client.take_up()
        if not isinstance(outcome, Refusal):
            self.play.make_missing(outcome)

    @rule(number=NUMBERS)
    def hear_and_dawdle(self, number):
        """It learns that tasks are taken from it, and works on."""
        if (client := self.clients.get(number)) is not None:
            client.hear(self.play.beat(client.request(True)))

    @rule(number=NUMBERS, times=st.integers(1, 2))
    def all_but_one(self, number, times):
        """One dawdles, and everybody else takes what they can get."""
        for _ in range(times):
            self.hear_and_dawdle(number)
            for other in sorted(self.clients.keys() - {number}):
                self.beat(other, True, False)
                self.one_owner_and_one_role()

    @rule(number=NUMBERS)
    def leave(self, number):
        if (client := self.clients.pop(number, None)) is not None and client.epoch:
            self.play.beat(StreamsGroupHeartbeatRequest("g", client.member_id, -1))

    @rule(number=NUMBERS)
    def die(self, number):
        self.clients.pop(number, None)

    @rule(more=st.integers(0, 2))
    def replace_topics(self, more):
        """Never with fewer partitions: whoever works on what is no more is refused for good, as by Kafka."""
        partitions = len(self.play.cluster.topics["in"].partitions)
        for name in list(self.play.cluster.topics):
            self.play.cluster.delete(name)
        self.play.cluster.make("in", min(partitions + more, PARTITIONS_MAX))

    @rule(replicas=st.integers(0, 2))
    def set_replicas(self, replicas):
        self.play.cluster.group_configs["streams.num.standby.replicas"] = str(replicas)

    @rule()
    def pass_a_second(self):
        self.play.time.advance(1_000)
        self.everybody()

    @rule()
    def crash(self):
        self.play.restart()

    @rule()
    def settle(self):
        """The dead are missed; whoever lives says what it has until nothing changes."""
        for _ in range(ROUNDS_MAX):
            self.everybody()
            self.play.time.advance(5_000)
        group = self.group()
        if group is None or not self.clients:
            return
        assert group.state_name == "Stable"
        tasks = {(n, p) for n, part in group.configured.subtopologies.items() for p in range(part.tasks)}
        owners = [task for client in self.clients.values() for task in client.active]
        assert sorted(owners) == sorted(tasks), "each task has one owner"
        processes = {client.process for client in self.clients.values()}
        copies = min(int(group.assignment_configs["num.standby.replicas"]), len(processes) - 1)
        standbys = [task for client in self.clients.values() for task in client.standby]
        assert sorted(standbys) == sorted([task for task in tasks if task[0] == "1"] * copies)

    def everybody(self):
        for client in self.clients.values():
            client.take_up()
            outcome = self.play.beat(client.request(True))
            client.hear(outcome)
            client.take_up()
            if not isinstance(outcome, Refusal):
                self.play.make_missing(outcome)

    def group(self):
        group = self.play.machine.find("g")
        assert group is None or isinstance(group, StreamsGroup)
        return group

    @invariant()
    def one_owner_and_one_role(self):
        working = [task for client in self.clients.values() for task in client.active]
        assert len(working) == len(set(working))
        for process in {client.process for client in self.clients.values()}:
            mine = [
                task
                for client in self.clients.values()
                if client.process == process
                for task in (*client.active, *client.standby)
            ]
            assert len(mine) == len(set(mine))

    @invariant()
    def replay_gives_the_hard_state(self):
        other = self.play.replayed().find("g")
        group = self.group()
        assert (other and other.hard_state()) == (group and group.hard_state())
        if group is not None:
            counted = Owners()
            for member in group.members.values():
                counted.replace(None, member)
            assert vars(counted) == vars(group.owners)


StreamsLives.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestStreamsLives = StreamsLives.TestCase


def test_a_member_is_told_again_what_it_was_given_when_the_answer_was_lost():
    play = Play(GroupSettings(streams=StreamsSettings(initial_rebalance_delay_ms=0)))
    for name in ("in", "words", "counts"):
        play.cluster.make(name, 1)
    client = Client("a", "p")
    client.hear(play.beat(client.request(True)))
    assert client.told == [{("0", 0), ("1", 0)}, set()]
    client.told = None
    client.hear(play.beat(client.request(True)))
    assert client.told == [{("0", 0), ("1", 0)}, set()]


@pytest.mark.parametrize("members", [3])
def test_a_group_can_be_full(members):
    play = Play(GroupSettings(streams=StreamsSettings(group_size_max=members)))
    for number in range(members):
        assert not isinstance(play.beat(join_request("g", f"m{number}", "p")), Refusal)
    refused = play.beat(join_request("g", "one more", "p"))
    assert refused.error is Error.GROUP_MAX_SIZE_REACHED
    assert refused.message == f"The streams group has reached its maximum capacity of {members} members."
