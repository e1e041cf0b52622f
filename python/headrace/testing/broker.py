"""A broker as a child process, for tests and demonstrations.

    with Broker() as broker:
        Producer({"bootstrap.servers": broker.bootstrap_servers})

It has its own free port and its own temporary directory, and leaves nothing behind: not when the test fails, and not when
the process that started it is killed with -9. The child reads a pipe whose other end only its parent holds; when the
pipe ends, it removes its directory and exits. That works on Linux and macOS alike and from any thread.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from headrace.testing.ports import free_address

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

READY_S_MAX: Final = 30.0
"""How long a start may take; a slow machine is slow, a broken broker exits by itself."""
STOP_S_MAX: Final = 10.0
"""How long a clean stop may take before the process is killed."""
LOG_TAIL_BYTES: Final = 16 << 10
READY_WORDS: Final = ["headrace", "ready"]


class BrokerFailed(Exception):  # noqa: N818 - reads as what happened
    """The broker did not start, or is not running; the text ends with what it logged."""


class Broker:
    """One broker. Starting it twice, or stopping it twice, is fine."""

    def __init__(
        self,
        *,
        durable: bool = False,
        data_dir: str | os.PathLike[str] | None = None,
        settings: Mapping[str, str | int | bool] | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        """`durable`: sync before acknowledging, as a real broker does; a test rarely pulls the plug.

        `data_dir`: keep the data there afterwards instead of in a temporary directory. `settings`: broker settings by
        Kafka's names. `arguments`: further words for `headrace start`.
        """
        self._durable = durable
        self._settings = dict(settings or {})
        self._arguments = list(arguments)
        self._own_dir = Path(tempfile.mkdtemp(prefix="headrace-"))
        self.data_dir: Final = Path(data_dir) if data_dir is not None else self._own_dir / "data"
        """Where the broker keeps everything."""
        self.log_path: Final = self._own_dir / "broker.log"
        self._process: subprocess.Popen[str] | None = None
        self._wanted = {"kafka": free_address(), "admin": free_address()}
        self._addresses: dict[str, str] = {}
        self._remove = weakref.finalize(self, shutil.rmtree, self._own_dir, ignore_errors=True)

    def start(self) -> Broker:
        """Start and wait for the ready line. A broker that was killed comes back on the same port and data.

        Raises `BrokerFailed`.
        """
        if self.running:
            return self
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=_environment(),
                process_group=0,  # Ctrl-C is the tests' business; they stop the broker afterwards
            )
        try:
            self._addresses = self._await_ready(self._process)
        except BaseException:
            self.kill()
            raise
        return self

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id. Raises `BrokerFailed` if it does not run."""
        if self._process is None or self._process.poll() is not None:
            raise self._failed("is not running")
        return self._process.pid

    @property
    def bootstrap_servers(self) -> str:
        """`HOST:PORT` for Kafka clients; the same after a restart."""
        return self._address("kafka")

    @property
    def admin_url(self) -> str:
        """`http://HOST:PORT` of metrics, readiness and administration."""
        return f"http://{self._address('admin')}"

    def stop(self) -> int:
        """Stop cleanly and give the exit code; kill it if it does not go in time."""
        process = self._process
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_S_MAX)
        return self._end(process)

    def kill(self) -> None:
        """kill -9, as a crash does it. The data stays; `start` goes on from it."""
        if self._process is not None:
            self._end(self._process)

    def restart(self) -> Broker:
        """kill -9 and start again on the same data and port."""
        self.kill()
        return self.start()

    def close(self) -> None:
        """Stop and remove the temporary directory."""
        self.stop()
        self._remove()

    def log(self, offset: int = 0) -> str:
        """What the broker logged from a byte offset on, at most the last 16 KiB."""
        try:
            with self.log_path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(offset, size - LOG_TAIL_BYTES))
                return file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def log_size(self) -> int:
        """Bytes logged so far; an offset for `log`."""
        return self.log_path.stat().st_size if self.log_path.exists() else 0

    def __enter__(self) -> Broker:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _command(self) -> list[str]:
        settings: dict[str, str | int | bool] = {} if self._durable else {"write.caching": True}
        settings |= self._settings
        words = [sys.executable, "-m", "headrace.cli", "start", "--dev", "--parent-pipe"]
        words += ["--data-dir", str(self.data_dir)]
        at = self._wanted | self._addresses
        words += ["--kafka", at["kafka"], "--admin", at["admin"]]
        if self.data_dir.is_relative_to(self._own_dir):
            words += ["--remove-with-parent", str(self._own_dir)]
        for name, value in settings.items():
            words += ["--set", f"{name}={str(value).lower() if isinstance(value, bool) else value}"]
        return words + self._arguments

    def _await_ready(self, process: subprocess.Popen[str]) -> dict[str, str]:
        assert process.stdout is not None, "stdout is a pipe"
        deadline = time.monotonic() + READY_S_MAX
        while line := _line_before(process.stdout, deadline):
            words = line.split()
            if words[:2] == READY_WORDS:
                return dict(word.split("=", 1) for word in words[2:])
        if time.monotonic() >= deadline:
            raise self._failed(f"was not ready after {READY_S_MAX:.0f} s")
        raise self._failed(f"ended with exit code {process.wait()} before it was ready")

    def _end(self, process: subprocess.Popen[str]) -> int:
        if process.poll() is None:
            process.kill()
        code = process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None
        return code

    def _address(self, what: str) -> str:
        if what not in self._addresses:
            raise self._failed("was not started")
        return self._addresses[what]

    def _failed(self, what: str) -> BrokerFailed:
        return BrokerFailed(f"the broker {what}; its log ends with:\n{self.log()}")


def _line_before(pipe: IO[str], deadline: float) -> str:
    """The next line, or nothing at the end of the pipe or at the deadline."""
    # A line is written whole, and nothing else has been read: what select sees is all there is.
    readable, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
    return pipe.readline() if readable else ""


def _environment() -> dict[str, str]:
    """The parent's environment without settings that were meant for another broker."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
