"""`make bench ONLY=groups`: what 2,000 classic groups of 5 members cost a broker, beside Apache Kafka under the same load.

Every member has a connection of its own, as a consumer has, heartbeats every 3 s and commits 10 partitions every 5 s. Both
brokers run on all cores, one after the other; what counts is their CPU. Kafka's compiler gets the same time to settle.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import struct
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.clients.apache_kafka import ApacheKafka

from bench.broker import TICKS_PER_S, Broker, cpu_s
from bench.row import Row, attempt
from headrace.client.protocol import read_answer
from headrace.wire.headers import request_frame
from headrace.wire.messages.k08_offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from headrace.wire.messages.k10_find_coordinator import FindCoordinatorRequest
from headrace.wire.messages.k11_join_group import JoinGroupRequest, JoinGroupRequestProtocol
from headrace.wire.messages.k12_heartbeat import HeartbeatRequest
from headrace.wire.messages.k14_sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from headrace.wire.messages.k19_create_topics import CreatableTopic, CreateTopicsRequest

if TYPE_CHECKING:
    from bench.generator import Generator
    from bench.path import Settings
    from headrace.wire.schema import Message

GROUPS = 2_000
MEMBERS = 5
PARTITIONS_EACH = 10
HEARTBEAT_S = 3.0
COMMIT_S = 5.0
SETTLE_S = 30.0
"""Under load before anything is measured: Java compiles meanwhile."""
MEASURED_S = 60.0
ATTEMPTS_MAX = 100
JOINING_AT_ONCE = 250
"""Groups that form at the same time."""
ANSWER_S_MAX = 60.0
AGAIN_S = 0.02
LATE_S = 1.0
"""A heartbeat answered later than this is not what a broker that keeps up gives."""

FIND, JOIN, SYNC, HEARTBEAT, COMMIT, CREATE = 2, 3, 3, 3, 7, 4
"""Versions: all that Kafka and headrace know, none that wants a second JoinGroup for an id."""

TOPIC = "groups"
_LENGTH = struct.Struct(">i")
_ERROR_AFTER_THROTTLE = struct.Struct(">h")


def rows() -> dict[str, Row]:
    """The rows with this version's bars, before anything ran."""
    listed = [
        Row("groups", "broker CPU, 2,000 groups of 5, share of Apache Kafka's", "x", "less", 1.0, "≤ 0.6"),
        Row("groupscpu", "the same", "% of a core", "less", None),
        Row("groupsp99", "a heartbeat's p99", "ms", "less", None),
    ]
    return {row.name: row for row in listed}


def measure(generator: Generator, settings: Settings) -> tuple[list[Row], list[dict[str, Any]]]:
    """All rows and, for the record, every raw result."""
    del generator  # the load is made here: members have to join
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    found = rows()
    raw: list[dict[str, Any]] = []
    for run in range(settings.runs):
        print(f"groups: run {run + 1} of {settings.runs}", flush=True)
        raw.append(attempt(found, tuple(found), lambda: _run(settings, found)))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return list(found.values()), raw


def _run(settings: Settings, found: dict[str, Row]) -> dict[str, Any]:
    directory = settings.directory / "groups"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    broker = Broker(directory / "data", dev=False)
    try:
        ours = asyncio.run(_load(broker.port, broker.pid, broker.admin))
    finally:
        broker.kill()
    with ApacheKafka() as kafka:
        theirs = asyncio.run(_load(int(kafka.bootstrap_servers.rpartition(":")[2]), kafka.pid, None))
    ratio = ours.cpu_s / theirs.cpu_s
    found["groups"].add(ratio, f"Kafka {100 * theirs.cpu_s / MEASURED_S:.1f} % of a core")
    found["groupscpu"].add(100 * ours.cpu_s / MEASURED_S, f"{ours.requests / MEASURED_S:,.0f} requests/s")
    found["groupsp99"].add(ours.p99_ms, f"Kafka {theirs.p99_ms:.1f}")
    split = ", ".join(f"{name} {100 * used / MEASURED_S:.1f} %" for name, used in ours.threads.items())
    found["groups"].notes = [
        f"{ours.batch:.2f} requests for each time Python was woken; CPU by thread: {split}"
    ]
    return {"ours": ours._asdict(), "kafka": theirs._asdict()}


