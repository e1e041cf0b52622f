"""Consume, transform, produce, exactly once, while brokers and workers are killed; then count.

    python -m tests.eos.run --runs N [--seed S] [--inputs I] [--protocol first|second|both]

Each run has a seed that fixes what strikes, in which order, and its timing. Inputs come in portions; in the middle of each
something strikes: kill -9 of the broker or of a worker, also while a transaction is written, or committed; and a worker that
stands still until its transaction was aborted and goes on as a zombie. Workers are librdkafka's (`first` protocol), Java's
(`second`), or one of each. At the end everything is read back after a clean stop and start. A run that fails keeps its
directory and prints how to run it again.
"""

from __future__ import annotations

import argparse
import json
import random  # noqa: TID251 - seeded: a run is repeated by its number
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from confluent_kafka import KafkaException, Producer

from tests.broker.raw import Raw
from tests.broker.transactions import Transactional
from tests.clients import programs
from tests.crash import clients
from tests.crash.checker import Anomaly
from tests.crash.clients import Child, Stuck, until
from tests.crash.node import Node, NodeFailed
from tests.eos.checker import check
from tests.eos.live import LiveReader
from tests.eos.reader import end, read
from tests.eos.transform import GROUP, INPUT, OUTPUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.eos.reader import Partition

NOT_RUN_EXIT: Final = 77
PARTITIONS: Final = 4
INPUTS: Final = 20_000
WORKERS: Final = 2
BATCH_MAX: Final = 120
"""Inputs of one transaction."""
FURTHER: Final = 200
"""Inputs, whenever what is waited for may not come because there are none left."""
FEED_S: Final = 0.5
TRANSACTION_MS: Final = 4_000
SESSION_MS: Final = 3_000
WORK_S_MAX: Final = 180.0
"""How long workers may take for anything, also where eight of them share a core."""
GIVEN_UP_MAX: Final = 40
"""Workers that end by themselves in one run: some do whenever something strikes, and none of them may for ever."""
SETTINGS: Final = {
    "auto.create.topics.enable": "false",
    "group.min.session.timeout.ms": "1000",
    "group.initial.rebalance.delay.ms": "0",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "200",
}
MIXTURES: Final = {"first": ("first", "first"), "second": ("second", "second"), "both": ("first", "second")}
"""Of which protocol each worker is."""
ALWAYS: Final = ("zombie", "broker-commits")
OTHERS: Final = ("broker", "worker", "worker-commits", "worker-written", "both")


class Verdict(NamedTuple):
    """What came of one run."""

    strikes: list[str]
    given_up: int
    longest: tuple[float, str]
    """The longest wait, in seconds, and what it was for."""
    aborted: int
    """Records of aborted transactions that stand in the outputs, and that nobody may see."""
    anomalies: list[Anomaly]


