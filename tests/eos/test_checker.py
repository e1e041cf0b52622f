"""Each thing that a run must not show is found, and a good one is called good."""

from __future__ import annotations

import pytest

from tests.eos.checker import check
from tests.eos.reader import Partition
from tests.eos.transform import make

INPUTS = {0: [10, 11, 12]}


def outputs(*offsets: int, doomed: int = -1, image_of: int = -1) -> list[tuple[int, bytes]]:
    made = []
    for at, offset in enumerate(offsets):
        number = 99 if offset == image_of else INPUTS[0][offset]
        made.append((at, make(0, offset, number, "w", 1, doomed=offset == doomed)))
    return made


def kinds(
    committed: list[tuple[int, bytes]],
    live: list[tuple[int, bytes]] | None = None,
    offset: int = 3,
    last_stable: int = 9,
) -> list[str]:
    at_end = {0: Partition(committed, 0, 9, last_stable)}
    return [one.kind for one in check(INPUTS, at_end, {0: committed if live is None else live}, {0: offset})]


def test_all_once_in_order_is_good() -> None:
    assert kinds(outputs(0, 1, 2)) == []


@pytest.mark.parametrize(
    ("committed", "found"),
    [
        (outputs(0, 2), ["lost"]),
        (outputs(0, 1, 1, 2), ["duplicated"]),
        (outputs(0, 2, 1), ["reordered"]),
        (outputs(0, 1, 2, 2, doomed=2), ["aborted", "aborted", "lost"]),
        (outputs(0, 1, 2, image_of=1), ["wrong", "lost"]),
    ],
)
def test_records(committed: list[tuple[int, bytes]], found: list[str]) -> None:
    assert kinds(committed) == found


def test_offsets_and_what_hangs() -> None:
    assert kinds(outputs(0, 1, 2), offset=2) == ["offset"]
    assert kinds(outputs(0, 1, 2), last_stable=8) == ["hanging"]


def test_a_live_reader_sees_what_is_committed_and_nothing_else() -> None:
    good = outputs(0, 1, 2)
    assert kinds(good, good[:2]) == ["unseen"]
    assert kinds(good, [*good, (3, good[2][1])]) == ["early"]
    assert kinds(good, [*good, good[2]]) == ["twice"]
