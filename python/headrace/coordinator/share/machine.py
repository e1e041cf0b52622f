"""The state machine of one `__share_group_state` partition: how far each share-partition is (KIP-932).

Hard state is `states` and what goes with it; only `apply` changes it, from records. A share-partition is initialized by its
group's coordinator, read and written by its leader, removed with its group or topic.

A write is an update record with what changed; after `updates_per_snapshot` of them it is a snapshot of the whole. Records
before the oldest snapshot that counts say nothing any more and are pruned, so this log has `cleanup.policy=delete`: updates
must not be compacted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.coordinator.runtime.effects import Answer, Effects, Now, SetTimer, Waiter
from headrace.coordinator.share.combine import combine
from headrace.coordinator.share.records import (
    ShareKey,
    ShareRecord,
    ShareState,
    SnapshotStored,
    StateBatch,
    UpdateStored,
    decode_record,
    encode_record,
)
from headrace.model.errors import Error

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from headrace.coordinator.runtime.effects import Entry
    from headrace.coordinator.share.settings import ShareCoordinatorSettings
    from headrace.engine.port import Stored

PRUNE: Final = "prune"
COLD: Final = "cold"
ANY_EPOCH: Final = -1

READ_UNINITIALIZED: Final = "Read operation on uninitialized share partition not allowed."
WRITE_UNINITIALIZED: Final = "Write operation on uninitialized share partition not allowed."
NEGATIVE_PARTITION: Final = "The partition id cannot be a negative number."


class Prune(NamedTuple):
    """Records before this offset are to be deleted."""

    before: int


class Write(NamedTuple):
    """What a share-partition's leader has to say."""

    key: ShareKey
    state_epoch: int
    leader_epoch: int
    start_offset: int
    delivery_complete_count: int
    batches: tuple[StateBatch, ...]


class Told(NamedTuple):
    """An outcome: an error, or the share-partition's state where it was asked for."""

    error: Error
    message: str | None = None
    state: ShareState | None = None


