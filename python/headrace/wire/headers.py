"""Request and response headers. A frame here is what stands behind the four length bytes.

ApiVersions is answered before the client knows what the broker can read, so its response header never became flexible.
The client id kept its two-byte length when request headers became flexible, so that any broker can read it.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from headrace.wire.codec import encode
from headrace.wire.keys import API_VERSIONS, BY_KEY
from headrace.wire.wire_error import WireError

if TYPE_CHECKING:
    from headrace.wire.schema import Message

_REQUEST: Final = struct.Struct(">hhi")
_INT32: Final = struct.Struct(">i")
_LENGTH: Final = struct.Struct(">h")


def is_flexible(api_key: int, version: int) -> bool:
    """Whether this version has compact lengths and tagged fields."""
    return version >= BY_KEY[api_key].flexible_from


def response_header(api_key: int, version: int, correlation_id: int) -> bytes:
    """What stands before a response's body."""
    if api_key != API_VERSIONS and is_flexible(api_key, version):
        return _INT32.pack(correlation_id) + b"\x00"
    return _INT32.pack(correlation_id)


def read_response_header(api_key: int, version: int, frame: bytes) -> tuple[int, int]:
    """The correlation id of a response, and where its body begins. Raises `WireError`."""
    tagged = api_key != API_VERSIONS and is_flexible(api_key, version)
    if len(frame) < 4 + tagged:
        raise WireError("a response header is cut short")
    if tagged and frame[4] != 0:
        raise WireError("a response header has tagged fields that nobody has defined")
    return _INT32.unpack_from(frame)[0], 4 + tagged


def request_frame(message: Message, version: int, correlation_id: int, client_id: str | None) -> bytes:
    """A whole request, length included, as a client sends it."""
    key = message.API_KEY
    client = b"\xff\xff" if client_id is None else _LENGTH.pack(len(client_id.encode())) + client_id.encode()
    tags = b"\x00" if is_flexible(key, version) else b""
    frame = _REQUEST.pack(key, version, correlation_id) + client + tags + encode(message, version)
    return _INT32.pack(len(frame)) + frame
