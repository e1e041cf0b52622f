"""What must hold of inputs, outputs and offsets when everything was moved exactly once. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tests.crash.checker import Anomaly
from tests.eos.transform import image, parse

if TYPE_CHECKING:
    from tests.eos.reader import Partition


def check(
    inputs: dict[int, list[int]],
    outputs: dict[int, Partition],
    live: dict[int, list[tuple[int, bytes]]],
    offsets: dict[int, int],
) -> list[Anomaly]:
    """`inputs`: the numbers by partition, in order; `live`: what a reader saw meanwhile; `offsets`: the group's."""
    found = []
    for number, seen in live.items():
        found += _compare(number, seen, outputs[number].committed)
    for number, numbers in inputs.items():
        found += _check_partition(number, numbers, outputs[number])
        if offsets[number] != len(numbers):
            found.append(
                Anomaly("offset", f"in-{number} has {len(numbers)} inputs, committed: {offsets[number]}")
            )
        part = outputs[number]
        if part.last_stable != part.high_watermark:
            found.append(
                Anomaly(
                    "hanging", f"out-{number} is stable up to {part.last_stable} of {part.high_watermark}"
                )
            )
    return found


def _compare(number: int, live: list[tuple[int, bytes]], at_end: list[tuple[int, bytes]]) -> list[Anomaly]:
    there, seen = set(at_end), Counter(live)
    early = [one for one in live if one not in there]
    found = [
        Anomaly("early", f"out-{number} at {at}: {value.decode()} was seen, is not committed")
        for at, value in early
    ]
    found += [
        Anomaly("twice", f"out-{number} at {at} was read twice") for (at, _), n in seen.items() if n > 1
    ]
    return found + [
        Anomaly("unseen", f"out-{number} at {at}") for at, value in at_end if (at, value) not in seen
    ]


def _check_partition(number: int, numbers: list[int], part: Partition) -> list[Anomaly]:
    found = []
    seen: Counter[int] = Counter()
    last = -1
    for at, value in part.committed:
        made = parse(value)
        where = f"out-{number} at {at}: {value.decode()}"
        if made.doomed:
            found.append(Anomaly("aborted", where))
            continue
        right = made.partition == number and 0 <= made.offset < len(numbers)
        if not right or (made.number, made.image) != (numbers[made.offset], image(numbers[made.offset])):
            found.append(Anomaly("wrong", where))
            continue
        seen[made.offset] += 1
        if seen[made.offset] > 1:
            found.append(Anomaly("duplicated", where))
        elif made.offset < last:
            found.append(Anomaly("reordered", where))
        last = max(last, made.offset)
    lost = [offset for offset in range(len(numbers)) if not seen[offset]]
    found += [Anomaly("lost", f"in-{number} at {offset}") for offset in lost]
    return found
