"""Runs commands against a `GroupMachine` and writes down everything that happens; for tests and for trying things out.

    join group=g client=a
    ----
    timer session/g/a-1 in 10000 ms
    answer 1: MEMBER_ID_REQUIRED member=a-1
    g: Empty generation=0 pending=[a-1]

Every request is numbered; its answer may come commands later. Member ids end in the request's number instead of a UUID.
`restart` replays the stored bytes into a new machine, as a crash does.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final

from headrace.coordinator.group.classic.joining import Asker
from headrace.coordinator.group.consumer.commands import ConsumerCommands, beaten, state_of
from headrace.coordinator.group.consumer.group import ConsumerGroup
from headrace.coordinator.group.machine import GroupMachine
from headrace.coordinator.group.modern.fake_cluster import FakeCluster
from headrace.coordinator.group.offsets import Commit, CommitPart, InOpenTransaction
from headrace.coordinator.group.records import ModernStored, OffsetStored, TransactionEnded
from headrace.coordinator.group.settings import GroupSettings
from headrace.coordinator.group.view import describe_group, fetch_offsets, list_groups
from headrace.coordinator.runtime.effects import Effects, EndOfTransaction, InTransaction, SetTimer
from headrace.coordinator.runtime.manual_timers import ManualTimers
from headrace.engine.port import Marker, Producer, Stored
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k11_join_group import (
    JoinGroupRequest,
    JoinGroupRequestProtocol,
    JoinGroupResponse,
)
from headrace.wire.messages.k12_heartbeat import HeartbeatRequest
from headrace.wire.messages.k13_leave_group import LeaveGroupResponse, MemberIdentity
from headrace.wire.messages.k14_sync_group import (
    SyncGroupRequest,
    SyncGroupRequestAssignment,
    SyncGroupResponse,
)
from headrace.wire.messages.k68_consumer_group_heartbeat import ConsumerGroupHeartbeatResponse

if TYPE_CHECKING:
    from collections.abc import Hashable

    from headrace.coordinator.group.classic.group import Group
    from headrace.coordinator.group.modern.cluster import ClusterImage
    from headrace.coordinator.group.records import GroupRecord
    from headrace.coordinator.runtime.clock import Timer
    from headrace.coordinator.runtime.effects import Entry

SETTINGS: Final = GroupSettings()


class Transcript(ConsumerCommands):
    def __init__(self) -> None:
        self.time = ManualTimers()
        self.settings = SETTINGS
        self.cluster = FakeCluster()
        self.machine = GroupMachine(self.settings, self.cluster)
        self.sent: list[object] = []
        self.log: list[Stored] = []
        self.said: list[str] = []
        self._timers: dict[Hashable, Timer] = {}
        self._asked = 0
        self._perform(self.machine.loaded(self.time.now()))

    def run(self, line: str) -> list[str]:
        """One command and all that it caused."""
        word, *rest = shlex.split(line)
        said = self.said = []
        before = self._states()
        getattr(self, "do_" + word.replace("-", "_"))(**dict(part.split("=", 1) for part in rest))
        after = self._states()
        changed = sorted(g for g in before.keys() | after.keys() if before.get(g) != after.get(g))
        said += "\n".join(f"{group_id}: {after.get(group_id, 'gone')}" for group_id in changed).splitlines()
        return said

    def _states(self) -> dict[str, str]:
        classic = {group_id: _state(group) for group_id, group in self.machine.classic.items()}
        return classic | {
            group_id: state_of(group, self.cluster)
            for group_id, group in self.machine.modern.items()
            if isinstance(group, ConsumerGroup)
        }

    # -- commands -----------------------------------------------------------------------------------------------------

    def do_join(
        self,
        group: str,
        client: str = "",
        member: str = "",
        instance: str | None = None,
        v: str = "5",
        type: str = "consumer",  # noqa: A002 - the protocol's word
        protocols: str = "range",
        session: str = "10000",
        rebalance: str = "60000",
    ) -> None:
        """`protocols`: `name` or `name:metadata`, with commas between."""
        parts = [part.partition(":") for part in protocols.split(",") if part]
        request = JoinGroupRequest(
            group_id=group,
            session_timeout_ms=int(session),
            rebalance_timeout_ms=int(rebalance),
            member_id=member,
            group_instance_id=instance,
            protocol_type=type,
            protocols=[JoinGroupRequestProtocol(name, _bytes(metadata)) for name, _, metadata in parts],
        )
        number = self._number()
        asker = Asker(int(v), client, "/127.0.0.1", str(number))
        self._perform(self.machine.decide_join(request, asker, number, self.time.now()))

    def do_sync(
        self,
        group: str,
        member: str,
        generation: str,
        instance: str | None = None,
        type: str | None = None,  # noqa: A002 - the protocol's word
        protocol: str | None = None,
        assign: str = "",
    ) -> None:
        """`assign`: `member:assignment`, with commas between."""
        parts = [part.partition(":") for part in assign.split(",") if part]
        assignments = [SyncGroupRequestAssignment(name, _bytes(text)) for name, _, text in parts]
        request = SyncGroupRequest(group, int(generation), member, instance, type, protocol, assignments)
        self._perform(self.machine.decide_sync(request, self._number(), self.time.now()))

    def do_heartbeat(self, group: str, member: str, generation: str, instance: str | None = None) -> None:
        request = HeartbeatRequest(group, int(generation), member, instance)
        self._perform(self.machine.decide_heartbeat(request, self._number(), self.time.now()))

    def do_leave(self, group: str, members: str = "", instances: str = "") -> None:
        """`members`: `id` or `id/instance`, with commas between; `instances` alone, as administrators do."""
        leaving = [part.partition("/") for part in members.split(",") if part]
        identities = [MemberIdentity(name, instance or None) for name, _, instance in leaving]
        identities += [MemberIdentity("", instance) for instance in instances.split(",") if instance]
        self._perform(self.machine.decide_leave(group, identities, self._number(), self.time.now()))

    def do_commit(
        self,
        group: str,
        offsets: str,
        member: str = "",
        generation: str = "-1",
        instance: str | None = None,
        v: str = "8",
        retention: str = "-1",
        metadata: str = "",
        producer: str | None = None,
        since: str | None = None,
    ) -> None:
        """`offsets`: `topic/partition:offset`, with commas between. `producer`: `id/epoch` of a transaction; `since`: the
        position at which it was verified, now if not given.
        """
        parts = []
        for part in offsets.split(","):
            place, _, offset = part.partition(":")
            topic, _, partition = place.partition("/")
            parts.append(CommitPart(topic, int(partition), int(offset), -1, metadata))
        transaction = None
        if producer is not None:
            verified = self.machine.pending.position + 1 if since is None else int(since)
            transaction = InOpenTransaction(_parsed(producer), verified)
        commit = Commit(int(v), group, member, instance, int(generation), int(retention), parts, transaction)
        self._perform(self.machine.decide_commit(commit, self._number(), self.time.now()))

    def do_marker(self, producer: str, end: str, coordinator_epoch: str = "0") -> None:
        """`end`: `commit` or `abort`."""
        marker = Marker(end == "commit", int(coordinator_epoch))
        self._perform(
            self.machine.decide_end_transaction(_parsed(producer), marker, self._number(), self.time.now())
        )

    def do_fetch(self, group: str, offsets: str = "", stable: str = "") -> None:
        wanted = [part.partition("/") for part in offsets.split(",") if part]
        places = [(topic, int(partition)) for topic, _, partition in wanted] or None
        found = fetch_offsets(self.machine, group, places, stable=bool(stable))
        self.said += [
            f"{o.topic}/{o.partition}: {'unstable' if o.unstable else o.offset} '{o.metadata}'" for o in found
        ]

    def do_describe(self, group: str) -> None:
        found = describe_group(self.machine, group)
        if isinstance(found, Refusal):
            self.said.append(str(found))
            return
        self.said.append(f"{found.state} type={found.protocol_type} protocol={found.protocol}")
        for m in found.members:
            static = f" instance={m.group_instance_id}" if m.group_instance_id else ""
            self.said.append(
                f"  {m.member_id}{static} metadata={_text(m.metadata)} assignment={_text(m.assignment)}"
            )

    def do_list(self) -> None:
        for found in sorted(list_groups(self.machine)):
            self.said.append(f"{found.group_id} type={found.protocol_type} {found.state}")

    def do_delete(self, group: str) -> None:
        self._perform(self.machine.decide_delete_group(group, self._number(), self.time.now()))

    def do_delete_offsets(self, group: str, offsets: str) -> None:
        wanted = [part.partition("/") for part in offsets.split(",")]
        places = [(topic, int(partition)) for topic, _, partition in wanted]
        self._perform(self.machine.decide_delete_offsets(group, places, self._number(), self.time.now()))

    def do_topics_deleted(self, topics: str) -> None:
        self._perform(self.machine.decide_topics_deleted(topics.split(","), self.time.now()))

    def do_pass(self, ms: str) -> None:
        self.time.advance(int(ms))

    def do_set(self, **values: str) -> None:
        """Settings, by the names of `GroupSettings`."""
        numbers: dict[str, Any] = {name: int(value) for name, value in values.items()}
        self.settings = self.settings._replace(**numbers)
        self.machine.settings = self.settings

    def do_restart(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self.machine = replayed(self.log, self.settings, self.cluster)
        self._perform(self.machine.loaded(self.time.now()))

    # -- effects ------------------------------------------------------------------------------------------------------

    def _number(self) -> int:
        self._asked += 1
        return self._asked

    def _perform(self, effects: Effects[GroupRecord]) -> None:
        for record in effects.records:
            self.machine.apply(record)
            entry = self.machine.encode(record)
            self.log.append(as_stored(entry, len(self.log), self.time.now().wall_ms))
            self.said.append(f"store {_record(record)}")
        for change in effects.timers:
            timer = self._timers.pop(change.key, None)
            if timer is not None:
                timer.cancel()
            if isinstance(change, SetTimer):
                self._timers[change.key] = self._arm(change)
                self.said.append(f"timer {change.key} in {change.delay_ms} ms")
            elif timer is not None:
                self.said.append(f"timer {change.key} off")
        self.said += [f"answer {waiter}: {self._outcome(outcome)}" for waiter, outcome in effects.answers]
        self.sent += effects.sends
        self.said += [f"send {type(what).__name__}" for what in effects.sends]

    def _outcome(self, outcome: Any) -> str:
        if isinstance(outcome, Refusal):
            return f"{outcome.error.name}" + f" {outcome.message}" * bool(outcome.message)
        if isinstance(outcome, ConsumerGroupHeartbeatResponse):
            return beaten(outcome, self.cluster)
        return _outcome(outcome)

    def _arm(self, change: SetTimer) -> Timer:
        def due() -> None:
            del self._timers[change.key]
            self.said.append(f"timer {change.key} fires")
            self._perform(self.machine.fired(change.key, self.time.now()))

        return self.time.call_later(change.delay_ms, due)


def as_stored(entry: Entry, offset: int, wall_ms: int) -> Stored:
    """What the log gives back."""
    if isinstance(entry, EndOfTransaction):
        return Stored(offset, wall_ms, None, None, entry.producer, entry.marker)
    record, producer = entry if isinstance(entry, InTransaction) else (entry, None)
    return Stored(offset, wall_ms, record.key, record.value, producer)


def replayed(log: list[Stored], settings: GroupSettings, cluster: ClusterImage | None = None) -> GroupMachine:
    """A machine with the hard state that these records give."""
    machine = GroupMachine(settings, cluster)
    for stored in log:
        record = machine.decode(stored)
        assert record is not None, "all of them were written here"
        machine.apply(record)
    return machine


def _parsed(producer: str) -> Producer:
    producer_id, _, epoch = producer.partition("/")
    return Producer(int(producer_id), int(epoch))


def _bytes(text: str) -> bytes:
    """`topics(a;b)` is a consumer's subscription to topics a and b, `topics(a;owned/a/0/1)` of one that has two partitions;
    `part(a/0/1)` is an assignment; anything else stands for itself.
    """
    if text.startswith("part("):
        return b"\0\1" + _owned(text.removeprefix("part(").removesuffix(")")) + b"\xff\xff\xff\xff"
    if not text.startswith("topics("):
        return text.encode()
    parts = text.removeprefix("topics(").removesuffix(")").split(";")
    names = [part for part in parts if not part.startswith("owned/")]
    body = b"".join(len(name).to_bytes(2, "big") + name.encode() for name in names)
    owned = "".join(part.removeprefix("owned/") for part in parts if part.startswith("owned/"))
    return b"\0\1" + len(names).to_bytes(4, "big") + body + b"\xff\xff\xff\xff" + _owned(owned)


def _owned(text: str) -> bytes:
    """Of one topic, or nothing."""
    if not text:
        return bytes(4)
    name, *numbers = text.split("/")
    head = b"\0\0\0\1" + len(name).to_bytes(2, "big") + name.encode() + len(numbers).to_bytes(4, "big")
    return head + b"".join(int(number).to_bytes(4, "big") for number in numbers)


def _text(data: bytes) -> str:
    return repr(data)[1:]


def _state(group: Group) -> str:
    text = f"{group.state.value} generation={group.generation}"
    if group.members:
        names = [name + "*" * (name == group.leader) for name in group.members]
        text += f" members=[{', '.join(names)}]"
    if parked := [m.member_id for m in group.members.values() if m.join]:
        text += f" joining=[{', '.join(parked)}]"
    if parked := [m.member_id for m in group.members.values() if m.sync]:
        text += f" syncing=[{', '.join(parked)}]"
    if group.pending:
        text += f" pending=[{', '.join(sorted(group.pending))}]"
    return text


def _record(record: GroupRecord) -> str:
    if isinstance(record, TransactionEnded):
        how = "commit" if record.marker.committed else "abort"
        return (
            f"marker {_producer(record.producer)}: {how} coordinator_epoch={record.marker.coordinator_epoch}"
        )
    if isinstance(record, OffsetStored):
        place = f"offset {record.group_id} {record.topic}/{record.partition}"
        of = f" of {_producer(record.producer)}" if record.producer else ""
        return f"{place}: {'gone' if record.value is None else record.value.offset}{of}"
    if isinstance(record, ModernStored):
        return _modern(record)
    if record.value is None:
        return f"group {record.group_id}: gone"
    members = {m.member_id: _text(m.assignment) for m in record.value.members}
    parts = ", ".join(f"{name}={assignment}" for name, assignment in members.items())
    return f"group {record.group_id}: generation={record.value.generation} [{parts}]"


def _modern(record: ModernStored) -> str:
    key = " ".join(str(getattr(record.key, name)) for name in record.key.__struct_fields__)
    name = type(record.key).__name__.removesuffix("Key")
    return f"{name} {key}: {'gone' if record.value is None else _fields(record.value)}"


def _fields(value: Any) -> str:
    """What differs from the default; assignments by the number of the topic. Hashes are left out: they are long."""
    usual = type(value)()
    said = []
    for name in value.__struct_fields__:
        found = getattr(value, name)
        if found is not None and found != getattr(usual, name) and name != "metadata_hash":
            said.append(f"{name}={_parts(found) if isinstance(found, list) else found}")
    return " ".join(said) or "nothing"


def _parts(values: list[Any]) -> str:
    shown = [
        f"#{int.from_bytes(value.topic_id, 'big')}:{value.partitions}"
        if hasattr(value, "topic_id")
        else str(value)
        for value in values
    ]
    return f"[{', '.join(shown)}]"


def _producer(producer: Producer) -> str:
    return f"{producer.producer_id}/{producer.producer_epoch}"


def _outcome(outcome: Any) -> str:
    if isinstance(outcome, list):
        return ", ".join(_outcome(one) for one in outcome)
    if isinstance(outcome, Error):
        return outcome.name
    error = Error(outcome.error_code)
    if isinstance(outcome, JoinGroupResponse):
        if error:
            return f"{error.name} member={outcome.member_id}"
        text = f"joined generation={outcome.generation_id} protocol={outcome.protocol_name}"
        text += f" member={outcome.member_id} leader={outcome.leader}"
        if outcome.members:
            text += f" roster=[{', '.join(m.member_id + ':' + _text(m.metadata) for m in outcome.members)}]"
        return text + " skip_assignment" * outcome.skip_assignment
    if isinstance(outcome, LeaveGroupResponse):
        members = [
            f"{m.member_id or m.group_instance_id}={Error(m.error_code).name}" for m in outcome.members
        ]
        return error.name if error else f"left [{', '.join(members)}]"
    assert isinstance(outcome, SyncGroupResponse)
    return error.name if error else f"synced {_text(outcome.assignment)}"
