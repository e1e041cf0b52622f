"""`make bench ONLY=path`: what a record costs between socket and disk, and back. Rows as PERFORMANCE's goals name them.

Each run has a broker of its own on a new directory, its own probe and its own null broker, so that ratios survive a
machine that is faster in one minute than in the next. What disturbs a run drops it from the row (`Row.drop`).
"""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.broker import Broker, device_write_bytes, stolen_s
from bench.generator import BROKER_CORE, GENERATOR_CORE, Generator, GeneratorError
from bench.row import Row, attempt

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GB = 1e9
GIB = 1 << 30
BATCH_16K = {"batch_bytes": 16_384, "record_bytes": 1_000, "connections": 4, "window": 32, "partitions": 16}
BATCH_100B = {"batch_bytes": 16_384, "record_bytes": 100, "connections": 4, "window": 32, "partitions": 16}
ONE_1K = {"batch_bytes": 1_024, "record_bytes": 955, "connections": 4, "window": 128, "partitions": 16}
OPEN_1K = {"batch_bytes": 1_024, "record_bytes": 955, "connections": 4, "rate": 5_000}
CEILING = 3.0
"""The generator must reach this many times the broker's rate against the null broker."""
FULL_CORE = 0.95
STOLEN_SHARE_MAX = 0.002
"""Of one core's time that the machine's host may take away while a latency is measured: more of it is its own p99."""
TAIL_SHARE = 0.5
"""Of the broker's largest rate, while the tail is read (G9)."""
TAIL_RATE_SMALL = 12_500
"""Batches of 16 KiB a second (0.2 GB/s) for G9a: nearly every commit is answered alone, so wake-ups are most of the cost."""


@dataclass
class Settings:
    """How often and how long."""

    runs: int
    seconds: float
    directory: Path
    only: frozenset[str] = frozenset()

    def wants(self, *names: str) -> bool:
        """Whether any of these rows is asked for; no names asked means all."""
        return not self.only or not self.only.isdisjoint(names)


def rows() -> dict[str, Row]:
    """The rows with this version's bars, before anything ran."""
    listed = [
        Row(
            "G1",
            "broker CPU per GB produced, 16 KiB batches, synced",
            "CPU-s/GB",
            "less",
            0.9,
            "≤ 0.45",
            "0.27",
        ),
        Row(
            "G2",
            "produced, share of the null broker, 16 KiB batches, synced",
            "%",
            "more",
            25,
            "≥ 50",
            "3.0 GB/s",
        ),
        Row("G3", "records of 100 B, 16 KiB batches", "M/s", "more", 5, "≥ 10", "> 25"),
        Row("G4", "requests of one 1 KiB record, pipelined, synced", "k/s", "more", 175, "≥ 350", "1,700"),
        Row("G5p50", "acks=all p50, 1 KiB, 5,000/s open loop", "D", "less", 2.8, "≤ 1.4", "1"),
        Row("G5p99", "acks=all p99, the same", "D", "less", 3, "≤ 1.5", "1"),
        Row("G7", "p99 with 1,000 partitions over that with 1, the same load", "x", "less", 4, "≤ 3", "1"),
        Row(
            "G9",
            "broker CPU per GB fetched at the tail, one reader, at half of G2's rate",
            "CPU-s/GB",
            "less",
            0.64,
            "≤ 0.32",
            "0.2",
        ),
        Row("G9a", "the same at 0.2 GB/s", "CPU-s/GB", "less", None, "", "0.2"),
        Row("G9b", "broker CPU per GB read from the start, warm", "CPU-s/GB", "less", None, "", "0.2"),
        Row(
            "G15a",
            "kill -9 with 1 GiB of log: start to first accepted Produce",
            "s",
            "less",
            2,
            "≤ 1",
            "0.25",
        ),
        Row("G15b", "the same with 4 GiB", "s", "less", 2, "≤ 1, flat", "0.25"),
        Row("G17a", "bytes written per accepted byte, 16 KiB batches", "x", "less", 4.2, "≤ 2.1", "1"),
        Row("G17b", "the same, 512 KiB batches", "x", "less", 4.2, "≤ 1.15 (later)", "1"),
        Row("G18a", "batches of 4 codecs stored as they came", "%", "more", 100, "100", "100"),
        Row("G18b", "idle CPU with 1,000 partitions", "% of a core", "less", 0.5, "≤ 0.5", "0"),
    ]
    return {row.name: row for row in listed}


