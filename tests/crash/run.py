"""Crash a broker under load, over and over, and judge what its clients saw.

    python -m tests.crash.run --runs N [--mode kill|power] [--seed S] [--moment NAME]

Each run has a seed that fixes its moment and its timing. Four idempotent producers, two groups of two members, and in
some runs topics that come and go; then kill -9 (or the power), a restart, more load, and at the end everything is read
back after a clean stop and start. A run that fails keeps its directory and prints how to run it again.
"""

from __future__ import annotations

import argparse
import random  # noqa: TID251 - seeded: a run is repeated by its number
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from confluent_kafka import KafkaException

from tests.crash import checker, clients, disk
from tests.crash.checker import Anomaly
from tests.crash.clients import Client, Stuck, until
from tests.crash.history import History, Place, load
from tests.crash.node import Node, NodeFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.crash.history import Seen

NOT_RUN_EXIT: Final = 77
PRODUCERS: Final = 4
GROUPS: Final = ("g1", "g2")
MEMBERS: Final = 2
RATE: Final = 750
"""Records a second of each producer; all together must see 2,000 acknowledged a second."""
ACKED_PER_S_MIN: Final = 2000
WARM_ACKS: Final = 2000
"""Acknowledged records before the first crash, and after the last one."""
TOPICS: Final = {"load": (6, {}), "roll": (2, {"segment.bytes": str(1 << 20)})}
PLACES: Final[list[Place]] = [(name, index) for name, (count, _) in TOPICS.items() for index in range(count)]
BASE: Final = {"auto.create.topics.enable": "false"}
"""A producer that still asks after a deleted topic would bring it back."""
SMALL_JOURNAL: Final = {"headrace.journal.file.bytes": str(1 << 20), "headrace.journal.files.max": "4"}


class Moment(NamedTuple):
    """When the crash comes: what the clients do then, and how the broker is set."""

    name: str
    wait_s_max: float
    record_bytes: int = 300
    settings: Mapping[str, str] = MappingProxyType({})
    churn: bool = False
    """Topics are made and deleted all the time."""


MOMENTS: Final = (
    Moment("idle", 0.3),
    Moment("load", 1.5),
    Moment("roll", 1.5, record_bytes=4000),
    Moment("checkpoint", 1.5, record_bytes=1500, settings=SMALL_JOURNAL),
    Moment("create-delete", 1.0, churn=True),
    Moment("rebalance", 0.5),
    Moment("recovery", 0.8, record_bytes=1000),
)


class Verdict(NamedTuple):
    """What came of one run."""

    acked: int
    acked_per_s: float
    crashes: int
    restart_s: float
    anomalies: list[Anomaly]


