"""The checks of `headrace doctor`. Each gives findings and never raises: a check that cannot be made is a finding too."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import socket
import statistics
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.client.cluster import Cluster
from headrace.client.configs import Resource
from headrace.client.configs import describe as describe_configs
from headrace.client.topics import data_dirs
from headrace.config.listeners import is_loopback, parse_address
from headrace.model.failure import Failure

if TYPE_CHECKING:
    from headrace.client.cluster import ClusterState

DISK_FREE_SHARE_MIN: Final = 0.05
DISK_FREE_BYTES_MIN: Final = 1 << 30
SYNC_MS_MAX: Final = 20.0
"""A sync that takes longer is what every acknowledgement waits for."""
SYNCS: Final = 9
SYNC_BYTES: Final = 4096
DESCRIPTORS_MIN: Final = 4096
CLOCK_S_MAX: Final = 5.0
YEARS_SANE: Final = (2024, 2100)
ADVERTISE: Final = "set advertised.listeners (--advertise) to an address that clients reach"


class Finding(NamedTuple):
    """One thing that was looked at."""

    what: str
    ok: bool
    detail: str
    hint: str = ""


def check_all(bootstrap: str, data_dir: Path | None) -> list[Finding]:
    """Everything, in the order in which a person would look. `data_dir`: where to look at the disk, if not where the brokers
    say that they keep their data."""
    findings, told = _broker(bootstrap)
    places = [data_dir] if data_dir else [place for place in told if place.is_dir()]
    if told and not places:
        findings.append(Finding("disk", True, f"not looked at: {told[0]} is not on this machine"))
    for place in places or ([] if told else [Path("data")]):
        findings += [_disk(place), _sync(place)]
    return [*findings, _clock(), _descriptors()]


def _broker(bootstrap: str) -> tuple[list[Finding], list[Path]]:
    """What a client finds, and where brokers keep their data."""

    async def look() -> tuple[list[Finding], list[Path]]:
        async with Cluster(bootstrap) as cluster:
            state = await cluster.state()
            findings = [Finding("bootstrap", True, f"{bootstrap} answers, cluster {state.cluster_id}")]
            findings += [await _advertised(cluster, number) for number in range(len(state.brokers))]
            findings.append(_partitions(state))
            findings += await _listeners(cluster, state)
            return findings, [Path(path) for path in await data_dirs(cluster)]

    try:
        findings, told = asyncio.run(look())
    except Failure as failure:
        detail = f"{failure.what}: {failure.detail}"
        if _answers(bootstrap) and not any(address in failure.what for address in bootstrap.split(",")):
            return [Finding("advertised address", False, detail, ADVERTISE)], []
        return [Finding("bootstrap", False, detail, _why_not(bootstrap) or failure.hint)], []
    return [*findings, *_round_trip(bootstrap)], told


def _answers(bootstrap: str) -> bool:
    with suppress(Failure, OSError):
        address = parse_address(bootstrap.split(",")[0], "--bootstrap")
        with socket.create_connection(address, timeout=1):
            return True
    return False


def _why_not(bootstrap: str) -> str:
    """What else may be behind an address that does not speak Kafka."""
    if not _answers(bootstrap):
        return ""
    port = bootstrap.split(",")[0].rpartition(":")[2]
    return f"port {port} is taken by something that does not speak Kafka; stop it or choose another port"


async def _advertised(cluster: Cluster, number: int) -> Finding:
    """Clients leave the bootstrap address at once for the one that Metadata tells them."""
    broker = (await cluster.state([])).brokers[number]
    what = f"advertised address of broker {broker.node_id}"
    try:
        await cluster.broker(broker.node_id)
    except Failure as failure:
        return Finding(what, False, f"{broker.address}: {failure.detail}", ADVERTISE)
    return Finding(what, True, f"{broker.address} answers")


def _partitions(state: ClusterState) -> Finding:
    dead = [
        f"{topic.name}-{row.number}" for topic in state.topics for row in topic.partitions if row.leader < 0
    ]
    if dead:
        return Finding("partitions", False, f"no leader: {', '.join(dead[:5])}", "look at the broker's log")
    return Finding(
        "partitions", True, f"{sum(len(topic.partitions) for topic in state.topics)}, all with a leader"
    )


async def _listeners(cluster: Cluster, state: ClusterState) -> list[Finding]:
    """An address that others reach without authentication is worth saying each time."""
    findings = []
    for broker in state.brokers:
        settings = await describe_configs(cluster, Resource.BROKER, str(broker.node_id))
        bound = next((setting.value for setting in settings if setting.name == "listeners"), None) or ""
        open_doors = [
            door
            for door in bound.split(",")
            if door.startswith("PLAINTEXT") and not is_loopback(_host_of(door))
        ]
        if open_doors:
            detail = f"{', '.join(open_doors)} can be reached by others without authentication"
            hint = "bind a loopback address, or let a firewall guard it"
            findings.append(Finding(f"listeners of broker {broker.node_id}", False, detail, hint))
    return findings


def _host_of(door: str) -> str:
    return door.rpartition("://")[2].rpartition(":")[0].strip("[]")


def _round_trip(bootstrap: str) -> list[Finding]:
    """What every client does first: librdkafka asks for metadata."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    try:
        began = time.monotonic()
        AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(timeout=10)
    except KafkaException as raised:
        return [Finding("librdkafka", False, raised.args[0].str(), "clients will see the same")]
    return [Finding("librdkafka", True, f"metadata after {(time.monotonic() - began) * 1000:.0f} ms")]


