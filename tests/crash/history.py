"""What clients saw, as plain lines that survive the process that wrote them.

One file per process, one event per line, fields separated by tabs, each line written before the process goes on. The
checker reads nothing else: not the broker's files, not its log.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.crash.payload import Wrote

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import TextIO

Place = tuple[str, int]
"""Topic and partition."""
NO_OFFSET: Final = -1


class Sent(NamedTuple):
    """One record that a producer asked for. `outcome`: ok (acknowledged), fail (surely not applied), info (unknown)."""

    process: str
    place: Place
    wrote: Wrote
    outcome: str
    offset: int
    invoked_ns: int
    completed_ns: int


class Got(NamedTuple):
    """One record that a reader was given. `wrote` is `None` if its bytes are not what anybody wrote there."""

    process: str
    place: Place
    offset: int
    wrote: Wrote | None
    poll: int
    """Which poll of this process gave it; -1 where positions were given anew (assignment)."""


class Committed(NamedTuple):
    """One commit of a group's offset, as its member saw it."""

    process: str
    group: str
    place: Place
    offset: int
    outcome: str
    invoked_ns: int
    completed_ns: int


class Seen(NamedTuple):
    """A group's committed offset as somebody was told; `NO_OFFSET`: none."""

    group: str
    place: Place
    offset: int
    invoked_ns: int
    completed_ns: int


class TopicChange(NamedTuple):
    """A topic was asked for or given up. `what`: create or delete; `incarnation` tells two of one name apart;
    it is also the name of the one writer into it.

    `outcome`: ok, exists (create), missing (delete), or info: nobody knows.
    """

    topic: str
    incarnation: str
    what: str
    outcome: str


@dataclass
class History:
    """Everything that clients saw during one run."""

    sent: list[Sent] = field(default_factory=list)
    got: list[Got] = field(default_factory=list)
    drained: dict[Place, list[Got]] = field(default_factory=dict)
    """Each partition from its start to its end, read at the end on a healthy broker."""
    commits: list[Committed] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    changes: list[TopicChange] = field(default_factory=list)
    topics_at_end: set[str] = field(default_factory=set)
    fatal: list[str] = field(default_factory=list)
    """What stopped a client for good: an idempotent producer on one healthy broker has no reason to."""


class Recorder:
    """Writes one process's part of the history."""

    def __init__(self, process: str, file: TextIO) -> None:
        self._process = process
        self._file = file

    def _line(self, *fields: object) -> None:
        self._file.write("\t".join(map(str, fields)) + "\n")

    def flush(self) -> None:
        """To the file, so that the harness can read along."""
        self._file.flush()

    def sent(
        self, place: Place, wrote: Wrote, outcome: str, offset: int, invoked_ns: int, completed_ns: int
    ) -> None:
        """The outcome of a send."""
        self._line("s", self._process, *place, *wrote, outcome, offset, invoked_ns, completed_ns)

    def got(self, place: Place, offset: int, wrote: Wrote | None, poll: int) -> None:
        """A record that was read."""
        self._line("r", self._process, *place, offset, *(wrote or ("", -1)), poll)

    def committed(
        self, group: str, place: Place, offset: int, outcome: str, invoked_ns: int, completed_ns: int
    ) -> None:
        """The outcome of a commit."""
        self._line("c", self._process, group, *place, offset, outcome, invoked_ns, completed_ns)

    def change(self, topic: str, incarnation: str, what: str, outcome: str) -> None:
        """The outcome of making or deleting a topic."""
        self._line("t", topic, incarnation, what, outcome)

    def fatal(self, what: str) -> None:
        """A client gave up."""
        self._line("x", f"{self._process}: {what}".replace("\t", " ").replace("\n", " "))


def load(files: Iterable[Path]) -> History:
    """The history of all processes. A last line that a killed process left unfinished is not an event."""
    history = History()
    for file in files:
        *lines, _ = file.read_text().split("\n")
        for line in lines:
            _add(history, line.split("\t"))
    return history


def _add(history: History, fields: list[str]) -> None:
    match fields:
        case ["s", process, topic, partition, writer, number, outcome, offset, invoked, completed]:
            wrote = Wrote(writer, int(number))
            place = (topic, int(partition))
            history.sent.append(
                Sent(process, place, wrote, outcome, int(offset), int(invoked), int(completed))
            )
        case ["r", process, topic, partition, offset, writer, number, poll]:
            read = Wrote(writer, int(number)) if writer else None
            history.got.append(Got(process, (topic, int(partition)), int(offset), read, int(poll)))
        case ["c", process, group, topic, partition, offset, outcome, invoked, completed]:
            place = (topic, int(partition))
            history.commits.append(
                Committed(process, group, place, int(offset), outcome, int(invoked), int(completed))
            )
        case ["t", topic, incarnation, what, outcome]:
            history.changes.append(TopicChange(topic, incarnation, what, outcome))
        case ["x", what]:
            history.fatal.append(what)
        case _:
            raise ValueError(f"not an event: {fields}")