def measure(generator: Generator, settings: Settings) -> tuple[list[Row], list[dict[str, Any]]]:
    """All rows and, for the record, every raw result."""
    found = rows()
    raw: list[dict[str, Any]] = []
    rates = ("G1", "G2", "G3", "G4", "G5p50", "G5p99", "G7", "G9", "G9a", "G9b")
    parts: list[tuple[tuple[str, ...], Callable[[int], dict[str, Any]]]] = [
        (rates, lambda run: _rates_and_latency(generator, settings, found, run)),
        (("G15a",), lambda _: _recovery(generator, settings, found["G15a"], 1)),
        (("G15b",), lambda _: _recovery(generator, settings, found["G15b"], 4)),
        (("G17a",), lambda _: _written(generator, settings, found["G17a"], 16_384, 1_000)),
        (("G17b",), lambda _: _written(generator, settings, found["G17b"], 512 * 1024, 16_000)),
    ]
    for run in range(settings.runs):
        print(f"path: run {run + 1} of {settings.runs}", flush=True)
        for names, part in parts:
            if settings.wants(*names):
                raw.append(attempt(found, names, lambda part=part, run=run: part(run)))  # type: ignore[misc]
    if settings.wants("G18a"):
        raw.append(attempt(found, ("G18a",), lambda: _codecs(generator, settings, found["G18a"])))
    if settings.wants("G18b"):
        raw.append(attempt(found, ("G18b",), lambda: _idle(generator, settings, found["G18b"])))
    return [row for row in found.values() if settings.wants(row.name)], raw


def _fresh(settings: Settings) -> Path:
    """A new directory. Files of the last ones are emptied and stay until the end: a file system without a journal (ext4)
    looks at every file that was deleted in the last minutes before it makes one, a millisecond for each."""
    for file in settings.directory.rglob("*"):
        if file.is_file():
            os.truncate(file, 0)
    directory = settings.directory / f"broker{sum(1 for _ in settings.directory.glob('broker*'))}"
    directory.mkdir(parents=True)
    return directory


def _pinned(directory: Path, port: int = 0) -> Broker:
    return Broker(directory, core=BROKER_CORE, shards=1, port=port, dev=False)


