"""How long a heartbeat and an OffsetCommit take in the group coordinator: prints microseconds, best of five.

Whole path but for the socket and the log: decode the request, decide on the fold, apply, encode records and response.
The log is a fake that commits at once.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python"))

from headrace.coordinator.group.classic.joining import Asker
from headrace.coordinator.group.machine import GroupMachine
from headrace.coordinator.group.offsets import Commit, CommitPart
from headrace.coordinator.group.records import encode_record
from headrace.coordinator.group.settings import GroupSettings
from headrace.coordinator.runtime.driver import Driver
from headrace.coordinator.runtime.effects import Effects, Now
from headrace.coordinator.runtime.manual_timers import ManualTimers
from headrace.engine.fake import FakeEngine
from headrace.wire.codec import decode, encode
from headrace.wire.messages.k08_offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from headrace.wire.messages.k11_join_group import JoinGroupRequest, JoinGroupRequestProtocol
from headrace.wire.messages.k12_heartbeat import HeartbeatRequest, HeartbeatResponse
from headrace.wire.messages.k14_sync_group import SyncGroupRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

NOW = Now(1_000, 1_700_000_000_000)


def stable_group() -> tuple[GroupMachine, str]:
    """A machine with one Stable group of one member."""
    machine = GroupMachine(GroupSettings(initial_rebalance_delay_ms=0))
    joining = JoinGroupRequest("g", 10_000, 60_000, "", None, "consumer", [JoinGroupRequestProtocol("range")])

    def perform(effects: Effects[Any]) -> None:
        for record in effects.records:
            machine.apply(record)

    perform(machine.decide_join(joining, Asker(3, "c", "/h", "1"), 1, NOW))
    perform(machine.fired(next(iter(_join_timer(machine))), NOW))
    perform(machine.decide_sync(SyncGroupRequest("g", 1, "c-1"), 2, NOW))
    return machine, "c-1"


def _join_timer(machine: GroupMachine) -> list[Any]:
    from headrace.coordinator.group.turn import GroupTimer

    return [GroupTimer("join", group_id) for group_id in machine.classic]


def best_us(work: Callable[[], None], times: int) -> float:
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter_ns()
        for _ in range(times):
            work()
        best = min(best, (time.perf_counter_ns() - started) / times / 1000)
    return best


def begin(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The outcome of a coroutine that does not wait."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits")


async def main() -> None:
    machine, member = stable_group()
    heartbeat = encode(HeartbeatRequest("g", 1, member), 4)

    def decide_heartbeat() -> None:
        machine.decide_heartbeat(decode(HeartbeatRequest, 4, heartbeat), 1, NOW)

    engine = FakeEngine()
    engine.create(1)
    manual = ManualTimers()
    driver = Driver(engine, 1, "offsets-1", lambda: machine, manual, manual)
    driver.opened_empty()
    machine.classic = stable_group()[0].groups

    def heartbeat_through_driver() -> None:
        request = decode(HeartbeatRequest, 4, heartbeat)
        error = begin(driver.submit(lambda m, waiter, now: m.decide_heartbeat(request, waiter, now)))
        assert error == 0
        encode(HeartbeatResponse(error_code=error), 4)

    print(f"heartbeat, decode and decide        {best_us(decide_heartbeat, 20_000):7.2f} us")
    print(f"heartbeat, decode to encoded answer {best_us(heartbeat_through_driver, 20_000):7.2f} us")
    for partitions in (1, 10, 100):
        parts = [OffsetCommitRequestPartition(p, p, 1, "") for p in range(partitions)]
        body = encode(
            OffsetCommitRequest("g", 1, member, None, -1, [OffsetCommitRequestTopic("t", partitions=parts)]),
            8,
        )

        def commit(body: bytes = body) -> None:
            request = decode(OffsetCommitRequest, 8, body)
            asked = [
                CommitPart(
                    topic.name,
                    p.partition_index,
                    p.committed_offset,
                    p.committed_leader_epoch,
                    p.committed_metadata,
                )
                for topic in request.topics
                for p in topic.partitions
            ]
            effects = machine.decide_commit(Commit(8, "g", member, None, 1, -1, asked), 1, NOW)
            for record in effects.records:
                machine.apply(record)
                encode_record(record)

        print(
            f"commit of {partitions:3} partitions            {best_us(commit, 20_000 // partitions):7.2f} us"
        )


if __name__ == "__main__":
    gc.freeze()
    asyncio.run(main())
