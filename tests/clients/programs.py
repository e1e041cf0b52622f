"""The seven clients: what each needs on this machine, and how its program is built into the cache.

Everything is pinned: requirements.txt with hashes, go.sum, package-lock.json, pom.xml. A build is keyed by its sources,
so that a second run starts at once and a changed program is built again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

HERE: Final = Path(__file__).resolve().parent
JVM: Final = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
BUILD_S_MAX: Final = 900


class BuildFailed(Exception):  # noqa: N818 - reads as what happened
    """A client's set-up did not work; the text ends with what it printed."""


class Program(NamedTuple):
    """One client: its tools, its sources, and how they become a command."""

    name: str
    library: str
    needs: tuple[str, ...]
    folder: str
    build: Callable[[Path, Path], None]
    command: Callable[[Path, Path], list[str]]

    def missing(self) -> list[str]:
        """The tools that this machine lacks."""
        return [tool for tool in self.needs if shutil.which(tool) is None]

    def ready(self) -> list[str]:
        """The command, after building what is not built yet. Raises `BuildFailed`."""
        source = HERE / self.folder
        built = cache() / f"{self.folder}-{digest(source)}"
        with _locked(built.with_suffix(".lock")):
            if not (built / "built").exists():
                shutil.rmtree(built, ignore_errors=True)
                built.mkdir(parents=True)
                self.build(source, built)
                (built / "built").touch()
        return self.command(source, built)


def cache() -> Path:
    """Where builds are kept, outside every clone."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "headrace" / "clients"


def digest(source: Path) -> str:
    """A name for the contents of a folder."""
    content = hashlib.sha256()
    for file in sorted(source.iterdir()):
        if file.is_file():
            content.update(file.name.encode() + b"\0" + file.read_bytes())
    return content.hexdigest()[:16]


class _locked:  # noqa: N801 - used as a word
    """Two runs at once build once."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w")

    def __enter__(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _run(command: list[str], cwd: Path, **environment: str) -> None:
    result = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BUILD_S_MAX,
        check=False,
    )
    if result.returncode:
        raise BuildFailed(f"{' '.join(command)}\n{result.stdout[-2000:]}")


def _build_python(source: Path, built: Path) -> None:
    _run([sys.executable, "-m", "venv", "."], built)
    pip = [str(built / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--require-hashes", "-r", str(source / "requirements.txt")], built)


def _build_go(source: Path, built: Path) -> None:
    _run(["go", "build", "-trimpath", "-o", str(built / "program"), "."], source, GOFLAGS="-mod=readonly")


def _build_node(source: Path, built: Path) -> None:
    for name in ("package.json", "package-lock.json", "main.mjs"):
        shutil.copy(source / name, built / name)
    _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], built)


def _build_java(source: Path, built: Path) -> None:
    copy = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={built / 'libs'}"]
    _run(["mvn", "--batch-mode", "--quiet", *copy], source)
    programs = sorted(file.name for file in source.glob("*.java"))
    _run(["javac", "-d", str(built / "classes"), "-cp", f"{built}/libs/*", *programs], source)


def _python(name: str, library: str) -> Program:
    def command(source: Path, built: Path) -> list[str]:
        return [str(built / "bin" / "python"), str(source / f"{name}_client.py")]

    return Program(name, library, (), "python", _build_python, command)


def _go(name: str, library: str) -> Program:
    return Program(name, library, ("go",), name, _build_go, lambda _, built: [str(built / "program")])


PROGRAMS: Final = [
    _python("confluent", "confluent-kafka (librdkafka)"),
    _python("aiokafka", "aiokafka"),
    _python("kafka_python", "kafka-python"),
    Program(
        "java",
        "Apache Kafka clients and command-line tools 4.2",
        ("java", "javac", "mvn"),
        "java",
        _build_java,
        lambda _, built: [*JVM, "-cp", f"{built}/libs/*:{built}/classes", "Client"],
    ),
    _go("franz_go", "franz-go"),
    _go("sarama", "Sarama"),
    Program(
        "kafkajs",
        "KafkaJS",
        ("node", "npm"),
        "kafkajs",
        _build_node,
        lambda _, built: ["node", str(built / "main.mjs")],
    ),
]


STREAMS: Final = Program(
    "streams",
    "Apache Kafka Streams 4.2",
    ("java", "javac", "mvn"),
    "java_streams",
    _build_java,
    lambda _, built: [*JVM, "-cp", f"{built}/libs/*:{built}/classes", "WordCount"],
)
"""Not a client of the matrix: a program on top of one, with scenarios of its own."""


def java_command(main: str) -> list[str]:
    """How to run another of the Java programs than the client. Raises `BuildFailed`."""
    java = next(program for program in PROGRAMS if program.name == "java")
    if missing := java.missing():
        raise BuildFailed(f"{' and '.join(missing)} not found")
    return [*java.ready()[:-1], main]


def java_libraries() -> Path:
    """The folder of jars of the Java client, its tools and its broker. Raises `BuildFailed`."""
    java = next(program for program in PROGRAMS if program.name == "java")
    return Path(java.ready()[-2].partition("/libs/")[0]) / "libs"
