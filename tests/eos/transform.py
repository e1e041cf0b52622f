"""What the workers make of an input, so that any one output tells where it is from and who wrote it.

An input's value is its number. An output's: partition and offset of its input, the number, the number's image, the worker's
name and the count of its transaction, and whether that transaction was meant to be aborted. Java's is in Transformer.java.
"""

from __future__ import annotations

from typing import Final, NamedTuple

INPUT: Final = "in"
OUTPUT: Final = "out"
GROUP: Final = "transformers"


class Made(NamedTuple):
    """One output."""

    partition: int
    offset: int
    number: int
    image: int
    worker: str
    transaction: int
    doomed: bool


def image(number: int) -> int:
    """What becomes of a number."""
    return 7 * number + 3


def make(partition: int, offset: int, number: int, worker: str, transaction: int, *, doomed: bool) -> bytes:
    """An output's value."""
    fate = "doomed" if doomed else "kept"
    return f"{partition} {offset} {number} {image(number)} {worker} {transaction} {fate}".encode()


def parse(value: bytes) -> Made:
    """What `make` made."""
    partition, offset, number, made, worker, transaction, fate = value.decode().split()
    return Made(
        int(partition), int(offset), int(number), int(made), worker, int(transaction), fate == "doomed"
    )
