"""The broker under test as a child process that can be killed at any moment, also before it is ready."""

from __future__ import annotations

import select
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

from headrace.testing.ports import free_address

if TYPE_CHECKING:
    from pathlib import Path

READY_S_MAX: Final = 30.0
STOP_S_MAX: Final = 20.0
READY_WORDS: Final = ["headrace", "ready"]


class NodeFailed(Exception):  # noqa: N818 - reads as what happened
    """The broker did not come up, or did not go; the text ends with what it logged."""


class Node:
    """One broker on one data directory. It gets a free port at its first start and keeps it."""

    def __init__(self, data_dir: Path, log_path: Path, settings: dict[str, str]) -> None:
        self._data_dir = data_dir
        self._log_path = log_path
        self._settings = settings
        self._process: subprocess.Popen[str] | None = None
        self._addresses = {"kafka": free_address(), "admin": free_address()}

    @property
    def bootstrap(self) -> str:
        """`HOST:PORT`, known once it was ready."""
        return self._addresses["kafka"]

    def launch(self) -> None:
        """Start it and do not wait. It ends with this process: it watches the other end of its stdin."""
        words = [sys.executable, "-m", "headrace.cli", "start", "--dev", "--parent-pipe"]
        words += ["--data-dir", str(self._data_dir)]
        words += ["--kafka", self._addresses["kafka"], "--admin", self._addresses["admin"]]
        for name, value in self._settings.items():
            words += ["--set", f"{name}={value}"]
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, process_group=0
            )

    def await_ready(self) -> float:
        """Wait for the ready line; gives the seconds it took. Raises `NodeFailed`."""
        process = self._process
        assert process is not None, "it was launched"
        assert process.stdout is not None, "stdout is a pipe"
        began = time.monotonic()
        while (left := began + READY_S_MAX - time.monotonic()) > 0:
            readable, _, _ = select.select([process.stdout], [], [], left)
            line = process.stdout.readline() if readable else ""
            if not line:
                break
            if line.split()[:2] == READY_WORDS:
                self._addresses |= dict(word.split("=", 1) for word in line.split()[2:])
                return time.monotonic() - began
        code = process.poll()
        raise NodeFailed(f"not ready after {time.monotonic() - began:.0f} s, exit code {code}:\n{self.log()}")

    def start(self) -> float:
        """Start it and wait until it is ready."""
        self.launch()
        return self.await_ready()

    def running(self) -> bool:
        """Whether it lives."""
        return self._process is not None and self._process.poll() is None

    def gone(self, within_s: float) -> bool:
        """Whether it ends by itself within that time."""
        assert self._process is not None, "it was launched"
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._close(self._process)

    def stop(self) -> None:
        """SIGTERM; it must end with 0. Raises `NodeFailed`."""
        process = self._process
        assert process is not None, "it was launched"
        process.send_signal(signal.SIGTERM)
        if not self.gone(STOP_S_MAX):
            raise NodeFailed(f"alive {STOP_S_MAX:.0f} s after SIGTERM:\n{self.log()}")
        if code := self._close(process):
            raise NodeFailed(f"ended with {code} after SIGTERM:\n{self.log()}")

    def log(self) -> str:
        """The end of what it logged."""
        return self._log_path.read_text(errors="replace")[-4000:]

    def _close(self, process: subprocess.Popen[str]) -> int:
        code = process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None
        return code
