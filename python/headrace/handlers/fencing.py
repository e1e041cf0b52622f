"""PRODUCER_FENCED in the words of old versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.model.errors import Error

if TYPE_CHECKING:
    from headrace.handlers.call import Call


def fenced_error(error: Error, call: Call, since_version: int) -> Error:
    """Clients before `since_version` know INVALID_PRODUCER_EPOCH only, and take it as final just the same."""
    if error is Error.PRODUCER_FENCED and call.api_version < since_version:
        return Error.INVALID_PRODUCER_EPOCH
    return error
