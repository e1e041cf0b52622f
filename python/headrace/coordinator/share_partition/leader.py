"""The leader of all share-partitions of this node: share fetches, acknowledgements, and the sessions that they belong to.

    leader = ShareLeader(engine, topics, states, configs, settings, timers, clock)
    session = leader.begin(key, places, connection)
    fetched = await leader.fetch(key, session.places, wants)
    error = await leader.acknowledge(key, place, acknowledgements)

A share fetch reads from every partition that has something to acquire; while there is nothing it waits for more in the log,
for records that are released, or for its time to be over. What it reads it does not look into.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple, Protocol

from headrace.coordinator.share.records import ShareKey
from headrace.coordinator.share_partition.led import Led
from headrace.coordinator.share_partition.partition import Wish
from headrace.coordinator.share_partition.sessions import Place, SessionKey, ShareSessions
from headrace.coordinator.share_partition.settings import (
    FETCH_WAIT_MS_MAX,
    READ_BYTES_MAX,
    SHARE_PARTITIONS_MAX,
    reads_committed,
)
from headrace.coordinator.share_partition.watches import Watches
from headrace.model.errors import Error, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from headrace.coordinator.runtime.clock import Clock, Timers
    from headrace.coordinator.share_partition.led import Persister
    from headrace.coordinator.share_partition.partition import Acknowledgement, Acquired
    from headrace.coordinator.share_partition.settings import ShareSettings
    from headrace.engine.port import Batches, Engine


class Topic(Protocol):
    @property
    def topic_id(self) -> bytes: ...
    @property
    def groups(self) -> Sequence[int]:
        """The Raft groups of its partitions, in order."""


class Topics(Protocol):
    """What the leader must know of the cluster; the controller is one."""

    def topic_by_id(self, topic_id: bytes) -> Topic | None: ...

    def group_config(self, group_id: str) -> Mapping[str, str]:
        """What was set for this group (resource type GROUP), by name."""

    def on_topics_removed(self, listener: Callable[[Sequence[Topic]], None]) -> None:
        """Call back with topics that were deleted, after they are."""


class Wants(NamedTuple):
    """What a share fetch wants of its partitions together."""

    max_wait_ms: int
    min_bytes: int
    max_bytes: int
    max_records: int
    batch_size: int
    record_limit: bool


class ShareFetched(NamedTuple):
    """What a partition had."""

    error: Error
    message: str | None = None
    records: bytes = b""
    """Whole record batches; what of them was acquired says `acquired`."""
    acquired: tuple[Acquired, ...] = ()


class _Read(NamedTuple):
    led: Led
    place: Place
    offset: int
    batches: Batches


class ShareLeader:
    def __init__(
        self,
        engine: Engine,
        topics: Topics,
        persister: Persister,
        settings: ShareSettings,
        timers: Timers,
        clock: Clock,
    ) -> None:
        self.engine = engine
        self.persister = persister
        self.settings = settings
        self.watches = Watches(engine)
        self.timers = timers
        self.clock = clock
        self.sessions = ShareSessions(settings.max_share_sessions)
        self._topics = topics
        self._led: dict[ShareKey, Led] = {}
        self._closed = False
        topics.on_topics_removed(self._topics_removed)

    def configs(self, group_id: str) -> Mapping[str, str]:
        """What is set for the group."""
        return self._topics.group_config(group_id)

    async def close(self) -> None:
        """Fetches that wait are answered; nothing is begun any more."""
        self._closed = True
        for led in list(self._led.values()):
            await led.close()

    # -- sessions -----------------------------------------------------------------------------------------------------

    def end_session(self, key: SessionKey) -> None:
        """What the member has acquired is released; share-partitions of a group without sessions are forgotten."""
        session = self.sessions.end(key)
        if session is None:
            return
        for place in session.places:
            if (led := self._led.get(_share_key(key, place))) is not None:
                led.release(key.member_id)
        if self.sessions.is_empty(key.group_id):
            for led in [led for led in self._led.values() if led.key.group_id == key.group_id]:
                led.fence()

    def connection_closed(self, connection: int) -> None:
        if (key := self.sessions.of_connection(connection)) is not None:
            self.end_session(key)

    # -- share-partitions ---------------------------------------------------------------------------------------------

    def _lead(self, key: ShareKey) -> Led:
        """Raises `Refusal`."""
        if (led := self._led.get(key)) is not None:
            return led
        topic = self._topics.topic_by_id(key.topic_id)
        if topic is None or not 0 <= key.partition < len(topic.groups):
            raise Refusal(Error.UNKNOWN_TOPIC_OR_PARTITION)
        if self._closed or len(self._led) >= SHARE_PARTITIONS_MAX:
            raise Refusal(Error.NOT_LEADER_OR_FOLLOWER)
        led = self._led[key] = Led(self, key, topic.groups[key.partition], self._fenced)
        return led

    def _fenced(self, led: Led) -> None:
        if self._led.get(led.key) is led:
            del self._led[led.key]

    def _topics_removed(self, removed: Sequence[Topic]) -> None:
        gone = {topic.topic_id for topic in removed}
        for led in [led for led in self._led.values() if led.key.topic_id in gone]:
            led.fence()

    def forget_group(self, group_id: str) -> None:
        """The group is deleted, or its offsets are set: what is stored of it is read again."""
        for led in [led for led in self._led.values() if led.key.group_id == group_id]:
            led.fence()

    # -- requests -----------------------------------------------------------------------------------------------------

    async def acknowledge(
        self, key: SessionKey, place: Place, acknowledgements: Sequence[Acknowledgement]
    ) -> tuple[Error, str | None]:
        led = self._led.get(_share_key(key, place))
        if led is None:
            return Error.UNKNOWN_TOPIC_OR_PARTITION, None
        try:
            await led.acknowledge(key.member_id, acknowledgements)
        except Refusal as refusal:
            return refusal.error, refusal.message
        return Error.NONE, None

    async def fetch(
        self, key: SessionKey, places: Sequence[Place], wants: Wants
    ) -> dict[Place, ShareFetched]:
        """What was acquired, by partition; those that had nothing to look at are left out."""
        found: dict[Place, ShareFetched] = {}
        if not places or wants.max_records <= 0 or wants.max_bytes <= 0:
            return found
        leds: dict[Place, Led] = {}
        for place in places:
            try:
                leds[place] = self._lead(_share_key(key, place))
            except Refusal as refusal:
                found[place] = ShareFetched(refusal.error, refusal.message)
        for place in list(leds):
            try:
                await leds[place].ready()
            except Refusal as refusal:
                found[place] = ShareFetched(refusal.error, refusal.message)
                del leds[place]
        if leds:
            found |= await self._fetch(key, leds, wants)
        return found

    async def _fetch(
        self, key: SessionKey, leds: Mapping[Place, Led], wants: Wants
    ) -> dict[Place, ShareFetched]:
        event, over = asyncio.Event(), wants.max_wait_ms <= 0

        def time_over() -> None:
            nonlocal over
            over = True
            event.set()

        timer = None if over else self.timers.call_later(min(wants.max_wait_ms, FETCH_WAIT_MS_MAX), time_over)
        for led in leds.values():
            led.wait(event)
        try:
            while True:
                event.clear()
                found = await self._try(key, leds, wants, event, lambda: over)
                if found is not None or over or self._closed:
                    return found or {}
                if any(led.is_fenced for led in leds.values()):
                    return {}  # they are loaded anew by the next fetch
                await event.wait()
        finally:
            if timer is not None:
                timer.cancel()
            for led in leds.values():
                led.wait_no_more(event)
                led.turned_away.discard(event)

    async def _try(
        self,
        key: SessionKey,
        leds: Mapping[Place, Led],
        wants: Wants,
        event: asyncio.Event,
        is_over: Callable[[], bool],
    ) -> dict[Place, ShareFetched] | None:
        """None: there is not enough yet."""
        committed = reads_committed(self.configs(key.group_id))
        ours = {}
        for place, led in leds.items():
            if led.busy:
                led.turned_away.add(event)
            elif not led.is_fenced and led.partition.can_acquire:
                ours[place] = led
        if not ours:
            return None
        for led in ours.values():
            led.busy = True
        try:
            reads = await self._read(ours, wants, committed=committed)
            size = sum(len(read.batches.data) for read in reads)
            failed = any(read.batches.error for read in reads)
            if size >= wants.min_bytes or failed or is_over():
                return self._acquire(key, reads, wants)
            for read in reads:
                marks = read.batches
                read.led.watch(marks.last_stable if committed else marks.high_watermark, committed=committed)
            return None
        finally:
            for led in ours.values():
                led.end_busy()

    async def _read(self, ours: Mapping[Place, Led], wants: Wants, *, committed: bool) -> list[_Read]:
        """All at once; each may bring the same part of what all may."""
        most = min(wants.max_bytes, READ_BYTES_MAX, self.settings.fetch_max_bytes)
        each = max(most // len(ours), 1)
        asked = [
            (
                led,
                place,
                offset := led.partition.next_fetch_offset,
                self.engine.read_batches(led.group, offset, each, committed=committed),
            )
            for place, led in ours.items()
        ]
        reads = [_Read(led, place, offset, await future) for led, place, offset, future in asked]
        for number, read in enumerate(reads):
            if read.batches.error is Error.OFFSET_OUT_OF_RANGE:  # the log has lost its beginning
                infos = await self.engine.log_info([read.led.group])
                log_start = infos[0].log_start if infos else -1
                reads[number] = read._replace(batches=read.batches._replace(log_start=log_start))
        return reads

    def _acquire(self, key: SessionKey, reads: Iterable[_Read], wants: Wants) -> dict[Place, ShareFetched]:
        found: dict[Place, ShareFetched] = {}
        left = wants.max_records
        for led, place, offset, batches in reads:
            if led.is_fenced:
                continue
            if batches.error is Error.OFFSET_OUT_OF_RANGE:
                led.partition.log_start_moved(batches.log_start)
                led.wake()
                found[place] = ShareFetched(Error.NONE)
                continue
            if batches.error:
                if batches.error is Error.UNKNOWN_TOPIC_OR_PARTITION:
                    led.fence()
                found[place] = ShareFetched(batches.error)
                continue
            wish = Wish(key.member_id, left, wants.batch_size, wants.record_limit)
            acquired = led.acquire(wish, offset, batches.spans)
            left -= sum(one.last_offset - one.first_offset + 1 for one in acquired)
            records = _holding(batches, acquired)
            found[place] = ShareFetched(Error.NONE, None, records, tuple(acquired))
        return found

    def metrics(self) -> dict[str, float]:
        """Sessions and share-partitions, Prometheus style."""
        return {
            "headrace_share_sessions": len(self.sessions),
            "headrace_share_partitions_led": len(self._led),
        }


def _share_key(key: SessionKey, place: Place) -> ShareKey:
    return ShareKey(key.group_id, place.topic_id, place.partition)


def _holding(batches: Batches, acquired: Sequence[Acquired]) -> bytes:
    """The record batches from the first acquired record to the last."""
    if not acquired:
        return b""
    first, last = acquired[0].first_offset, acquired[-1].last_offset
    at = begin = end = 0
    for span in batches.spans:
        if span.last < first:
            begin = at + span.size
        at += span.size
        if span.first <= last:
            end = at
    return batches.data[begin:end]