class Load(NamedTuple):
    """What one broker did under the load, over `MEASURED_S`."""

    cpu_s: float
    requests: int
    p99_ms: float
    late: int
    """Heartbeats that took longer than `LATE_S`."""
    batch: float
    """Requests for each time the control plane was woken; 0: not known."""
    threads: dict[str, float]
    """CPU seconds by thread name, the largest first."""


class Member(asyncio.Protocol):
    """A connection with one request in flight at a time, as the JVM's and C's consumers keep them."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[bytes] | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) >= 4 and len(self._buffer) >= 4 + _LENGTH.unpack_from(self._buffer)[0]:
            assert self._answer is not None, "a broker answers only what was asked"
            frame, self._buffer = self._buffer[4:], b""
            if not self._answer.done():
                self._answer.set_result(frame)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(RuntimeError(f"the broker closed a member's connection ({exc})"))

    def close(self) -> None:
        """Close without waiting."""
        if self._transport is not None:
            self._transport.close()

    async def frame(self, frame: bytes) -> bytes:
        """Send a request and wait for its answer, both without their length."""
        assert self._transport is not None, "it is connected"
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(frame)
        return await asyncio.wait_for(self._answer, ANSWER_S_MAX)

    async def call(self, request: Message, version: int) -> Any:
        """Send a request and read its answer."""
        frame = await self.frame(request_frame(request, version, 1, "bench"))
        return read_answer(request, version, frame)[1]


async def _load(port: int, pid: int, admin: str | None) -> Load:
    """Form the groups, let the load settle, measure."""
    loop = asyncio.get_running_loop()
    members = [(await loop.create_connection(Member, "127.0.0.1", port))[1] for _ in range(GROUPS * MEMBERS)]
    topic = CreatableTopic(TOPIC, MEMBERS * PARTITIONS_EACH, 1)
    await members[0].call(CreateTopicsRequest([topic], 30_000), CREATE)
    await _coordinators(members[0])
    gate = asyncio.Semaphore(JOINING_AT_ONCE)
    working = Working()
    tasks: list[asyncio.Task[None]] = []

    async def form(number: int) -> None:
        async with gate:
            group = f"bench-{number}"
            own = members[number * MEMBERS : (number + 1) * MEMBERS]
            joined = await _form(group, own)
            for place, (member, member_id, generation) in enumerate(joined):
                frames = _frames(group, member_id, generation, place)
                tasks.append(asyncio.ensure_future(working.work(member, *frames)))

    await asyncio.gather(*(form(number) for number in range(GROUPS)))
    await _unless_one_fails(tasks, SETTLE_S)
    working.reset()
    before, batches, threads = cpu_s(pid), _batches(admin), _threads(pid)
    await _unless_one_fails(tasks, MEASURED_S)
    used, woken, after = cpu_s(pid) - before, _batches(admin) - batches, _threads(pid)
    requests, waits = working.requests, sorted(working.waits)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for member in members:
        member.close()
    split = {name: after[name] - threads.get(name, 0.0) for name in after}
    return Load(
        used,
        requests,
        1000 * waits[len(waits) * 99 // 100],
        sum(wait > LATE_S for wait in waits),
        requests / woken if woken else 0.0,
        dict(sorted(split.items(), key=lambda row: -row[1])[:4]),
    )


async def _coordinators(member: Member) -> None:
    """Have the offsets topic made and loaded: Kafka makes it when a coordinator is looked for."""
    for number in range(ATTEMPTS_MAX):
        found = await member.call(FindCoordinatorRequest("bench-0"), FIND)
        joined = await member.call(_join(f"warm-{number}", ""), JOIN)
        if not found.error_code and not joined.error_code:
            return
        await asyncio.sleep(0.1)
    raise RuntimeError(f"no coordinator: errors {found.error_code} and {joined.error_code}")


async def _unless_one_fails(tasks: list[asyncio.Task[None]], seconds: float) -> None:
    """Let members work so long. Raises what ended one of them."""
    done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    for task in done:
        task.result()


async def _form(group: str, members: list[Member]) -> list[tuple[Member, str, int]]:
    """Make all of them members of one generation: connection, member id and generation of each."""
    sizes: dict[int, asyncio.Future[int]] = {}
    joins = await asyncio.gather(*(_join_with_all(group, member, sizes) for member in members))
    ids = [join.member_id for join in joins]
    syncs = [_sync(group, join, ids) for join in joins]
    synced = await asyncio.gather(
        *(member.call(sync, SYNC) for member, sync in zip(members, syncs, strict=True))
    )
    if any(sync.error_code for sync in synced):
        raise RuntimeError(f"{group} does not form: errors {[sync.error_code for sync in synced]}")
    return [(member, join.member_id, join.generation_id) for member, join in zip(members, joins, strict=True)]


async def _join_with_all(group: str, member: Member, sizes: dict[int, asyncio.Future[int]]) -> Any:
    """Join until a generation has all members. Its leader is told who is in it, and notes in `sizes` how many."""
    member_id = ""
    for _ in range(ATTEMPTS_MAX):
        join = await member.call(_join(group, member_id), JOIN)
        if join.error_code:
            raise RuntimeError(f"{group} does not form: error {join.error_code}")
        member_id = join.member_id
        size = sizes.setdefault(join.generation_id, asyncio.get_running_loop().create_future())
        if join.leader == member_id:
            size.set_result(len(join.members))
        if await size == MEMBERS:
            return join
        await asyncio.sleep(AGAIN_S)
    raise RuntimeError(f"{group} does not form in {ATTEMPTS_MAX} generations")


def _join(group: str, member_id: str) -> JoinGroupRequest:
    subscription = struct.pack(">hih", 0, 1, len(TOPIC)) + TOPIC.encode() + struct.pack(">i", 0)
    protocols = [JoinGroupRequestProtocol("range", subscription)]
    return JoinGroupRequest(group, 30_000, 60_000, member_id, None, "consumer", protocols)


def _sync(group: str, join: Any, ids: list[str]) -> SyncGroupRequest:
    given = [SyncGroupRequestAssignment(member_id, b"\0" * 32) for member_id in ids]
    leads = join.leader == join.member_id
    return SyncGroupRequest(
        group, join.generation_id, join.member_id, None, assignments=given if leads else []
    )


def _frames(group: str, member_id: str, generation: int, place: int) -> tuple[bytes, bytes]:
    """A member's heartbeat and its commit, whole: they are the same each time."""
    heartbeat = HeartbeatRequest(group, generation, member_id)
    first = place * PARTITIONS_EACH
    partitions = [OffsetCommitRequestPartition(first + n, 1_000_000) for n in range(PARTITIONS_EACH)]
    commit = OffsetCommitRequest(
        group, generation, member_id, topics=[OffsetCommitRequestTopic(TOPIC, partitions=partitions)]
    )
    return request_frame(heartbeat, HEARTBEAT, 1, "bench"), request_frame(commit, COMMIT, 1, "bench")


