"""The two sides of a comparison: a broker that is asked, or the answers that Kafka gave when it was."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from headrace.wire.messages.k18_api_versions import ApiVersionsRequest
from headrace.wire.messages.k42_delete_groups import DeleteGroupsRequest
from tests.differential.case import READ_ONLY
from tests.differential.line import CHANGE_HANG_S, HANG_S, Line
from tests.differential.make import ASK_AGAIN_S, TRIES_MAX, commit, learn, make, settle_again
from tests.differential.tree import tree
from tests.differential.world import RESTARTED, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tests.differential.case import Case
    from tests.differential.line import Outcome
    from tests.differential.scene import Step

SCENE: Final = re.compile("s_")
MAKERS: Final = 8
"""Connections over which worlds are made."""
JOIN_S_MAX: Final = 5.0
"""How long a step of a scene may wait for what another connection's request brings."""


class Heard(NamedTuple):
    """What a side said to a case."""

    kind: str
    """As `Outcome`'s."""
    tree: dict[str, Any] | None = None

    @property
    def good(self) -> bool:
        """An answer in which every error code is 0."""
        return self.tree is not None and not any(errors(self.tree))


class Side(Protocol):
    """Who is asked."""

    async def prepare(self, cases: Iterable[Case]) -> None:
        """Make what these cases want."""

    async def hear(self, case: Case, lane: int) -> Heard:
        """Say a case over this lane's connection."""

    async def lonely(self, case: Case) -> None:
        """Bring what all cases share into the state in which this case finds it."""

    async def act(self, step: Step) -> Heard | None:
        """Do a step of a scene; `None` if nothing is to be heard."""

    async def restart(self) -> None:
        """Stop and start again on the same data."""

    async def still_there(self) -> None:
        """Raises `OSError` or `EOFError` if it has ended meanwhile: what it said then is nothing to go by."""

    async def close(self) -> None:
        """Hang up."""


class Live:
    """A broker that runs."""

    def __init__(self, bootstrap: str, restart: Callable[[], object] | None = None) -> None:
        self._bootstrap = bootstrap
        self._restart = restart
        self._worlds: dict[str, World] = {}
        self._lines: dict[str, Line] = {}

    async def prepare(self, cases: Iterable[Case]) -> None:
        for case in cases:
            case.request(self._world(case.prefix).at(case.number))
        lines = [self._line(f"maker {n}") for n in range(MAKERS)]
        await make(lines, self._worlds.values())

    async def hear(self, case: Case, lane: int) -> Heard:
        world = self._world(case.prefix)
        framed = case.frame(world)
        assert framed is not None, f"{case.name}: a case that makes no difference"
        hang_s = HANG_S if case.key in READ_ONLY else CHANGE_HANG_S
        outcome = await self._line(f"lane {lane}").say(framed[0], case.version, framed[1], hang_s)
        return _heard(case, outcome, world)

    async def lonely(self, case: Case) -> None:
        line = self._line("maker 0")
        await (
            line.close()
        )  # Kafka hangs up on who has said nothing for ten minutes, and on a slow machine that is long ago
        await line.ask(DeleteGroupsRequest(groups_names=[""]), 2)
        await commit(line, "", case.prefix)

    async def act(self, step: Step) -> Heard | None:
        case = step.case
        world = self._world(case.prefix)
        line = self._line(f"{case.prefix} {step.line}")
        framed = case.frame(world)
        assert framed is not None, f"{case.name}: a step that makes no difference"
        if step.does == "send":
            await line.send(framed[1])
            return None
        if step.does == "hear":
            outcome = await line.hear(framed[0], case.version, wait_s=JOIN_S_MAX)
        else:
            outcome = await line.say(framed[0], case.version, framed[1])
            for _ in range(TRIES_MAX):
                if step.until is None or outcome.answer is None:
                    break
                if _is_at(outcome.answer, *step.until):
                    break
                await asyncio.sleep(ASK_AGAIN_S)
                outcome = await line.say(framed[0], case.version, framed[1])
        if outcome.answer is not None:
            for symbol, path in step.captures:
                world.capture(symbol, _at(outcome.answer, path))
        if step.learns:
            await learn(line, dict.fromkeys((name(world) for name in step.learns), world))
        for name in step.forgets:
            world.ids.pop(name(world), None)
        return _heard(case, outcome, world)

    async def restart(self) -> None:
        assert self._restart is not None, "a broker that was started here"
        await self.close()
        await asyncio.to_thread(self._restart)
        topics = {name: world for world in self._worlds.values() for name in world.ids if SCENE.match(name)}
        for world in topics.values():
            world.symbols[RESTARTED] = True
        await settle_again(self._line("maker 0"), topics)

    async def still_there(self) -> None:
        await self._line("last").ask(ApiVersionsRequest(), 0)

    async def close(self) -> None:
        for line in self._lines.values():
            await line.close()

    def _world(self, prefix: str) -> World:
        return self._worlds.setdefault(prefix, World(prefix))

    def _line(self, name: str) -> Line:
        if name not in self._lines:
            self._lines[name] = Line(self._bootstrap)
        return self._lines[name]


class Recorded:
    """What Kafka said when it was asked."""

    def __init__(self, answers: Mapping[tuple[str, str, int], Heard]) -> None:
        self._answers = answers

    async def prepare(self, cases: Iterable[Case]) -> None:
        pass

    async def hear(self, case: Case, lane: int) -> Heard:
        return self._answers[case.unit, case.name, case.version]

    async def lonely(self, case: Case) -> None:
        pass

    async def act(self, step: Step) -> Heard | None:
        if step.does == "send":
            return None
        return await self.hear(step.case, 0)

    async def restart(self) -> None:
        pass

    async def still_there(self) -> None:
        pass

    async def close(self) -> None:
        pass


def _heard(case: Case, outcome: Outcome, world: World) -> Heard:
    if outcome.answer is None:
        return Heard(outcome.kind)
    version = min(case.version, outcome.answer.VERSIONS[1])
    return Heard(outcome.kind, tree(outcome.answer, version, world.at(case.number)))


def _at(answer: object, path: str) -> Any:
    """What a path such as `members[0].member_id` names in an answer."""
    found: Any = answer
    for name, index in re.findall(r"(\w+)(?:\[(\d+)\])?", path):
        found = getattr(found, name)
        if index:
            found = found[int(index)]
    return found


def _is_at(answer: object, path: str, value: str) -> bool:
    """Whether the answer has this value there; not while it has no such place."""
    try:
        return bool(_at(answer, path) == value)
    except (TypeError, IndexError, AttributeError):
        return False


def errors(part: Any) -> Iterable[int]:
    """Every error code in a tree."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name.endswith("error_code"):
                yield value
            else:
                yield from errors(value)
    elif isinstance(part, list):
        for item in part:
            yield from errors(item)