def _disk(data_dir: Path) -> Finding:
    place = _nearest_existing(data_dir)
    usage = shutil.disk_usage(place)
    detail = f"{usage.free >> 20:,} MiB free of {usage.total >> 20:,} at {place}"
    if usage.free < max(DISK_FREE_BYTES_MIN, int(usage.total * DISK_FREE_SHARE_MIN)):
        return Finding(
            "disk", False, f"nearly full: {detail}", "free some, or let topics keep less (retention.bytes)"
        )
    return Finding("disk", True, detail)


def _sync(data_dir: Path) -> Finding:
    place = _nearest_existing(data_dir)
    if not os.access(place, os.W_OK):
        return Finding("sync", False, f"{place} cannot be written", "give the broker's user the directory")
    try:
        median = _sync_ms(place)
    except OSError as error:
        return Finding("sync", False, f"{place} cannot be written: {error.strerror}", "free some space")
    if median > SYNC_MS_MAX:
        hint = "every acknowledgement waits for one; use a faster disk, or write.caching for topics that may lose"
        return Finding("sync", False, f"slow: {median:.1f} ms at {place}", hint)
    return Finding("sync", True, f"{median:.2f} ms at {place}")


def _sync_ms(place: Path) -> float:
    """Median of some small synced writes. Raises `OSError`."""
    took = []
    with tempfile.NamedTemporaryFile(dir=place, prefix=".headrace-doctor-") as file:
        for _ in range(SYNCS):
            file.write(bytes(SYNC_BYTES))
            file.flush()
            began = time.monotonic()
            os.fsync(file.fileno())
            took.append((time.monotonic() - began) * 1000)
    return statistics.median(took)


def _clock() -> Finding:
    """Without asking anybody: a year that cannot be, or a file system that disagrees."""
    year = time.gmtime().tm_year
    if not YEARS_SANE[0] <= year <= YEARS_SANE[1]:
        return Finding(
            "clock", False, f"it says {year}", "set the clock; timestamps and retention depend on it"
        )
    with tempfile.NamedTemporaryFile() as file:
        off = abs(Path(file.name).stat().st_mtime - _now())
    if off > CLOCK_S_MAX:
        return Finding("clock", False, f"{off:.0f} s away from the file system's", "set the clock (NTP)")
    return Finding("clock", True, time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()))


def _now() -> float:
    return time.clock_gettime(time.CLOCK_REALTIME)


def _descriptors() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < DESCRIPTORS_MIN:
        hint = f"raise it: ulimit -n {DESCRIPTORS_MIN}" if hard >= DESCRIPTORS_MIN else "raise the hard limit"
        return Finding("descriptors", False, f"a process may have {soft}", hint)
    return Finding("descriptors", True, f"a process may have {soft}")


def _nearest_existing(path: Path) -> Path:
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path