class Run:
    """One run: a broker, its clients and a moment."""

    def __init__(
        self, seed: int, mode: str, moment: Moment, settings: Mapping[str, str], directory: Path
    ) -> None:
        self._rng = random.Random(seed)
        self._moment = moment
        self._directory = directory
        self._disk = disk.CutDisk(directory) if mode == "power" else disk.PlainDisk(directory)
        self._node = Node(
            self._disk.data_dir, directory / "broker.log", {**BASE, **moment.settings, **settings}
        )
        self._producers: list[Client] = []
        self._members: list[Client] = []
        self._admins: list[Client] = []
        self._seen: list[Seen] = []
        self._crashes = 0
        self._restart_s = 0.0
        self._nothing = threading.Event()

    def perform(self) -> Verdict:
        """The whole of it. What goes wrong on the way is an anomaly, too."""
        trouble: list[Anomaly] = []
        drained = History()
        rate = 0.0
        try:
            try:
                self._start()
                rate = self._warm()
                for _ in range(self._rng.randint(1, 2)):
                    self._reach_moment()
                    self._crash()
                    self._warm()
                self._finish()
                if rate < ACKED_PER_S_MIN:
                    trouble.append(Anomaly("slow", f"{rate:.0f} acknowledged a second before the crash"))
            except (Stuck, NodeFailed) as failed:
                trouble.append(Anomaly(type(failed).__name__.lower(), str(failed)))
            if self._node.running():  # also after trouble: what is in the log tells why
                clients.drain(self._node.bootstrap, PLACES, "churn", drained)
        except (Stuck, KafkaException, OSError) as failed:
            trouble.append(Anomaly(type(failed).__name__.lower(), str(failed)))
        finally:
            self._close()
        history = self._load()
        history.drained, history.topics_at_end = drained.drained, drained.topics_at_end
        if not drained.topics_at_end:
            history.changes.clear()
        found = checker.check(history)
        if trouble:  # a client that was cut short did not tell all that it sent
            found = [anomaly for anomaly in found if anomaly.kind not in checker.NEEDS_ALL]
        acked = sum(sent.outcome == "ok" for sent in history.sent)
        return Verdict(acked, rate, self._crashes, self._restart_s, trouble + found)

    def _start(self) -> None:
        self._node.start()
        at = self._node.bootstrap
        clients.create_topics(at, TOPICS)
        for index in range(PRODUCERS):
            places = PLACES[index:] + PLACES[:index]
            settings = {"rate": RATE, "size": self._moment.record_bytes, "places": places}
            self._producers.append(Client("producer", f"p{index}", self._directory, at, settings))
        for group in GROUPS:
            for _ in range(MEMBERS):
                self._join(group)
        if self._moment.churn:
            self._admins.append(Client("admin", "churn", self._directory, at, {"prefix": "churn"}))

    def _join(self, group: str) -> None:
        name = f"{group}/{len(self._members)}"
        settings = {"group": group, "topics": list(TOPICS)}
        self._members.append(Client("member", name, self._directory, self._node.bootstrap, settings))

    def _acked(self) -> int:
        return sum(producer.progress("acked") for producer in self._producers)

    def _warm(self) -> float:
        """Wait for acknowledgements and for the groups; gives acknowledged records a second."""
        until("the first acknowledgement of each", lambda: all(p.progress("acked") for p in self._producers))
        before, began = self._acked(), time.monotonic()
        until(f"{WARM_ACKS} acknowledged records", lambda: self._acked() >= before + WARM_ACKS)
        rate = (self._acked() - before) / (time.monotonic() - began)
        until("records for every group", lambda: all(self._read(group) for group in GROUPS))
        return rate

    def _read(self, group: str) -> int:
        return sum(member.progress("read") for member in self._members if member.name.startswith(f"{group}/"))

    def _reach_moment(self) -> None:
        match self._moment.name:
            case "idle":
                for producer in self._producers:
                    producer.tell("pause")
                until(
                    "all outcomes", lambda: not any(producer.progress("open") for producer in self._producers)
                )
            case "rebalance":
                for group in GROUPS:
                    self._join(group)
            case "create-delete":
                before = self._admins[0].progress("changes")
                until("topics to come and go", lambda: self._admins[0].progress("changes") > before + 3)
        self._nothing.wait(self._rng.uniform(0, self._moment.wait_s_max))

    def _crash(self) -> None:
        self._crash_once()
        if self._moment.name == "recovery":
            for _ in range(self._rng.randint(1, 3)):
                self._node.launch()
                self._nothing.wait(self._rng.uniform(0, 0.25))
                self._crash_once()
        self._restart_s = max(self._restart_s, self._node.start())
        self._look_at_offsets()
        if self._moment.name == "idle":
            for producer in self._producers:
                producer.tell("resume")

    def _crash_once(self) -> None:
        self._crashes += 1
        self._disk.crash(self._node.kill, kill_first=self._rng.random() < 0.5)

    def _look_at_offsets(self) -> None:
        for group in GROUPS:
            self._seen += clients.committed(self._node.bootstrap, group, PLACES)

    def _finish(self) -> None:
        """Let everybody end well, then stop and start the broker, so that all is read from disk."""
        self._end(self._admins)
        self._end(self._producers)
        at = self._node.bootstrap
        wanted = {place: end for place, (_, end) in clients.ends(at, PLACES).items()}
        for group in GROUPS:
            until(f"{group} to commit everything", lambda group=group: self._caught_up(group, wanted))
        self._end(self._members)
        self._node.stop()
        self._node.start()
        self._look_at_offsets()

    def _caught_up(self, group: str, wanted: dict[Place, int]) -> bool:
        told = clients.committed(self._node.bootstrap, group, PLACES)
        return all(one.offset == wanted[one.place] for one in told if wanted[one.place])

    def _end(self, some: list[Client]) -> None:
        for client in some:
            client.tell("stop")
        until("clients to end", lambda: all(client.ended() for client in some), within_s=150)

    def _load(self) -> History:
        history = load(client.file for client in [*self._producers, *self._members, *self._admins])
        history.seen = self._seen
        return history

    def _close(self) -> None:
        for client in [*self._producers, *self._members, *self._admins]:
            client.close()
        self._node.kill()
        self._disk.close()


