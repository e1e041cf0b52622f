"""Epochs and states that all modern groups share."""

from __future__ import annotations

import enum
from typing import Final

JOIN_EPOCH: Final = 0
"""A member that sends it wants to (re)join."""
LEAVE_EPOCH: Final = -1
LEAVE_STATIC_EPOCH: Final = -2
"""A static member goes, and another with its instance id will come for its place."""


class MemberState(enum.IntEnum):
    """Of one member on its way to its target; values are stored."""

    STABLE = 0
    UNREVOKED = 1
    """It must give something back before it may go on."""
    UNRELEASED = 2
    """It waits for what others have not given back."""
    UNKNOWN = 127
    """A later version's: nothing can be concluded from it."""

    @classmethod
    def of(cls, value: int) -> MemberState:
        return cls(value) if value in cls._value2member_map_ else cls.UNKNOWN


EMPTY: Final = "Empty"
ASSIGNING: Final = "Assigning"
RECONCILING: Final = "Reconciling"
STABLE: Final = "Stable"
