"""Decide StreamsGroupHeartbeat: members come, bring their topology, learn their tasks, and go.

One heartbeat does all that it gives occasion for, in this order: the member's own data, the topology and the topics it needs,
the group epoch, the target assignment, and the member's next step to its target.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from headrace.coordinator.group.modern.cluster import group_setting, metadata_hash
from headrace.coordinator.group.modern.life import (
    JOIN_EPOCH,
    LEAVE_EPOCH,
    LEAVE_STATIC_EPOCH,
    MemberState,
)
from headrace.coordinator.group.modern.opening import found, found_or_new
from headrace.coordinator.group.streams.configure import configure
from headrace.coordinator.group.streams.departure import INITIAL_DELAY, fence, session_timeout_ms
from headrace.coordinator.group.streams.endpoints import partitions_by_endpoint
from headrace.coordinator.group.streams.group import NOT_VALIDATED, StreamsGroup
from headrace.coordinator.group.streams.member import Member
from headrace.coordinator.group.streams.reconcile import reconcile
from headrace.coordinator.group.streams.stored import assignment_of
from headrace.coordinator.group.streams.target import STANDBY_REPLICAS, update_target
from headrace.coordinator.group.streams.tasks import NO_TASKS, Held
from headrace.coordinator.group.streams.topology import Status, required_topics, stored_topology
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k88_streams_group_heartbeat import Status as StatusPart
from headrace.wire.messages.k88_streams_group_heartbeat import (
    StreamsGroupHeartbeatResponse,
    StreamsGroupHeartbeatResponseTaskIds,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.streams.configure import ConfiguredTopology, InternalTopic
    from headrace.coordinator.group.streams.tasks import Assignment
    from headrace.coordinator.group.turn import Turn
    from headrace.wire.messages.k88_streams_group_heartbeat import (
        StreamsGroupHeartbeatRequest,
        StreamsGroupHeartbeatRequestTaskIds,
    )
    from headrace.wire.messages.streams_group_records import StreamsGroupTopologyValue

FIRST_EPOCH = 2
"""The group epoch after the first member's join; 1 is the assignment of nothing, while the first one is delayed."""


class Asker(NamedTuple):
    """Who sends it."""

    client_id: str
    client_host: str


class Heard(NamedTuple):
    """The outcome of a heartbeat."""

    response: StreamsGroupHeartbeatResponse
    missing: Sequence[InternalTopic] = ()
    """Topics that the program needs and that are to be made."""


def heartbeat(
    turn: Turn, machine: GroupMachine, request: StreamsGroupHeartbeatRequest, asker: Asker
) -> Heard:
    """`request`: has passed `check_request`. Raises `Refusal`."""
    if request.member_epoch in {LEAVE_EPOCH, LEAVE_STATIC_EPOCH}:
        return _leave(turn, machine, request)
    group = _group(turn, machine, request)
    new = group.group_id not in machine.modern
    known = _known_member(group, request)
    member = _with_request(known, request, asker)
    decision = _Heartbeat(turn, machine, group, request)
    if member != known:
        turn.store(group.stored_member(member))
        decision.epoch_rises = True
    topology = decision.topology(member)
    configured = decision.configured_topology(topology)
    epoch, configs = decision.group_epoch(topology, configured)
    target_epoch, target = decision.target(epoch, member, configured, configs)
    member = decision.reconciled(member, target_epoch, target)
    machine.sessions.touch(turn, group, member.member_id, session_timeout_ms(machine, group))
    if request.shutdown_application and group.shutdown_by is None:
        group.shutdown_by = member.member_id
    response = decision.response(known, member, new=new)
    if new:  # what is soft of it begins here
        machine.modern[group.group_id] = fresh = StreamsGroup(group.group_id)
        fresh.delayed = group.delayed
    return Heard(response, configured.missing)