def _rates_and_latency(
    generator: Generator, settings: Settings, found: dict[str, Row], run: int
) -> dict[str, Any]:
    directory = _fresh(settings)
    probe = generator.probe(directory)
    raw: dict[str, Any] = {"run": run, "probe": probe}
    with generator.null_broker() as null:
        for name, shape in (("G2", BATCH_16K), ("G3", BATCH_100B), ("G4", ONE_1K)):
            if settings.wants(name) or (name == "G2" and settings.wants("G1")):
                raw[f"{name}null"] = generator.produce(
                    null, name.lower(), seconds=settings.seconds / 2, **shape
                )
        if settings.wants("G5p50", "G5p99", "G7"):
            raw["G5null"] = generator.produce(
                null, "g5", partitions=4, seconds=settings.seconds / 2, **OPEN_1K
            )
    broker = _pinned(directory)
    try:
        timing: dict[str, object] = {"seconds": settings.seconds, "pid": broker.pid}
        made = "g2:16,g3:16,g4:16,g5:4,g7one:1,g7all:1000,g7some:64,g9:4"
        generator.call("topics", broker=broker.kafka, make=made)
        if settings.wants("G5p50", "G5p99"):
            _latency(generator, broker, found, raw, timing)
        if settings.wants("G7"):
            _partitions_at_once(generator, broker, found["G7"], raw, timing)
        if settings.wants("G1", "G2", "G9", "G9a", "G9b"):
            raw["G2"] = full = generator.produce(broker.kafka, "g2", **BATCH_16K, **timing)
            found["G1"].add(full["broker"]["cpu_s_per_gb"], f"{full['gb_per_s']:.2f} GB/s")
            if "G2null" in raw:
                null_rate, twice = raw["G2null"]["gb_per_s"], probe["twice_gb_per_s"]
                share = full["gb_per_s"] / null_rate
                found["G2"].add(100 * share, f"null {null_rate:.2f}, ceiling {twice:.2f} GB/s")
                bar = (found["G2"].bar or 0) * null_rate / 100
                if twice < bar:
                    found["G2"].drop(
                        f"one core and the disk take {twice:.2f} GB/s at most that is synced and written once more, "
                        f"the bar is {bar:.2f}; this broker took {full['gb_per_s']:.2f}"
                    )
                if share * CEILING > 1 and full["generator_cpu_share"] > FULL_CORE:
                    found["G2"].void = f"the generator's core was full at {full['gb_per_s']:.2f} GB/s"
        for name, shape, field, unit in (
            ("G3", BATCH_100B, "records_per_s", 1e6),
            ("G4", ONE_1K, "requests_per_s", 1e3),
        ):
            if settings.wants(name):
                raw[name] = generator.produce(broker.kafka, name.lower(), **shape, **timing)
                gb_per_unit = raw[name]["gb_per_s"] / (raw[name][field] / unit)
                if _rate(found[name], raw[name][field] / unit, raw[f"{name}null"][field] / unit):
                    _disk_reaches(found[name], gb_per_unit, raw["probe"])
        if settings.wants("G9"):
            most = raw["G2"]["requests_per_s"]
            _tail(generator, broker, settings, found["G9"], raw, most * TAIL_SHARE)
        if settings.wants("G9a"):
            _tail(generator, broker, settings, found["G9a"], raw, TAIL_RATE_SMALL)
        if settings.wants("G9b"):
            _from_start(generator, broker, settings, found["G9b"], raw)
    finally:
        broker.kill()
    return raw


def _rate(row: Row, ours: float, ceiling: float) -> bool:
    """Whether the generator was fast enough for the run to count."""
    row.add(ours, f"null {ceiling:.3g}")
    counts = ceiling >= CEILING * ours
    if not counts:
        row.drop(f"{ours:.3g} is more than a third of the generator's {ceiling:.3g} against the null broker")
    return counts


def _disk_reaches(row: Row, gb_per_unit: float, probe: dict[str, Any]) -> None:
    """No run if the disk takes less than the row's bar asks for, written once."""
    gb_per_s = (row.bar or 0) * gb_per_unit
    if probe["stream_gb_per_s"] < gb_per_s:
        row.drop(
            f"the disk takes {probe['stream_gb_per_s']:.2f} GB/s of synced 1 MiB writes, the bar is {gb_per_s:.2f}"
        )


def _undisturbed(rows: list[Row], began: tuple[float, float], raw: dict[str, Any]) -> None:
    """No run if the machine's host took time away since `began` (seconds: the clock's, stolen), or if a broker that does
    nothing has a p99 above D under the same load: D, measured one by one with one core busy, does not see that."""
    seconds, stolen = time.monotonic() - began[0], stolen_s() - began[1]
    null, d = raw["G5null"]["latency"]["p99_us"], raw["probe"]["d_p99_us"]
    for row in rows:
        if stolen > STOLEN_SHARE_MAX * seconds:
            row.drop(
                f"the machine's host kept a core from running for {1000 * stolen / seconds:.0f} ms of each second"
            )
        elif null > d:
            row.drop(f"the null broker's own p99 under this load is {null:.0f} us, D {d:.0f}")