class Working:
    """What all members do, and how long the broker takes to answer."""

    def __init__(self) -> None:
        self.requests = 0
        self.waits: list[float] = []

    def reset(self) -> None:
        """What was counted does not count."""
        self.requests = 0
        self.waits = []

    async def work(self, member: Member, heartbeat: bytes, commit: bytes) -> None:
        """Heartbeat and commit until cancelled, at a moment of the member's own. Raises on an answer with an error."""
        now = time.monotonic()
        start = int.from_bytes(os.urandom(4), "big") / 2**32
        beat_at, commit_at = now + start * HEARTBEAT_S, now + start * COMMIT_S
        while True:
            at = min(beat_at, commit_at)
            await asyncio.sleep(max(0.0, at - time.monotonic()))
            asked = time.monotonic()
            if at == beat_at:
                answer = await member.frame(heartbeat)
                self.waits.append(time.monotonic() - asked)
                beat_at += HEARTBEAT_S
                (error,) = _ERROR_AFTER_THROTTLE.unpack_from(answer, 8)
                if error:
                    raise RuntimeError(f"a heartbeat was answered with error {error}")
            else:
                answer = await member.frame(commit)
                commit_at += COMMIT_S
                if answer[-2:] != b"\0\0":
                    raise RuntimeError("an offset was not committed")
            self.requests += 1


def _batches(admin: str | None) -> int:
    """How often the engine has woken Python with requests, by our metrics."""
    if admin is None:
        return 0
    with urllib.request.urlopen(f"http://{admin}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return int(
        next(
            float(line.split()[1])
            for line in text.splitlines()
            if line.startswith("headrace_request_batches_total")
        )
    )


def _threads(pid: int) -> dict[str, float]:
    """CPU seconds by thread name; threads of one name together."""
    found: dict[str, float] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        head, _, rest = (task / "stat").read_text().rpartition(")")
        name, fields = head.partition("(")[2], rest.split()
        found[name] = found.get(name, 0.0) + (int(fields[11]) + int(fields[12])) / TICKS_PER_S
    return found