def _leave(turn: Turn, machine: GroupMachine, request: StreamsGroupHeartbeatRequest) -> Heard:
    group = found(machine, StreamsGroup, request.group_id)
    if request.shutdown_application and group.shutdown_by is None:
        group.shutdown_by = request.member_id
    fence(turn, machine, group, _member(group, request.member_id))
    return Heard(
        StreamsGroupHeartbeatResponse(member_id=request.member_id, member_epoch=request.member_epoch)
    )


def _group(turn: Turn, machine: GroupMachine, request: StreamsGroupHeartbeatRequest) -> StreamsGroup:
    if request.member_epoch != JOIN_EPOCH:
        group_id = request.group_id
        if machine.find(group_id) is None and not machine.keeps_offsets_of(group_id):
            raise Refusal(Error.GROUP_ID_NOT_FOUND, f"Streams group {group_id} not found.")
        return found(machine, StreamsGroup, group_id)
    group = found_or_new(turn, machine, StreamsGroup, request.group_id)
    limit = machine.settings.streams.group_size_max
    if len(group.members) >= limit:
        raise Refusal(
            Error.GROUP_MAX_SIZE_REACHED,
            f"The streams group has reached its maximum capacity of {limit} members.",
        )
    return group


def _member(group: StreamsGroup, member_id: str) -> Member:
    member = group.members.get(member_id)
    if member is None:
        raise Refusal(
            Error.UNKNOWN_MEMBER_ID, f"Member {member_id} is not a member of group {group.group_id}."
        )
    return member


def _known_member(group: StreamsGroup, request: StreamsGroupHeartbeatRequest) -> Member:
    """As it is known, or as nothing is known of it. Raises `Refusal` if its epoch is not one it can have."""
    epoch = request.member_epoch
    if epoch == JOIN_EPOCH:
        return group.members.get(request.member_id) or Member(request.member_id)
    member = _member(group, request.member_id)
    owned = _owned(request)
    lost_answer = epoch == member.previous_epoch and owned is not None and member.assigned.holds(owned)
    if epoch == member.member_epoch or (epoch < member.member_epoch and lost_answer):
        return member
    size = "greater" if epoch > member.member_epoch else "smaller"
    raise Refusal(
        Error.FENCED_MEMBER_EPOCH,
        f"The streams group member has a {size} member epoch ({epoch}) than the one known by the group coordinator "
        f"({member.member_epoch}). The member must abandon all its partitions and rejoin.",
    )


def _owned(request: StreamsGroupHeartbeatRequest) -> Assignment | None:
    active, standby, warmup = request.active_tasks, request.standby_tasks, request.warmup_tasks
    if active is None or standby is None or warmup is None:
        return None
    return assignment_of(active, standby, warmup)


def _with_request(known: Member, request: StreamsGroupHeartbeatRequest, asker: Asker) -> Member:
    """What is null in the request stays as it was."""
    tags, endpoint = request.client_tags, request.user_endpoint
    return replace(
        known,
        rack_id=known.rack_id if request.rack_id is None else request.rack_id,
        client_id=asker.client_id,
        client_host=asker.client_host,
        rebalance_timeout_ms=known.rebalance_timeout_ms
        if request.rebalance_timeout_ms == -1
        else request.rebalance_timeout_ms,
        topology_epoch=known.topology_epoch if request.topology is None else request.topology.epoch,
        process_id=known.process_id if request.process_id is None else request.process_id,
        endpoint=known.endpoint if endpoint is None else (endpoint.host, endpoint.port),
        client_tags=known.client_tags
        if tags is None
        else tuple(sorted({tag.key: tag.value for tag in tags}.items())),
    )


