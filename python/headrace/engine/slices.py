"""Long work on the one event loop, cut into slices: between two of them everybody else gets a turn."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterable

T = TypeVar("T")

SLICE_MAX: Final = 500
"""Records, partitions or the like in one slice: a millisecond or two of Python."""


async def in_slices(
    items: Iterable[T], weight: Callable[[T], int] = lambda _: 1, slice_max: int = SLICE_MAX
) -> AsyncIterator[list[T]]:
    """The items in order, as lists that weigh at most `slice_max` or hold one item.

    What the items are taken from must stay as it is until the last slice.
    """
    part: list[T] = []
    weighs = 0
    for item in items:
        heavy = weight(item)
        if part and weighs + heavy > slice_max:
            yield part
            await asyncio.sleep(0)
            part, weighs = [], 0
        part.append(item)
        weighs += heavy
    if part:
        yield part


async def run_in_slices(work: Generator[int, None, T]) -> T:
    """What the work comes to; it yields the weight of each of its steps."""
    weighs = 0
    while True:
        try:
            weighs += next(work)
        except StopIteration as end:
            result: T = end.value
            return result
        if weighs >= SLICE_MAX:
            await asyncio.sleep(0)
            weighs = 0
