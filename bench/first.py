"""`make bench ONLY=first`: the first minutes. Start, first record, idle, ten thousand partitions."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from bench.broker import Broker
from bench.generator import GeneratorError
from bench.row import Row, attempt

if TYPE_CHECKING:
    from pathlib import Path

    from bench.generator import Generator
    from bench.path import Settings

MIB = 1 << 20
IDLE_S = 60
IDLE_CPU_S = 30
"""The last part of the idle minute: its CPU is what counts as idle."""
RECORD_WAIT_S = 30
SMALL = {"batch_bytes": 1, "record_bytes": 10}
"""One record a batch."""
QUIET = {"log_level": 0}
"""librdkafka says on stderr that a broker was killed; that is ours to know."""


def rows() -> dict[str, Row]:
    """The rows with this version's bars, before anything ran."""
    listed = [
        Row("ready", "exec to ready line, empty directory", "s", "less", 0.5, "≤ 0.15"),
        Row("acked", "exec to first acknowledged record, topic auto-created", "s", "less", 0.8),
        Row("group", "exec to first record of a new group", "s", "less", 1.2),
        Row("idle", "memory of all processes after 60 s", "MiB", "less", 80, "≤ 60"),
        Row("idle1k", "the same with 1,000 partitions", "MiB", "less", 88),
        Row("idlecpu", "CPU while idle", "% of a core", "less", 1, "≤ 0.5"),
        Row("create", "10,000 partitions created", "s", "less", 10, "≤ 2"),
        Row(
            "again",
            "kill -9 with 10,000 partitions: start to first accepted Produce",
            "s",
            "less",
            2,
            "≤ 0.4",
        ),
        Row("slope", "memory of a partition, over 0/2k/5k/10k", "KiB", "less", 8, "≤ 2"),
    ]
    return {row.name: row for row in listed}


def measure(generator: Generator, settings: Settings) -> tuple[list[Row], list[dict[str, Any]]]:
    """All rows and, for the record, every raw result."""
    found = rows()
    raw: list[dict[str, Any]] = []
    for run in range(settings.runs):
        print(f"first: run {run + 1} of {settings.runs}", flush=True)
        if settings.wants("ready", "acked", "group"):
            raw.append(attempt(found, ("ready", "acked", "group"), lambda: _first_records(settings, found)))
        if settings.wants("create", "again", "slope"):
            raw.append(
                attempt(
                    found, ("create", "again", "slope"), lambda: _many_partitions(generator, settings, found)
                )
            )
    if settings.wants("idle", "idle1k", "idlecpu"):
        raw.append(attempt(found, ("idle", "idle1k", "idlecpu"), lambda: _idle(generator, settings, found)))
    return [row for row in found.values() if settings.wants(row.name)], raw


def _fresh(settings: Settings, name: str = "broker") -> Path:
    directory = settings.directory / name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


def _first_records(settings: Settings, found: dict[str, Row]) -> dict[str, Any]:
    from confluent_kafka import Consumer, Producer

    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    bare_s = time.monotonic() - began
    broker = Broker(_fresh(settings))
    try:
        producer = Producer({"bootstrap.servers": broker.kafka, **QUIET})
        failures: list[object] = []
        producer.produce(
            "first", b"hello", on_delivery=lambda error, _: failures.append(error) if error else None
        )
        if producer.flush(RECORD_WAIT_S) or failures:
            raise GeneratorError(f"the first record was not acknowledged: {failures}")
        acked_s = time.monotonic() - broker.began
        consumer = Consumer(
            {"bootstrap.servers": broker.kafka, "group.id": "new", "auto.offset.reset": "earliest", **QUIET}
        )
        consumer.subscribe(["first"])
        deadline = time.monotonic() + RECORD_WAIT_S
        while (message := consumer.poll(1)) is None or message.error():
            if time.monotonic() > deadline:
                raise GeneratorError("a new group got no record")
        group_s = time.monotonic() - broker.began
        consumer.close()
    finally:
        broker.kill()
    for name, value in (("ready", broker.ready_s), ("acked", acked_s), ("group", group_s)):
        found[name].values.append(value)
        found[name].probe.append(f"bare python {bare_s:.3f} s")
    return {"ready_s": broker.ready_s, "acked_s": acked_s, "group_s": group_s, "bare_python_s": bare_s}


def _idle(generator: Generator, settings: Settings, found: dict[str, Row]) -> dict[str, Any]:
    """All brokers idle at once: they do not disturb each other, and the minute is waited for once."""
    brokers: list[tuple[str, Broker]] = []
    try:
        for run in range(settings.runs):
            brokers.append(("idle", Broker(_fresh(settings, f"idle{run}"))))
            many = Broker(_fresh(settings, f"idle1k{run}"))
            brokers.append(("idle1k", many))
            generator.call("topics", broker=many.kafka, make="idle:1000")
        time.sleep(IDLE_S - IDLE_CPU_S)
        before = [broker.cpu_s() for _, broker in brokers]
        began = time.monotonic()
        time.sleep(IDLE_CPU_S)
        window_s = time.monotonic() - began
        raw = []
        for (name, broker), cpu_s in zip(brokers, before, strict=True):
            share = 100 * (broker.cpu_s() - cpu_s) / window_s
            found[name].values.append(broker.memory_bytes() / MIB)
            found["idlecpu"].values.append(share)
            raw.append({"row": name, "memory_bytes": broker.memory_bytes(), "cpu_percent": share})
    finally:
        for _, broker in brokers:
            broker.kill()
    return {"idle": raw}


def _many_partitions(generator: Generator, settings: Settings, found: dict[str, Row]) -> dict[str, Any]:
    """500 topics of 10 and one of 5,000, every second partition with a record; memory read on the way."""
    directory = _fresh(settings)
    broker = Broker(directory)
    create_s = 0.0
    points: list[tuple[int, int]] = []
    try:
        broker.settle()
        points.append((0, broker.memory_bytes()))
        for partitions, names in ((2_000, range(200)), (5_000, range(200, 500))):
            small = [f"small{n}" for n in names]
            create_s += generator.call(
                "topics", broker=broker.kafka, make=",".join(f"{name}:10" for name in small)
            )["seconds"]
            for name in small:
                generator.produce(broker.kafka, name, requests=5, partitions=5, stride=2, **SMALL)
            broker.settle()
            points.append((partitions, broker.memory_bytes()))
        create_s += generator.call("topics", broker=broker.kafka, make="big:5000")["seconds"]
        generator.produce(broker.kafka, "big", requests=2_500, partitions=2_500, stride=2, **SMALL)
        broker.settle()
        points.append((10_000, broker.memory_bytes()))
    finally:
        broker.kill()
    again = Broker(directory, port=broker.port)
    try:
        result = generator.produce(again.kafka, "big", requests=1, **SMALL)
        again_s = time.monotonic() - again.began
        if result["ends"][0] != 2:
            raise GeneratorError(
                f"partition 0 of `big` should end at 2 after kill -9, not at {result['ends'][0]}"
            )
    finally:
        again.kill()
    slope = slope_of(points) / 1024
    found["create"].values.append(create_s)
    found["again"].values.append(again_s)
    found["again"].probe.append(f"ready {again.ready_s:.2f} s")
    found["slope"].values.append(slope)
    return {"create_s": create_s, "again_s": again_s, "memory": points, "slope_kib": slope}


def slope_of(points: list[tuple[int, int]]) -> float:
    """Least-squares slope of y over x."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)
