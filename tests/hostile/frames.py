"""Frame number n of a seed, always the same: which request, which class of wrong, and what a correct reader makes of it."""

from __future__ import annotations

import importlib
import pkgutil
import struct
from random import Random  # noqa: TID251 - seeded by the caller, so that a frame can be sent again
from typing import TYPE_CHECKING, Final, NamedTuple

import headrace.wire.messages as all_messages
from headrace.wire.codec import decode
from headrace.wire.keys import ADVERTISED, BY_KEY
from headrace.wire.schema import Message
from headrace.wire.wire_error import WireError
from tests.hostile import tokens
from tests.hostile.tokens import Token, varint

if TYPE_CHECKING:
    from collections.abc import Callable

MUTATIONS_SHARE: Final = {
    "plain": 24,
    "edges": 30,
    "unknown tags": 6,
    "client id": 4,
    "length lies": 9,
    "cut short": 7,
    "bytes left over": 5,
    "bits flipped": 6,
    "bad utf-8": 3,
    "tag flood": 2,
    "endless varint": 2,
    "header cut": 1,
    "frame length": 1,
}
"""Classes of frames and how many of a hundred are theirs."""
TAG_FLOOD: Final = 20_000
CLIENT_IDS: Final = [None, b"", b"fuzz", b"c" * 32_767, b"line\nbreak\x1b[31m", b"\xc3\x28 not utf-8"]
LENGTHS: Final = [2**31 - 1, -1, -(2**31), 0, 100 * 1024 * 1024 + 1, 3]
"""Frame lengths: more than any limit, negative, none, one over `socket.request.max.bytes`, less than a header."""


class Frame(NamedTuple):
    """One frame, and what is known of it."""

    number: int
    kind: str
    key: int
    version: int
    data: bytes
    decodes: bool
    """Header and whole body are read by the product's own codec."""
    answered: bool
    """A broker may answer it: it decodes, and is not a Produce with acks=0."""


def _find(suffix: str) -> dict[int, type[Message]]:
    found: dict[int, type[Message]] = {}
    for module in pkgutil.iter_modules(all_messages.__path__, f"{all_messages.__name__}."):
        for name, item in vars(importlib.import_module(module.name)).items():
            if name.endswith(suffix) and isinstance(item, type) and issubclass(item, Message):
                found[item.API_KEY] = item
    return found


REQUESTS: Final = _find("Request")
RESPONSES: Final = _find("Response")
PAIRS: Final = [(key, version) for key, low, high in ADVERTISED for version in range(low, high + 1)]
"""Every advertised (key, version). Frame n is of pair n modulo their number, so that all get their share."""


def make(seed: int, number: int) -> Frame:
    """Frame `number` of `seed`."""
    rng = Random(f"{seed}/{number}")
    key, version = PAIRS[number % len(PAIRS)]
    kind = rng.choices(list(MUTATIONS_SHARE), list(MUTATIONS_SHARE.values()))[0]
    message = REQUESTS[key]
    drawn_as = max(version, message.VERSIONS[0])  # Produce 0-2 is advertised and refused
    flexible = version >= message.FLEXIBLE_FROM
    body = tokens.draw(rng, message, drawn_as, flexible, 0.25 if kind == "edges" else 0.0)
    if mutate := BODY_MUTATIONS.get(kind):
        body = mutate(rng, body)
    client = rng.choice(CLIENT_IDS) if kind == "client id" else b"fuzz"
    length = -1 if client is None else len(client)
    header = struct.pack(">hhih", key, version, number & 0x7FFFFFFF, length) + (client or b"")
    if flexible:
        header += _flood() if kind == "tag flood" and rng.random() < 0.5 else b"\x00"
    payload = b"".join(token.data for token in body)
    if kind in BYTE_MUTATIONS:
        payload = BYTE_MUTATIONS[kind](rng, payload)
    data = header + payload
    if kind == "header cut":
        data = data[: rng.randint(1, 9)]
    declared = rng.choice(LENGTHS) if kind == "frame length" else len(data)
    whole = kind not in ("header cut", "frame length") and _header_is_good(kind, flexible, header, client)
    decodes, acks = _judge(message, version, payload) if whole else (False, True)
    return Frame(number, kind, key, version, struct.pack(">i", declared) + data, decodes, decodes and acks)


