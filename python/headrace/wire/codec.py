"""Kafka's wire format for the control plane: structs to bytes and back, compiled for a message's version at first use.

    request = decode(JoinGroupRequest, 9, body)
    body = encode(JoinGroupResponse(...), 9)

Reading never trusts a length: nothing is allocated for more than the bytes that are there, and whatever is malformed is a
`WireError`. Unknown tagged fields are dropped. Writing refuses values that the version cannot carry (Kafka's rule), since
dropping them silently would change what was said.

The functions that do the work are written by `reader` and `writer`; `exec` stays in this module.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final, TypeVar

from headrace.wire.reader import reader_source
from headrace.wire.schema import Message
from headrace.wire.varint import uvarint
from headrace.wire.wire_error import WireError
from headrace.wire.writer import UnsupportedField, writer_source

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace.wire.schema import Part

    Reader = Callable[[bytes, int, int], tuple[Any, int]]
    Writer = Callable[[Any, bytearray], None]

__all__ = [
    "UnsupportedField",
    "WireError",
    "decode",
    "decode_from",
    "decode_stored",
    "encode",
    "encode_part",
    "encode_stored",
    "encode_with",
]

M = TypeVar("M", bound=Message)

_readers: Final[dict[tuple[type[Part], int, bool], Reader]] = {}
_writers: Final[dict[tuple[type[Part], int, bool], Writer]] = {}
# Both are bounded by the messages and versions that exist: `_flexible` refuses others.


def decode(message: type[M], version: int, data: bytes) -> M:
    """The message that `data` is, whole.

    Raises `WireError`: malformed, cut short, or bytes left over.
    """
    found, end = decode_from(message, version, data, 0)
    if end != len(data):
        raise WireError(f"{len(data) - end} bytes after {message.__name__} v{version}")
    return found


def decode_from(message: type[M], version: int, data: bytes, position: int) -> tuple[M, int]:
    """The message that begins at `position`, and where it ends. Raises `WireError`."""
    read = _readers.get((message, version, _flexible(message, version))) or _reader(
        message, version, _flexible(message, version)
    )
    try:
        found: tuple[M, int] = read(data, position, len(data))
    except (struct.error, IndexError) as error:
        raise WireError(f"{message.__name__} v{version} is cut short") from error
    except UnicodeDecodeError as error:
        raise WireError(f"text in {message.__name__} v{version} is not UTF-8") from error
    if found[1] > len(data):
        raise WireError(f"{message.__name__} v{version} is cut short")
    return found


def encode(message: Message, version: int) -> bytes:
    """The message's bytes.

    Raises `UnsupportedField`: a field has a value that this version has no room for.
    """
    kind = type(message)
    out = bytearray()
    flexible = _flexible(kind, version)
    write = _writers.get((kind, version, flexible)) or _writer(kind, version, flexible)
    write(message, out)
    return bytes(out)


def encode_part(part: Part, version: int, *, flexible: bool) -> bytes:
    """The bytes of a struct as they stand inside a message of this version, for answers joined from kept pieces."""
    out = bytearray()
    _writer(type(part), version, flexible)(part, out)
    return bytes(out)


def encode_with(part: Part, version: int, entries: Sequence[bytes], *, behind: int, flexible: bool) -> bytes:
    """The bytes of a struct whose one array is empty, with these encoded parts in it.

    `behind`: bytes of the fields that stand after the array, without the count of tagged fields.
    """
    whole = encode_part(part, version, flexible=flexible)
    cut = len(whole) - behind - flexible
    empty, count = (1, uvarint(len(entries) + 1)) if flexible else (4, struct.pack(">i", len(entries)))
    return b"".join([whole[: cut - empty], count, *entries, whole[cut:]])


def encode_stored(message: Message, version: int) -> bytes:
    """A stored record's value: its version as int16, then the message."""
    return version.to_bytes(2, "big") + encode(message, version)


def decode_stored(message: type[M], data: bytes) -> M:
    """The record that `encode_stored` wrote, in whichever version. Raises `WireError`."""
    if len(data) < 2:
        raise WireError(f"{message.__name__} is cut short")
    version = int.from_bytes(data[:2], "big", signed=True)
    if not message.VERSIONS[0] <= version <= message.VERSIONS[1]:
        raise WireError(f"{message.__name__} has no version {version}")
    found, end = decode_from(message, version, data, 2)
    if end != len(data):
        raise WireError(f"{len(data) - end} bytes after {message.__name__} v{version}")
    return found


def _flexible(message: type[Message], version: int) -> bool:
    low, high = message.VERSIONS
    assert low <= version <= high, f"{message.__name__} has no version {version}"
    return version >= message.FLEXIBLE_FROM


def _reader(part: type[Part], version: int, flexible: bool) -> Reader:
    key = (part, version, flexible)
    if key not in _readers:
        source, names, inner = reader_source(part, version, flexible)
        names |= {name: _reader(kind, version, flexible) for name, kind in inner.items()}
        _readers[key] = _compiled(source, names, f"<{part.__name__} v{version} reader>")
    return _readers[key]


def _writer(part: type[Part], version: int, flexible: bool) -> Writer:
    key = (part, version, flexible)
    if key not in _writers:
        source, names, inner = writer_source(part, version, flexible)
        names |= {name: _writer(kind, version, flexible) for name, kind in inner.items()}
        _writers[key] = _compiled(source, names, f"<{part.__name__} v{version} writer>")
    return _writers[key]


def _compiled(source: str, names: dict[str, Any], where: str) -> Any:
    exec(compile(source, where, "exec"), names)  # noqa: S102 - the source is made of our own tables
    return names["run"]
