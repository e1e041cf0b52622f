"""The scenes, by name."""

from tests.differential.scenes.all_scenes import SCENES

__all__ = ["SCENES"]
