"""The state machine of one `__consumer_offsets` partition: its groups of all kinds, and their offsets.

Hard state is `stored`, `modern`, `offsets` and `pending`, and only `apply` changes it, from records. `classic` is soft: members
that come and go between two generations, parked requests, sessions. After a restart it begins as `stored` says, each session
in full. What modern groups are, and how a kind of them is added, says `modern/group.py`.

Invariant: a group id is in `classic` or in `modern`, never in both. One that is in neither may still have offsets.

Every `decide_*` reads both, changes soft state, and returns what it wants done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.coordinator.group import offsets
from headrace.coordinator.group.classic import joining, membership, rebalance
from headrace.coordinator.group.classic.group import Group, group_of
from headrace.coordinator.group.classic.life import GroupState
from headrace.coordinator.group.consumer import classic_members
from headrace.coordinator.group.consumer.group import ConsumerGroup
from headrace.coordinator.group.kinds import KIND_OF_RECORD
from headrace.coordinator.group.modern.cluster import ClusterImage, NoCluster
from headrace.coordinator.group.modern.sessions import Sessions
from headrace.coordinator.group.pending import PendingOffsets
from headrace.coordinator.group.records import (
    GroupRecord,
    GroupStored,
    ModernStored,
    OffsetStored,
    TransactionEnded,
    decode_record,
    encode_record,
)
from headrace.coordinator.group.turn import GroupTimer, Turn
from headrace.coordinator.runtime.effects import Answer, Effects, Now, SetTimer, Waiter
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k14_sync_group import SyncGroupResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

    from headrace.coordinator.group.classic.joining import Asker
    from headrace.coordinator.group.kind import AnyGroup
    from headrace.coordinator.group.modern.group import ModernGroup
    from headrace.coordinator.group.settings import GroupSettings
    from headrace.coordinator.runtime.effects import Entry
    from headrace.engine.port import Marker, Producer, Stored
    from headrace.wire.messages.group_records import GroupMetadataValue
    from headrace.wire.messages.k11_join_group import JoinGroupRequest
    from headrace.wire.messages.k12_heartbeat import HeartbeatRequest
    from headrace.wire.messages.k13_leave_group import MemberIdentity
    from headrace.wire.messages.k14_sync_group import SyncGroupRequest

EXPIRY = GroupTimer("expiry")


class GroupMachine:
    def __init__(self, settings: GroupSettings, cluster: ClusterImage | None = None) -> None:
        """`cluster`: as it is at the moment of each decision."""
        self.settings = settings
        self.cluster: ClusterImage = cluster or NoCluster()
        self.classic: dict[str, Group] = {}
        self.stored: dict[str, GroupMetadataValue] = {}
        self.modern: dict[str, ModernGroup[Any]] = {}
        self.sessions = Sessions()
        """Of the members of modern groups."""
        self.asked: dict[tuple[str, bytes], int] = {}
        """When the share coordinator was asked to begin with a topic of a share group; until it has answered. Soft."""
        self.matching: set[str] = set()
        """Groups whose regular expressions are being matched. Soft."""
        self.offsets: offsets.Offsets = {}
        self.pending = PendingOffsets()

    # -- Machine ------------------------------------------------------------------------------------------------------

    def apply(self, record: GroupRecord) -> None:
        if isinstance(record, OffsetStored):
            offsets.keep(self.offsets, self.pending, record)
        elif isinstance(record, TransactionEnded):
            offsets.end(self.offsets, self.pending, record)
        elif isinstance(record, ModernStored):
            self._apply_modern(record)
        elif record.value is None:
            self.stored.pop(record.group_id, None)
            self.classic.pop(record.group_id, None)
            self._forget_no_offsets(record.group_id)
        else:
            self.stored[record.group_id] = record.value

    def _apply_modern(self, record: ModernStored) -> None:
        group_id = record.key.group_id
        kind = KIND_OF_RECORD.get(record.key.API_KEY)
        group = self.modern.get(group_id)
        if kind is None or (record.value is None and not isinstance(group, kind)):
            return  # of a kind that is not served, or the end of what is not there
        if not isinstance(group, kind):
            group = self.modern[group_id] = kind(group_id)
        group.apply(record)
        if group.is_gone:
            del self.modern[group_id]
            self._forget_no_offsets(group_id)

    def _forget_no_offsets(self, group_id: str) -> None:
        """A group that is there only by its id, without an offset, ends with the group."""
        if not self.offsets.get(group_id):
            self.offsets.pop(group_id, None)

    def encode(self, record: GroupRecord) -> Entry:
        return encode_record(record)

    def decode(self, stored: Stored) -> GroupRecord | None:
        return decode_record(stored)

    def loaded(self, now: Now) -> Effects[GroupRecord]:
        turn = Turn(self.settings, now)
        self.classic = {group_id: group_of(group_id, value) for group_id, value in self.stored.items()}
        for group in self.classic.values():
            for member in group.members.values():
                rebalance.touch(turn, group, member)
            if len(group.members) > self.settings.group_size_max:
                rebalance.prepare(turn, group)  # the limit was lowered: not all may join again
        for modern in self.modern.values():
            modern.loaded(turn, self)
        turn.effects.timers.append(SetTimer(EXPIRY, self.settings.offsets_retention_check_ms))
        return turn.effects

    def fired(self, key: Hashable, now: Now) -> Effects[GroupRecord]:
        assert isinstance(key, GroupTimer), "only such timers are set here"
        turn = Turn(self.settings, now)
        if key == EXPIRY:
            self._expire(turn)
            turn.effects.timers.append(SetTimer(EXPIRY, self.settings.offsets_retention_check_ms))
        elif (modern := self.modern.get(key.group_id)) is not None:
            modern.timer_fired(turn, self, key)
        elif (group := self.classic.get(key.group_id)) is not None:
            if key.kind == "session":
                rebalance.session_over(turn, group, key.member_id)
            elif key.kind == "join":
                rebalance.join_time_over(turn, group)
            else:
                rebalance.sync_time_over(turn, group)
        return turn.effects

    # -- which group --------------------------------------------------------------------------------------------------

    def find(self, group_id: str) -> AnyGroup | None:
        """The group, of whatever kind; None: there are no members and never were, though there may be offsets."""
        return self.modern.get(group_id) or self.classic.get(group_id)

    def all_groups(self) -> Iterator[AnyGroup]:
        yield from self.classic.values()
        yield from self.modern.values()

    def saw_topics(self, group_id: str) -> None:
        """The group's metadata hash is of the topics as they are now."""
        if (group := self.modern.get(group_id)) is not None:
            group.topics_seen = self.cluster.topics_version

    def keeps_offsets_of(self, group_id: str) -> bool:
        """Whether it is a group by its offsets alone, or was: it stays when the last of them is gone."""
        return group_id in self.offsets

    # -- members of modern groups -------------------------------------------------------------------------------------

    def decide(
        self, decision: Callable[[Turn, GroupMachine], object], waiter: Waiter, now: Now
    ) -> Effects[GroupRecord]:
        """Outcome: what the decision gives, or the `Refusal` that it raised; then nothing else comes of it."""
        turn = Turn(self.settings, now)
        try:
            outcome = decision(turn, self)
        except Refusal as refusal:
            turn = Turn(self.settings, now)
            outcome = refusal
        turn.answer(waiter, outcome)
        return turn.effects

    def decide_unasked(
        self, decision: Callable[[Turn, GroupMachine], None], now: Now
    ) -> Effects[GroupRecord]:
        """What comes of something that no request waits for."""
        turn = Turn(self.settings, now)
        decision(turn, self)
        return turn.effects

    # -- members of classic groups ------------------------------------------------------------------------------------

    def decide_join(
        self, request: JoinGroupRequest, asker: Asker, waiter: Waiter, now: Now
    ) -> Effects[GroupRecord]:
        """Outcome: `JoinGroupResponse`."""
        turn = Turn(self.settings, now)
        modern = self.modern.get(request.group_id)
        if modern is None or modern.gives_way_to_classic:
            joining.join(turn, self.classic, request, asker, waiter)
            if modern is not None and request.group_id in self.classic:
                turn.effects.records[:0] = modern.tombstones()
        elif isinstance(modern, ConsumerGroup) and not joining.request_error(turn, request, asker):
            effects = self.decide(
                lambda turn, _: classic_members.join(turn, self, modern, request, asker), waiter, now
            )
            return _told(effects, lambda error: rebalance.refused_join(request.member_id, error))
        else:
            error = joining.request_error(turn, request, asker) or Error.INCONSISTENT_GROUP_PROTOCOL
            turn.answer(waiter, rebalance.refused_join("", error))
        return turn.effects

    def decide_sync(self, request: SyncGroupRequest, waiter: Waiter, now: Now) -> Effects[GroupRecord]:
        """Outcome: `SyncGroupResponse`."""
        turn = Turn(self.settings, now)
        if (group := self._with_classic_members(request.group_id)) is not None:
            effects = self.decide(
                lambda turn, _: classic_members.sync(turn, self, group, request), waiter, now
            )
            return _told(effects, lambda error: SyncGroupResponse(error_code=error))
        membership.sync(turn, self.classic, request, waiter)
        return turn.effects

    def decide_heartbeat(self, request: HeartbeatRequest, waiter: Waiter, now: Now) -> Effects[GroupRecord]:
        """Outcome: `Error`."""
        turn = Turn(self.settings, now)
        if (group := self._with_classic_members(request.group_id)) is not None:
            effects = self.decide(
                lambda turn, _: classic_members.heartbeat(turn, self, group, request), waiter, now
            )
            return _told(effects, lambda error: error)
        membership.heartbeat(turn, self.classic, request, waiter)
        return turn.effects

    def decide_leave(
        self, group_id: str, leaving: list[MemberIdentity], waiter: Waiter, now: Now
    ) -> Effects[GroupRecord]:
        """Outcome: `LeaveGroupResponse`."""
        turn = Turn(self.settings, now)
        if (group := self._with_classic_members(group_id)) is not None:
            return self.decide(lambda turn, _: classic_members.leave(turn, self, group, leaving), waiter, now)
        membership.leave(turn, self.classic, group_id, leaving, waiter)
        return turn.effects

    def _with_classic_members(self, group_id: str) -> ConsumerGroup | None:
        """The consumer group of this id: members that speak the classic protocol may be in it."""
        group = self.modern.get(group_id)
        return group if isinstance(group, ConsumerGroup) else None

    # -- offsets ------------------------------------------------------------------------------------------------------

    def decide_commit(self, commit: offsets.Commit, waiter: Waiter, now: Now) -> Effects[GroupRecord]:
        """Outcome: `Error` for the whole or one for each part."""
        turn = Turn(self.settings, now)
        offsets.commit(turn, self.find(commit.group_id), self.offsets, self.pending, commit, waiter)
        return turn.effects

    def decide_end_transaction(
        self, producer: Producer, marker: Marker, waiter: Waiter, now: Now
    ) -> Effects[GroupRecord]:
        """Outcome: `Error`. The marker is written whether or not the transaction brought offsets, as in any partition."""
        turn = Turn(self.settings, now)
        error = self.pending.why_no_marker(producer, marker)
        if not error:
            turn.store(TransactionEnded(producer, marker))
        turn.answer(waiter, error)
        return turn.effects

    def decide_delete_offsets(
        self, group_id: str, parts: list[tuple[str, int]], waiter: Waiter, now: Now
    ) -> Effects[GroupRecord]:
        """Outcome: `Error` for the whole or one for each part."""
        turn = Turn(self.settings, now)
        group = self.find(group_id)
        outcome = offsets.delete_offsets(turn, group, self.offsets, self.pending, group_id, parts)
        turn.answer(waiter, outcome)
        return turn.effects

    def decide_topics_deleted(self, topics: Iterable[str], now: Now) -> Effects[GroupRecord]:
        turn = Turn(self.settings, now)
        turn.store(*offsets.forget_topics(self.offsets, self.pending, topics))
        for modern in self.modern.values():
            turn.store(*modern.topics_gone(self))
        return turn.effects

    # -- whole groups -------------------------------------------------------------------------------------------------

    def decide_delete_group(self, group_id: str, waiter: Waiter, now: Now) -> Effects[GroupRecord]:
        """Outcome: `Error`."""
        turn = Turn(self.settings, now)
        group = self.find(group_id)
        if group is None and not self.keeps_offsets_of(group_id):
            turn.answer(waiter, Error.GROUP_ID_NOT_FOUND)
        elif group is not None and not group.is_empty:
            turn.answer(waiter, Error.NON_EMPTY_GROUP)
        else:
            turn.store(*offsets.forget_group(self.offsets, self.pending, group_id))
            self._forget(turn, group_id)
            turn.answer(waiter, Error.NONE)
        return turn.effects

    def _forget(self, turn: Turn, group_id: str) -> None:
        if (modern := self.modern.get(group_id)) is not None:
            turn.store(*modern.tombstones())
        if (group := self.classic.pop(group_id, None)) is not None:
            for member_id in sorted(group.pending):
                turn.cancel_timer("session", group, member_id)
            group.move(GroupState.DEAD, turn.now.wall_ms)
        if group_id in self.stored or group_id in self.offsets:
            turn.store(GroupStored(group_id, None))

    def _expire(self, turn: Turn) -> None:
        """Offsets whose time is over, and groups that nothing is left of."""
        for group_id in sorted(self.classic.keys() | self.modern.keys() | self.offsets.keys()):
            group = self.find(group_id)
            gone = offsets.expired(turn, group, self.offsets, self.pending, group_id)
            turn.store(*gone)
            held = sum(map(len, self.offsets.get(group_id, {}).values()))
            idle = group is None or group.is_idle
            if idle and held == len(gone) and not self.pending.concerns(group_id):
                self._forget(turn, group_id)


def _told(effects: Effects[GroupRecord], say: Callable[[Error], object]) -> Effects[GroupRecord]:
    """With a refusal in the words of the classic protocol."""
    effects.answers[:] = [
        Answer(waiter, say(outcome.error) if isinstance(outcome, Refusal) else outcome)
        for waiter, outcome in effects.answers
    ]
    return effects
