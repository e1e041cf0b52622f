"""What one side does in a move: a generator that yields what it asks and is sent the answer.

A move knows its world and its draws, small numbers that say which topic, which version and so on: nothing else, so that it can
be made again without the others of its walk. What is not to be compared, but waited for, is a `Settle`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headrace.model.errors import Error
from headrace.wire.keys import ADVERTISED

if TYPE_CHECKING:
    from headrace.wire.schema import Message
    from tests.differential.world import World

TOPICS, GROUPS, MEMBERS, PRODUCERS, TRANSACTIONS = 3, 2, 3, 2, 2
"""Of each in a walk: few, so that moves meet."""
VERSIONS: Final = {key: (low, high) for key, low, high in ADVERTISED}


class Ask(NamedTuple):
    """A request whose answer is compared."""

    request: Message
    version: int


class Settle(NamedTuple):
    """A request that is said until its answer is as it should be, on each side by itself."""

    request: Message
    version: int
    done: Callable[[Any], bool]


Doing = Generator[Ask | Settle, Any, None]
Draws = Sequence[int]
Doer = Callable[["World", Draws], Doing]


class Move(NamedTuple):
    """One step of a walk."""

    name: str
    line: int
    """The connection that does it."""
    draws: tuple[int, ...]


def in_version(request: Message, draw: int, low: int = 0, high: int = 99) -> Ask:
    """The request in one of its versions, within bounds; small draws are the newest."""
    lowest, highest = VERSIONS[request.API_KEY]
    low, high = max(low, lowest), min(high, highest)
    return Ask(request, high - draw % (high - low + 1))


def topic(w: World, draw: int) -> str:
    """One of the walk's topics."""
    return w.named(f"t{draw % TOPICS}")


def group(w: World, draw: int) -> str:
    """One of the walk's groups."""
    return w.named(f"g{draw % GROUPS}")


def state(w: World, name: str, otherwise: Any) -> Any:
    """What the walk remembers of this side."""
    return w.symbols.setdefault(name, otherwise)


def failed(answer: Any) -> bool:
    """Whether an answer has an error, in itself."""
    return bool(answer.error_code != Error.NONE)