def main() -> int:
    """Perform the runs; print each verdict and the sum; give the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--mode", choices=["kill", "power"], default="kill")
    parser.add_argument(
        "--seed", type=int, default=1, help="of the first run; each next one has the next number"
    )
    parser.add_argument("--moment", choices=[moment.name for moment in MOMENTS], help="only this one")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a broker setting")
    options = parser.parse_args()
    if options.mode == "power":
        with tempfile.TemporaryDirectory(prefix="headrace-crash-") as trial:
            if reason := disk.why_not(Path(trial)):
                print(f"NOT RUN: power cannot be cut here: {reason}")
                return NOT_RUN_EXIT
    settings = dict(word.split("=", 1) for word in options.set)
    failed, acked, crashes = 0, 0, 0
    for seed in range(options.seed, options.seed + options.runs):
        verdict = one(seed, options.mode, options.moment, settings)
        failed += bool(verdict.anomalies)
        acked += verdict.acked
        crashes += verdict.crashes
    print(
        f"{options.mode}: {options.runs - failed} of {options.runs} runs good, {acked:,} acknowledged, {crashes} crashes"
    )
    print(f"{options.runs - failed} passed, {failed} failed")
    return 1 if failed else 0


def one(seed: int, mode: str, only: str | None, settings: Mapping[str, str]) -> Verdict:
    """One run and its line. What failed keeps its directory."""
    moment = next((m for m in MOMENTS if m.name == only), MOMENTS[seed % len(MOMENTS)])
    directory = Path(tempfile.mkdtemp(prefix=f"headrace-crash-{seed}-"))
    began = time.monotonic()
    verdict = Run(seed, mode, moment, settings, directory).perform()
    kinds = [anomaly.kind for anomaly in verdict.anomalies]

    def count(some: frozenset[str]) -> int:
        return sum(kind in some for kind in kinds)

    print(
        f"seed {seed:4} {moment.name:13} {verdict.acked:7,} acked at {verdict.acked_per_s:5,.0f}/s, "
        f"{verdict.crashes} crashes, ready again in {verdict.restart_s:.2f} s: "
        f"{count(checker.LOST)} lost, {count(checker.DUPLICATED)} duplicated, {count(checker.REORDERED)} reordered, "
        f"{count(checker.OFFSETS)} offsets wrong  {'ok' if not kinds else 'BAD'} ({time.monotonic() - began:.1f} s)",
        flush=True,
    )
    if not kinds:
        shutil.rmtree(directory)
        return verdict
    for anomaly in verdict.anomalies[:10]:
        print(f"    {anomaly.kind}: {anomaly.what}")
    print(f"    {len(kinds)} anomalies; kept: {directory}")
    print(
        f"    again: python -m tests.crash.run --mode {mode} --moment {moment.name} --seed {seed} --runs 1",
        flush=True,
    )
    return verdict


if __name__ == "__main__":
    sys.exit(main())