def _header_is_good(kind: str, flexible: bool, header: bytes, client: bytes | None) -> bool:
    if client is not None and not client.isascii():
        return False
    return not (kind == "tag flood" and flexible and len(header) > 1_000)


def _judge(message: type[Message], version: int, payload: bytes) -> tuple[bool, bool]:
    """Whether the body decodes, and whether an answer is due."""
    if not message.VERSIONS[0] <= version <= message.VERSIONS[1]:
        return False, False
    try:
        request = decode(message, version, payload)
    except WireError:
        return False, True
    return True, getattr(request, "acks", 1) != 0


def _flood() -> bytes:
    return varint(TAG_FLOOD) + b"".join(varint(tag) + b"\x00" for tag in range(TAG_FLOOD))


def _replace(body: list[Token], at: int, data: bytes) -> list[Token]:
    return [*body[:at], Token(body[at].what, data), *body[at + 1 :]]


def _places(body: list[Token], *what: str) -> list[int]:
    return [at for at, token in enumerate(body) if token.what in what]


def _lie(rng: Random, body: list[Token]) -> list[Token]:
    """A length or count that is not true."""
    places = _places(body, "length", "count")
    if not places:
        return [*body, Token("bytes", b"\x7f")]
    at = rng.choice(places)
    old = body[at].data
    if len(old) == 2:
        return _replace(body, at, struct.pack(">h", rng.choice([32_767, -2, -32_768, 1_000])))
    if len(old) == 4 and old[0] in (0, 0xFF):
        return _replace(body, at, struct.pack(">i", rng.choice([2**31 - 1, -2, -(2**31), 1_000_000, 70_000])))
    return _replace(body, at, varint(rng.choice([2**31, 2**32 - 1, 2**31 - 1, 1_000_001, 300])))


def _bad_text(rng: Random, body: list[Token]) -> list[Token]:
    places = [at for at in _places(body, "text") if body[at].data]
    if not places:
        return [*body, Token("bytes", b"\xff\xfe")]
    at = rng.choice(places)
    return _replace(body, at, b"\xff" + body[at].data[1:])


def _endless(rng: Random, body: list[Token]) -> list[Token]:
    places = _places(body, "length", "count", "tags")
    if not places:
        return [*body, Token("bytes", b"\xff" * 12)]
    return _replace(body, rng.choice(places), b"\xff" * 12)


def _tags(body: list[Token], data: bytes) -> list[Token]:
    """Put tagged fields where the last struct has none of its own; as they are in versions without tags."""
    places = [at for at in _places(body, "tags") if body[at].data == b"\x00"]
    return _replace(body, places[-1], data) if places else body


BODY_MUTATIONS: Final[dict[str, Callable[[Random, list[Token]], list[Token]]]] = {
    "length lies": _lie,
    "bad utf-8": _bad_text,
    "endless varint": _endless,
    "unknown tags": lambda rng, body: _tags(
        body, b"\x02" + varint(1_000) + b"\x03abc" + varint(rng.randint(1_001, 2**31)) + b"\x00"
    ),
    "tag flood": lambda _, body: _tags(body, _flood()),
}


def _flip(rng: Random, payload: bytes) -> bytes:
    out = bytearray(payload or b"\x00")
    for _ in range(rng.randint(1, 4)):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


BYTE_MUTATIONS: Final[dict[str, Callable[[Random, bytes], bytes]]] = {
    "cut short": lambda rng, payload: payload[: rng.randrange(len(payload))] if payload else payload,
    "bytes left over": lambda rng, payload: payload + rng.randbytes(rng.randint(1, 20)),
    "bits flipped": _flip,
}


def name_of(key: int) -> str:
    """The API's name."""
    return BY_KEY[key].name if key in BY_KEY else str(key)
