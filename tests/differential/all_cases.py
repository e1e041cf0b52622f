"""Everything that is asked: the cases of every (key, version) pair that is served, and the scenes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.wire.keys import ADVERTISED
from tests.differential.case import pair
from tests.differential.scenes import SCENES

if TYPE_CHECKING:
    from collections.abc import Collection

    from tests.differential.case import Case
    from tests.differential.scene import Scene


def stateless(only: Collection[str] = ()) -> list[Case]:
    """The cases of all pairs, or of the APIs in `only`."""
    return [
        case
        for key, low, high in ADVERTISED
        if not only or str(key) in only
        for version in range(low, high + 1)
        for case in pair(key, version)
    ]


def scenes(only: Collection[str] = ()) -> list[Scene]:
    """All scenes, or those named in `only`."""
    return [made for name, make in SCENES.items() if not only or name in only for made in [make()]]
