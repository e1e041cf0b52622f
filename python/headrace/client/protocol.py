"""Which versions of each request this client speaks, and how its answer is found and read."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headrace.model.errors import Error
from headrace.wire.codec import decode_from
from headrace.wire.headers import read_response_header
from headrace.wire.keys import API_VERSIONS, BY_KEY

if TYPE_CHECKING:
    from headrace.wire.schema import Message


class Api(NamedTuple):
    """One API as this client uses it."""

    key: int
    name: str
    first: int
    last: int


SPOKEN: Final = {
    "OffsetFetch": (8, 9),  # several groups in one request; topics still by name
    "OffsetCommit": (2, 9),
    "FindCoordinator": (4, 6),  # several keys in one request
    "DeleteTopics": (1, 5),  # by name
    "Metadata": (4, 13),  # 4: topics are not made by asking for them
}
"""First and last version of APIs whose other versions want different fields; of the rest, all that exist."""

_UNSUPPORTED: Final = int(Error.UNSUPPORTED_VERSION).to_bytes(2, "big")


def api_of(request: Message) -> Api:
    """How a request is spoken."""
    row = BY_KEY[request.API_KEY]
    first, last = SPOKEN.get(row.name, request.VERSIONS)
    return Api(row.key, row.name, first, last)


def read_answer(request: Message, version: int, frame: bytes) -> tuple[int, Any]:
    """The correlation id of an answer, and the answer to a request of this kind. Raises `WireError`.

    A broker that does not know our version of ApiVersions says so in version 0 (KIP-511).

    Fields that a newer broker appends are its own affair: bytes after the message are not looked at.
    """
    correlation, at = read_response_header(request.API_KEY, version, frame)
    kind = type(request)
    if request.API_KEY == API_VERSIONS and frame[at : at + 2] == _UNSUPPORTED:
        version = 0
    answer = getattr(sys.modules[kind.__module__], kind.__name__.removesuffix("Request") + "Response")
    return correlation, decode_from(answer, version, frame, at)[0]
