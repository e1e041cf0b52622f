"""What a comparison came to: each difference once, with how many cases show it, and the bounds that a run must keep."""

from __future__ import annotations

import collections
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headrace.wire.keys import BY_KEY
from tests.differential.tree import NORMAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.differential.ask import Found
    from tests.differential.tree import Difference

EXPLAINED: Final = Path(__file__).with_name("explained.toml")
KNOWN: Final = Path(__file__).with_name("known.toml")

CASES_MIN: Final = 7_000
STEPS_MIN: Final = 1_000
GOOD_SHARE_MIN: Final = 0.4
EXPLAINED_MAX: Final = 25
EXPLAINED_SHARE_MAX: Final = 0.02
NORMAL_MAX: Final = 40
SECONDS_MAX: Final = 1_200
NEVER_NORMAL: Final = ("error_code", "offset", "count", "index", "epoch", "#")
"""How no path ends that is not compared; an epoch that counts what happened to the cluster is Kafka's own affair."""

Place = tuple[int, str]
"""API key and field path."""
Entry = tuple[str, int, str]
"""Of the list of what is to be mended: API or scene, API key, field path."""


class Explained(NamedTuple):
    """A difference that stays."""

    unit: str
    """Where it is seen: an API's cases or a scene. Elsewhere the same field must not differ."""
    key: int
    path: str
    kafka: str
    headrace: str
    why: str


def explained(path: Path = EXPLAINED) -> list[Explained]:
    """What stays, as docs/compatibility.md says it."""
    return [Explained(**entry) for entry in tomllib.loads(path.read_text("utf-8")).get("difference", [])]


def known(path: Path = KNOWN) -> dict[Entry, int]:
    """What is to be mended: in each API's cases or scene, each place, and how many cases show it."""
    return {
        (unit, int(words.partition(" ")[0]), words.partition(" ")[2]): cases
        for unit, rows in tomllib.loads(path.read_text("utf-8")).items()
        for words, cases in rows.items()
    }


def write_known(entries: Mapping[Entry, int], path: Path = KNOWN) -> None:
    """The list as a file."""
    text = (
        "# Differences that are to be mended: in the cases of each API and in each scene, API key and field with the number of\n"
        "# cases that show it. The list only shrinks: `python -m tests.differential.replay --shrink`.\n"
    )
    before = ""
    for (unit, key, field), cases in sorted(entries.items()):
        if cases == 0:
            continue
        if unit != before:
            text += f"\n[{unit}]\n"
            before = unit
        text += f'"{key} {field}" = {cases}\n'
    path.write_text(text, "utf-8")


def to_be_mended(found: Sequence[Found]) -> dict[Entry, int]:
    """What of these outcomes belongs into the list."""
    out: dict[Entry, int] = collections.Counter()
    for (key, path), shown in unexplained(found).items():
        for one, _ in shown:
            out[one.case.unit, key, path] += 1
    return dict(out)


def places(found: Iterable[Found]) -> dict[Place, list[tuple[Found, Difference]]]:
    """By place, the cases that differ there; each case once."""
    out: dict[Place, list[tuple[Found, Difference]]] = collections.defaultdict(list)
    for one in found:
        seen = set()
        for difference in one.differences:
            where = (one.case.key, difference.field_path)
            if where not in seen:
                seen.add(where)
                out[where].append((one, difference))
    return out


def unexplained(found: Sequence[Found]) -> dict[Place, list[tuple[Found, Difference]]]:
    """The places, each with the cases in which nothing explains it."""
    stays = {(entry.unit, entry.key, entry.path) for entry in explained()}
    out = {
        (key, path): [one for one in shown if (one[0].case.unit, key, path) not in stays]
        for (key, path), shown in places(found).items()
    }
    return {where: shown for where, shown in out.items() if shown}


