"""The cases of a pair: each good request as it is, and with one field at a time, or its frame, made wrong."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.wire.headers import is_flexible
from tests.differential.golden import GOLDEN
from tests.differential.pieces import joined, pieces
from tests.differential.wrong import field_wrongs, frame_wrongs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headrace.wire.schema import Message
    from tests.differential.world import World
    from tests.differential.wrong import Wrong

WRONGS_MAX: Final = 24
"""Of one good request's fields; of the rest every second, third ... is taken, another one in each version."""


class Case(NamedTuple):
    """One request to be said about a world."""

    key: int
    version: int
    name: str
    request: Callable[[World], Message]
    wrong: Wrong | None

    def frame(self, world: World) -> tuple[Message, bytes] | None:
        """The good request, and the frame that is sent; `None`: there is nothing to make wrong."""
        message = self.request(world)
        version = max(self.version, message.VERSIONS[0])  # Produce 0-2 is advertised, and refused
        body = pieces(message, version)
        if self.wrong is not None:
            changed = self.wrong.change(body)
            if changed is None:
                return None
            body = changed
        tags = b"\x00" if is_flexible(self.key, self.version) else b""
        frame = struct.pack(">hhih", self.key, self.version, 7, 4) + b"diff" + tags + joined(body)
        return message, struct.pack(">i", len(frame)) + frame


def cases(key: int, version: int, world: World) -> Iterator[Case]:
    """The cases of a pair, always the same."""
    for number, (name, request) in enumerate(GOLDEN[key].items()):
        yield Case(key, version, name, request, None)
        message = request(world)
        flexible = is_flexible(key, version)
        body = pieces(message, max(version, message.VERSIONS[0]))
        wrongs = field_wrongs(body, flexible, world.prefix)
        most = WRONGS_MAX if number == 0 else WRONGS_MAX // 4
        step = max(1, -(-len(wrongs) // most))
        for wrong in wrongs[version % step :: step]:
            yield Case(key, version, f"{name}, {wrong.name}", request, wrong)
        if number == 0:
            for wrong in frame_wrongs(body, flexible):
                yield Case(key, version, f"{name}, {wrong.name}", request, wrong)