class ShareMachine:
    def __init__(self, settings: ShareCoordinatorSettings, topic_has: Callable[[bytes, int], bool]) -> None:
        """`topic_has(topic_id, partition)`: whether there is such a partition now."""
        self.settings = settings
        self.states: dict[ShareKey, ShareState] = {}
        self._topic_has = topic_has
        self._leader_epochs: dict[ShareKey, int] = {}
        """The highest leader epoch seen."""
        self._updates: dict[ShareKey, int] = {}
        """Updates since the last snapshot."""
        self._snapshots: dict[ShareKey, int] = {}
        """Where each share-partition's last snapshot stands."""
        self._next_offset = 0
        """Offset of the record that is applied next: as loaded, then one after the other."""
        self._pruned_before = 0

    # -- Machine ------------------------------------------------------------------------------------------------------

    def apply(self, record: ShareRecord) -> None:
        offset, self._next_offset = self._next_offset, self._next_offset + 1
        key = record.key
        if record.state is None:
            for kept in (self.states, self._leader_epochs, self._updates, self._snapshots):
                kept.pop(key, None)
            return
        epoch = record.state.leader_epoch
        self._leader_epochs[key] = max(self._leader_epochs.get(key, epoch), epoch)
        if isinstance(record, SnapshotStored):
            self.states[key] = record.state
            self._updates[key] = 0
            self._snapshots[key] = offset
        else:
            self.states[key] = _merged(self.states.get(key), record.state)
            self._updates[key] = self._updates.get(key, -1) + 1

    def encode(self, record: ShareRecord) -> Entry:
        return encode_record(record)

    def decode(self, stored: Stored) -> ShareRecord | None:
        self._next_offset = stored.offset
        return decode_record(stored)

    def loaded(self, now: Now) -> Effects[ShareRecord]:
        del now
        return Effects(
            timers=[
                SetTimer(PRUNE, self.settings.prune_interval_ms),
                SetTimer(COLD, self.settings.cold_snapshot_interval_ms),
            ]
        )

    def fired(self, key: Hashable, now: Now) -> Effects[ShareRecord]:
        if key == PRUNE:
            effects: Effects[ShareRecord] = Effects(timers=[SetTimer(PRUNE, self.settings.prune_interval_ms)])
            before = min(self._snapshots.values(), default=self._next_offset)
            if before > self._pruned_before:
                self._pruned_before = before
                effects.sends.append(Prune(before))
            return effects
        assert key == COLD, "no other timers are set here"
        return Effects(self._cold(now), [SetTimer(COLD, self.settings.cold_snapshot_interval_ms)])

    def _cold(self, now: Now) -> list[ShareRecord]:
        """Snapshots of those that hold back the pruning because nobody writes to them."""
        due = now.wall_ms - self.settings.cold_snapshot_interval_ms
        if all(state.created_ms != state.written_ms for state in self.states.values()):
            return []  # nobody wrote since the last time
        return [
            SnapshotStored(
                key, state._replace(snapshot_epoch=state.snapshot_epoch + 1, written_ms=now.wall_ms)
            )
            for key, state in self.states.items()
            if state.written_ms <= due
        ]

    # -- decisions ----------------------------------------------------------------------------------------------------

    def decide_initialize(
        self, key: ShareKey, state_epoch: int, start_offset: int, waiter: Waiter, now: Now
    ) -> Effects[ShareRecord]:
        """Begin, or begin again: what was known of deliveries is forgotten. Outcome: `Told`."""
        known = self.states.get(key)
        refused = _negative(key)
        if not refused and known is not None and ANY_EPOCH != state_epoch < known.state_epoch:
            refused = Told(Error.FENCED_STATE_EPOCH)
        refused = refused or self._no_topic(key)
        if refused:
            return Effects(answers=[Answer(waiter, refused)])
        state = ShareState(
            snapshot_epoch=known.snapshot_epoch + 1 if known is not None else 0,
            state_epoch=state_epoch,
            start_offset=start_offset,
            created_ms=now.wall_ms,
            written_ms=now.wall_ms,
        )
        return Effects([SnapshotStored(key, state)], answers=[Answer(waiter, Told(Error.NONE))])

    def decide_read(self, key: ShareKey, leader_epoch: int, waiter: Waiter, now: Now) -> Effects[ShareRecord]:
        """Read by a leader, whose epoch is noted: those before it are fenced from now on. Outcome: `Told`."""
        refused, state = _negative(key), self.states.get(key)
        if not refused and state is None:
            refused = Told(Error.INVALID_REQUEST, READ_UNINITIALIZED)
        if not refused and self._leader_epochs[key] > leader_epoch:
            refused = Told(Error.FENCED_LEADER_EPOCH)
        refused = refused or self._no_topic(key)
        if refused:
            return Effects(answers=[Answer(waiter, refused)])
        assert state is not None, "it was refused otherwise"
        effects: Effects[ShareRecord] = Effects(answers=[Answer(waiter, Told(Error.NONE, state=state))])
        if leader_epoch not in {ANY_EPOCH, self._leader_epochs[key]}:
            write = Write(
                key,
                state.state_epoch,
                leader_epoch,
                state.start_offset,
                state.delivery_complete_count,
                (),
            )
            effects.records.append(self._record(write, leader_epoch, now))
        return effects

    def decide_write(self, write: Write, waiter: Waiter, now: Now) -> Effects[ShareRecord]:
        """Outcome: `Told`."""
        refused, known = _negative(write.key), self.states.get(write.key)
        if not refused and known is None:
            refused = Told(Error.INVALID_REQUEST, WRITE_UNINITIALIZED)
        if not refused and ANY_EPOCH != write.leader_epoch < self._leader_epochs[write.key]:
            refused = Told(Error.FENCED_LEADER_EPOCH)
        if not refused and known is not None and ANY_EPOCH != write.state_epoch < known.state_epoch:
            refused = Told(Error.FENCED_STATE_EPOCH)
        refused = refused or self._no_topic(write.key)
        if refused:
            return Effects(answers=[Answer(waiter, refused)])
        assert known is not None, "it was refused otherwise"
        record = self._record(write, known.leader_epoch, now)
        return Effects([record], answers=[Answer(waiter, Told(Error.NONE))])

    def decide_delete(self, key: ShareKey, waiter: Waiter) -> Effects[ShareRecord]:
        """Outcome: `Told`; a share-partition that is not there is deleted already."""
        refused = _negative(key) or self._no_topic(key)
        if refused:
            return Effects(answers=[Answer(waiter, refused)])
        gone: list[ShareRecord] = [SnapshotStored(key, None)] if key in self.states else []
        return Effects(gone, answers=[Answer(waiter, Told(Error.NONE))])

    def decide_topics_deleted(self, topic_ids: Iterable[bytes]) -> Effects[ShareRecord]:
        gone = set(topic_ids)
        return Effects([SnapshotStored(key, None) for key in self.states if key.topic_id in gone])

    def summary(self, key: ShareKey) -> Told:
        """As `decide_read`, but for whoever is not its leader; a share-partition that is not there is at -1."""
        refused = _negative(key) or self._no_topic(key)
        return refused or Told(Error.NONE, state=self.states.get(key, ShareState(delivery_complete_count=-1)))

    def _record(self, write: Write, leader_epoch: int, now: Now) -> ShareRecord:
        known = self.states[write.key]
        if self._updates[write.key] < self.settings.updates_per_snapshot:
            update = ShareState(
                snapshot_epoch=known.snapshot_epoch,
                leader_epoch=leader_epoch,
                start_offset=write.start_offset,
                delivery_complete_count=write.delivery_complete_count,
                batches=combine((), write.batches, write.start_offset),
            )
            return UpdateStored(write.key, update)
        start = known.start_offset if write.start_offset == -1 else write.start_offset
        return SnapshotStored(
            write.key,
            ShareState(
                known.snapshot_epoch + 1,
                known.state_epoch,
                leader_epoch,
                start,
                write.delivery_complete_count,
                combine(known.batches, write.batches, start),
                now.wall_ms,
                now.wall_ms,
            ),
        )

    def _no_topic(self, key: ShareKey) -> Told | None:
        if self._topic_has(key.topic_id, key.partition):
            return None
        return Told(Error.UNKNOWN_TOPIC_OR_PARTITION)


def _negative(key: ShareKey) -> Told | None:
    return Told(Error.INVALID_REQUEST, NEGATIVE_PARTITION) if key.partition < 0 else None


def _merged(known: ShareState | None, update: ShareState) -> ShareState:
    if known is None:
        return update
    start = known.start_offset if update.start_offset == -1 else update.start_offset
    return known._replace(
        start_offset=start,
        delivery_complete_count=update.delivery_complete_count,
        leader_epoch=known.leader_epoch if update.leader_epoch == -1 else update.leader_epoch,
        batches=combine(known.batches, update.batches, start),
    )