def _latency(
    generator: Generator,
    broker: Broker,
    found: dict[str, Row],
    raw: dict[str, Any],
    timing: dict[str, object],
) -> None:
    began = time.monotonic(), stolen_s()
    raw["G5"] = result = generator.produce(broker.kafka, "g5", partitions=4, **OPEN_1K, **timing)
    for name, quantile in (("G5p50", "p50_us"), ("G5p99", "p99_us")):
        row, d = found[name], raw["probe"][f"d_{quantile}"]
        row.add(result["latency"][quantile] / d, f"D = {d:.0f} us")
        if result["requests_per_s"] < 0.99 * result["offered_per_s"]:
            row.void = f"{result['requests_per_s']:.0f} of {result['offered_per_s']:.0f} requests a second were answered"
    _undisturbed([found["G5p50"], found["G5p99"]], began, raw)


def _partitions_at_once(
    generator: Generator, broker: Broker, row: Row, raw: dict[str, Any], timing: dict[str, object]
) -> None:
    p99: dict[int, float] = {}
    began = time.monotonic(), stolen_s()
    for topic, partitions in (("g7one", 1), ("g7some", 64), ("g7all", 1_000)):
        result = generator.produce(broker.kafka, topic, partitions=partitions, **OPEN_1K, **timing)
        raw[f"G7/{partitions}"] = result
        p99[partitions] = result["latency"]["p99_us"]
    row.add(p99[1_000] / p99[1], "p99 " + " / ".join(f"{p99[n]:.0f}" for n in (1, 64, 1_000)) + " us")
    _undisturbed([row], began, raw)


def _tail(
    generator: Generator, broker: Broker, settings: Settings, row: Row, raw: dict[str, Any], rate: float
) -> None:
    """The tail's cost is the difference a reader makes under the same produce load."""
    load = {"batch_bytes": 16_384, "record_bytes": 1_000, "connections": 2, "partitions": 4, "rate": rate}
    alone = generator.produce(broker.kafka, "g9", seconds=settings.seconds, pid=broker.pid, **load)
    produce = generator.start(
        "produce",
        broker=broker.kafka,
        topic="g9",
        core=GENERATOR_CORE,
        warmup=0.5,
        seconds=settings.seconds + 2,
        **load,
    )
    time.sleep(1)  # the reader's part must lie inside the producer's
    tail = generator.call(
        "fetch",
        broker=broker.kafka,
        topic="g9",
        partitions=4,
        core=GENERATOR_CORE,
        seconds=settings.seconds,
        pid=broker.pid,
        **{"from": "end"},
    )
    raw[row.name] = {"alone": alone, "tail": tail, "produce": generator.finish(produce)}
    extra_cpu_s = tail["broker"]["cpu_s"] - alone["broker"]["cpu_share"] * tail["seconds"]
    row.add(
        extra_cpu_s / (tail["bytes"] / GB),
        f"{tail['gb_per_s']:.2f} GB/s, {tail['bytes'] / max(1, tail['answers']) / 1024:.0f} KiB an answer",
    )
    if tail["gb_per_s"] < 0.9 * rate * load["batch_bytes"] / GB:
        row.void = f"the reader fell behind: {tail['gb_per_s']:.2f} GB/s"


def _from_start(
    generator: Generator, broker: Broker, settings: Settings, row: Row, raw: dict[str, Any]
) -> None:
    raw[row.name] = start = generator.call(
        "fetch",
        broker=broker.kafka,
        topic="g2",
        partitions=16,
        connections=4,
        core=GENERATOR_CORE,
        seconds=settings.seconds,
        pid=broker.pid,
        to_end=True,
    )
    row.add(start["broker"]["cpu_s_per_gb"], f"{start['gb_per_s']:.2f} GB/s")


