"""The cases of a pair: each good request as it is, in other forms that are as good, and with one field at a time, or its frame,
made wrong."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.wire.headers import is_flexible
from headrace.wire.varint import uvarint
from tests.differential.golden import GOLDEN
from tests.differential.line import CORRELATION
from tests.differential.pieces import joined, pieces
from tests.differential.world import World
from tests.differential.wrong import TEXTS, UNKNOWN_TAG, Wrong, field_wrongs, frame_wrongs, other_forms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headrace.wire.schema import Message

WRONGS_MAX: Final = 24
"""Of the first good request's fields; of the rest every second, third ... is taken, another one in each version."""
WRONGS_MAX_OTHERS: Final = 6
"""Of each other good request's."""
FORMS_MAX: Final = 4
GROUP_KEYS: Final = {8, 9, 15, 28, 42, 47}
"""They take a group whose name is empty for a group, and there is one of it."""


TXN_OFFSET_COMMIT: Final = 28
"""Kafka asks coordinators about several requests at once, and answers those of old clients as the newest of them."""
READ_ONLY: Final = {
    *(1, 2, 3, 9, 10, 15, 16, 18, 23, 29, 32, 35),
    *(41, 43, 46, 48, 50, 55, 60, 61, 65, 66, 69, 74, 75, 77, 89, 90),
}
"""Keys that may be asked again."""
NOT_SAID: Final = {
    *((75, "topics=none"), (66, "producer_id_filters=none"), (43, "topic_partitions=null")),
    *((48, "components=none"), (50, "users=none"), (50, "users=null"), (74, "resource_types=none")),
    (57, "validate_only=false"),
    *((80, f"listeners[0].name={name}") for name in TEXTS),
}
"""Wrongs that are none: they ask for a page of all that is on the broker, whoever made it, or take back the cluster's features
from all the others; Kafka 4.2 ends at a voter whose listener has no good name."""
TOO_MUCH_FOR_KAFKA: Final = {(37, "", "topics[0].count=max")} | {
    (19, "two topics", f"topics[{n}].num_partitions=max") for n in (0, 1)
}
"""Key, good request (any) and wrong: Kafka's controller begins to place two thousand million partitions, runs out of memory, and
may end of it. Of one topic it says that they are too many; of two it adds them up to less than nothing."""


class Case(NamedTuple):
    """One request to be said about a world."""

    prefix: str
    """Of its world."""
    number: int
    """Among its world's cases."""
    key: int
    version: int
    name: str
    request: Callable[[World], Message]
    wrong: Wrong | None = None
    client: bytes | None = b"diff"
    header_tags: bytes = b"\x00"

    @property
    def unit(self) -> str:
        """The API or the scene that it belongs to, as its file of recorded answers is called."""
        return f"k{self.key:02}" if self.prefix.startswith("k") else self.prefix

    @property
    def alone(self) -> bool:
        """Whether it is about what all cases share, so that it must not be said beside others."""
        if self.key == TXN_OFFSET_COMMIT:
            return True
        return self.key in GROUP_KEYS and self.wrong is not None and self.wrong.name.endswith("=empty")

    def frame(self, world: World) -> tuple[Message, bytes] | None:
        """The good request, and the frame that is sent; `None`: there is nothing to make wrong."""
        message = self.request(world.at(self.number))
        version = max(self.version, message.VERSIONS[0])  # Produce 0-2 is advertised, and refused
        body = pieces(message, version)
        if self.wrong is not None:
            changed = self.wrong.change(body, f"{self.prefix}-{self.number}")
            if changed is None:
                return None
            body = changed
        client = b"\xff\xff" if self.client is None else struct.pack(">h", len(self.client)) + self.client
        tags = self.header_tags if is_flexible(self.key, self.version) else b""
        frame = struct.pack(">hhi", self.key, self.version, CORRELATION) + client + tags + joined(body)
        return message, struct.pack(">i", len(frame)) + frame


def pair(key: int, version: int) -> list[Case]:
    """The cases of a pair, always the same; each makes a difference."""
    prefix = f"k{key}v{version}"
    out: list[Case] = []
    for number, case in enumerate(_all(prefix, key, version)):
        numbered = case._replace(number=number)
        if numbered.frame(World(prefix)) is not None:
            out.append(numbered)
    return out


def _all(prefix: str, key: int, version: int) -> Iterator[Case]:
    for at, (name, request) in enumerate(GOLDEN[key].items()):
        good = Case(prefix, 0, key, version, name, request)
        yield good
        message = request(World(prefix))
        flexible = is_flexible(key, version)
        body = pieces(message, max(version, message.VERSIONS[0]))
        yield good._replace(name=f"{name}, no client id", client=None)
        if flexible:
            tags = b"\x01" + uvarint(UNKNOWN_TAG) + b"\x02hi"
            yield good._replace(name=f"{name}, unknown tag in the header", header_tags=tags)
        for form in _some(other_forms(body), FORMS_MAX, version):
            yield good._replace(name=f"{name}, {form.name}", wrong=form)
        wrongs = field_wrongs(body, flexible)
        for wrong in _some(wrongs, WRONGS_MAX if at == 0 else WRONGS_MAX_OTHERS, version):
            if (key, wrong.name) in NOT_SAID or TOO_MUCH_FOR_KAFKA & {
                (key, it, wrong.name) for it in ("", name)
            }:
                continue
            yield good._replace(name=f"{name}, {wrong.name}", wrong=wrong)
        if at == 0:
            for wrong in frame_wrongs(body, flexible):
                yield good._replace(name=f"{name}, {wrong.name}", wrong=wrong)


def _some(wrongs: list[Wrong], most: int, version: int) -> list[Wrong]:
    step = max(1, -(-len(wrongs) // most))
    return wrongs[version % step :: step]
