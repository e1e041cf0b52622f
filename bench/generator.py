"""The native generator of `bench/loadgen`: built once, called as a child process that prints one JSON object."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

CRATE = Path(__file__).parent / "loadgen"
GENERATOR_CORE = 0
BROKER_CORE = 1


class GeneratorError(RuntimeError):
    """The generator ended with an error; its message says which."""


def build() -> Path:
    """Compile the generator if its sources changed; gives the program."""
    command = ["cargo", "build", "--quiet", "--release", "--locked", "--message-format", "json"]
    built = subprocess.run(command, cwd=CRATE, check=True, stdout=subprocess.PIPE, text=True).stdout
    for line in built.splitlines():
        message = json.loads(line)
        if message.get("reason") == "compiler-artifact" and message.get("executable"):
            return Path(message["executable"])
    raise GeneratorError("cargo built no program")


class Generator:
    """Calls of one generator program."""

    def __init__(self, program: Path) -> None:
        self.program = program

    def start(self, command: str, **options: object) -> subprocess.Popen[str]:
        """Start a command in the background; `finish` gives its result."""
        words = [str(self.program), command]
        for name, value in options.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            words += [f"--{name.replace('_', '-')}", text]
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        """Wait for a started command and read its JSON."""
        out, err = process.communicate()
        if process.returncode != 0:
            raise GeneratorError(err.strip() or f"exit {process.returncode}")
        result: dict[str, Any] = json.loads(out)
        return result

    def call(self, command: str, **options: object) -> dict[str, Any]:
        """Run a command to its end."""
        return self.finish(self.start(command, **options))

    def produce(self, broker: str, topic: str, **options: object) -> dict[str, Any]:
        """A measured produce on the generator's core; an answer with an error fails the run."""
        result = self.call("produce", broker=broker, topic=topic, core=GENERATOR_CORE, **options)
        if result["failed"]:
            raise GeneratorError(f"produce to {topic}: answers with errors {result['errors']}")
        return result

    def probe(self, directory: Path) -> dict[str, Any]:
        """Device and loopback by themselves, with D by quantile in microseconds."""
        found = self.call("probe", dir=directory, core=GENERATOR_CORE, far_core=BROKER_CORE)
        for quantile in ("p50_us", "p99_us", "p999_us"):
            found[f"d_{quantile}"] = found["flush"][quantile] + found["round_trip"][quantile]
        return found

    @contextmanager
    def null_broker(self) -> Iterator[str]:
        """A null broker on the broker's core; gives its address."""
        process = self.start("null-broker", core=BROKER_CORE)
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.kill()
            process.communicate()