class _Heartbeat:
    """The steps of one heartbeat, and what they find out for each other."""

    def __init__(
        self, turn: Turn, machine: GroupMachine, group: StreamsGroup, request: StreamsGroupHeartbeatRequest
    ) -> None:
        self._turn = turn
        self._machine = machine
        self._group = group
        self._request = request
        self._statuses: list[StatusPart] = []
        self._metadata_hash = group.metadata_hash
        self.epoch_rises = False

    def topology(self, member: Member) -> StreamsGroupTopologyValue:
        """The group's. The first member brings it; others must bring the same, or an older one."""
        group, brought = self._group, self._request.topology
        if group.topology is None:
            assert brought is not None, "a group has one from the first join on"
            topology = stored_topology(brought)
            self._turn.store(group.stored_topology(topology))
            return topology
        stored = group.topology
        if (
            brought is not None
            and brought.epoch >= stored.epoch
            and not _same(stored, stored_topology(brought))
        ):
            raise Refusal(Error.INVALID_REQUEST, "Topology updates are not supported yet.")
        if member.topology_epoch < stored.epoch:
            self._say(
                Status.STALE_TOPOLOGY,
                f"The member's topology epoch {member.topology_epoch} is behind the group's topology epoch "
                f"{stored.epoch}.",
            )
        return stored

    def configured_topology(self, topology: StreamsGroupTopologyValue) -> ConfiguredTopology:
        group, cluster = self._group, self._machine.cluster
        configured = group.configured
        if configured is None or group.topics_seen != cluster.topics_version:
            self._metadata_hash = metadata_hash(cluster, required_topics(topology))
            if self._metadata_hash != group.metadata_hash:
                self.epoch_rises = True
                configured = None
        if configured is None:
            configured = configure(topology, self._partitions)
        if configured.ready and configured.subtopologies is not None:
            for tasks in (
                self._request.active_tasks,
                self._request.standby_tasks,
                self._request.warmup_tasks,
            ):
                _check_tasks(
                    tasks or (), {name: part.tasks for name, part in configured.subtopologies.items()}
                )
        group.configured, group.topics_seen = configured, cluster.topics_version
        return configured

    def _partitions(self, topic: str) -> int | None:
        known = self._machine.cluster.topic(topic)
        return None if known is None else len(known.partitions)

    def group_epoch(
        self, topology: StreamsGroupTopologyValue, configured: ConfiguredTopology
    ) -> tuple[int, dict[str, str]]:
        """It rises when anything changed that an assignment depends on."""
        group = self._group
        validated = topology.epoch if configured.ready else NOT_VALIDATED
        configs = {STANDBY_REPLICAS: str(self._setting("num.standby.replicas"))}
        self.epoch_rises |= validated != group.validated_topology_epoch or configs != group.assignment_configs
        if not self.epoch_rises:
            return group.epoch, configs
        epoch = group.epoch + 1 if group.epoch else FIRST_EPOCH
        self._turn.store(group.stored_epoch(epoch, self._metadata_hash, validated, configs))
        return epoch, configs

    def target(
        self, epoch: int, member: Member, configured: ConfiguredTopology, configs: Mapping[str, str]
    ) -> tuple[int, Assignment]:
        group = self._group
        delay_ms = self._setting("initial.rebalance.delay.ms")
        if not group.members and delay_ms > 0 and not group.delayed:
            group.delayed = True
            self._turn.set_timer(INITIAL_DELAY, group, delay_ms)
        if epoch <= group.assignment_epoch:
            return group.assignment_epoch, group.targets.get(member.member_id, NO_TASKS)
        if group.delayed:
            self._say(
                Status.ASSIGNMENT_DELAYED, "Assignment delayed due to the configured initial rebalance delay."
            )
            return max(1, group.assignment_epoch), NO_TASKS
        return epoch, update_target(self._turn, group, epoch, member, configured, configs)[member.member_id]

    def reconciled(self, member: Member, target_epoch: int, target: Assignment) -> Member:
        group, turn = self._group, self._turn
        if member.reconciled_to(target_epoch):
            return member
        next_ = reconcile(member, target_epoch, target, group.owners, _owned(self._request))
        if next_ != member:
            turn.store(group.stored_held(next_))
            if next_.state is MemberState.UNREVOKED:
                turn.set_timer("rebalance", group, next_.rebalance_timeout_ms, next_.member_id)
            else:
                turn.cancel_timer("rebalance", group, next_.member_id)
        return next_

    def response(self, known: Member, member: Member, *, new: bool) -> StreamsGroupHeartbeatResponse:
        group = self._group
        response = StreamsGroupHeartbeatResponse(
            member_id=member.member_id,
            member_epoch=member.member_epoch,
            heartbeat_interval_ms=self._setting("heartbeat.interval.ms"),
        )
        joins = self._request.member_epoch == JOIN_EPOCH
        if joins or member.assigned != known.assigned or _lacks_something(_owned(self._request), member):
            response.active_tasks = _task_ids(member.assigned.active)
            response.standby_tasks = _task_ids(member.assigned.standby)
            response.warmup_tasks = _task_ids(member.assigned.warmup)
            group.endpoint_epoch += member.endpoint is not None
        if group.endpoint_epoch != self._request.endpoint_information_epoch:
            others = [other for other in group.members.values() if other.member_id != member.member_id]
            response.partitions_by_user_endpoint = partitions_by_endpoint(
                [*others, member], group.configured, self._partitions
            )
        response.endpoint_information_epoch = 0 if new else group.endpoint_epoch
        if group.configured is not None and group.configured.problem is not None:
            self._say(*group.configured.problem)
        if group.shutdown_by is not None:
            self._say(
                Status.SHUTDOWN_APPLICATION,
                f"Streams group member {group.shutdown_by} encountered a fatal error and requested a shutdown for the "
                "entire application.",
            )
        response.status = self._statuses
        return response

    def _say(self, status: Status, detail: str) -> None:
        self._statuses.append(StatusPart(status, detail))

    def _setting(self, name: str) -> int:
        """What is set for the group, or else the broker's."""
        settings = self._machine.settings.streams
        usual = {
            "num.standby.replicas": settings.standby_replicas,
            "initial.rebalance.delay.ms": settings.initial_rebalance_delay_ms,
            "heartbeat.interval.ms": settings.heartbeat_interval_ms,
        }[name]
        return group_setting(self._machine.cluster, self._group.group_id, f"streams.{name}", usual)


