"""Random lives of groups: joins, syncs, commits, silence, crashes in any order. What must hold at every moment:

- replaying the stored bytes into a new machine gives the live machine's hard state;
- every assignment that anybody was given was handed in by the leader of that generation for that member;
- between crashes a member is told of growing generations only;
- no request is answered twice, and none is parked that nobody will answer;
- the counters that stand for scans are right.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from headrace.coordinator.group.classic.group import group_of
from headrace.coordinator.group.classic.joining import Asker
from headrace.coordinator.group.classic.life import GroupState
from headrace.coordinator.group.machine import GroupMachine
from headrace.coordinator.group.offsets import Commit, CommitPart, InOpenTransaction
from headrace.coordinator.group.settings import GroupSettings
from headrace.coordinator.group.transcript import as_stored, replayed
from headrace.coordinator.runtime.effects import SetTimer
from headrace.coordinator.runtime.manual_timers import ManualTimers
from headrace.engine.port import Marker, Producer
from headrace.model.errors import Error
from headrace.wire.messages.k11_join_group import (
    JoinGroupRequest,
    JoinGroupRequestProtocol,
    JoinGroupResponse,
)
from headrace.wire.messages.k12_heartbeat import HeartbeatRequest
from headrace.wire.messages.k13_leave_group import MemberIdentity
from headrace.wire.messages.k14_sync_group import (
    SyncGroupRequest,
    SyncGroupRequestAssignment,
    SyncGroupResponse,
)

SETTINGS = GroupSettings(
    initial_rebalance_delay_ms=500,
    group_size_max=4,
    offsets_retention_ms=100_000,
    offsets_retention_check_ms=60_000,
)
GROUPS = st.sampled_from(["g", "h"])
CLIENTS = st.integers(0, 5)
PROTOCOLS = st.lists(st.sampled_from(["range", "sticky", "roundrobin"]), min_size=1, max_size=3, unique=True)
PRODUCERS = st.sampled_from([7, 8, 9])
VERSIONS = st.sampled_from([0, 3, 4, 5, 9])


class Client:
    """What a member knows of itself, as a well-behaved client would."""

    def __init__(self):
        self.member_id = ""
        self.generation = -1
        self.told = -1
        """The newest generation it knows; a crash gives those that were never assigned, so never stored, once more."""
        self.leads = False
        self.roster = []


class GroupLives(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.time = ManualTimers()
        self.machine = GroupMachine(SETTINGS)
        self.log = []
        self.timers = {}
        self.parked = {}
        self.clients = {}
        self.next = 0
        self.handed_in = {}
        self.epochs = {}
        self.waits = {}
        self.perform(self.machine.loaded(self.time.now()))

    def client(self, group, number):
        return self.clients.setdefault((group, number), Client())

    def ask(self, decide, heard):
        self.next += 1
        self.parked[self.next] = heard
        self.perform(decide(self.next, self.time.now()))

    def perform(self, effects):
        for record in effects.records:
            self.machine.apply(record)
            self.log.append(as_stored(self.machine.encode(record), len(self.log), 0))
        for change in effects.timers:
            if timer := self.timers.pop(change.key, None):
                timer.cancel()
            if isinstance(change, SetTimer):
                assert change.delay_ms >= 0
                self.timers[change.key] = self.time.call_later(
                    change.delay_ms, lambda k=change.key: self.fire(k)
                )
        for waiter, outcome in effects.answers:
            self.parked.pop(waiter)(outcome)  # KeyError: answered twice

    def fire(self, key):
        del self.timers[key]
        self.perform(self.machine.fired(key, self.time.now()))

    @rule(group=GROUPS, number=CLIENTS, protocols=PROTOCOLS, version=VERSIONS, metadata=st.binary(max_size=2))
    def join(self, group, number, protocols, version, metadata):
        client = self.client(group, number)
        request = JoinGroupRequest(
            group_id=group,
            session_timeout_ms=10_000,
            rebalance_timeout_ms=20_000,
            member_id=client.member_id,
            group_instance_id=f"i{number}" if number >= 4 else None,
            protocol_type="consumer",
            protocols=[JoinGroupRequestProtocol(name, metadata) for name in protocols],
        )
        asker = Asker(version, f"c{number}", "/127.0.0.1", str(self.next + 1))

        def heard(response):
            assert isinstance(response, JoinGroupResponse)
            if response.error_code == Error.NONE:
                if response.member_id == client.member_id:
                    assert response.generation_id >= client.told
                client.member_id, client.generation = response.member_id, response.generation_id
                client.told = client.generation
                client.leads = response.leader == response.member_id and not response.skip_assignment
                client.roster = [m.member_id for m in response.members]
                assert not client.leads or response.member_id in client.roster
            elif response.error_code == Error.MEMBER_ID_REQUIRED:
                client.member_id, client.told = response.member_id, -1
            elif response.error_code in (Error.UNKNOWN_MEMBER_ID, Error.FENCED_INSTANCE_ID):
                client.member_id, client.generation = "", -1

        self.ask(lambda waiter, now: self.machine.decide_join(request, asker, waiter, now), heard)

    @rule(group=GROUPS, number=CLIENTS, forgotten=st.booleans())
    def sync(self, group, number, forgotten):
        client = self.client(group, number)
        assignments = []
        if client.leads:
            for member_id in client.roster[forgotten:]:
                part = f"{group}/{client.generation}/{member_id}/{self.next}".encode()
                assignments.append(SyncGroupRequestAssignment(member_id, part))
                self.handed_in[part] = (group, client.generation, member_id)
        instance = f"i{number}" if number >= 4 else None
        request = SyncGroupRequest(
            group, client.generation, client.member_id, instance, None, None, assignments
        )
        member_id, generation = client.member_id, client.generation

        def heard(response):
            assert isinstance(response, SyncGroupResponse)
            if response.error_code == Error.NONE and response.assignment:
                of_group, of_generation, of_member = self.handed_in[response.assignment]
                assert (of_group, of_generation) == (group, generation)
                assert of_member == member_id or instance  # a static member inherits its old id's part

        self.ask(lambda waiter, now: self.machine.decide_sync(request, waiter, now), heard)

    @rule(group=GROUPS, numbers=st.sets(CLIENTS, min_size=1))
    def rally(self, group, numbers):
        """These join, by their id where one is required, and the time for it passes: without this, few lives get far."""
        for _ in range(2):
            for number in sorted(numbers):
                client = self.client(group, number)
                live = self.machine.classic.get(group)
                if (
                    live is None
                    or client.member_id not in live.members
                    or not live.members[client.member_id].join
                ):
                    self.join(group, number, ["range"], 4, b"")
        self.time.advance(600)

    @rule(group=GROUPS, numbers=st.sets(CLIENTS, min_size=1))
    def these_sync(self, group, numbers):
        for number in sorted(numbers):
            self.sync(group, number, False)

    @rule(group=GROUPS, number=CLIENTS)
    def heartbeat(self, group, number):
        client = self.client(group, number)
        request = HeartbeatRequest(group, client.generation, client.member_id)
        live = self.machine.classic.get(group)

        def heard(error):
            if error == Error.NONE:
                assert client.member_id in live.members
                assert client.generation == live.generation
            if error == Error.UNKNOWN_MEMBER_ID:
                client.member_id, client.generation = "", -1

        self.ask(lambda waiter, now: self.machine.decide_heartbeat(request, waiter, now), heard)

    @rule(
        group=GROUPS,
        number=CLIENTS,
        partition=st.integers(0, 2),
        offset=st.integers(0, 99),
        simple=st.booleans(),
    )
    def commit(self, group, number, partition, offset, simple):
        client = self.client(group, number)
        who = ("", -1) if simple else (client.member_id, client.generation)
        commit = Commit(8, group, who[0], None, who[1], -1, [CommitPart("t", partition, offset, -1, None)])
        live = self.machine.classic.get(group)
        member = live is not None and client.member_id in live.members
        current = member and client.generation == live.generation

        def heard(outcome):
            if not simple and outcome == [Error.NONE] and client.generation >= 0:
                assert current, "a stranger or a zombie has committed"

        self.ask(lambda waiter, now: self.machine.decide_commit(commit, waiter, now), heard)

    @rule(group=GROUPS, producer=PRODUCERS, partition=st.integers(0, 2), offset=st.integers(0, 99))
    def commit_in_transaction(self, group, producer, partition, offset):
        producer = Producer(producer, self.epochs.get(producer, 0))
        transaction = InOpenTransaction(producer, self.machine.pending.position + 1)
        part = CommitPart("t", partition, offset, -1, None)
        commit = Commit(5, group, "", None, -1, -1, [part], transaction)
        self.ask(
            lambda waiter, now: self.machine.decide_commit(commit, waiter, now),
            lambda outcome: self.waits.setdefault(producer.producer_id, set()).add(group),
        )

    @rule(producer=PRODUCERS, committed=st.booleans(), bump=st.integers(0, 1))
    def end_transaction(self, producer, committed, bump):
        before = {group: dict(topics.get("t", {})) for group, topics in self.machine.offsets.items()}
        self.epochs[producer] = self.epochs.get(producer, 0) + bump
        who = Producer(producer, self.epochs[producer])

        def heard(error):
            assert error is Error.NONE
            groups = self.waits.pop(producer, set()) if committed else set()
            after = {group: dict(topics.get("t", {})) for group, topics in self.machine.offsets.items()}
            for group in before.keys() | after.keys():
                assert group in groups or before.get(group) == after.get(group)

        decide = self.machine.decide_end_transaction
        self.ask(lambda waiter, now: decide(who, Marker(committed, 0), waiter, now), heard)

    @rule(group=GROUPS, number=CLIENTS)
    def leave(self, group, number):
        client = self.client(group, number)
        leaving = [MemberIdentity(client.member_id, None)]
        client.member_id, client.generation = "", -1
        self.ask(lambda waiter, now: self.machine.decide_leave(group, leaving, waiter, now), lambda _: None)

    @rule(group=GROUPS)
    def delete(self, group):
        self.ask(lambda waiter, now: self.machine.decide_delete_group(group, waiter, now), lambda _: None)

    @rule()
    def delete_topic(self):
        self.perform(self.machine.decide_topics_deleted(["t"], self.time.now()))
        assert not any(self.machine.offsets.values())
        assert not self.machine.pending.topics()

    @rule(ms=st.sampled_from([0, 100, 500, 9_000, 11_000, 21_000, 130_000]))
    def pass_time(self, ms):
        self.time.advance(ms)

    @rule()
    def crash(self):
        for timer in self.timers.values():
            timer.cancel()
        self.timers.clear()
        self.parked.clear()
        for client in self.clients.values():
            client.leads = False
            client.told = -1
        self.machine = replayed(self.log, SETTINGS)
        self.perform(self.machine.loaded(self.time.now()))
        for group in self.machine.classic.values():
            assert group.state in (GroupState.STABLE, GroupState.EMPTY)

    @invariant()
    def replay_gives_the_hard_state(self):
        other = replayed(self.log, SETTINGS)
        assert other.stored == self.machine.stored
        assert other.offsets == self.machine.offsets
        assert other.pending.open == self.machine.pending.open
        assert other.pending.known == self.machine.pending.known

    @invariant()
    def groups_of_open_transactions_are_known(self):
        pending = self.machine.pending
        listed = {(group, producer) for producer, t in pending.open.items() for group in t.groups}
        assert listed == {(group, p) for group in pending.groups() for p in pending.producers_of(group)}

    @invariant()
    def a_stable_group_is_the_stored_one(self):
        for group_id, group in self.machine.classic.items():
            if group.state is GroupState.STABLE:
                stored = group_of(group_id, self.machine.stored[group_id])
                assert stored.generation == group.generation
                assert stored.leader == group.leader
                assert {m: v.assignment for m, v in stored.members.items()} == {
                    m: v.assignment for m, v in group.members.items()
                }

    @invariant()
    def counters_are_right(self):
        for group in self.machine.classic.values():
            members = group.members.values()
            assert group.awaiting_join == sum(bool(m.join) for m in members)
            names = {name for m in members for name, _ in m.protocols}
            assert group.supported == {
                name: sum(name in [n for n, _ in m.protocols] for m in members) for name in names
            }
            assert group.leader is None or group.leader in group.members
            assert set(group.static.values()) <= group.members.keys()
            assert not group.pending & group.members.keys()
            assert group.pending_sync <= group.members.keys()
            assert (group.state is GroupState.EMPTY) <= (not group.members)
            assert len(group.members) <= SETTINGS.group_size_max + 1 or group.state is not GroupState.STABLE

    @invariant()
    def whoever_is_parked_will_be_answered(self):
        parked = {m.join for g in self.machine.classic.values() for m in g.members.values()}
        parked |= {m.sync for g in self.machine.classic.values() for m in g.members.values()}
        assert self.parked.keys() == parked - {0}
        for group in self.machine.classic.values():
            wakers = {key.kind for key in self.timers if key.group_id == group.group_id}
            if group.state is GroupState.PREPARING_REBALANCE:
                assert "join" in wakers
            if group.state is GroupState.COMPLETING_REBALANCE:
                assert "sync" in wakers or not group.pending_sync
            for member in group.members.values():
                watched = ("session", group.group_id, member.member_id) in self.timers
                assert watched or member.join or member.sync, f"nobody will miss {member.member_id}"


GroupLives.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestGroupLives = GroupLives.TestCase