def _fill(
    generator: Generator, broker: Broker, topic: str, total_bytes: int, batch_bytes: int, record_bytes: int
) -> int:
    """Accept at least so many bytes; gives how many exactly."""
    shape = {"batch_bytes": batch_bytes, "record_bytes": record_bytes, "connections": 4, "partitions": 16}
    window = max(2, 32 * 16_384 // batch_bytes)
    result = generator.produce(
        broker.kafka, topic, requests=total_bytes // batch_bytes, window=window, **shape
    )
    return int(result["bytes"])


def _recovery(generator: Generator, settings: Settings, row: Row, gib: int) -> dict[str, Any]:
    directory = _fresh(settings)
    broker = _pinned(directory)
    try:
        generator.call("topics", broker=broker.kafka, make="g15:16,load:16")
        _fill(generator, broker, "g15", gib * GIB, 16_384, 1_000)
        load = generator.start(
            "produce",
            broker=broker.kafka,
            topic="load",
            until_dropped=True,
            warmup=0,
            seconds=60,
            **BATCH_16K,
        )
        time.sleep(1)  # under load: what is killed is a busy broker
    finally:
        broker.kill()
    acked = generator.finish(load)["ends"]
    broker = _pinned(directory, broker.port)
    try:
        first = generator.call(
            "produce", broker=broker.kafka, topic="load", requests=1, batch_bytes=100, record_bytes=10
        )
        seconds = time.monotonic() - broker.began
        if first["failed"]:
            raise GeneratorError(f"the first Produce after recovery: {first['errors']}")
        ends = generator.call("ends", broker=broker.kafka, topic="load", partitions=16)["ends"]
        lost = [partition for partition in range(16) if ends[partition] < acked[partition]]
        if lost:
            row.void = f"acknowledged records were lost in partitions {lost}"
    finally:
        broker.kill()
    row.values.append(seconds)
    row.probe.append(f"ready {broker.ready_s:.2f} s")
    return {"row": row.name, "seconds": seconds, "ready_s": broker.ready_s, "acked": acked, "ends": ends}


def _written(
    generator: Generator, settings: Settings, row: Row, batch_bytes: int, record_bytes: int
) -> dict[str, Any]:
    broker = _pinned(_fresh(settings))
    try:
        generator.call("topics", broker=broker.kafka, make="g17:16")
        broker.settle()
        before, device = broker.write_bytes(), device_write_bytes()
        accepted = _fill(generator, broker, "g17", 2 * GIB, batch_bytes, record_bytes)
        broker.settle()
        subprocess.run(["sync"], check=True)
        written, device = broker.write_bytes() - before, device_write_bytes() - device
    finally:
        broker.kill()
    row.add(written / accepted, f"device {device / accepted:.2f} x")
    return {"row": row.name, "accepted": accepted, "written": written, "device": device}


def _codecs(generator: Generator, settings: Settings, row: Row) -> dict[str, Any]:
    """A stock client's batches, one codec a topic, must come back with the codec they were sent with."""
    from confluent_kafka import Producer

    broker = _pinned(_fresh(settings))
    codecs = {"gzip": "1", "snappy": "2", "lz4": "3", "zstd": "4"}
    try:
        generator.call("topics", broker=broker.kafka, make=",".join(f"{name}:1" for name in codecs))
        for name, number in codecs.items():
            producer = Producer(
                {"bootstrap.servers": broker.kafka, "compression.type": name, "linger.ms": 50}
            )
            for n in range(1_000):
                producer.produce(name, f"line {n:06} ".encode() * 20)
            if producer.flush(30):
                raise GeneratorError(f"{name}: not all records were acknowledged")
            seen = generator.call("fetch", broker=broker.kafka, topic=name, to_end=True)["codecs"]
            row.values.append(100 * seen.get(number, 0) / sum(seen.values()))
    finally:
        broker.kill()
    return {"row": row.name, "percent": row.values}


def _idle(generator: Generator, settings: Settings, row: Row) -> dict[str, Any]:
    broker = _pinned(_fresh(settings))
    try:
        generator.call("topics", broker=broker.kafka, make="idle:1000")
        broker.settle()
        for _ in range(settings.runs):
            cpu_s, began = broker.cpu_s(), time.monotonic()
            time.sleep(10)
            row.values.append(100 * (broker.cpu_s() - cpu_s) / (time.monotonic() - began))
    finally:
        broker.kill()
    return {"row": row.name, "percent": row.values}
