"""Which handler and which structs an API has. Modules are imported when the API is first asked for."""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headrace.wire.keys import BY_KEY, SERVED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from headrace.handlers.call import Call
    from headrace.wire.schema import Message

ENGINE_KEYS: Final = frozenset({0, 1, 2, 18})
"""Produce, Fetch, ListOffsets, ApiVersions: the engine answers them by itself."""

HANDLER_KEYS: Final = SERVED - ENGINE_KEYS


class Route(NamedTuple):
    """How one API is served."""

    name: str
    request: type[Message]
    response: type[Message]
    handle: Callable[[Call, Any], Awaitable[Message | bytes | None]]
    """Gives the response, or its bytes if they were made before, or None to close the connection."""
    refused: Callable[[Any, int, str | None], Message] | None
    """`refused(request, error, message)`: a response that says the same of everything that was asked."""


def module_name(api_key: int) -> str:
    """`k11_join_group`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", BY_KEY[api_key].name).lower()
    return f"k{api_key:02}_{words}"


def route(api_key: int) -> Route:
    """The route of a key in `HANDLER_KEYS`."""
    name = BY_KEY[api_key].name
    handler = importlib.import_module(f"headrace.handlers.{module_name(api_key)}")
    messages = importlib.import_module(f"headrace.wire.messages.{module_name(api_key)}")
    return Route(
        name=name,
        request=getattr(messages, f"{name}Request"),
        response=getattr(messages, f"{name}Response"),
        handle=handler.handle,
        refused=getattr(handler, "refused", None),
    )
