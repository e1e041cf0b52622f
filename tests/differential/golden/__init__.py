"""Good requests of every API that is served, said about one world."""

from tests.differential.golden.all_keys import GOLDEN

__all__ = ["GOLDEN"]
