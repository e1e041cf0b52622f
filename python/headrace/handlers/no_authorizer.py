"""What the three calls about ACLs share: there is no authorizer to ask, as in a Kafka that is given none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

UNKNOWN: Final = 0
"""Of resource types, pattern types, operations and permissions: the number that no client may say."""
NO_AUTHORIZER: Final = "No Authorizer is configured."


def says_unknown(codes: Iterable[int]) -> bool:
    """Whether one of them is the number for nothing; Kafka cannot read such a request, and closes the connection."""
    return UNKNOWN in codes