def _lacks_something(owned: Assignment | None, member: Member) -> bool:
    """Whether the member says that it has less than it was given: the answer that gave it was lost. Kafka 4.2 leaves it without
    until the next rebalance.
    """
    return owned is not None and not Held(
        {name: dict.fromkeys(parts, 0) for name, parts in owned.active.items()}, owned.standby, owned.warmup
    ).holds(member.given)


def _same(one: StreamsGroupTopologyValue, other: StreamsGroupTopologyValue) -> bool:
    """The order of subtopologies says nothing."""
    return one.epoch == other.epoch and {s.subtopology_id: s for s in one.subtopologies} == {
        s.subtopology_id: s for s in other.subtopologies
    }


def _check_tasks(tasks: Iterable[StreamsGroupHeartbeatRequestTaskIds], counts: Mapping[str, int]) -> None:
    """A member can only own what there is."""
    for found_ in tasks:
        count = counts.get(found_.subtopology_id)
        if count is None:
            raise Refusal(
                Error.INVALID_REQUEST, f"Subtopology {found_.subtopology_id} does not exist in the topology."
            )
        for partition in found_.partitions:
            if not 0 <= partition < count:
                raise Refusal(
                    Error.INVALID_REQUEST,
                    f"Task {partition} for subtopology {found_.subtopology_id} is invalid. Number of tasks for this "
                    f"subtopology: {count}",
                )


def _task_ids(tasks: Mapping[str, Iterable[int]]) -> list[StreamsGroupHeartbeatResponseTaskIds]:
    return [
        StreamsGroupHeartbeatResponseTaskIds(subtopology, sorted(parts))
        for subtopology, parts in sorted(tasks.items())
    ]
