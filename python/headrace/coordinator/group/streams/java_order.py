"""The order in which Kafka meets things that it keeps in hash maps and in a heap: who gets a task when two are as good.

Assignments are stored and sticky, so a tie is decided once and seen for long: it falls here as it falls in Kafka.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

_CAPACITY_DEFAULT: Final = 16
_MASK: Final = 0xFFFFFFFF


def java_order(keys: Iterable[str], capacity: int = _CAPACITY_DEFAULT) -> list[str]:
    """`keys` as a `java.util.HashMap` made for `capacity` walks over them, put in in this order."""
    distinct = list(dict.fromkeys(keys))
    size = 1
    while size < capacity:
        size *= 2
    while len(distinct) > size * 3 // 4:
        size *= 2
    return sorted(distinct, key=lambda key: _spread_hash(key) & (size - 1))


def _spread_hash(text: str) -> int:
    value = 0
    units = text.encode("utf-16-be", "surrogatepass")
    for at in range(0, len(units), 2):
        value = (31 * value + (units[at] << 8 | units[at + 1])) & _MASK
    return value ^ value >> 16


class JavaHeap(Generic[T]):
    """`java.util.PriorityQueue`: among equals, the one that its sifting brings up."""

    def __init__(self, rank: Callable[[T], float], items: Iterable[T]) -> None:
        self._rank = rank
        self._heap: list[T] = []
        for item in items:
            self.push(item)

    def __len__(self) -> int:
        return len(self._heap)

    def push(self, item: T) -> None:
        heap, at = self._heap, len(self._heap)
        heap.append(item)
        while at and self._rank(item) < self._rank(heap[(at - 1) // 2]):
            heap[at] = heap[(at - 1) // 2]
            at = (at - 1) // 2
        heap[at] = item

    def pop(self) -> T:
        heap, at = self._heap, 0
        first, item = heap[0], heap.pop()
        if not heap:
            return first
        while (child := 2 * at + 1) < len(heap):
            if child + 1 < len(heap) and self._rank(heap[child]) > self._rank(heap[child + 1]):
                child += 1
            if self._rank(item) <= self._rank(heap[child]):
                break
            heap[at] = heap[child]
            at = child
        heap[at] = item
        return first
