"""The harness's side of its clients: starting them, hearing from them, and reading the log at the end."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.crash import payload
from tests.crash.history import NO_OFFSET, Got, History, Place, Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

PATIENCE_S: Final = 60.0
"""How long anything may take on a broker that is up; longer is a finding."""
POLL_S: Final = 0.02


class Stuck(Exception):  # noqa: N818 - reads as what happened
    """A client got nowhere on a broker that is up."""


def until(what: str, condition: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
    """Wait for a condition. Raises `Stuck`."""
    deadline = time.monotonic() + within_s
    nothing = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            raise Stuck(f"waited {within_s:.0f} s for {what}")
        nothing.wait(POLL_S)


class Child:
    """A client in a process of its own. It says its progress, a word and a number a line, and hears commands."""

    def __init__(self, name: str, words: list[str], directory: Path) -> None:
        self.name: Final = name
        self._progress: dict[str, int] = {}
        with (directory / "clients.log").open("ab") as log:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                process_group=0,
            )
        self._ears = threading.Thread(target=self._listen, daemon=True)
        self._ears.start()

    def progress(self, word: str) -> int:
        """The last number it told under that word."""
        return self._progress.get(word, 0)

    def tell(self, word: str) -> None:
        """Give it a command. Raises `Stuck` if it is gone."""
        assert self._process.stdin is not None, "stdin is a pipe"
        try:
            self._process.stdin.write(word + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Stuck(f"{self.name} has given up") from None

    def ended(self) -> bool:
        """Whether it is done."""
        return self._process.poll() is not None

    def freeze(self) -> None:
        """SIGSTOP: it stands still with all its threads, as in a pause that nobody sees coming."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Make sure that it is gone (SIGKILL), and that all it said was heard."""
        self._process.kill()
        self._process.wait()
        self._ears.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):  # what it did not read does not matter any more
                    pipe.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None, "stdout is a pipe"
        for line in self._process.stdout:
            word, number = line.split()
            self._progress[word] = int(number)


class Client(Child):
    """One client process (worker.py), which is told `pause`, `resume` and `stop`."""

    def __init__(
        self, kind: str, name: str, directory: Path, bootstrap: str, settings: dict[str, Any]
    ) -> None:
        self.file: Final = directory / f"{name.replace('/', '-')}.events"
        self.file.touch()
        words = [sys.executable, "-m", "tests.crash.worker", kind, name, str(self.file), bootstrap]
        super().__init__(name, [*words, json.dumps(settings)], directory)


def create_topics(bootstrap: str, topics: dict[str, tuple[int, dict[str, str]]]) -> None:
    """Topics with their partitions and settings."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
    new = [NewTopic(name, count, 1, config=config) for name, (count, config) in topics.items()]
    for future in admin.create_topics(new).values():
        future.result(PATIENCE_S)


def committed(bootstrap: str, group: str, places: Iterable[Place]) -> list[Seen]:
    """What a newcomer is told of a group's offsets."""
    reader = Consumer({"bootstrap.servers": bootstrap, "log_level": 2, "group.id": group})
    try:
        invoked = time.monotonic_ns()
        told = reader.committed([TopicPartition(*place) for place in places], timeout=PATIENCE_S)
        completed = time.monotonic_ns()
        for one in told:
            if one.error:
                raise Stuck(f"{group} {one.topic}-{one.partition}: {one.error}")
        return [
            Seen(group, (one.topic, one.partition), max(one.offset, NO_OFFSET), invoked, completed)
            for one in told
        ]
    finally:
        reader.close()


def ends(bootstrap: str, places: Iterable[Place]) -> dict[Place, tuple[int, int]]:
    """Start and end of each partition."""
    reader = Consumer({"bootstrap.servers": bootstrap, "log_level": 2, "group.id": "ends"})
    try:
        return {
            place: reader.get_watermark_offsets(TopicPartition(*place), timeout=PATIENCE_S)
            for place in places
        }
    finally:
        reader.close()


def drain(bootstrap: str, places: list[Place], prefix: str, history: History) -> None:
    """Read partitions, and those of topics with the prefix, from start to end into the history, and list the topics.

    Raises `Stuck`.
    """
    reader = Consumer(
        {"bootstrap.servers": bootstrap, "log_level": 2, "group.id": "drain", "enable.auto.commit": False}
    )
    try:
        topics = reader.list_topics(timeout=PATIENCE_S).topics
        history.topics_at_end = set(topics)
        places = places + [
            (name, index) for name in topics if name.startswith(prefix) for index in topics[name].partitions
        ]
        wanted = ends(bootstrap, places)
        reader.assign([TopicPartition(*place, wanted[place][0]) for place in places])
        history.drained = {place: [] for place in places}
        left = {place for place, (start, end) in wanted.items() if end > start}
        deadline = time.monotonic() + PATIENCE_S
        while left:
            if time.monotonic() > deadline:
                raise Stuck(f"waited {PATIENCE_S:.0f} s for the ends of {sorted(left)}")
            for message in reader.consume(10_000, 0.2):
                if message.error():
                    continue  # a connection that ended; the client goes on by itself
                place = (message.topic(), message.partition())
                wrote = payload.parse(*place, message.value())
                history.drained[place].append(Got("drain", place, message.offset(), wrote, 0))
                if message.offset() + 1 >= wanted[place][1]:
                    left.discard(place)
    finally:
        reader.close()
