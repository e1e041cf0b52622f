"""A scene: steps said one after the other to both brokers, each answer compared, what a broker drew in it named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from headrace.wire.keys import ADVERTISED
from tests.differential.case import READ_ONLY, Case
from tests.differential.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from headrace.wire.schema import Message

VERSIONS = {key: (low, high) for key, low, high in ADVERTISED}


class Step(NamedTuple):
    """One request of a scene."""

    case: Case
    line: str = "a"
    """The connection that says it."""
    does: str = "say"
    """`say`: send and hear; `send`; `hear` what comes of what this connection has sent."""
    captures: tuple[tuple[str, str], ...] = ()
    """Symbols, and where in the answer they stand."""
    learns: tuple[Callable[[World], str], ...] = ()
    """Topics that are there when the step is done."""
    forgets: tuple[Callable[[World], str], ...] = ()
    """Topics that are gone."""
    until: tuple[str, str] | None = None
    """Said again until the answer has this value at this path: what another connection has sent is done then."""

    @property
    def repeats(self) -> bool:
        """Whether it may be said again."""
        return self.does == "say" and self.case.key in READ_ONLY and not self.captures


class Scene:
    """A named script. Its objects are called `World.named`; what it captures is `World.symbol`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.prefix = f"s_{name}"
        self._bare = World(self.prefix)
        self._steps: list[Step] = []
        self._before: list[Step] | None = None
        self._sent: dict[str, Step] = {}
        self._names: set[tuple[str, int]] = set()

    def say(
        self,
        name: str,
        request: Callable[[World], Message],
        version: int = -1,
        *,
        line: str = "a",
        learns: Iterable[Callable[[World], str]] = (),
        forgets: Iterable[Callable[[World], str]] = (),
        until: tuple[str, str] | None = None,
        **captures: str,
    ) -> None:
        """Say a request, in its newest version if none is given. `captures`: by symbol, its path in the answer."""
        case = self._case(name, request, version)
        self._steps.append(
            Step(case, line, "say", tuple(sorted(captures.items())), tuple(learns), tuple(forgets), until)
        )

    def send(
        self, name: str, request: Callable[[World], Message], version: int = -1, *, line: str, **captures: str
    ) -> None:
        """Say a request that is not answered before others are said; `hear` compares its answer."""
        step = Step(self._case(name, request, version), line, "send", tuple(sorted(captures.items())))
        self._sent[line] = step
        self._steps.append(step)

    def hear(self, line: str) -> None:
        """The answer to what this connection has sent."""
        self._steps.append(self._sent.pop(line)._replace(does="hear"))

    def probe(
        self, name: str, request: Callable[[World], Message], low: int = 0, high: int = 99, *, line: str = "p"
    ) -> None:
        """Say a request in every version that is served, within bounds."""
        lowest, highest = VERSIONS[request(self._bare).API_KEY]
        for version in range(max(low, lowest), min(high, highest) + 1):
            self.say(name, request, version, line=line)

    def restart(self) -> None:
        """What follows is said after a restart of both brokers."""
        self._before = self._steps
        self._steps = []

    def acts(self) -> tuple[list[Step], list[Step]]:
        """The steps before the restart and after it."""
        return (self._steps, []) if self._before is None else (self._before, self._steps)

    def cases(self) -> list[Case]:
        """Every step whose answer is compared."""
        return [step.case for act in self.acts() for step in act if step.does != "send"]

    def _case(self, name: str, request: Callable[[World], Message], version: int) -> Case:
        key: Any = request(self._bare).API_KEY
        said = VERSIONS[key][1] if version < 0 else version
        assert (name, said) not in self._names, f"{self.name}: {name} v{said} twice"
        self._names.add((name, said))
        return Case(self.prefix, 0, key, said, name, request)
