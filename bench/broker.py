"""A broker under measurement: a child process, its figures from /proc, every way to end it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

HEADRACE = Path(sys.executable).parent / "headrace"
READY_WAIT_S = 60
STOP_WAIT_S = 30
SETTLED_S = 1.5
"""Storage counts as quiet when no byte was written for this long."""
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Broker:
    """One broker on `data_dir`. `core` pins all of its threads; `kafka` and `admin` are its addresses once it is ready."""

    def __init__(
        self,
        data_dir: Path,
        *,
        core: int | None = None,
        shards: int | None = None,
        port: int = 0,
        dev: bool = True,
    ) -> None:
        pinned = [] if core is None else ["taskset", "-c", str(core)]
        cores = [] if shards is None else ["--cores", str(shards)]
        self.log = data_dir.with_suffix(".log")
        mode = ["--dev"] if dev else []
        command = [*pinned, str(HEADRACE), "start", *mode, *cores, "--data-dir", str(data_dir)]
        command += ["--kafka", f"127.0.0.1:{port}", "--admin", "127.0.0.1:0"]
        self.began = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        self.kafka, self.admin = self._wait_ready()
        self.ready_s = time.monotonic() - self.began

    def _wait_ready(self) -> tuple[str, str]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("headrace ready "):
                told = dict(word.split("=", 1) for word in line.split()[2:])
                return told["kafka"], told["admin"]
            if time.monotonic() - self.began > READY_WAIT_S:
                break
        self.kill()
        raise RuntimeError(f"the broker did not become ready; its log is {self.log}")

    @property
    def pid(self) -> int:
        """The process; taskset has become the broker by exec."""
        return self.process.pid

    @property
    def port(self) -> int:
        """Port of the Kafka listener."""
        return int(self.kafka.rsplit(":", 1)[1])

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self.process.kill()
        self.process.communicate()

    def stop(self) -> None:
        """SIGTERM must end it cleanly."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=STOP_WAIT_S)
        if self.process.returncode != 0:
            raise RuntimeError(f"the broker ended with {self.process.returncode}; its log is {self.log}")

    def memory_bytes(self) -> int:
        """Resident memory and page tables of the process and its children."""
        total = 0
        for pid in family(self.pid):
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith(("VmRSS:", "VmPTE:")):
                    total += int(line.split()[1]) * 1024
        return total

    def cpu_s(self) -> float:
        """User and system time of the process and its children so far."""
        return cpu_s(self.pid)

    def write_bytes(self) -> int:
        """Bytes the process caused to be written to storage."""
        text = Path(f"/proc/{self.pid}/io").read_text()
        return int(text.partition("\nwrite_bytes: ")[2].split("\n", 1)[0])

    def settle(self, deadline_s: float = 60) -> None:
        """Wait until the broker writes nothing any more."""
        deadline = time.monotonic() + deadline_s
        quiet_since, known = time.monotonic(), self.write_bytes()
        while time.monotonic() - quiet_since < SETTLED_S:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the broker was still writing after {deadline_s} s")
            time.sleep(0.1)
            if (now := self.write_bytes()) != known:
                quiet_since, known = time.monotonic(), now


def cpu_s(pid: int) -> float:
    """User and system time of a process and its children so far."""
    total = 0
    for member in family(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS_PER_S


def family(pid: int) -> list[int]:
    """A process and all that it started."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def stolen_s() -> float:
    """Seconds that this machine's host has kept its cores from running so far."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return int(fields[8]) / TICKS_PER_S


def device_write_bytes() -> int:
    """Bytes written to all whole disks so far: other processes' too."""
    total = 0
    for line in Path("/proc/diskstats").read_text().splitlines():
        fields = line.split()
        if Path(f"/sys/block/{fields[2]}").exists() and not fields[2].startswith(("loop", "ram")):
            total += int(fields[9]) * 512
    return total