def show(groups: Mapping[Place, list[tuple[Found, Difference]]], examples: int) -> None:
    """Print each place with some of its cases."""
    for (key, path), shown in sorted(groups.items()):
        print(f"\n{BY_KEY[key].name} {path}: {len(shown)} cases")
        for one, difference in shown[:: max(1, len(shown) // examples)][:examples]:
            scene = "" if one.case.prefix.startswith("k") else f"{one.case.prefix}: "
            print(
                f"    {scene}v{one.case.version} {one.case.name}, {difference.path}: "
                f"Kafka {_short(difference.kafka)}, headrace {_short(difference.headrace)}"
            )


def summary(found: Sequence[Found], seconds: float, *, whole: bool, noise: bool = False) -> list[str]:
    """Print the figures; the bounds that a whole run does not keep. `noise`: of two Kafkas."""
    stateless = sum(one.case.prefix.startswith("k") for one in found)
    steps = len(found) - stateless
    good = sum(one.kafka.good for one in found)
    kinds = collections.Counter(one.kafka.kind for one in found)
    stays = explained()
    seen = places(found)
    counts = {
        entry: sum(one.case.unit == entry.unit for one, _ in seen.get((entry.key, entry.path), ()))
        for entry in stays
    }
    touched = {entry: count for entry, count in counts.items() if count}
    differing = unexplained(found)
    cases = {id(one) for shown in differing.values() for one, _ in shown}
    total = max(1, len(found))
    print(f"\n{stateless} cases and {steps} steps of scenes in {seconds:.0f} s; Kafka: {dict(kinds)}")
    print(f"with error 0: {good} ({100 * good / total:.1f} %)")
    print(f"paths that are not compared: {len(NORMAL)}")
    print(f"explained: {len(stays)} entries, {sum(touched.values())} cases")
    for entry, count in touched.items():
        print(f"    {entry.unit} {BY_KEY[entry.key].name} {entry.path}: {count} cases")
    print(f"not explained: {len(cases)} cases at {len(differing)} places")
    bounds = broken(stays, NORMAL)
    if whole:
        bounds += _broken_by_run(stateless, steps, good / total, sum(touched.values()) / total, seconds)
    if whole and not noise:
        bounds += [
            f"{entry.unit} {entry.key} {entry.path} is explained and not seen"
            for entry in stays
            if entry not in touched
        ]
    for bound in bounds:
        print(f"bound: {bound}")
    return bounds


def broken(stays: Sequence[Explained], normal: Iterable[str]) -> list[str]:
    """What the two lists of what is not compared must not have."""
    out = [
        f"{path} must be compared"
        for path in normal
        if path.rpartition(".")[2].endswith(NEVER_NORMAL) and not path.endswith("features_epoch")
    ]
    out += [f"{entry.path} has a wildcard" for entry in stays if set(entry.path) & set("*?[")]
    if len(stays) > EXPLAINED_MAX:
        out.append(f"{len(stays)} explained entries, at most {EXPLAINED_MAX}")
    if (count := len(list(normal))) > NORMAL_MAX:
        out.append(f"{count} paths are not compared, at most {NORMAL_MAX}")
    return out


def _broken_by_run(stateless: int, steps: int, good: float, touched: float, seconds: float) -> list[str]:
    rows: list[tuple[str, float, float, bool]] = [
        ("cases", stateless, CASES_MIN, stateless >= CASES_MIN),
        ("steps of scenes", steps, STEPS_MIN, steps >= STEPS_MIN),
        ("share with error 0", good, GOOD_SHARE_MIN, good >= GOOD_SHARE_MIN),
        ("share that an explanation touches", touched, EXPLAINED_SHARE_MAX, touched <= EXPLAINED_SHARE_MAX),
        ("seconds", seconds, SECONDS_MAX, seconds <= SECONDS_MAX),
    ]
    return [f"{name}: {value:g}, bound {bound:g}" for name, value, bound, kept in rows if not kept]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 90 else text[:87] + "..."
