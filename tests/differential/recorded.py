"""What Kafka said, in files: one for each API and scene, an answer once, and for each case which it got in which versions.

The first line says what was asked, as a digest: another request is another question.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.differential.side import Heard
from tests.differential.tree import Keyed
from tests.differential.world import World

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.differential.ask import Found
    from tests.differential.case import Case

FOLDER: Final = Path(__file__).with_name("answers")
KAFKA: Final = "4.2.0"
BY_KEY: Final = "by key"
"""Marks an object whose items were an array without an order."""


class Stale(Exception):  # noqa: N818 - reads as what it is
    """What is asked is not what was recorded; the text says what to do."""


def write(found: Iterable[Found], cases: Sequence[Case], folder: Path = FOLDER) -> None:
    """Write the files of all units that were asked whole."""
    asked = by_unit(cases)
    heard: dict[str, list[Found]] = {}
    for one in found:
        heard.setdefault(one.case.unit, []).append(one)
    folder.mkdir(exist_ok=True)
    for unit, its in heard.items():
        lines = [{"kafka": KAFKA, "requests": digest(asked[unit])}, *_lines(its)]
        text = "".join(
            json.dumps(line, ensure_ascii=False, separators=(",", ":"), default=str) + "\n" for line in lines
        )
        (folder / f"{unit}.jsonl").write_text(text, "utf-8")


def read(cases: Sequence[Case], folder: Path = FOLDER) -> dict[tuple[str, str, int], Heard]:
    """What Kafka said to these cases. Raises `Stale`."""
    out: dict[tuple[str, str, int], Heard] = {}
    for unit, its in by_unit(cases).items():
        path = folder / f"{unit}.jsonl"
        if not path.exists():
            raise Stale(f"{unit}: Kafka was not asked yet; `make diff RECORD=1` asks it")
        first, *lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        if first["requests"] != digest(its):
            raise Stale(f"{unit}: other requests than Kafka was asked; `make diff RECORD=1` asks again")
        answers: dict[str, Heard] = {}
        for line in lines:
            if "answer" in line:
                answers[line["answer"]] = Heard("answer", _with_keys(line["tree"]))
                continue
            for says, versions in line["says"].items():
                for version in _numbers(versions):
                    out[unit, line["case"], version] = answers.get(says) or Heard(says)
    return out


def by_unit(cases: Iterable[Case]) -> dict[str, list[Case]]:
    """The cases of each API and scene."""
    out: dict[str, list[Case]] = {}
    for case in cases:
        out.setdefault(case.unit, []).append(case)
    return out


def digest(cases: Iterable[Case]) -> str:
    """Of what is asked: names, versions and bytes, with what brokers choose left open."""
    whole = hashlib.sha256()
    for case in cases:
        framed = case.frame(World(case.prefix))
        whole.update(f"{case.name} v{case.version}".encode() + (framed[1] if framed else b""))
    return whole.hexdigest()[:16]


def _lines(found: Iterable[Found]) -> Iterator[dict[str, Any]]:
    written: set[str] = set()
    by_name: dict[str, dict[str, list[int]]] = {}
    for one in found:
        says = one.kafka.kind
        if one.kafka.tree is not None:
            tree = _without_keys(one.kafka.tree)
            says = hashlib.sha256(json.dumps(tree).encode()).hexdigest()[:8]
            if says not in written:
                written.add(says)
                yield {"answer": says, "tree": tree}
        by_name.setdefault(one.case.name, {}).setdefault(says, []).append(one.case.version)
    for name, its in by_name.items():
        yield {"case": name, "says": {says: _ranges(versions) for says, versions in its.items()}}


def _ranges(versions: Iterable[int]) -> str:
    runs: list[list[int]] = []
    for version in sorted(versions):
        if runs and version == runs[-1][-1] + 1:
            runs[-1].append(version)
        else:
            runs.append([version])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _numbers(ranges: str) -> Iterator[int]:
    for run in ranges.split(","):
        first, _, last = run.partition("-")
        yield from range(int(first), int(last or first) + 1)


def _without_keys(tree: Any) -> Any:
    if isinstance(tree, Keyed):
        return {BY_KEY: {name: _without_keys(item) for name, item in sorted(tree.items())}}
    if isinstance(tree, dict):
        return {name: _without_keys(item) for name, item in tree.items()}
    if isinstance(tree, list):
        return [_without_keys(item) for item in tree]
    return tree


def _with_keys(tree: Any) -> Any:
    if isinstance(tree, dict):
        items = {name: _with_keys(item) for name, item in tree.get(BY_KEY, tree).items()}
        return Keyed(items) if BY_KEY in tree else items
    if isinstance(tree, list):
        return [_with_keys(item) for item in tree]
    return tree
