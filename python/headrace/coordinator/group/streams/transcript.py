"""Runs commands against streams groups and writes down everything that happens; for tests and for trying things out.

    beat a epoch=0 process=p
    ----
    timer session/g/a in 45000 ms
    store member a
    answer: epoch=1 active= standby= ASSIGNMENT_DELAYED "..."
    g: NotReady epoch=2 assignment=0
      a: STABLE epoch=1 assigned= revoking=

The topology is `play.word_count`. What a member says that it has comes as `active=0_1,1_2`.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from headrace.coordinator.group.records import ModernStored
from headrace.coordinator.group.settings import GroupSettings
from headrace.coordinator.group.streams.group import StreamsGroup
from headrace.coordinator.group.streams.play import Play, endpoint, join_request, task_ids, word_count
from headrace.coordinator.group.streams.topology import Status
from headrace.coordinator.runtime.effects import SetTimer
from headrace.model.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headrace.coordinator.group.records import GroupRecord
    from headrace.coordinator.group.streams.member import Member
    from headrace.coordinator.group.streams.tasks import Held
    from headrace.coordinator.runtime.effects import Effects
    from headrace.wire.messages.k88_streams_group_heartbeat import StreamsGroupHeartbeatResponse

GROUP: Final = "g"


class StreamsTranscript:
    def __init__(self) -> None:
        self.play = Play(GroupSettings())

    def run(self, line: str) -> list[str]:
        """One command and all that it caused."""
        word, *rest = shlex.split(line)
        name = [rest.pop(0)] if rest and "=" not in rest[0] else []
        self.play.performed.clear()
        before = self._state()
        answers = getattr(self, "do_" + word.replace("-", "_"))(
            *name, **dict(part.split("=", 1) for part in rest)
        )
        said = [line for effects in self.play.performed for line in _effects(effects)]
        after = self._state()
        return said + (answers or []) + (after if after != before else [])

    # -- commands -----------------------------------------------------------------------------------------------------

    def do_topics(self, **counts: str) -> None:
        for name, partitions in counts.items():
            self.play.cluster.make(name, int(partitions))

    def do_drop(self, topic: str) -> None:
        self.play.cluster.delete(topic)

    def do_set(self, **values: str) -> None:
        """Settings of the group, with _ for . and without `streams.`"""
        for name, value in values.items():
            self.play.cluster.group_configs["streams." + name.replace("_", ".")] = value

    def do_beat(
        self,
        member: str,
        epoch: str,
        process: str | None = None,
        active: str | None = None,
        standby: str | None = None,
        topology: str = "0",
        at: str | None = None,
        endpoints: str = "0",
        shutdown: str = "",
        make: str = "yes",
    ) -> list[str]:
        """`topology`: its epoch. `at`: host:port of interactive queries. `make=no`: missing topics stay missing."""
        request = join_request(GROUP, member, process or "")
        request.member_epoch, request.process_id = int(epoch), process
        request.endpoint_information_epoch = int(endpoints)
        request.user_endpoint = None if at is None else endpoint(at)
        request.shutdown_application = bool(shutdown)
        if request.member_epoch:
            request.topology, request.rebalance_timeout_ms, request.client_tags = None, -1, None
            request.active_tasks = request.standby_tasks = request.warmup_tasks = None
        else:
            request.topology = word_count(int(topology))
        if active is not None or standby is not None:
            request.active_tasks, request.standby_tasks = _parsed(active), _parsed(standby)
            request.warmup_tasks = []
        outcome = self.play.beat(request)
        if isinstance(outcome, Refusal):
            return [f"refused: {outcome.error.name} {outcome.message}"]
        said = [f"answer: {_answer(outcome.response)}"]
        if outcome.missing:
            said.append("to be made: " + ", ".join(f"{t.name}={t.partitions}" for t in outcome.missing))
            if make == "yes":
                self.play.make_missing(outcome)
        return said

    def do_pass(self, ms: str) -> None:
        self.play.time.advance(int(ms))

    def do_restart(self) -> None:
        self.play.restart()

    def do_delete(self) -> list[str]:
        effects = self.play.machine.decide_delete_group(GROUP, 1, self.play.time.now())
        self.play.perform(effects)
        return [f"answer: {answer.outcome.name}" for answer in effects.answers]  # type: ignore[attr-defined]

    # -- what is seen -------------------------------------------------------------------------------------------------

    def _state(self) -> list[str]:
        group = self.play.machine.find(GROUP)
        if not isinstance(group, StreamsGroup):
            return ["g: gone"]
        said = [f"g: {group.state_name} epoch={group.epoch} assignment={group.assignment_epoch}"]
        return said + [f"  {_member(member)}" for _, member in sorted(group.members.items())]


def _effects(effects: Effects[GroupRecord]) -> list[str]:
    said = [f"store {_record(record)}" for record in effects.records]
    for change in effects.timers:
        ends = f"in {change.delay_ms} ms" if isinstance(change, SetTimer) else "off"
        said.append(f"timer {change.key} {ends}")
    return said


def _record(record: GroupRecord) -> str:
    assert isinstance(record, ModernStored), "only streams groups play here"
    name = type(record.key).__name__.removeprefix("StreamsGroup").removesuffix("Key")
    member = getattr(record.key, "member_id", "")
    return " ".join(part for part in (name, member, "gone" if record.value is None else "") if part)


def _member(member: Member) -> str:
    return (
        f"{member.member_id}: {member.state.name} epoch={member.member_epoch} "
        f"assigned={_held(member.assigned)} revoking={_held(member.revoking)}"
    )


def _held(held: Held) -> str:
    copies = _tasks(held.standby)
    return _tasks(held.active) + (f"+{copies}" if copies else "")


def _tasks(tasks: Mapping[str, Iterable[int]]) -> str:
    return ",".join(f"{name}_{part}" for name, parts in sorted(tasks.items()) for part in sorted(parts))


def _parsed(text: str | None) -> list:  # type: ignore[type-arg]
    pairs = [part.partition("_") for part in (text or "").split(",") if part]
    return task_ids((name, int(partition)) for name, _, partition in pairs)


def _answer(response: StreamsGroupHeartbeatResponse) -> str:
    parts = [f"epoch={response.member_epoch}"]
    for name in ("active", "standby"):
        tasks = getattr(response, f"{name}_tasks")
        if tasks is not None:
            parts.append(f"{name}={_tasks({t.subtopology_id: t.partitions for t in tasks})}")
    if response.endpoint_information_epoch:
        parts.append(f"endpoints={response.endpoint_information_epoch}")
    for entry in response.partitions_by_user_endpoint or ():
        active = ",".join(f"{p.topic}/{n}" for p in entry.active_partitions for n in p.partitions)
        parts.append(f"{entry.user_endpoint.host}:{entry.user_endpoint.port}=[{active}]")
    parts += [f'{Status(s.status_code).name} "{s.status_detail}"' for s in response.status or ()]
    return " ".join(parts)
