"""`make fuzz LIVE=100000`: so many hostile frames at a live broker, with an honest client beside them.

Holds if: the broker lives and its log shows no panic and no unhandled exception; the honest client's produce and fetch
take at most a second each; memory grows by at most 128 MiB; every answer to a good frame is well-formed and in order;
frames that can't be frames end their connection; every advertised (key, version) got its share and half of all frames
decode past the header.

Every frame follows from seed and number: `--seed S --from N --frames K` sends the same ones again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import time
from pathlib import Path
from typing import Final

from headrace.testing.broker import Broker
from tests.hostile import attacks
from tests.hostile.frames import PAIRS, make
from tests.hostile.sender import Tally, episodes, play

ROOT: Final = Path(__file__).resolve().parents[2]
SENDERS: Final = 24
BLOCK_FRAMES: Final = 16
"""Frames a sender makes and sends before it takes more."""
MEMORY_GROWTH_MAX: Final = 128 << 20
CANARY_S_MAX: Final = 1.0
PER_PAIR_MIN: Final = 200
DECODING_SHARE_MIN: Final = 0.5
ALARMS: Final = (
    "panicked at",
    "Traceback (most recent call last)",
    "UNKNOWN_SERVER_ERROR",
    "assertion failed",
)
"""Words that a log of a healthy broker under attack does not hold."""
FDS_KEPT: Final = 2_000


class Watch:
    """The broker's memory and the canary's times."""

    def __init__(self, broker: Broker) -> None:
        self.pid, self.address = broker.pid, broker.bootstrap_servers
        self.times: list[dict[str, float]] = []
        self.memory: list[int] = []
        self.sang = asyncio.Condition()
        self.silent = False

    async def run(self) -> None:
        """Listen until the canary falls silent or this task is cancelled."""
        command = [sys.executable, "-m", "tests.hostile.canary", self.address]
        pipe = asyncio.subprocess.PIPE
        canary = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=pipe, stdout=pipe)
        assert canary.stdout is not None
        try:
            async for line in canary.stdout:
                self.times.append(json.loads(line))
                self.memory.append(memory_bytes(self.pid))
                async with self.sang:
                    self.sang.notify_all()
        finally:
            self.silent = True
            async with self.sang:
                self.sang.notify_all()
            if canary.returncode is None:
                canary.kill()
            await canary.wait()

    async def hear(self, more: int, wait_s: float) -> bool:
        """Whether the canary sings so many times more in time."""
        until = len(self.times) + more
        try:
            async with asyncio.timeout(wait_s), self.sang:
                await self.sang.wait_for(lambda: self.silent or len(self.times) >= until)
        except TimeoutError:
            return False
        return len(self.times) >= until

    def slowest(self) -> float:
        """Seconds of the slowest produce or fetch."""
        return max((max(seen.values()) for seen in self.times), default=float("inf"))


def memory_bytes(pid: int) -> int:
    """Resident memory; 0 when the process is gone."""
    status = Path(f"/proc/{pid}/status")
    for line in status.read_text().splitlines() if status.exists() else []:
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


async def attack(broker: Broker, given: argparse.Namespace) -> tuple[Tally, Watch, list[str]]:
    """Send everything; gives the tally, the watch, and what did not hold."""
    host, port = broker.bootstrap_servers.rsplit(":", 1)
    tally, failed = Tally(), []
    watch = Watch(broker)
    watching = asyncio.create_task(watch.run())
    if not await watch.hear(3, 30):  # a warm broker is what growth is measured from
        raise RuntimeError("the canary did not sing before the attack began")
    baseline = watch.memory[-1]
    held = [
        asyncio.create_task(start())
        for count, start in attacks.holders(host, int(port), given.idle).values()
        for _ in range(count)
    ]
    numbers = iter(range(given.first, given.first + given.frames, BLOCK_FRAMES))
    last = given.first + given.frames

    async def send() -> None:
        for block in numbers:
            made = [make(given.seed, n) for n in range(block, min(block + BLOCK_FRAMES, last))]
            for episode in episodes(made):
                await play(host, int(port), episode, tally)
                if not broker.running:
                    tally.wrong.append(
                        f"the broker died at frames {episode[0].number}-{episode[-1].number} or shortly before"
                    )
                    return

    await asyncio.gather(*(send() for _ in range(SENDERS)))
    for name, data in attacks.strangers().items():
        tally.sent[name] += 1
        if broker.running and not await attacks.must_close(host, int(port), data):
            failed.append(f"{name}: the connection was still open after {attacks.CLOSE_WAIT_S:.0f} s")
    if not await watch.hear(3, 10):
        failed.append("the canary fell silent")
    for task in held:
        task.cancel()
    outcomes = await asyncio.gather(*held, return_exceptions=True)
    failed += [f"an attack could not go on: {error!r}" for error in outcomes if isinstance(error, OSError)]
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    growth = max(watch.memory) - baseline
    if growth > MEMORY_GROWTH_MAX:
        failed.append(f"memory grew by {growth >> 20} MiB, more than {MEMORY_GROWTH_MAX >> 20}")
    print(
        f"memory: {baseline >> 20} MiB before, at most {max(watch.memory) >> 20}, {watch.memory[-1] >> 20} at the end"
    )
    return tally, watch, failed


def judge(broker: Broker, tally: Tally, watch: Watch, frames: int) -> list[str]:
    """What did not hold."""
    failed = list(dict.fromkeys(tally.wrong))[:20]
    if not broker.running:
        failed.append("the broker is gone")
    log = broker.log_path.read_text(errors="replace")
    for line in log.splitlines():
        if any(alarm in line for alarm in ALARMS):
            failed.append(f"in the broker's log: {line[:300]}")
            break
    if watch.slowest() > CANARY_S_MAX:
        failed.append(f"the canary waited {watch.slowest():.2f} s")
    if frames >= PER_PAIR_MIN * len(PAIRS):
        few = [pair for pair in PAIRS if tally.pairs[pair] < PER_PAIR_MIN]
        failed += [f"(key, version) {pair} got {tally.pairs[pair]} frames only" for pair in few]
    share = tally.decoding.total() / max(1, sum(tally.pairs.values()))
    if share < DECODING_SHARE_MIN:
        failed.append(f"only {share:.0%} of the frames decode past the header")
    return failed


def show(tally: Tally, watch: Watch) -> None:
    """Frames by class and what came of them."""
    print(f"{'class':24}{'frames':>8}{'decode':>8}{'answered':>10}{'closed':>8}{'waiting':>8}")
    for kind, count in tally.sent.most_common():
        cells = [tally.outcome[kind, outcome] for outcome in ("answered", "closed", "no answer yet")]
        print(f"{kind:24}{count:8}{tally.decoding[kind]:8}{cells[0]:10}{cells[1]:8}{cells[2]:8}")
    total = sum(tally.pairs.values())
    print(
        f"{total} frames of {len(tally.pairs)} (key, version) pairs, at least {min(tally.pairs.values(), default=0)} each, "
        f"{tally.decoding.total() / max(1, total):.0%} decode past the header"
    )
    print(f"canary: {len(watch.times)} times, slowest {watch.slowest():.3f} s")
    if tally.closed_on_good:
        print(f"good frames answered by closing: {dict(tally.closed_on_good.most_common(12))}")


def main() -> int:
    """Attack; print; judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--from", dest="first", type=int, default=0, help="number of the first frame")
    parser.add_argument("--seed", type=int, default=20_261_125)
    parser.add_argument("--idle", type=int, default=attacks.IDLE, help="connections that say nothing")
    given = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    given.idle = min(given.idle, hard // 2 - FDS_KEPT) if hard < given.idle + FDS_KEPT else given.idle
    began = time.monotonic()
    with Broker(durable=True) as broker:
        tally, watch, failed = asyncio.run(attack(broker, given))
        show(tally, watch)
        failed += judge(broker, tally, watch, given.frames)
        if failed:
            kept = Path("/tmp") / f"headrace-hostile-{given.seed}.log"
            kept.write_bytes(broker.log_path.read_bytes())
            print(f"the broker's log is {kept}", file=sys.stderr)
    for line in failed:
        print(f"hostile: {line}", file=sys.stderr)
    print(f"seed {given.seed}, {time.monotonic() - began:.0f} s")
    print(f"hostile: {0 if failed else 1} passed, {1 if failed else 0} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
