"""Every scene by name, each made anew when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.differential.scene import Scene

SCENES: Final[dict[str, Callable[[], Scene]]] = {}