class Run:
    """One run: a broker, its workers, and what strikes them."""

    def __init__(self, seed: int, protocol: str, inputs: int, directory: Path) -> None:
        self._seed = seed
        self._rng = random.Random(seed)
        self._protocols = MIXTURES[protocol]
        self._inputs_wanted = inputs
        self._directory = directory
        self._node = Node(directory / "data", directory / "broker.log", SETTINGS)
        self._workers: list[Child] = []
        self._inputs: dict[int, list[int]] = {number: [] for number in range(PARTITIONS)}
        self._moved_before = 0
        self._feeder = Producer(
            {
                "bootstrap.servers": self._node.bootstrap,
                "enable.idempotence": True,
                "linger.ms": 5,
                "reconnect.backoff.max.ms": 200,
                "log_level": 2,
            }
        )
        self._live: LiveReader | None = None
        self._longest = (0.0, "nothing")
        self._started = 0
        self._given_up = 0
        self._nothing = threading.Event()

    def perform(self) -> Verdict:
        """The whole of it. What goes wrong on the way is an anomaly, too."""
        strikes = [*ALWAYS, *self._rng.sample(OTHERS, 2)]
        self._rng.shuffle(strikes)
        outputs: dict[int, Partition] = {}
        try:
            self._start()
            for strike in strikes:
                self._strike(strike, self._inputs_wanted // (len(strikes) + 2))
                self._go_on()
            self._fill(max(self._inputs_wanted - self._filled(), FURTHER))
            offsets = self._finish()
            with Raw(self._node.bootstrap) as raw:
                outputs |= {number: read(raw, OUTPUT, number) for number in range(PARTITIONS)}
            anomalies = check(self._inputs, outputs, self._see(outputs), offsets)
        except (Stuck, NodeFailed, KafkaException, OSError, EOFError) as failed:
            anomalies = [Anomaly(type(failed).__name__.lower(), str(failed))]
        finally:
            self._close()
        aborted = sum(part.aborted for part in outputs.values())
        return Verdict(strikes, self._given_up, self._longest, aborted, anomalies)

    def _start(self) -> None:
        self._node.start()
        topics: dict[str, tuple[int, dict[str, str]]] = {INPUT: (PARTITIONS, {}), OUTPUT: (PARTITIONS, {})}
        clients.create_topics(self._node.bootstrap, topics)
        self._live = LiveReader(self._node.bootstrap, PARTITIONS)
        for number in range(WORKERS):
            self._workers.append(self._worker(number))

    def _worker(self, number: int) -> Child:
        """The next one under this number's transactional id."""
        self._started += 1
        name, seed = f"worker-{number}", self._seed * 1000 + self._started
        at = self._node.bootstrap
        if self._protocols[number] == "first":
            settings = {
                "seed": seed,
                "batch_max": BATCH_MAX,
                "transaction_ms": TRANSACTION_MS,
                "session_ms": SESSION_MS,
            }
            words = [sys.executable, "-m", "tests.eos.worker", name, at, json.dumps(settings)]
        else:
            numbers = [seed, BATCH_MAX, TRANSACTION_MS, SESSION_MS]
            words = [*programs.java_command("Transformer"), name, at, *map(str, numbers)]
        return Child(name, words, self._directory)

    # -- inputs -------------------------------------------------------------------------------------------------------

    def _filled(self) -> int:
        return sum(map(len, self._inputs.values()))

    def _fill(self, count: int) -> None:
        """Some inputs more, spread by chance."""
        feeder = self._feeder
        for _ in range(count):
            value, number = self._filled(), self._rng.randrange(PARTITIONS)
            self._inputs[number].append(value)
            feeder.produce(INPUT, str(value).encode(), partition=number)
        if left := feeder.flush(clients.PATIENCE_S):
            raise Stuck(f"{left} inputs are not acknowledged")

    # -- workers ------------------------------------------------------------------------------------------------------

    def _moved(self) -> int:
        return self._moved_before + sum(worker.progress("moved") for worker in self._workers)

    def _replace(self, number: int) -> Child:
        """Kill it if it lives, and start the next one."""
        gone = self._workers[number]
        gone.close()
        self._moved_before += gone.progress("moved")
        self._workers[number] = self._worker(number)
        return self._workers[number]

    def _tend(self) -> None:
        """Who has given up is replaced."""
        for number, worker in enumerate(self._workers):
            if worker.ended():
                self._given_up += 1
                if self._given_up > GIVEN_UP_MAX:
                    raise Stuck(f"{self._given_up} workers have given up")
                self._replace(number)

    def _await(self, what: str, met: Callable[[], bool], *, feeds: bool = True) -> None:
        """Wait for something that workers do. Who has given up is replaced, and if others did all the work there is more."""
        fed = time.monotonic()

        def look() -> bool:
            nonlocal fed
            self._tend()
            if met():
                return True
            if feeds and time.monotonic() > fed + FEED_S:
                self._fill(FURTHER)
                fed = time.monotonic()
            return False

        began = time.monotonic()
        until(what, look, WORK_S_MAX)
        self._longest = max(self._longest, (time.monotonic() - began, what))

    def _go_on(self) -> None:
        before = self._moved()
        self._await("the work to go on", lambda: self._moved() > before)

    # -- strikes ------------------------------------------------------------------------------------------------------

    def _strike(self, kind: str, inputs: int) -> None:
        number = self._rng.randrange(WORKERS)
        match kind:
            case "broker" | "worker" | "both":
                before = self._moved()
                self._fill(inputs)
                part = self._rng.randint(1, inputs // 3)
                self._await("a part to be moved", lambda: self._moved() >= before + part)
                if kind != "broker":
                    self._workers[number].close()
                if kind != "worker":
                    self._restart()
                self._replace(number) if kind != "broker" else None
            case "broker-commits" | "worker-commits":
                self._await_commit(number, inputs)
                if kind == "worker-commits":
                    self._replace(number)
                else:
                    self._nothing.wait(self._rng.uniform(0, 0.006))
                    self._restart()
            case "worker-written":
                self._hold(number, inputs)
                self._replace(number)
            case "zombie":
                self._hold(number, inputs)
                self._make_zombie(number)

    def _restart(self) -> None:
        self._node.kill()
        self._node.start()

    def _await_commit(self, number: int, inputs: int) -> None:
        """Until the worker has just begun to commit."""
        before = self._workers[number].progress("committing")
        worker = self._workers[number]
        self._fill(inputs)

        def commits() -> bool:
            nonlocal worker, before
            if worker is not self._workers[number]:
                worker, before = self._workers[number], 0
            return worker.progress("committing") != before

        self._await("a commit", commits)

    def _hold(self, number: int, inputs: int) -> None:
        """Until the worker stays in a transaction that is written and not ended."""
        worker = self._workers[number]
        worker.tell("hold")
        self._fill(inputs)

        def held() -> bool:
            nonlocal worker
            if worker is not self._workers[number]:
                worker = self._workers[number]
                worker.tell("hold")
            return bool(worker.progress("held"))

        self._await("a transaction that is held open", held)

    def _make_zombie(self, number: int) -> None:
        """It stands still until its transaction was aborted and others have its partitions; then it goes on."""
        zombie = self._workers[number]
        zombie.freeze()
        with Raw(self._node.bootstrap) as raw:
            transaction = Transactional(raw, zombie.name)
            until(
                "the zombie's transaction to be aborted",
                lambda: transaction.describe().state == "CompleteAbort",
            )
        self._go_on()
        zombie.thaw()
        zombie.tell("go")
        began = time.monotonic()
        until("the zombie to be fenced", zombie.ended)
        self._longest = max(self._longest, (time.monotonic() - began, "the zombie to be fenced"))
        self._replace(number)

    # -- the end ------------------------------------------------------------------------------------------------------

    def _finish(self) -> dict[int, int]:
        """Let the work end, then stop and start the broker, so that all is read from disk; gives the group's offsets."""
        wanted = {(INPUT, number): len(numbers) for number, numbers in self._inputs.items()}

        def done() -> bool:
            told = clients.committed(self._node.bootstrap, GROUP, wanted)
            return all(max(one.offset, 0) >= wanted[one.place] for one in told)

        self._await("all inputs to be committed", done, feeds=False)
        for worker in self._workers:
            worker.tell("stop")
        until("workers to end", lambda: all(worker.ended() for worker in self._workers))
        with Raw(self._node.bootstrap) as raw:
            for number in range(PARTITIONS):
                until(
                    f"the transactions in {OUTPUT}-{number} to end",
                    lambda number=number: end(raw, OUTPUT, number, 1) == end(raw, OUTPUT, number, 0),
                    within_s=2 * TRANSACTION_MS / 1000 + 5,
                )
        self._node.stop()
        self._node.start()
        told = clients.committed(self._node.bootstrap, GROUP, wanted)
        return {one.place[1]: max(one.offset, 0) for one in told}

    def _see(self, outputs: dict[int, Partition]) -> dict[int, list[tuple[int, bytes]]]:
        """What the reader that reads along saw; it may have fallen behind."""
        live = self._live
        assert live is not None, "it was started"
        last = {number: part.committed[-1][0] for number, part in outputs.items() if part.committed}
        until("the live reader", lambda: all(live.has(number, at) for number, at in last.items()))
        live.close()
        return live.seen

    def _close(self) -> None:
        if self._live is not None:
            self._live.close()
        for worker in self._workers:
            worker.close()
        self._node.kill()


def protocols() -> tuple[list[str], str]:
    """Which mixtures can run here, and why not the others."""
    try:
        programs.java_command("Transformer")
    except programs.BuildFailed as failed:
        return ["first"], str(failed)
    return list(MIXTURES), ""


def one(seed: int, protocol: str, inputs: int = INPUTS) -> Verdict:
    """One run and its line. What failed keeps its directory."""
    directory = Path(tempfile.mkdtemp(prefix=f"headrace-eos-{seed}-"))
    began = time.monotonic()
    verdict = Run(seed, protocol, inputs, directory).perform()
    kinds = [anomaly.kind for anomaly in verdict.anomalies]
    print(
        f"seed {seed:4} {protocol:6} {inputs:6,} inputs, struck: {', '.join(verdict.strikes)}; "
        f"{verdict.given_up} gave up, {verdict.longest[0]:.1f} s for {verdict.longest[1]}, {verdict.aborted:,} aborted records hidden: "
        f"{kinds.count('lost')} lost, {kinds.count('duplicated')} duplicated, {kinds.count('aborted')} aborted seen  "
        f"{'ok' if not kinds else 'BAD'} ({time.monotonic() - began:.1f} s)",
        flush=True,
    )
    if not kinds:
        shutil.rmtree(directory)
        return verdict
    for anomaly in verdict.anomalies[:10]:
        print(f"    {anomaly.kind}: {anomaly.what}")
    print(f"    {len(kinds)} anomalies; kept: {directory}")
    print(
        f"    again: python -m tests.eos.run --protocol {protocol} --seed {seed} --runs 1 --inputs {inputs}",
        flush=True,
    )
    return verdict


def main() -> int:
    """Perform the runs; print each verdict and the sum; give the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument(
        "--seed", type=int, default=0, help="of the first run; each next one has the next number"
    )
    parser.add_argument("--inputs", type=int, default=INPUTS, help="of each run, at least")
    parser.add_argument("--protocol", choices=list(MIXTURES), help="only this one; else in turn")
    options = parser.parse_args()
    there, missing = protocols()
    if options.protocol and options.protocol not in there:
        print(f"NOT RUN: {options.protocol}: {missing}")
        return NOT_RUN_EXIT
    failed, strikes = 0, 0
    for seed in range(options.seed, options.seed + options.runs):
        verdict = one(seed, options.protocol or there[seed % len(there)], options.inputs)
        failed += bool(verdict.anomalies)
        strikes += len(verdict.strikes)
    print(f"{options.runs - failed} of {options.runs} runs good, {strikes} strikes")
    if missing:
        print(f"NOT RUN: workers of the second protocol: {missing}")
    print(f"{options.runs - failed} passed, {failed} failed")
    return 1 if failed else (NOT_RUN_EXIT if missing else 0)


if __name__ == "__main__":
    sys.exit(main())
